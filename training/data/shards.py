"""A path or a pattern of tables in, their files by split out."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Literal

from msgspec import Struct

from ...dsl.diagnostics import Unusable
from .sets import TRAIN, VALIDATION
from .split import clean

Kind = Literal["parquet", "arrow", "webdataset"]
KINDS: dict[str, Kind] = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".tar": "webdataset",
    ".tar.gz": "webdataset",
    ".tgz": "webdataset",
}
BRACES = re.compile(r"\{([^{}]*,[^{}]*|(\d+)\.\.(\d+))\}")
MOST_FILES = 100_000


class Shards(Struct, frozen=True):
    """Files of one kind: those to train on, or all, and those that the names say are held out."""

    kind: Kind
    train: tuple[Path, ...]
    val: tuple[Path, ...] = ()


def kind_of(name: str) -> Kind | None:
    return next((kind for end, kind in KINDS.items() if name.lower().endswith(end)), None)


def find_shards(source: str) -> Shards | None:
    """The tables that a file, a pattern (`*`, `?`, `{0000..0099}`, `{a,b}`) or a folder without images means;
    None where it means none. Raises `Unusable`."""
    if os.path.isdir(source):
        return group([Path(source, name) for name in sorted(tables_below(source))])
    if os.path.lexists(source):
        return group([Path(source)]) if kind_of(source) else None
    if not (BRACES.search(source) or glob.has_magic(source)):
        return None
    paths = []
    for pattern in expand(source):
        found = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern]
        if not found:
            raise Unusable(f"no file matches `{clean(pattern)}`")
        paths += [Path(name) for name in found]
    if missing := next((path for path in paths if not path.exists()), None):
        raise Unusable(f"there is no file `{clean(str(missing))}`, which `{clean(source)}` means")
    if odd := next((path for path in paths if kind_of(path.name) is None), None):
        raise Unusable(f"`{clean(str(odd))}` is no table of images", f"such files end in {', '.join(KINDS)}")
    return group(paths)


def expand(pattern: str) -> list[str]:
    """Without braces, as a shell does it: each `{a,b}` and `{01..12}` (with its zeros) by what it means.
    Raises `Unusable`."""
    expanded = list(islice(expand_all(pattern), MOST_FILES + 1))
    if len(expanded) > MOST_FILES:
        raise Unusable(f"`{clean(pattern)}` means more than {MOST_FILES:,} files")
    return expanded


def expand_all(pattern: str) -> Iterator[str]:
    found = BRACES.search(pattern)
    if found is None:
        yield pattern
        return
    if found[2] is None:
        inner: Iterator[str] = iter(found[1].split(","))
    else:
        first, last, width = int(found[2]), int(found[3]), len(found[2])
        step = 1 if first <= last else -1
        inner = (f"{number:0{width}}" for number in range(first, last + step, step))
    for middle in inner:
        yield from expand_all(pattern[: found.start()] + middle + pattern[found.end() :])


def tables_below(folder: str) -> Iterator[str]:
    """The names of tables in a folder and below, but for hidden ones and the caches of `datasets`."""
    for inner, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if kind_of(name) and not name.startswith((".", "cache-")):
                yield os.path.relpath(os.path.join(inner, name), folder)


def group(paths: list[Path]) -> Shards | None:
    """The files by split: by the words of their names, from the folder on that holds them all. Raises
    `Unusable`."""
    if not paths:
        return None
    kinds = {kind_of(path.name): path for path in paths}
    if len(kinds) > 1:
        one, other, *_ = (clean(str(path)) for path in kinds.values())
        raise Unusable(f"`{one}` and `{other}` are tables of two kinds", "name files of one kind")
    (kind,) = kinds
    assert kind is not None, "these are tables"
    common = os.path.commonpath([path.parent for path in paths])
    parts: dict[str, list[Path]] = {}
    for path in paths:
        parts.setdefault(split_name(os.path.relpath(path, common)), []).append(path)
    return choose(kind, {name: tuple(files) for name, files in parts.items()})


def choose(kind: Kind, parts: Mapping[str, tuple[Path, ...]]) -> Shards:
    """Where the names tell one split only, it is all that there is."""
    if len(parts) == 1:
        return Shards(kind, next(iter(parts.values())))
    train = parts.get("train", ()) + parts.get("", ())
    held = next((parts[name] for name in VALIDATION if name in parts), ())
    return Shards(kind, train, held)


def split_name(name: str) -> str:
    """`train`, one of `VALIDATION`, or nothing: the word of that kind that a name has."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    if any(word in TRAIN for word in words):
        return "train"
    return next((word for word in VALIDATION if word in words), "")
