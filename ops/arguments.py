"""A layer's class and the values that a text gives it, in; a layer settled for the rank of its input, out.

What depends on the class alone (its fields, their kinds and limits) is read from the annotations once, at
the first use of the class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from .arithmetic import shorten
from .base import Op, Padding, Reject, Shape, Window
from .settle import KINDS, Field, Settle, alternatives, nearest, settle_choice


class ParameterInfo(Struct, frozen=True):
    """A parameter as the reference shows it. `type` is in words; `default` is UNSET where one must be given.

    `choices` are the words it may be; `tensor`: it takes a tensor (`like`), which enters as a further input.
    """

    name: str
    type: str
    default: object | UnsetType
    description: str
    choices: tuple[str, ...] = ()
    tensor: bool = False

    @property
    def required(self) -> bool:
        return self.default is UNSET


def bind(cls: type[Op], values: Mapping[str, object], inputs: Sequence[Shape]) -> Op:
    """The layer `cls` with `values` by parameter, for `inputs`; raises `Reject`, which blames a parameter.

    A value is an int, float, bool, None, str, list or `Window`. Tensors (`like`) are inputs, not values.
    """
    fields = read_fields(cls)
    cls.admit(inputs)
    rank = len(inputs[0].dims) - 1 if inputs else 0
    settled: dict[str, Any] = {}
    for name, field in fields.items():
        if name in values:
            settled[field.attribute] = field.settle(values[name], field, rank)
        elif field.default is UNSET:
            refuse_missing(cls, values, fields)
    if len(settled) != len(values):
        refuse_unknown(cls, values, fields)
    if "window" in settled and "stride" in fields:
        settle_stride(cls, settled, fields["stride"].default)
    return cls(**settled)


def check(cls: type[Op], values: Mapping[str, object]) -> None:
    """Raises `Reject` for values with which the layer takes no input at all."""
    fields = read_fields(cls)
    refused: Reject | None = None
    for rank in reversed(cls.ranks):
        try:
            for name, field in fields.items():
                if name in values:
                    field.settle(values[name], field, rank)
                elif field.default is UNSET:
                    refuse_missing(cls, values, fields)
            return
        except Reject as reject:
            refused = refused if refused is not None and refused.code != "rank-mismatch" else reject
    if refused is not None and refused.code != "rank-mismatch":
        raise refused


def others(
    cls: type[Op], values: Mapping[str, object], inputs: Sequence[Shape], first: Reject
) -> Iterator[Reject]:
    """What is wrong with the values beside `first`, one by one."""
    known = bool(inputs) and inputs[0].rank in cls.ranks
    rank = inputs[0].rank if known else cls.ranks[-1]
    for name, field in read_fields(cls).items():
        if name in values and name != first.blame:
            try:
                field.settle(values[name], field, rank)
            except Reject as reject:
                if known or reject.code != "rank-mismatch":
                    yield reject


@cache
def parameters(cls: type[Op]) -> tuple[ParameterInfo, ...]:
    """The parameters of a layer in positional order; tensors come last."""
    fields = read_fields(cls)
    written = tuple(
        ParameterInfo(name, field.words, field.default, field.description, field.choices)
        for name, field in fields.items()
        if name not in cls.internal
    )
    return written + tuple(
        ParameterInfo(
            name,
            "tensor",
            None if any(not info.required for info in written) else UNSET,
            "the tensor whose spatial size is meant",
            tensor=True,
        )
        for name in cls.tensors
    )


def settle_stride(cls: type[Op], settled: dict[str, Any], default: object) -> None:
    """Moves the stride of a window to `stride`, where it stands whichever way it was written."""
    window: Window = settled["window"]
    if window.stride is not None:
        if settled.get("stride") is not None:
            raise Reject(
                "repeated-argument",
                f"the window {window} has a stride already",
                blame="stride",
                help="write the stride once: `3x3/2`, or `stride=2`",
            )
        settled["window"] = Window(window.size)
        settled["stride"] = shorten(window.stride)
    elif settled.get("stride") is None and default is None:
        settled["stride"] = shorten(window.size)


def refuse_missing(cls: type[Op], values: Mapping[str, object], fields: Mapping[str, Field]) -> NoReturn:
    """Says what one parameter is, and of several only their names."""
    lacking = [name for name, field in fields.items() if name not in values and field.default is UNSET]
    names = alternatives([f"`{name}`" for name in lacking], "and")
    meaning = f", {fields[lacking[0]].description}" if len(lacking) == 1 else ""
    raise Reject("missing-argument", f"`{cls.name}` needs {names}{meaning}", blame=lacking[0])


def refuse_unknown(cls: type[Op], values: Mapping[str, object], fields: Mapping[str, Field]) -> None:
    known = [info.name for info in parameters(cls)]
    for name in values:
        if name not in fields:
            takes = alternatives([f"`{name}`" for name in known], "and") if known else "no arguments"
            raise Reject(
                "unknown-parameter",
                f"`{cls.name}` has no `{name}`; it takes {takes}",
                blame=name,
                help=nearest(name, known),
            )


# --- what the annotations say --------------------------------------------------------------------


@cache
def read_fields(cls: type[Op]) -> dict[str, Field]:
    """What the annotations of a class say of its parameters."""
    found = {info.name.rstrip("_"): read_field(cls, info) for info in msgspec.structs.fields(cls)}
    fields = {name: found[name] for name in cls.positions or found}
    assert len(fields) == len(found), f"{cls.__name__}.positions leaves a field out"
    return fields


def read_field(cls: type[Op], info: msgspec.structs.FieldInfo) -> Field:
    assert get_origin(info.type) is Annotated, f"{cls.__name__}.{info.name} has no description"
    kind, meta = get_args(info.type)
    assert isinstance(meta, Meta)
    choices: tuple[str, ...] = ()
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        settle: Settle = settle_choice
        words = alternatives([f'"{choice}"' for choice in choices])
    else:
        settle, words = KINDS[kind]
        if kind == Padding:
            choices = ("same", "tf")
    return Field(
        name=info.name.rstrip("_"),
        attribute=info.name,
        settle=settle,
        words=words,
        default=UNSET if info.default is msgspec.NODEFAULT else info.default,
        low=meta.ge if meta.ge is not None else meta.gt,
        low_open=meta.gt is not None,
        high=meta.le if meta.le is not None else meta.lt,
        high_open=meta.lt is not None,
        choices=choices,
        optional=type(None) in get_args(kind),
        description=meta.description or "",
    )
