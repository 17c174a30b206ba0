"""The name of a source in, its images to train on and to validate with out."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from msgspec import Struct

from ...dsl.diagnostics import Unusable
from .columns import Asked, read_asked
from .files import open_files
from .folders import has_images, open_folder
from .hub import open_hub
from .made import open_digits, open_noise
from .sets import Images, Sets
from .shards import find_shards
from .split import Part, Split, clean, digest, hold_out
from .streams import Stream

DIGITS, SYNTHETIC, HUB = "digits", "synthetic", "hf:"
"""What names of sources are, or begin with, that are no paths."""
FRACTION = 0.1
"""What is held out where a source has no validation split and none is asked for."""
MOST_NAMED = 5


class Data(Struct, frozen=True):
    """Images to train on and to validate with; `classes` are those of both. `notes` are sentences that a
    person should read before the training starts."""

    train: Images | None
    val: Images | None
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
    train: Images = sets.train
    held: Images
    notes = []
    if isinstance(fraction := read_fraction(val), float):
        train, held = part(sets.train, fraction, seed, source)
        if sets.val is not None:
            notes.append(f"the validation split of `{source}` is left out: {fraction:g} of its images to")
    elif fraction is not None:
        other = open_source(fraction)
        held = adapt(other.train if other.val is None else other.val, train.classes, fraction)
    elif sets.val is not None:
        held = adapt(sets.val, train.classes, source)
    else:
        train, held = part(sets.train, FRACTION, seed, source)
        notes.append(f"`{source}` has no validation split: {len(held):,} of its images are held out")
    check_classes(train, source, "to train on")
    check_classes(held, source, "to validate with")
    if isinstance(train, Stream):
        notes.append(f"`{source}` is large: its {len(train):,} images are streamed and not kept")
    if train.fingerprint == held.fingerprint:
        notes.append("the images to validate with are those to train on")
    if missing := len(train.classes) - len(used_classes(train)):
        notes.append(f"{missing:,} of the {len(train.classes):,} classes have no image to train on")
    fingerprint = digest([train.fingerprint, held.fingerprint])
    return Data(train, held, train.classes, source, fingerprint, tuple(notes))


def open_test(source: str, classes: tuple[str, ...] | None = None) -> Data:
    """The images of a source to test with, as `val`: its own validation split, or all. With `classes` their
    labels are places in these. Raises `Unusable`."""
    sets = open_source(source)
    split = sets.train if sets.val is None else sets.val
    assert split is not None, "a source has images"
    if classes is not None:
        split = adapt(split, classes, source)
    return Data(None, split, split.classes, source, digest([split.fingerprint]))


def absolute(source: str) -> str:
    """The name of a source as one that holds in any folder: paths and patterns from the root on."""
    return source if is_named(source) else os.path.abspath(source)


def is_named(source: str) -> bool:
    """Whether it is no path."""
    return source == DIGITS or source.partition(":")[0] == SYNTHETIC or source.startswith(HUB)


def open_source(source: str) -> Sets:
    """What a source holds. Raises `Unusable`."""
    if not source:
        raise Unusable("no data are named", KINDS)
    if source == DIGITS:
        return open_digits()
    if source.partition(":")[0] == SYNTHETIC:
        return open_noise(source)
    name, asked = (source, Asked()) if os.path.lexists(source) else read_asked(source)
    if name.startswith(HUB):
        return open_hub(name, asked)
    path = Path(name)
    if path.is_dir() and has_images(path):
        return open_folder(path)
    shards = find_shards(name)
    if shards is not None:
        return open_files(shards, asked, name)
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


def part(images: Images, fraction: float, seed: int, source: str) -> tuple[Split, Split]:
    """Images without what is held out, and what is held out. Raises `Unusable`."""
    if isinstance(images, Stream):
        raise Unusable(
            f"`{source}` is so large that it is streamed, and of a stream no part can be held out",
            "name the images to validate with: `--val SOURCE`",
        )
    stays, held = hold_out(images.labels, fraction, seed)
    if not len(held):
        raise Unusable(
            f"nothing of `{source}` can be held out: no class has two images", "name one with `--val`"
        )
    return Part(images, stays), Part(images, held)


def used_classes(images: Images) -> list[int]:
    """The places of the classes that any image has; of a stream, all."""
    return (
        list(range(len(images.classes))) if isinstance(images, Stream) else np.unique(images.labels).tolist()
    )


def adapt(images: Images | None, classes: tuple[str, ...], source: str) -> Images:
    """The images with labels that are places in `classes`, found by name; where their classes are numbers and
    `classes` are not, these are the places. Raises `Unusable` where a class of an image is not there."""
    assert images is not None, "a source has images"
    if images.classes == classes:
        return images
    place = {name: number for number, name in enumerate(classes)}
    used = [images.classes[label] for label in used_classes(images)]
    unknown = [name for name in used if name not in place]
    numbers = {str(number): number for number in range(len(classes))}
    if unknown and not any(map(str.isdecimal, classes)) and all(name in numbers for name in used):
        place = numbers
    elif unknown:
        named = ", ".join(f"`{name}`" for name in unknown[:MOST_NAMED])
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        raise Unusable(
            f"`{source}` has images of {named}{more}, which {'is' if len(unknown) == 1 else 'are'} not among "
            f"the {len(classes):,} classes that are trained",
            "both need the same classes by the same names",
        )
    if isinstance(images, Stream):
        return images.renamed(classes, place)
    table = np.array([place.get(name, -1) for name in images.classes], dtype=np.int64)
    return Part(images, np.arange(len(images)), table[images.labels], classes)


def check_classes(images: Images, source: str, purpose: str) -> None:
    used = used_classes(images)
    if len(used) == 1:
        name = images.classes[used[0]]
        raise Unusable(
            f"all {len(images):,} images of `{source}` {purpose} are of one class, `{name}`",
            "there is nothing to tell apart",
        )
