"""Lists of numbers in, batches of tensors out: what the processes that read do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor
from torch.utils.data import Dataset

from .order import CROP
from .split import BadImage, Split

Prepare = Callable[[Image, np.random.Generator], Tensor]
"""An image to uint8 C, H, W; whatever is random in it comes from the generator."""

MOST_TRIES = 1000
"""Images in a row that cannot be read, after which nothing is looked for any more."""


class Batch(NamedTuple):
    """`images` uint8 N, C, H, W; `labels` and `numbers` int64 N. `bad` names images that could not be read;
    in the place of each stands the next one that could, with its own label and number."""

    images: Tensor
    labels: Tensor
    numbers: Tensor
    bad: tuple[str, ...]


class Place(NamedTuple):
    """An image in an epoch: all that decides what becomes of it."""

    seed: int
    epoch: int
    number: int


class Failure(NamedTuple):
    """What a process that reads could not do; it is raised where the batch is wanted."""

    message: str
    help: str


class Reader(Dataset[Any]):
    """A split, whole batches of which are read and prepared."""

    def __init__(self, split: Split, prepare: Prepare) -> None:
        self.split, self.prepare = split, prepare

    def __len__(self) -> int:
        return len(self.split)

    def __getitems__(self, places: list[Place]) -> Batch | Failure:
        bad: dict[str, str] = {}
        images, numbers = [], []
        for place in places:
            found = self.read(place.number, bad)
            if found is None:
                name, why = next(iter(bad.items()))
                return Failure(
                    f"{len(bad):,} images one after another cannot be read; `{name}` {why}",
                    "look at the data: are these the images that you mean?",
                )
            image, number = found
            images.append(self.prepare(image, np.random.default_rng((CROP, *place))))
            numbers.append(number)
        labels = [self.split.label(number) for number in numbers]
        return Batch(torch.stack(images), torch.tensor(labels), torch.tensor(numbers), tuple(bad))

    def read(self, number: int, bad: dict[str, str]) -> tuple[Image, int] | None:
        """The image, or the next one that can be read; the names of those before go into `bad`."""
        for further in range(min(len(self.split), MOST_TRIES)):
            candidate = (number + further) % len(self.split)
            try:
                return self.split.read(candidate), candidate
            except BadImage as error:
                bad[error.name] = error.why
        return None
