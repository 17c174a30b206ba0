"""Functions and command lines in, times and printed lines out: what the benchmarks share."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent


class Line(Struct, frozen=True):
    """A row of the report: what, what came out, what is asked, and whether that holds."""

    what: str
    measured: str
    bound: str
    holds: bool

    def __str__(self) -> str:
        return f"| {self.what} | {self.measured} | {self.bound} | {'ok' if self.holds else 'MISSED'} |"


def time_process(command: list[str], repeats: int) -> list[float]:
    """Wall seconds of fresh processes; the first one, which fills the disk's caches, is left out."""
    times = []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=environment)
        times.append(time.perf_counter() - start)
    return times[1:]


def python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", script, *arguments]


def best(function: Callable[[], object], repeats: int) -> float:
    """The fastest of several calls in seconds, without a garbage collection in between."""
    times = []
    gc.collect()
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"
