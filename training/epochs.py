"""A loader and its order in; what Lightning iterates over in each epoch out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .data.loader import Batch, KeyedOrder


class Epochs:
    """The batches of an epoch, of whichever it is at the time of asking; a run that stopped within one goes
    on behind the batches that it had done."""

    def __init__(self, batches: Any, order: KeyedOrder) -> None:
        """`batches` are a loader's in that order, which has not begun."""
        self._batches, self._order, self._length = batches, order, len(order)
        self._first = 0
        self.progress: Callable[[], tuple[int, int]] = lambda: (0, 0)
        """The epoch, and how many of its batches are done: of the loop that iterates."""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Batch]:
        self._order.epoch, _ = self.progress()
        self._order.start, self._first = self._first, 0
        return iter(self._batches)

    def state_dict(self) -> dict[str, Any]:
        return {"first": self.progress()[1]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._first = int(state["first"])
