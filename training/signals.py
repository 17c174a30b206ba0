"""Ctrl-C and a scheduler's SIGTERM in; that a run is asked to save and stop out."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

APART = 1.0
"""Seconds: one Ctrl-C reaches a process more than once, from the terminal and from what started it."""
GRACE = 60
"""Seconds for which processes that read outlive a SIGTERM, so that the run can save."""


class Ended(BaseException):
    """Ctrl-C was pressed again: no more than what was saved is kept."""


class Asked:
    """Whether a run is asked to save and stop."""

    def __init__(self) -> None:
        self._since: float | None = None

    def __bool__(self) -> bool:
        return self._since is not None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal. Raises `Ended` for a second Ctrl-C."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        elif number == signal.SIGINT and now - self._since > APART:
            raise Ended

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of signals, but for those that whoever started the process wants to be ignored."""
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self._heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]
        self.listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def listen(self) -> None:
        """Hear of them again where another handler has taken its place."""
        for number in self._heard:
            signal.signal(number, self)


def outlive(worker: int) -> None:
    """In a process that reads images: Ctrl-C and SIGTERM, which reach it too, are for the run to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE) and None)
