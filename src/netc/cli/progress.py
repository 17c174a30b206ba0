"""What a run reports in; bars on a terminal, plain lines elsewhere out."""

from __future__ import annotations

import os
import sys
import time

from ..training.reports import Reporter, Row, Silent
from .terminal import say

NAMES = {
    "train_loss": "loss",
    "train_top1": "top-1",
    "val_loss": "val loss",
    "val_top1": "val top-1",
    "val_top5": "val top-5",
}
EVERY = 30.0
"""Seconds between two plain lines within an epoch."""


def report_to(first: bool) -> Reporter:
    """For the first of several processes; the others say nothing."""
    if not first:
        return Silent()
    return Bars() if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else Lines()


def describe(row: Row, best: bool, seconds: float) -> str:
    """`loss 0.291, top-1 91.2 %, val loss 0.130, val top-1 96.1 %, lr 0.1, 12.1 s, best`"""
    told = []
    for name, word in NAMES.items():
        if name in row:
            told.append(f"{word} {row[name]:.4g}" if "loss" in name else f"{word} {row[name]:.2f} %")
    told += [f"lr {row['lr']:.3g}", format_seconds(seconds), *(["best"] if best else [])]
    return ", ".join(told)


def format_seconds(seconds: float) -> str:
    """`0.8 s`, `42 s`, `3 min 20 s`, `1 h 12 min`"""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Meter:
    """Counts images and time of an epoch."""

    def __init__(self, epoch: int, epochs: int, batches: int) -> None:
        self.epoch, self.epochs, self.batches = epoch, epochs, batches
        self.began = time.monotonic()
        self.images, self.done, self.loss = 0, 0, 0.0
        self.first: int | None = None
        """The batch with which it began: a run that goes on does not begin with the first."""

    def step(self, done: int, images: int, loss: float) -> None:
        if self.first is None:
            self.first = done - 1
        self.done, self.loss = done, loss
        self.images += images

    @property
    def seconds(self) -> float:
        return max(time.monotonic() - self.began, 1e-9)

    @property
    def left(self) -> float:
        """Seconds to the end of training, at the pace of this epoch."""
        here = self.done - (self.first or 0)
        rest = self.batches - self.done + (self.epochs - self.epoch - 1) * self.batches
        return rest * self.seconds / max(here, 1)

    def __str__(self) -> str:
        pace = f"{self.images / self.seconds:,.0f} images/s"
        return f"loss {self.loss:.4g}, {pace}, {format_seconds(self.left)} left"


class Lines:
    """Plain lines: one for each epoch, and some within a long one."""

    def begin(self, epoch: int, epochs: int, batches: int) -> None:
        self.meter = Meter(epoch, epochs, batches)
        self.said = time.monotonic()

    def step(self, done: int, images: int, loss: float) -> None:
        self.meter.step(done, images, loss)
        self.show(f"batch {done:,} of {self.meter.batches:,}: {self.meter}")

    def validate(self, done: int, batches: int) -> None:
        self.show(f"validation, batch {done:,} of {batches:,}")

    def show(self, where: str) -> None:
        if time.monotonic() - self.said >= EVERY:
            self.said = time.monotonic()
            say(f"{self.place}, {where}")

    def end(self, row: Row, best: bool, seconds: float) -> None:
        say(f"{self.place}: {describe(row, best, seconds)}")

    def note(self, message: str) -> None:
        say(f"note: {message}")

    def close(self) -> None: ...

    @property
    def place(self) -> str:
        return f"epoch {self.meter.epoch + 1} of {self.meter.epochs}"


class Bars(Lines):
    """A bar for the epoch, and above it the lines of those that are done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}")
        console = Console(stderr=True)
        self.bar = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )

    def begin(self, epoch: int, epochs: int, batches: int) -> None:
        super().begin(epoch, epochs, batches)
        self.task = self.bar.add_task(self.place, total=batches, told="")
        self.bar.start()

    def step(self, done: int, images: int, loss: float) -> None:
        self.meter.step(done, images, loss)
        self.bar.update(self.task, completed=done, told=str(self.meter))

    def validate(self, done: int, batches: int) -> None:
        self.bar.update(self.task, completed=done, total=batches, told="validation")

    def end(self, row: Row, best: bool, seconds: float) -> None:
        self.close()
        super().end(row, best, seconds)

    def note(self, message: str) -> None:
        """Above the bar, which is drawn again below it."""
        self.bar.stop()
        super().note(message)
        if self.bar.task_ids:
            self.bar.start()

    def close(self) -> None:
        self.bar.stop()
        for task in self.bar.task_ids:
            self.bar.remove_task(task)
