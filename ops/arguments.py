"""A layer's class and the values that a text gives it, in; a layer settled for the rank of its input, out.

What depends on the class alone is read in `fields.py`. The words of recipes are settled here too
(`settle_values`, `refuse_others`): they have no input, and rank 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

from msgspec import UNSET, Struct, UnsetType

from .arithmetic import shorten
from .base import Op, Reject, Shape, Window
from .fields import read_fields
from .settle import Field, alternatives, nearest


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
    settled = settle_values(cls.name, fields, values, rank)
    if len(settled) != len(values):
        refuse_unknown(cls, values, fields)
    if "window" in settled and "stride" in fields:
        settle_stride(cls, settled, fields["stride"].default)
    return cls(**settled)


def settle_values(
    owner: str, fields: Mapping[str, Field], values: Mapping[str, object], rank: int = 0
) -> dict[str, Any]:
    """The attributes that `values` give of those `fields`; raises `Reject`."""
    settled: dict[str, Any] = {}
    for name, field in fields.items():
        if name in values:
            settled[field.attribute] = field.settle(values[name], field, rank)
        elif field.default is UNSET:
            refuse_missing(owner, values, fields)
    return settled


def check(cls: type[Op], values: Mapping[str, object]) -> None:
    """Raises `Reject` for values with which the layer takes no input at all."""
    fields = read_fields(cls)
    refused: Reject | None = None
    for rank in reversed(cls.ranks):
        try:
            settle_values(cls.name, fields, values, rank)
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
    for reject in refuse_others(read_fields(cls), values, first, rank):
        if known or reject.code != "rank-mismatch":
            yield reject


def refuse_others(
    fields: Mapping[str, Field], values: Mapping[str, object], first: Reject, rank: int = 0
) -> Iterator[Reject]:
    """What each of the fields has against its value, but for the one that `first` blames."""
    for name, field in fields.items():
        if name in values and name != first.blame:
            try:
                field.settle(values[name], field, rank)
            except Reject as reject:
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


def refuse_missing(owner: str, values: Mapping[str, object], fields: Mapping[str, Field]) -> NoReturn:
    """Says what one parameter is, and of several only their names."""
    lacking = [name for name, field in fields.items() if name not in values and field.default is UNSET]
    names = alternatives([f"`{name}`" for name in lacking], "and")
    meaning = f", {fields[lacking[0]].description}" if len(lacking) == 1 else ""
    raise Reject("missing-argument", f"`{owner}` needs {names}{meaning}", blame=lacking[0])


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
