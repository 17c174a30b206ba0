"""The class of recipes in; its entries, and the words that each takes, out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType, NoneType
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from ..ops.fields import read_field
from ..ops.settle import Field
from .word import Word
from .words import Recipe


class Entry(Struct, frozen=True):
    """What a recipe may say under one name: one of `words`, a chain of them (`chain`), or a number.
    `optional`: it may be `none`, which takes away what there is."""

    name: str
    description: str
    default: Any
    words: Mapping[str, type[Word]]
    number: Field | None
    chain: bool
    optional: bool

    @property
    def nothing(self) -> Any:
        """What `none` means."""
        return () if self.chain else None


def read_entry(info: msgspec.structs.FieldInfo) -> Entry:
    kind, meta = get_args(info.type)
    words = {cls.word(): cls for cls in classes_in(kind)}
    chain = get_origin(kind) is tuple
    return Entry(
        info.name,
        meta.description,
        info.default,
        MappingProxyType(words),
        None if words else read_field(Recipe, info),
        chain,
        optional=(chain and info.default == ()) or NoneType in get_args(kind),
    )


def classes_in(kind: Any) -> Iterator[type[Word]]:
    """The words in a union, or in a tuple of one."""
    if isinstance(kind, type) and issubclass(kind, Word):
        yield kind
    else:
        for part in get_args(kind):
            yield from classes_in(part)


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {info.name: read_entry(info) for info in msgspec.structs.fields(Recipe)}
)
"""By name, in the order in which a recipe is written."""
OF_OPTIMIZERS = ("lr", "momentum", "weight_decay")
"""Arguments of optimizers that an option can give alone."""
