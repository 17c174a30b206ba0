"""The name of a source in, its images to train on and to validate with out."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from msgspec import Struct

from ...dsl.diagnostics import Unusable
from .folders import open_folder
from .made import open_digits, open_noise
from .split import Part, Sets, Split, clean, digest, hold_out

FRACTION = 0.1
"""What is held out where a source has no validation split and none is asked for."""
MOST_NAMED = 5


class Data(Struct, frozen=True):
    """Images to train on and to validate with; `classes` are those of both. `notes` are sentences that a
    person should read before the training starts."""

    train: Split | None
    val: Split | None
    classes: tuple[str, ...]
    source: str
    fingerprint: str
    """SHA-256: of the same data, held out by the same seed, the same everywhere and always."""
    notes: tuple[str, ...] = ()


def open_data(source: str, val: str | float | None = None, *, seed: int = 0) -> Data:
    """The images of a source: `digits`, `synthetic`, a folder, files or `hf:NAME` (docs/training.md).

    `val` names a source of its own, or is the fraction to hold out, of each class and by the seed; None takes
    the source's own validation split, or holds out a tenth. Raises `Unusable`.
    """
    sets = open_source(source)
    if sets.train is None:
        raise Unusable(f"`{source}` has images to validate with, but none to train on")
    train, notes = sets.train, []
    if isinstance(fraction := read_fraction(val), float):
        train, held = part(sets.train, fraction, seed, source)
        if sets.val is not None:
            notes.append(f"the validation split of `{source}` is left out: {fraction:g} of its images to")
    elif fraction is not None:
        other = open_source(fraction)
        held = adapt(other.val or other.train, train.classes, fraction)
    elif sets.val is not None:
        held = adapt(sets.val, train.classes, source)
    else:
        train, held = part(sets.train, FRACTION, seed, source)
        notes.append(f"`{source}` has no validation split: {len(held):,} of its images are held out")
    check_classes(train, source, "to train on")
    check_classes(held, source, "to validate with")
    if missing := len(train.classes) - len(np.unique(train.labels)):
        notes.append(f"{missing:,} of the {len(train.classes):,} classes have no image to train on")
    fingerprint = digest([train.fingerprint, held.fingerprint])
    return Data(train, held, train.classes, source, fingerprint, tuple(notes))


def open_test(source: str, classes: tuple[str, ...] | None = None) -> Data:
    """The images of a source to test with, as `val`: its own validation split, or all. With `classes` their
    labels are places in these. Raises `Unusable`."""
    sets = open_source(source)
    split = sets.val or sets.train
    if classes is not None:
        split = adapt(split, classes, source)
    assert split is not None, "a source has images"
    return Data(None, split, split.classes, source, digest([split.fingerprint]))


def open_source(source: str) -> Sets:
    """What a source holds. Raises `Unusable`."""
    if source == "digits":
        return open_digits()
    if source.partition(":")[0] == "synthetic":
        return open_noise(source)
    path = Path(source)
    if path.is_dir():
        return open_folder(path)
    if os.path.lexists(path):
        raise Unusable(f"`{clean(source)}` is neither a folder nor a file of images", KINDS)
    raise Unusable(f"there is no folder or file `{clean(source)}`", KINDS)


KINDS = (
    "data are `digits`, `synthetic`, a folder of class folders, Parquet or Arrow files, WebDataset shards "
    "such as `shards-{0000..0099}.tar`, or `hf:NAME`"
)


def read_fraction(val: str | float | None) -> str | float | None:
    """A number as a number. Raises `Unusable` where it is no fraction."""
    if isinstance(val, str):
        try:
            fraction = float(val)
        except ValueError:
            return val
    elif val is None:
        return None
    else:
        fraction = val
    if not 0 < fraction < 1:
        raise Unusable(f"`{val}` is no fraction to hold out", "it lies between 0 and 1, such as 0.1")
    return fraction


def part(split: Split, fraction: float, seed: int, source: str) -> tuple[Split, Split]:
    """A split without what is held out, and what is held out. Raises `Unusable`."""
    stays, held = hold_out(split.labels, fraction, seed)
    if not len(held):
        raise Unusable(
            f"nothing of `{source}` can be held out: no class has two images", "name one with `--val`"
        )
    return Part(split, stays), Part(split, held)


def adapt(split: Split | None, classes: tuple[str, ...], source: str) -> Split:
    """The split with labels that are places in `classes`, found by name; where a split's classes are numbers
    and `classes` are not, these are the places. Raises `Unusable` where a class of an image is not there."""
    assert split is not None, "a source has images"
    if split.classes == classes:
        return split
    place = {name: number for number, name in enumerate(classes)}
    used = [split.classes[label] for label in np.unique(split.labels)]
    unknown = [name for name in used if name not in place]
    if unknown and all(name.isdecimal() for name in used) and not any(map(str.isdecimal, classes)):
        place = {str(number): number for number in range(len(classes))}
        unknown = [name for name in used if name not in place]
    if unknown:
        named = ", ".join(f"`{name}`" for name in unknown[:MOST_NAMED])
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        raise Unusable(
            f"`{source}` has images of {named}{more}, which {'is' if len(unknown) == 1 else 'are'} not among "
            f"the {len(classes):,} classes that are trained",
            "both need the same classes by the same names",
        )
    table = np.array([place.get(name, -1) for name in split.classes], dtype=np.int64)
    return Part(split, np.arange(len(split)), table[split.labels], classes)


def check_classes(split: Split, source: str, purpose: str) -> None:
    used = np.unique(split.labels)
    if len(used) == 1:
        raise Unusable(
            f"all {len(split):,} images of `{source}` {purpose} are of one class, `{split.classes[used[0]]}`",
            "there is nothing to tell apart",
        )
