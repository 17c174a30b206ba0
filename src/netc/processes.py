"""Work on many files in, what came of each out, in order: done by as many processes as there are cores."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from .driver import quiet_machine

T = TypeVar("T")
R = TypeVar("R")

LEAST = 12
"""Fewer files are done sooner than processes are made."""
GARBAGE = 2_000_000
"""So many objects of earlier files, some 200 MB, are cleared away together."""


def spread(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """`work(item)` for each. What it gives, and what it raises, goes from process to process as a pickle;
    `work` and the items are inherited and need be no such thing."""
    processes = min(cores(), len(items) // (LEAST // 2))
    if processes < 2 or not hasattr(os, "fork"):
        with quiet_machine():
            yield from map(partial(work_once, work), items)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    _inherited[:] = [work, items]
    try:
        with ProcessPoolExecutor(processes, get_context("fork"), initializer=settle_in) as pool:
            yield from cast(Iterator[R], pool.map(run_inherited, range(len(items))))
    finally:
        _inherited.clear()


def work_once(work: Callable[[T], R], item: T) -> R:
    """A net's graph is garbage in cycles: were it looked for as Python does, that would take a third of the
    time."""
    if gc.get_count()[0] > GARBAGE:
        gc.collect()
    return work(item)


_inherited: list[Any] = []


def run_inherited(index: int) -> Any:
    work, items = _inherited
    return work_once(work, items[index])


def settle_in() -> None:
    """Begin a process: the first one is interrupted and ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
