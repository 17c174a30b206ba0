"""Tables too large to be kept in; images one after another out, in their order or one drawn by a key."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from PIL.Image import Image

from ...dsl.diagnostics import Unusable
from .columns import Asked, Columns, find_columns, read_labels
from .split import BadImage, Numbers, Part, Split, digest
from .tables import KEY, name_of, read_cell, undecoded

LARGE = 64 * 2**30
"""Bytes. What is larger, or larger than the room that is left on the disk, is streamed and not kept."""
BUFFER = 4096
"""Rows among which the next one is drawn at most; the files are drawn from all."""
BUFFER_BYTES = 2**29
READ, SCANNED = 16, 10_000
"""Rows that are taken at once: whole ones, or their labels."""


class Row(Struct, frozen=True):
    """An image that is not read yet; `cell` holds its bytes, or where they are."""

    cell: Any
    label: Any
    name: str

    def read(self) -> Image:
        """Raises `BadImage`."""
        return read_cell(self.cell, self.name)


class Stream:
    """`len(stream)` labelled images that come one after another, of `size` bytes in all. `places` tells the
    class of a label."""

    def __init__(
        self,
        dataset: Any,
        columns: Columns,
        count: int,
        size: int,
        classes: tuple[str, ...],
        places: Mapping[Any, int],
        source: str,
        identity: str,
    ) -> None:
        self.columns, self.count, self.size, self.classes = columns, count, size, classes
        self.places: dict[Any, int] = dict(places)
        self.source, self.identity = source, identity
        kept = [columns.image, columns.label, *([KEY] if KEY in dataset.features else [])]
        self.rows = undecoded(dataset.select_columns(kept), columns.image)

    def __len__(self) -> int:
        return self.count

    @property
    def fingerprint(self) -> str:
        return digest([self.identity, str(self.count), *self.classes])

    def renamed(self, classes: tuple[str, ...], places: Mapping[str, int]) -> Stream:
        """The same images, with labels that are places in other classes."""
        found = {label: places[self.classes[place]] for label, place in self.places.items()}
        counts = (self.count, self.size)
        return Stream(self.rows, self.columns, *counts, classes, found, self.source, self.identity)

    def place(self, row: Row) -> int:
        """The class of a row. Raises `Unusable`."""
        place = self.places.get(row.label)
        if place is not None:
            return place
        raise Unusable(
            f"`{self.source}`: the label of `{row.name}` is {row.label}, which is none of its "
            f"{len(self.classes):,} classes",
            "a split without labels is often marked by -1" if row.label == -1 else "",
        )

    def buffer(self) -> int:
        """Rows: fewer where they are large."""
        return max(min(BUFFER, BUFFER_BYTES * self.count // max(self.size, 1)), 1)

    def walk(self, key: tuple[int, ...] | None, start: int = 0) -> Iterator[Row]:
        """The rows from number `start` on, in their order, or in that of the key: the files shuffled, and
        the rows in a buffer."""
        rows = self.rows
        if key is not None:
            seed = int(np.random.SeedSequence(key).generate_state(1)[0])
            rows = rows.shuffle(seed=seed, buffer_size=self.buffer())
        if start:
            rows = rows.skip(start)
        number = start
        # Iterated row by row, `datasets` would draw another order in a process of a DataLoader.
        for piece in rows.iter(batch_size=READ):
            for values in zip(*piece.values(), strict=True):
                row = dict(zip(piece, values, strict=True))
                name = name_of(row, self.columns.image) or f"row {number} of {self.source}"
                yield Row(row[self.columns.image], row[self.columns.label], name)
                number += 1


class Kept(Split):
    """Some rows of a stream, in memory."""

    light = True

    def __init__(self, rows: list[Row], labels: Numbers, classes: tuple[str, ...]) -> None:
        self.rows, self.labels, self.classes = rows, labels, classes

    def read(self, number: int) -> Image:
        return self.rows[number].read()

    def name(self, number: int) -> str:
        return self.rows[number].name

    @property
    def fingerprint(self) -> str:
        return digest([*self.classes, *(row.name for row in self.rows)])


def open_stream(
    dataset: Any, count: int | None, size: int, asked: Asked, source: str, identity: str
) -> Stream:
    """A split of `datasets`' streaming kind; where it does not tell the names of its classes or the number of
    its rows, all labels are read first. Raises `Unusable`."""
    from datasets import ClassLabel

    columns = find_columns(dataset.features, asked, source)
    feature = dataset.features[columns.label]
    if count is not None and isinstance(feature, ClassLabel):
        places: dict[Any, int] = dict(enumerate(range(len(feature.names))))
        return Stream(dataset, columns, count, size, tuple(feature.names), places, source, identity)
    raw, labels, classes = scan(dataset, columns.label, source)
    places = dict(zip(raw, labels.tolist(), strict=True))
    return Stream(dataset, columns, len(labels), size, classes, places, source, identity)


def scan(dataset: Any, label: str, source: str) -> tuple[list[Any], Numbers, tuple[str, ...]]:
    """All labels as they are, as places, and the classes."""
    import pyarrow as pa

    pieces = dataset.select_columns([label]).with_format("arrow").iter(batch_size=SCANNED)
    chunks = [chunk for piece in pieces for chunk in piece[label].chunks]
    if not chunks:
        raise Unusable(f"`{source}` has no rows")
    column = pa.chunked_array(chunks)
    labels, classes = read_labels(column, dataset.features[label], source)
    return column.to_pylist(), labels, classes


def is_large(size: int) -> bool:
    """Whether so many bytes are streamed rather than kept where `datasets` keeps them."""
    from datasets import config

    folder = Path(config.HF_DATASETS_CACHE)
    while not folder.exists():
        folder = folder.parent
    return size > min(LARGE, shutil.disk_usage(folder).free)


def few(images: Split | Stream, count: int) -> Split:
    """At most so many images of all, evenly spaced, or of a stream the first ones of a shuffled order: to
    measure by. Those of a stream that cannot be read are left out."""
    if isinstance(images, Split):
        step = max(1, -(-len(images) // count))
        return Part(images, np.arange(0, len(images), step, dtype=np.int64))
    rows: list[Row] = []
    for row in images.walk((0, 0)):
        if len(rows) == count:
            break
        try:
            row.read()
        except BadImage:
            continue
        rows.append(row)
    return Kept(rows, np.array([images.place(row) for row in rows], dtype=np.int64), images.classes)
