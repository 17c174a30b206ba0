"""Images and their labels by number: what every source gives, parts of it, and what is held out."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Numbers = NDArray[np.int64]


class BadImage(Exception):
    """An image that cannot be read: `name` as `Split.name` gives it, `why` after "it"."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, why)
        self.name, self.why = name, why

    def __str__(self) -> str:
        return f"`{self.name}` {self.why}"


class Split(ABC):
    """Images from 0 to `len(split) - 1`. `labels` are places in `classes`."""

    classes: tuple[str, ...]
    labels: Numbers
    light = False
    """Whether the images lie in memory, so that other processes would gain nothing by reading them."""

    def __len__(self) -> int:
        return len(self.labels)

    def label(self, number: int) -> int:
        return int(self.labels[number])

    @abstractmethod
    def read(self, number: int) -> Image:
        """The image, upright, in 8-bit grey ("L") or colour ("RGB"). Raises `BadImage`."""

    @abstractmethod
    def name(self, number: int) -> str:
        """By which a person finds the image."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Of names, sizes, labels and classes: the same wherever and whenever the same data are opened."""


class Part(Split):
    """Some images of another split, perhaps with other numbers for their classes."""

    def __init__(
        self,
        whole: Split,
        numbers: Numbers,
        labels: Numbers | None = None,
        classes: tuple[str, ...] | None = None,
    ) -> None:
        self.whole, self.numbers, self.light = whole, numbers, whole.light
        self.labels = whole.labels[numbers] if labels is None else labels
        self.classes = whole.classes if classes is None else classes

    def read(self, number: int) -> Image:
        return self.whole.read(int(self.numbers[number]))

    def name(self, number: int) -> str:
        return self.whole.name(int(self.numbers[number]))

    @property
    def fingerprint(self) -> str:
        return digest([self.whole.fingerprint, *self.classes, packed(self.numbers), packed(self.labels)])


def digest(parts: Iterable[str | bytes]) -> str:
    """SHA-256 of the parts, each with its length, so that no two lists are written alike."""
    sum = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        sum.update(b"%d:" % len(data))
        sum.update(data)
    return sum.hexdigest()


def packed(numbers: Numbers) -> bytes:
    return numbers.astype("<i8").tobytes()


def shuffled(count: int, *key: int) -> Numbers:
    """The numbers below `count` in an order drawn by the key, none of it negative.

    Of the raw numbers of PCG64, which NumPy keeps the same in all its versions; those of its
    `Generator.permutation` may change.
    """
    return np.argsort(np.random.PCG64(key).random_raw(count), kind="stable").astype(np.int64)


def hold_out(labels: Numbers, fraction: float, seed: int) -> tuple[Numbers, Numbers]:
    """The numbers that stay and those that are held out, both rising: of each class the fraction, rounded,
    but at least one image on either side; of a class with one image none."""
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(round(len(members) * fraction), 1), len(members) - 1)
        held[members[shuffled(len(members), seed, int(label))[:count]]] = True
    return np.flatnonzero(~held).astype(np.int64), np.flatnonzero(held).astype(np.int64)


def clean(name: str) -> str:
    """A name of a file as text: bytes that are none are written `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class Names:
    """Very many names in one piece of memory: a list of them would be copied into every process that reads,
    for each look at a name writes to it (it is counted)."""

    def __init__(self, names: Iterable[str]) -> None:
        parts = [name.encode("utf-8", "surrogateescape") for name in names]
        self.text = b"".join(parts)
        self.ends = np.cumsum([0, *map(len, parts)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, number: int) -> str:
        return self.text[self.ends[number] : self.ends[number + 1]].decode("utf-8", "surrogateescape")
