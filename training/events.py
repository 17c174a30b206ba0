"""Rows of epochs in, scalars that TensorBoard shows out."""

from __future__ import annotations

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from .disk import replacing
from .reports import Row

NAME = "epochs.tfevents"
VERSION = "brain.Event:2"


class Events:
    """A file of events, an event for each epoch: `loss/train`, `top1/val`, `lr` and so on. Lightning's
    logger and TensorBoard's own writer know no going back to what a run had saved, write in a thread, and
    lose what a full disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / NAME

    def begin(self, rows: list[Row], times: list[float]) -> None:
        """The epochs that are done, and nothing else. Raises OSError."""
        self.file.parent.mkdir(exist_ok=True)
        with replacing(self.file) as beside, beside.open("wb") as file:
            writer = RecordWriter(file)
            writer.write(Event(wall_time=0, file_version=VERSION).SerializeToString())
            for row, when in zip(rows, times, strict=True):
                writer.write(make_event(row, when).SerializeToString())

    def add(self, row: Row, when: float) -> None:
        """One more epoch, at the end: TensorBoard reads on from where it was. Raises OSError."""
        with self.file.open("ab") as file:
            RecordWriter(file).write(make_event(row, when).SerializeToString())


def make_event(row: Row, when: float) -> Event:
    """`when` is in seconds since 1970."""
    values = [
        Summary.Value(tag=tag_of(name), simple_value=row[name])
        for name in row
        if name not in ("epoch", "step")
    ]
    return Event(wall_time=when, step=int(row["epoch"]), summary=Summary(value=values))


def tag_of(name: str) -> str:
    """`val_loss` stands with `train_loss` in one picture."""
    split, _, measure = name.partition("_")
    return f"{measure}/{split}" if measure else name
