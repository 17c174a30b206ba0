"""A class of annotated fields in; for each, how a value that a text gives becomes its own, out.

Layers and the words of recipes are such classes. What is read here depends on the class alone, and is read
once, at its first use.
"""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct

from .base import Padding
from .settle import (
    KINDS,
    Field,
    Settle,
    alternatives,
    refuse_type,
    settle_choice,
    settle_count,
    settle_number,
)

NO_LIMITS = Meta()


@cache
def read_fields(cls: type[Struct]) -> dict[str, Field]:
    """What the annotations of a class say of its fields, in their order, or in that of its `positions`."""
    found = {info.name.rstrip("_"): read_field(cls, info) for info in msgspec.structs.fields(cls)}
    fields = {name: found[name] for name in getattr(cls, "positions", ()) or found}
    assert len(fields) == len(found), f"the positions of {cls.__name__} leave a field out"
    return fields


def read_field(cls: type[Struct], info: msgspec.structs.FieldInfo) -> Field:
    assert get_origin(info.type) is Annotated, f"{cls.__name__}.{info.name} has no description"
    kind, meta = get_args(info.type)
    assert isinstance(meta, Meta)
    described, limits = meta.description or "", meta
    choices: tuple[str, ...] = ()
    optional = NoneType in get_args(kind)
    may_be_none = optional and kind not in KINDS
    if may_be_none:
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Annotated:
        kind, limits = get_args(kind)
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        settle: Settle = settle_choice
        words = alternatives([f'"{choice}"' for choice in choices])
    elif kind in KINDS:
        settle, words = KINDS[kind]
        if kind == Padding:
            choices = ("same", "tf")
    else:
        settle, words, limits = read_tuple(kind)
    if may_be_none:
        settle, words = settle_unless_none(settle), f"{words} or none"
    return Field(
        name=info.name.rstrip("_"),
        attribute=info.name,
        settle=settle,
        words=words,
        default=UNSET if info.default is msgspec.NODEFAULT else info.default,
        low=limits.ge if limits.ge is not None else limits.gt,
        low_open=limits.gt is not None,
        high=limits.le if limits.le is not None else limits.lt,
        high_open=limits.lt is not None,
        choices=choices,
        optional=optional,
        description=described,
    )


def read_tuple(kind: Any) -> tuple[Settle, str, Meta]:
    """How `tuple[float, float]`, `tuple[float, ...]` and their like are written, and the limits of an entry,
    which may be annotated."""
    assert get_origin(kind) is tuple, kind
    entry, last = get_args(kind)
    entry, limits = get_args(entry) if get_origin(entry) is Annotated else (entry, NO_LIMITS)
    if last is not ...:
        assert entry is float
        return settle_pair, "two numbers, `[a, b]`", limits
    settle_one, one = {int: (settle_count, "whole numbers"), float: (settle_number, "numbers")}[entry]
    return settle_entries(settle_one), f"a list of {one}", limits


def settle_unless_none(settle: Settle) -> Settle:
    return lambda value, field, rank: None if value is None else settle(value, field, rank)


def settle_entries(settle: Settle) -> Settle:
    """How a list is settled whose entries are settled so."""

    def settle_list(value: Any, field: Field, rank: int) -> tuple[object, ...]:
        if type(value) not in (list, tuple) or not value:
            refuse_type(value, field)
        return tuple(settle(entry, field, rank) for entry in value)

    return settle_list


def settle_pair(value: Any, field: Field, rank: int) -> tuple[float, float]:
    if type(value) not in (list, tuple) or len(value) != 2:
        refuse_type(value, field)
    return settle_number(value[0], field, rank), settle_number(value[1], field, rank)
