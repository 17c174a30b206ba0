"""The numbers of an epoch's images out, batch by batch: by seed, epoch and process, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from ...dsl.diagnostics import Unusable
from .split import Numbers, shuffled

ORDER, CROP = 1, 2
"""The first number of a key: what is drawn by it."""


class KeyedOrder:
    """Lists of the numbers below `n`, a batch each: what one of `world` processes reads in an epoch.

    For training the numbers are shuffled by (seed, epoch), and cut into batches of all processes, each of
    them into `parts` that come one after the other; process `rank` takes every `world`-th of a part, from its
    own place on, so that all shares of all parts together are the batch of a single process. A last batch
    that is not full is left out, unless it is the only one; then it is cut to a multiple of `world` and
    `parts`. Otherwise (`training=False`) the numbers come in their order, and all of them once: shares of the
    last batch may differ by one, and where it has fewer images than there are processes, it joins the batch
    before, so that all processes have equally many batches.

    `start` batches (parts, where there are several) are passed over; a later epoch, which `set_epoch` begins,
    starts at its first. Raises `Unusable` where the shares cannot be equal.
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
        parts: int = 1,
    ) -> None:
        if training and batch % parts:
            message = f"a batch of {batch} cannot be computed in {parts} equal parts"
            raise Unusable(message, f"take a multiple of {parts}")
        if training and batch // parts % world:
            raise Unusable(
                f"a batch of {batch // parts} cannot be shared evenly by {world} processes",
                f"take a multiple of {world * parts}",
            )
        if n < world:
            raise Unusable(f"{n} images cannot be shared by {world} processes", "start fewer processes")
        if training and n < world * parts:
            raise Unusable(f"{n} images are fewer than the {parts} parts of a batch", "compute it in fewer")
        self.n, self.batch, self.seed, self.epoch, self.start = n, batch, seed, epoch, start
        self.rank, self.world, self.training, self.parts = rank, world, training, parts

    def set_epoch(self, epoch: int) -> None:
        """As Lightning calls it before every epoch."""
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0

    def cuts(self) -> list[int]:
        """Where the global batches of a whole epoch begin, or their parts, and where the last one ends."""
        full = self.n - self.n % self.batch
        if self.training:
            end = full or self.n - self.n % (self.world * self.parts)
            return list(range(0, end + 1, min(self.batch, end) // self.parts))
        cuts = list(range(0, full + 1, self.batch))
        if full < self.n:
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
