"""The names of a published `state_dict` in, ours for them out, by the documented table in `renames.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct, convert

from netc.compiler.matching import rewrite


class Renaming(Struct, frozen=True, forbid_unknown_fields=True):
    """What to rewrite in the published names of some nets, and why no label can write them."""

    nets: tuple[str, ...]
    reason: str
    rewrites: tuple[tuple[str, str], ...]


def read_table() -> tuple[Renaming, ...]:
    text = Path(__file__).with_name("renames.toml").read_text(encoding="utf-8")
    return convert(tuple(tomllib.loads(text).get("renaming", ())), tuple[Renaming, ...])


TABLE = read_table()


def our_names(net: str, published: Iterable[str]) -> dict[str, str]:
    """Published name -> ours. Raises ValueError where a rewrite changes nothing, or two names become one."""
    rules = [pair for entry in TABLE if net in entry.nets for pair in entry.rewrites]
    return rewrite(published, [(re.compile(pattern), replacement) for pattern, replacement in rules])
