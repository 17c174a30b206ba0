"""Parquet, Arrow and WebDataset files in, their labelled images out: read by Hugging Face's `datasets`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL.Image import Image

from ...dsl.diagnostics import Unusable
from ..disk import reason
from .columns import Asked, Columns, find_columns, read_labels
from .images import read_image
from .split import BadImage, Split, clean, digest, packed

KEY = "__key__"
"""The column where WebDataset has the names of its samples."""
MOVED = "`HF_DATASETS_CACHE=FOLDER` keeps the tables that are read elsewhere"


class Table(Split):
    """The rows of a data set in the cache of `datasets`, or of its files."""

    def __init__(self, dataset: Any, columns: Columns, source: str, identity: str) -> None:
        self.identity, self.source = identity, source
        self.labels, self.classes = read_labels(
            dataset.data.column(columns.label), dataset.features[columns.label], source
        )
        self.image = columns.image
        kept = [columns.image, *([KEY] if KEY in dataset.features else [])]
        self.rows = undecoded(dataset.select_columns(kept), columns.image)

    def read(self, number: int) -> Image:
        row = self.rows[number]
        return read_cell(row[self.image], self.name_of(row, number))

    def name(self, number: int) -> str:
        return self.name_of(self.rows[number], number)

    def name_of(self, row: Mapping[str, Any], number: int) -> str:
        return name_of(row, self.image) or f"row {number} of {self.source}"

    @property
    def fingerprint(self) -> str:
        return digest([self.identity, *self.classes, packed(self.labels)])


def undecoded(dataset: Any, image: str) -> Any:
    """The data set with the files of images as they are: a damaged one is for us to find."""
    import datasets

    if isinstance(dataset.features[image], datasets.Image):
        return dataset.cast_column(image, datasets.Image(decode=False))
    return dataset


def name_of(row: Mapping[str, Any], image: str) -> str | None:
    if KEY in row:
        return f"{row[KEY]}.{image}"
    cell = row[image]
    return clean(cell["path"]) if isinstance(cell, dict) and cell["path"] else None


def read_cell(cell: Any, name: str) -> Image:
    """An image of its bytes, or of the file that stands in their place. Raises `BadImage`."""
    if isinstance(cell, dict):
        if cell["bytes"] is None and cell["path"]:
            return read_image(fetch(cell["path"], name), name)
        cell = cell["bytes"]
    if cell is None:
        raise BadImage(name, "is not there")
    return read_image(cell, name)


def fetch(path: str, name: str) -> bytes:
    """The bytes of a file on this machine or on the hub."""
    from datasets.utils.file_utils import xopen

    try:
        with xopen(path, "rb") as file:
            data = file.read()
    except Exception as error:  # whatever a file system over the network raises
        raise BadImage(name, f"cannot be read: {first_line(error)}") from None
    assert isinstance(data, bytes)
    return data


def open_table(dataset: Any, asked: Asked, source: str, identity: str) -> Table:
    if not len(dataset):
        raise Unusable(f"`{source}` has no rows")
    return Table(dataset, find_columns(dataset.features, asked, source), source, identity)


@contextmanager
def told(source: str, what: str, help: str = "", bars: bool = False) -> Iterator[None]:
    """Makes what `datasets` raises of a source into one sentence, and keeps it from drawing bars, unless they
    are wanted and someone looks, and from saying each time that it tries the hub once more."""
    import datasets

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    shown = not datasets.are_progress_bars_disabled()
    if not (bars and sys.stderr.isatty()):
        datasets.disable_progress_bars()
    try:
        yield
    except Unusable:
        raise
    except Exception as error:  # of datasets, pyarrow, tarfile, json, httpx, ...
        found = cause(error)
        help = MOVED if is_of_cache(found) else help
        raise Unusable(f"`{clean(source)}` {what}: {first_line(found)}", help) from error
    finally:
        if shown:
            datasets.enable_progress_bars()


def cause(error: BaseException) -> BaseException:
    """What stands behind `datasets`' own "an error occurred while generating the dataset"."""
    from datasets.exceptions import DatasetGenerationError

    while isinstance(error, DatasetGenerationError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def is_of_cache(error: BaseException) -> bool:
    """Whether a file of the cache, or the folder that it is to be made in, is what could not be used."""
    from datasets import config

    if not isinstance(error, OSError) or not isinstance(error.filename, str):
        return False
    cache, file = Path(config.HF_DATASETS_CACHE), Path(error.filename)
    return file.is_relative_to(cache) or cache.is_relative_to(file)


def first_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"`{clean(str(error.filename))}`: {reason(error)}"
    text = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
