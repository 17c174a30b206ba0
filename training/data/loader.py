"""Images by number in, batches of tensors out, in an order and with a randomness that seed and epoch fix.

Neither the number of processes that read, nor that of devices, nor time changes what a batch holds: the
generator that an image's crop draws from is made of (seed, epoch, the image's number).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...dsl.diagnostics import Unusable
from .split import BadImage, Numbers, Split, shuffled

Prepare = Callable[[Image, np.random.Generator], Tensor]
"""An image to uint8 C, H, W; whatever is random in it comes from the generator."""

ORDER, CROP = 1, 2
"""The first number of a key: what is drawn by it."""
MOST_WORKERS = 8
MOST_TRIES = 1000
"""Images in a row that cannot be read, after which nothing is looked for any more."""


class Batch(NamedTuple):
    """`images` uint8 N, C, H, W; `labels` and `numbers` int64 N. `bad` names images that could not be read;
    in the place of each stands the next one that could, with its own label and number."""

    images: Tensor
    labels: Tensor
    numbers: Tensor
    bad: tuple[str, ...]


class KeyedOrder:
    """Lists of the numbers below `n`, a batch each: what one of `world` processes reads in an epoch.

    For training the numbers are shuffled by (seed, epoch), and cut into batches of all processes; process
    `rank` takes every `world`-th of a batch, from its own place on, so that all shares together are the batch
    of a single process. A last batch that is not full is left out, unless it is the only one; then it is cut
    to a multiple of `world`. Otherwise (`training=False`) the numbers come in their order, and all of them
    once: shares of the last batch may differ by one, and where it has fewer images than there are processes,
    it joins the batch before, so that all processes have equally many batches.

    `start` batches are passed over; a later epoch, which `set_epoch` begins, starts at its first. Raises
    `Unusable` where the processes cannot have equal shares.
    """

    def __init__(
        self,
        n: int,
        batch: int,
        seed: int,
        epoch: int = 0,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
        *,
        training: bool = True,
    ) -> None:
        if training and batch % world:
            raise Unusable(
                f"a batch of {batch} cannot be shared evenly by {world} processes",
                f"take a multiple of {world}",
            )
        if n < world:
            raise Unusable(f"{n} images cannot be shared by {world} processes", "start fewer processes")
        self.n, self.batch, self.seed, self.epoch, self.start = n, batch, seed, epoch, start
        self.rank, self.world, self.training = rank, world, training

    def set_epoch(self, epoch: int) -> None:
        """As Lightning calls it before every epoch."""
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0

    def cuts(self) -> list[int]:
        """Where the global batches of a whole epoch begin, and where the last one ends."""
        full = self.n - self.n % self.batch
        if self.training and full == 0:
            return [0, self.n - self.n % self.world]
        cuts = list(range(0, full + 1, self.batch))
        if not self.training and full < self.n:
            if self.n - full < self.world:
                cuts.pop()
            cuts.append(self.n)
        return cuts

    def __len__(self) -> int:
        """Batches from `start` on."""
        return max(len(self.cuts()) - 1 - self.start, 0)

    def __iter__(self) -> Iterator[list[int]]:
        numbers: Numbers = np.arange(self.n, dtype=np.int64)
        if self.training:
            numbers = shuffled(self.n, ORDER, self.seed, self.epoch)
        cuts = self.cuts()[self.start :]
        for first, end in pairwise(cuts):
            yield numbers[first:end][self.rank :: self.world].tolist()


def images_loader(
    split: Split, order: KeyedOrder, prepare: Prepare, workers: int | None = None
) -> DataLoader[Any]:
    """Yields a `Batch` for each list of `order`, read by so many other processes (None: as many as there are
    cores, at most 8; none for images in memory).

    `order` may go on to another epoch (`set_epoch`, which Lightning calls); the processes stay. Lightning's
    Trainer needs `use_distributed_sampler=False`. Its iteration raises `Unusable` where a process that reads
    dies, or where no image can be read.
    """
    count = default_workers(split) if workers is None else workers
    return Loader(
        Images(split, prepare),
        batch_sampler=Places(order),
        collate_fn=as_it_is,
        num_workers=count,
        persistent_workers=count > 0,
        pin_memory=torch.cuda.is_available(),
        # Its own, or else every epoch would draw a number of torch's, and with it change what follows.
        generator=torch.Generator(),
    )


def default_workers(split: Split) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if split.light else min(cores, MOST_WORKERS)


class Place(NamedTuple):
    """An image in an epoch: all that decides what becomes of it."""

    seed: int
    epoch: int
    number: int


class Places:
    """The lists of an order, each number with the epoch that it belongs to: the processes that read outlive
    an epoch, and hear of the next one by this."""

    def __init__(self, order: KeyedOrder) -> None:
        self.sampler = order  # where Lightning looks for `set_epoch`

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[list[Place]]:
        for numbers in self.sampler:
            yield [Place(self.sampler.seed, self.sampler.epoch, number) for number in numbers]


class Failure(NamedTuple):
    """What a process that reads could not do; it is raised where the batch is wanted."""

    message: str
    help: str


class Images(Dataset[Any]):
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


def as_it_is(batch: Any) -> Any:
    return batch


class Loader(DataLoader[Any]):
    """A `DataLoader` that says what happened to its processes in a person's words."""

    def __iter__(self) -> Any:
        batches = super().__iter__()
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except RuntimeError as error:
                if "DataLoader worker" not in str(error):
                    raise
                raise Unusable(
                    "a process that reads images was ended from outside",
                    "most often memory ran out: fewer processes need less, and `--workers 0` takes none",
                ) from error
            if isinstance(batch, Failure):
                raise Unusable(batch.message, batch.help)
            yield batch
