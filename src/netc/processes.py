"""Work on many files in, what came of each out, in order: done by as many processes as there are cores."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

LEAST = 12
"""Fewer files are done sooner than processes are made."""


def spread(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """`work(item)` for each. What it gives, and what it raises, goes from process to process as a pickle;
    `work` and the items are inherited and need be no such thing."""
    processes = min(cores(), len(items) // (LEAST // 2))
    if len(items) < LEAST or processes < 2 or not hasattr(os, "fork"):
        yield from map(work, items)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    _inherited[:] = [work, items]
    try:
        with ProcessPoolExecutor(processes, get_context("fork"), initializer=ignore_interrupts) as pool:
            yield from cast(Iterator[R], pool.map(run_inherited, range(len(items))))
    finally:
        _inherited.clear()


_inherited: list[object] = []


def run_inherited(index: int) -> object:
    work, items = _inherited
    return work(items[index])  # type: ignore[operator, index]


def ignore_interrupts() -> None:
    """The first process ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
