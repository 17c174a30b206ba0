"""What is watched after each epoch in; whether it is the best so far, and whether to stop, out."""

from __future__ import annotations

from math import isnan
from typing import TypedDict

from .schedules import falls
from .words import Best, Early


class Watched(TypedDict):
    """What a watcher knows, of plain types, for a checkpoint."""

    best: float | None
    best_epoch: int | None
    waited: int
    stopped: bool


class Watcher:
    """Of an `early` what Keras's EarlyStopping does, of a `best` what its ModelCheckpoint with
    `save_best_only` does, as of Keras 3.16:

    - Better is strictly better, by more than `min_delta` where there is one; what is equal is not.
    - Stopped is after an epoch that is not better, when `patience` epochs went by, itself counted, since the
      last that was better: so 0 and 1 are one. After the first epoch is never stopped.
    - A `baseline` decides only whether an epoch that is better also begins the count anew: until it is passed
      the count goes on, but an epoch that is better does not stop.
    - The weights of the best epoch are those to be restored, whether it was stopped or not; where none was
      better than another, those of the first.

    NaN is never better, whatever follows it may be, as until Keras 3.6; since then a NaN of the first epoch
    stays the best for ever.
    """

    def __init__(self, word: Early | Best) -> None:
        self.monitor = word.monitor
        self._less = falls(word.monitor) if word.mode == "auto" else word.mode == "min"
        self._early = word if isinstance(word, Early) else None
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.waited = 0
        self.stopped = False

    def update(self, epoch: int, value: float) -> bool:
        """`value` is what is watched after `epoch`, from 0 on. Gives whether this epoch's weights are the
        best so far, as those of the first always are."""
        first, better = self.best_epoch is None, self.beats(value, self.best)
        self.waited += 1
        if better:
            self.best = value
            if self._early is None or self.beats(value, self._early.baseline):
                self.waited = 0
        elif self._early is not None and self.waited >= self._early.patience and epoch > 0:
            self.stopped = True
        if better or first:
            self.best_epoch = epoch
        return better or first

    def beats(self, value: float, other: float | None) -> bool:
        """Whether a value is better than another, where there is one."""
        if other is None:
            return not isnan(value)
        least = 0.0 if self._early is None else self._early.min_delta
        return value + least < other if self._less else value - least > other

    def state(self) -> Watched:
        return Watched(best=self.best, best_epoch=self.best_epoch, waited=self.waited, stopped=self.stopped)

    def load(self, state: Watched) -> None:
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.waited, self.stopped = state["waited"], state["stopped"]
