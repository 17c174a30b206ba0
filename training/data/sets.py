"""What a source holds."""

from __future__ import annotations

from msgspec import Struct

from .split import Split
from .streams import Stream

TRAIN = ("train", "training")
VALIDATION = ("validation", "valid", "val", "dev", "test", "testing", "eval", "evaluation")
"""Names of what is held out, the first that is there is taken."""

Images = Split | Stream
"""Labelled images, by number or only one after another."""


class Sets(Struct, frozen=True):
    """The images to train on, or all, and those that the source itself holds out."""

    train: Images | None
    val: Images | None = None
