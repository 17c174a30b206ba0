"""The name of a data set on the Hugging Face hub in, its splits out: cached, or streamed when large."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...dsl.diagnostics import Unusable
from .columns import Asked
from .sets import TRAIN, VALIDATION, Images, Sets
from .split import digest
from .streams import is_large, open_stream
from .tables import open_table, told

NAME = re.compile(r"hf:([\w.-]+(?:/[\w.-]+)?)(?::([\w.+-]+))?", re.ASCII)
UNREACHED = (
    "without a network only what is in the cache can be had; folders and files on this machine need none"
)


def open_hub(source: str, asked: Asked) -> Sets:
    """`hf:NAME` or `hf:NAME:CONFIG`. Raises `Unusable`."""
    found = NAME.fullmatch(source)
    if found is None:
        raise Unusable(
            f"`{source}` is no name of a data set on the hub",
            "such a name is `hf:user/name` or `hf:name:config`",
        )
    name, config = found.groups()
    with told(source, "cannot be had from the hub", UNREACHED):
        from datasets import load_dataset_builder

        # With this prefix a folder that happens to have the name is not taken for it.
        builder = load_dataset_builder(f"hf://datasets/{name}", config)
    return open_built(builder, asked, source)


def open_built(builder: Any, asked: Asked, source: str) -> Sets:
    """The splits that a builder of `datasets` makes, kept or streamed. Raises `Unusable`."""
    info = builder.info
    size = (info.download_size or 0) + (info.dataset_size or 0)
    large = is_large(size)
    with told(source, "cannot be had from the hub", UNREACHED, bars=True):
        if large:
            splits = builder.as_streaming_dataset()
        else:
            builder.download_and_prepare()
            splits = builder.as_dataset()

    def open_split(name: str | None) -> Images | None:
        if name is None:
            return None
        identity = digest([str(builder.hash), str(builder.config.name), name])
        if not large:
            return open_table(splits[name], asked, source, identity)
        known = (info.splits or {}).get(name)
        count, bytes = (known.num_examples, known.num_bytes) if known else (None, None)
        with told(source, "cannot be streamed", UNREACHED):
            return open_stream(splits[name], count, bytes or size, asked, source, identity)

    train, val = choose_splits(splits, asked, source)
    return Sets(open_split(train), open_split(val))


def choose_splits(splits: Mapping[str, Any], asked: Asked, source: str) -> tuple[str | None, str | None]:
    """Those that are asked for, else those that are called as such splits are. Raises `Unusable`."""
    for name in (asked.train, asked.val):
        if name is not None and name not in splits:
            listed = ", ".join(f"`{each}`" for each in splits)
            raise Unusable(f"`{source}` has no split `{name}`", f"its splits are {listed}")
    train = asked.train or next((name for name in TRAIN if name in splits), None)
    val = asked.val or next((name for name in VALIDATION if name in splits and name != train), None)
    if train is None and len(splits) == 1:
        return next(iter(splits)), None
    return train, val
