"""What a run has to say while it goes on. Whoever shows it to a person gives it its form."""

from __future__ import annotations

from typing import Protocol

Row = dict[str, float]
"""What is known of an epoch: `epoch` (from 1), `step` (the optimizer's, in all), `lr`, `train_loss`,
`train_top1`, `train_top5`, `val_loss`, `val_top1`, `val_top5` (in percent)."""


class Reporter(Protocol):
    def begin(self, epoch: int, epochs: int, batches: int) -> None:
        """An epoch begins (from 0), which has so many batches."""

    def step(self, done: int, images: int, loss: float) -> None:
        """So many batches of the epoch are done; of `images`, over all processes, was the last, and its
        loss."""

    def validate(self, done: int, batches: int) -> None:
        """So many batches of the epoch's validation are done."""

    def end(self, row: Row, best: bool, seconds: float) -> None:
        """An epoch has ended; whether it is the best so far."""

    def note(self, message: str) -> None:
        """What else a person should know."""

    def close(self) -> None:
        """Nothing more comes, however it ended."""


class Silent:
    """Says nothing: of the processes that are not the first."""

    def begin(self, epoch: int, epochs: int, batches: int) -> None: ...

    def step(self, done: int, images: int, loss: float) -> None: ...

    def validate(self, done: int, batches: int) -> None: ...

    def end(self, row: Row, best: bool, seconds: float) -> None: ...

    def note(self, message: str) -> None: ...

    def close(self) -> None: ...
