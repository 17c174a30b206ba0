"""Parquet, Arrow and WebDataset files in, their splits out: cached, or streamed when large."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...dsl.diagnostics import Unusable
from .columns import Asked
from .sets import Sets
from .shards import Kind, Shards
from .split import digest
from .streams import is_large, open_stream
from .tables import open_table, told

ENDS = 2**16
NAMES: dict[Kind, str] = {"parquet": "Parquet", "arrow": "Arrow", "webdataset": "WebDataset"}


def open_files(shards: Shards, asked: Asked, source: str) -> Sets:
    """Tables on this machine, kept or streamed. Raises `Unusable`."""
    if shards.kind == "parquet":
        with told(source, "cannot be read as Parquet"):
            shards = Shards(shards.kind, filled(shards.train), filled(shards.val))
    if not shards.train:
        raise Unusable(f"`{source}` has no rows")
    size = sum(path.stat().st_size for path in shards.train + shards.val)
    if not is_large(size):
        return open_tables(shards, asked, source)
    with told(source, "cannot be streamed"):
        splits = make_builder(shards).as_streaming_dataset()
        streams = {
            name: open_stream(dataset, None, size, asked, source, files_of(shards, name))
            for name, dataset in splits.items()
        }
    return Sets(streams["train"], streams.get("validation"))


def open_tables(shards: Shards, asked: Asked, source: str) -> Sets:
    """The splits of tables, copied once into the cache of `datasets`, where every row can be found at once.
    Raises `Unusable`."""
    with told(source, f"cannot be read as {NAMES[shards.kind]}"):
        builder = make_builder(shards)
        builder.download_and_prepare()
        splits = builder.as_dataset()
    tables = {
        name: open_table(dataset, asked, source, files_of(shards, name)) for name, dataset in splits.items()
    }
    return Sets(tables["train"], tables.get("validation"))


def files_of(shards: Shards, split: str) -> str:
    return identify(shards.train if split == "train" else shards.val)


def make_builder(shards: Shards) -> Any:
    """What reads these files; no network is asked."""
    from datasets import load_dataset_builder

    parts = {"train": shards.train, "validation": shards.val}
    files = {
        name: [glob.escape(str(path.absolute())) for path in paths] for name, paths in parts.items() if paths
    }
    with offline():
        return load_dataset_builder(shards.kind, data_files=files)


def filled(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The Parquet files that have rows: those that have none, as some programs write, `datasets` refuses."""
    from pyarrow.parquet import read_metadata

    return tuple(path for path in paths if read_metadata(path).num_rows)


@contextmanager
def offline() -> Iterator[None]:
    """Keeps `datasets` from counting on the hub who reads a table."""
    from datasets import config

    before, config.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before


def identify(paths: tuple[Path, ...]) -> str:
    """Of files by their names, sizes and ends: the foot of a Parquet file tells where all in it lies."""
    parts: list[str | bytes] = []
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as file:
            parts += [path.name, str(size), file.read(ENDS)]
            file.seek(max(size - ENDS, 0))
            parts.append(file.read(ENDS))
    return digest(parts)
