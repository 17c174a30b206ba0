"""Images in, batches of tensors out, in an order and with a randomness that seed and epoch fix.

Neither the number of processes that read, nor that of devices, nor time changes what a batch holds: the
generator that an image's crop draws from is made of (seed, epoch, the image's number).
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import torch
from torch.utils.data import DataLoader

from ...dsl.diagnostics import Unusable
from ..signals import outlive
from .batches import Batch, Failure, Place, Prepare, Reader
from .flow import Flow
from .order import KeyedOrder
from .sets import Images
from .split import Split
from .streams import Stream

__all__ = ["Batch", "KeyedOrder", "Prepare", "images_loader"]

MOST_WORKERS = 8
DIED = re.compile(r"DataLoader worker \(pid.* (exited unexpectedly|is killed by signal)")
"""How torch says that a process is gone; what one of them raises is told in other words."""


def images_loader(
    images: Images, order: KeyedOrder, prepare: Prepare, workers: int | None = None
) -> DataLoader[Any]:
    """Yields a `Batch` for each list of `order`, read by so many other processes (None: as many as there are
    cores, at most 8; none for images in memory). A stream is read by one process, in so many threads.

    `order` may go on to another epoch (`set_epoch`, which Lightning calls); the processes stay. Lightning's
    Trainer needs `use_distributed_sampler=False`. Its iteration raises `Unusable` where a process that reads
    dies, or where no image can be read.
    """
    count = default_workers(images) if workers is None else workers
    common: dict[str, Any] = {
        "worker_init_fn": outlive,
        "collate_fn": as_it_is,
        "pin_memory": torch.cuda.is_available(),
        # Its own, or else every epoch would draw a number of torch's, and with it change what follows.
        "generator": torch.Generator(),
    }
    if isinstance(images, Stream):
        flow = Flow(images, order, prepare, max(count, 1))
        return Loader(flow, batch_size=None, num_workers=min(count, 1), **common)
    return Loader(
        Reader(images, prepare),
        batch_sampler=Places(order),
        num_workers=count,
        persistent_workers=count > 0,
        **common,
    )


def default_workers(images: Images) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if isinstance(images, Split) and images.light else min(cores, MOST_WORKERS)


class Places:
    """The lists of an order, each number with the epoch that it belongs to: the processes that read outlive
    an epoch, and hear of the next one by this."""

    def __init__(self, order: KeyedOrder) -> None:
        self.sampler = order  # where Lightning looks for `set_epoch`

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[list[Place]]:
        seed, epoch = self.sampler.seed, self.sampler.epoch
        for numbers in self.sampler:
            yield [Place(seed, epoch, number) for number in numbers]


def as_it_is(batch: Any) -> Any:
    return batch


class Loader(DataLoader[Any]):
    """A `DataLoader` that says what happened to its processes in a person's words."""

    running: Any = None

    def __iter__(self) -> Any:
        self.running = batches = super().__iter__()
        RUNNING.add(self)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except RuntimeError as error:
                if not DIED.match(str(error)):
                    raise
                raise Unusable(
                    "a process that reads images was ended from outside",
                    "most often memory ran out: fewer processes need less, and `--workers 0` takes none",
                ) from error
            if isinstance(batch, Failure):
                raise Unusable(batch.message, batch.help)
            yield batch

    def close(self) -> None:
        """End the processes that read."""
        end = getattr(self.running, "_shutdown_workers", None)
        if end is not None:
            end()


RUNNING: WeakSet[Loader] = WeakSet()


@atexit.register
def close_all() -> None:
    """As torch does it where memory is pinned: otherwise the processes would be sent a SIGTERM at the end of
    the program, which they bear for a while (`outlive`), and it would wait for them."""
    for loader in list(RUNNING):
        loader.close()
