"""A stream in, batches of tensors out, like those of `loader.py` in all but where the images come from."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from fsspec.asyn import reset_lock
from torch import Tensor
from torch.utils.data import IterableDataset

from ...dsl.diagnostics import Unusable
from .batches import Batch, Failure, Prepare
from .order import CROP, ORDER, KeyedOrder
from .split import BadImage
from .streams import Row, Stream


class Made(NamedTuple):
    image: Tensor
    label: int
    number: int
    bad: tuple[str, ...]


class Flow(IterableDataset[Any]):
    """The batches of an order, cut out of a stream as it comes.

    Every process reads all rows, since a batch is shared image by image, but decodes only its own share.
    What is drawn for an image is keyed by its place in the epoch.
    """

    def __init__(self, stream: Stream, order: KeyedOrder, prepare: Prepare, threads: int) -> None:
        self.stream, self.order, self.prepare, self.threads = stream, order, prepare, threads
        self.spare: Row | None = None
        """The last row that could be read, for a batch that has none."""

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch | Failure]:
        order = self.order
        cuts = order.cuts()[order.start :]
        if not cuts:
            return
        key = (ORDER, order.seed, order.epoch) if order.training else None
        reset_lock()  # or else what reads over the network could wait for a thread of the process that forked
        rows = self.stream.walk(key, cuts[0])
        with ThreadPoolExecutor(self.threads) as pool:
            for first, end in pairwise(cuts):
                whole = list(islice(rows, end - first))
                mine = range(order.rank, len(whole), order.world)
                if not mine or (order.training and len(whole) < end - first):
                    return  # the stream has fewer rows than were told
                try:
                    read = list(pool.map(partial(self.make, whole, first), mine))
                    self.spare = read[-1][1]  # not where it is read: threads end in any order
                    yield join([made for made, _ in read])
                except BadImage as error:
                    yield Failure(f"no image of a whole batch can be read; {error}", "look at the data")
                except Unusable as error:
                    yield Failure(error.message, error.help)

    def make(self, whole: list[Row], first: int, place: int) -> tuple[Made, Row]:
        """The image of a row, or of the next one of its batch that can be read, and that row. Raises
        `BadImage`."""
        bad: list[BadImage] = []
        around = [*range(place, len(whole)), *range(place)]
        rows = [(whole[number], first + number) for number in around]
        if self.spare is not None:
            rows.append((self.spare, first + place))
        for row, number in rows:
            try:
                image = row.read()
            except BadImage as error:
                bad.append(error)
                continue
            random = np.random.default_rng((CROP, self.order.seed, self.order.epoch, first + place))
            names = tuple(error.name for error in bad)
            return Made(self.prepare(image, random), self.stream.place(row), number, names), row
        raise bad[0]


def join(made: list[Made]) -> Batch:
    images, labels, numbers, bad = zip(*made, strict=True)
    names = dict.fromkeys(name for names in bad for name in names)
    return Batch(torch.stack(images), torch.tensor(labels), torch.tensor(numbers), tuple(names))
