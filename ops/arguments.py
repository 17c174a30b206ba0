"""A layer's class and the values that a text gives it, in; a layer settled for the rank of its input, out.

What depends on the class alone (its fields, their kinds and limits) is read from the annotations once, at
the first use of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from .arithmetic import shorten
from .base import Margins, Numbers, Op, Padding, Reject, Shape, Sizes, Window


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


class Field(Struct, frozen=True):
    """A field of a layer's class: how a value becomes its settled form, and within which limits.

    `attribute` is the name in the class, which may have a `_` after it (`shape` of `reshape` is `shape_`).
    """

    name: str
    attribute: str
    settle: Callable[[Any, Field, int], object]
    words: str
    default: object
    low: float | None
    low_open: bool
    high: float | None
    high_open: bool
    choices: tuple[str, ...]
    optional: bool
    description: str


def bind(cls: type[Op], values: Mapping[str, object], inputs: Sequence[Shape]) -> Op:
    """The layer `cls` with `values` by parameter, for `inputs`; raises `Reject`, which blames a parameter.

    A value is an int, float, bool, None, str, list or `Window`. Tensors (`like`) are inputs, not values.
    """
    fields = FIELDS.get(cls)
    if fields is None:
        fields = read_fields(cls)
    cls.admit(inputs)
    rank = len(inputs[0].dims) - 1 if inputs else 0
    settled: dict[str, Any] = {}
    for name, field in fields.items():
        if name in values:
            settled[field.attribute] = field.settle(values[name], field, rank)
        elif field.default is UNSET:
            raise Reject("missing-argument", f"`{cls.name}` needs `{name}`, {field.description}", blame=name)
    if len(settled) != len(values):
        refuse_unknown(cls, values, fields)
    if "window" in settled and "stride" in fields:
        settle_stride(cls, settled, fields["stride"].default)
    return cls(**settled)


def parameters(cls: type[Op]) -> tuple[ParameterInfo, ...]:
    """The parameters of a layer in positional order; tensors come last."""
    fields = FIELDS.get(cls)
    if fields is None:
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


# --- from values to settled values ---------------------------------------------------------------


def settle_count(value: Any, field: Field, rank: int) -> int:
    if type(value) is not int:
        value = whole(value, field)
    if (field.low is not None and value < field.low) or (field.high is not None and value > field.high):
        refuse_range(value, field)
    return value


def settle_number(value: Any, field: Field, rank: int) -> float:
    if type(value) is int:
        value = float(value)
    if type(value) is not float or not isfinite(value):
        refuse_type(value, field)
    low, high = field.low, field.high
    if (low is not None and (value < low or (field.low_open and value == low))) or (
        high is not None and (value > high or (field.high_open and value == high))
    ):
        refuse_range(value, field)
    return value


def settle_bool(value: Any, field: Field, rank: int) -> bool:
    if type(value) is not bool:
        refuse_type(value, field)
    return value


def settle_choice(value: Any, field: Field, rank: int) -> str:
    if type(value) is not str:
        refuse_type(value, field)
    if value not in field.choices:
        raise Reject(
            "unknown-choice",
            f'`{field.name}` cannot be "{value}": {alternatives(field.choices)}',
            blame=field.name,
            help=nearest(value, field.choices),
        )
    return value


def settle_window(value: Any, field: Field, rank: int) -> Window:
    if type(value) is float:
        raise Reject(
            "wrong-type",
            f"`{field.name}` is {value:g}, a quotient and no window",
            blame=field.name,
            help="an integer's stride stands apart: `stride=s`",
        )
    if type(value) is int:
        return Window((settle_count(value, field, rank),) * rank)
    if type(value) is Window:
        size, stride = value.size, value.stride
        if stride is not None:
            stride = per_dimension(stride, field, rank)
        return Window(per_dimension(size, field, rank), stride)
    if type(value) not in (list, tuple):
        refuse_type(value, field)
    return Window(per_dimension(value, field, rank))


def settle_sizes(value: Any, field: Field, rank: int) -> Sizes | None:
    if type(value) is int or type(value) is float:
        return settle_count(value, field, rank)
    if value is None and field.optional:
        return None
    if type(value) is Window and value.stride is None:
        value = value.size
    if type(value) not in (list, tuple):
        refuse_type(value, field)
    return shorten(per_dimension(value, field, rank))


def settle_margins(value: Any, field: Field, rank: int) -> Margins:
    """The shortest of `1`, `(1, 0)` and `((0, 1), (0, 1))`."""
    if type(value) is not list and type(value) is not tuple:
        sizes = settle_sizes(value, field, rank)
        return sizes if sizes is not None else refuse_type(value, field)
    if not any(type(entry) in (list, tuple) for entry in value):
        return shorten(per_dimension(value, field, rank))
    check_dimensions(value, field, rank)
    pairs = []
    for entry in value:
        if type(entry) not in (list, tuple):
            entry = (entry, entry)
        if len(entry) != 2:
            raise Reject(
                "wrong-type",
                f"an entry of `{field.name}` is a number or two, before and after; this has {len(entry)}",
                blame=field.name,
            )
        pairs.append((settle_count(entry[0], field, rank), settle_count(entry[1], field, rank)))
    if all(before == after for before, after in pairs):
        return shorten(tuple(before for before, _ in pairs))
    return tuple(pairs)


def settle_padding(value: Any, field: Field, rank: int) -> Padding:
    if type(value) is str:
        settle_choice(value, field, rank)
        return "same" if value == "same" else "tf"
    return settle_margins(value, field, rank)


def settle_numbers(value: Any, field: Field, rank: int) -> Numbers | None:
    if value is None and field.optional:
        return None
    if type(value) is Window and value.stride is None:
        value = value.size
    if type(value) in (list, tuple):
        return tuple(settle_number(entry, field, rank) for entry in value)
    return settle_number(value, field, rank)


def settle_dims(value: Any, field: Field, rank: int) -> tuple[int, ...]:
    if type(value) is Window and value.stride is None:
        value = value.size
    if type(value) is int or type(value) is float:
        value = (value,)
    if type(value) not in (list, tuple):
        refuse_type(value, field)
    return tuple(settle_count(entry, field, rank) for entry in value)


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


def per_dimension(values: Sequence[Any], field: Field, rank: int) -> tuple[int, ...]:
    check_dimensions(values, field, rank)
    return tuple([settle_count(value, field, rank) for value in values])


def check_dimensions(values: Sequence[Any], field: Field, rank: int) -> None:
    if len(values) != rank:
        text = "x".join(map(str, values))
        dimensions = ("a vector has no", "a sequence has one", "a map has two")[rank]
        raise Reject(
            "rank-mismatch",
            f"`{field.name}` is {text}, and {dimensions} spatial dimension{'s'[: rank != 1]}",
            blame=field.name,
            help="a plain number stands for every dimension",
        )


def whole(value: Any, field: Field) -> int:
    """A float that is whole to nine digits, as an integer."""
    if type(value) is not float or not isfinite(value):
        refuse_type(value, field)
    nearest_whole = round(value)
    if abs(value - nearest_whole) > 1e-9 * max(1.0, abs(value)):
        raise Reject(
            "not-whole",
            f"`{field.name}` must be whole, and is {value:.12g}",
            blame=field.name,
            help=f"`floor(...)` gives {value // 1:.0f}, `round(...)` {nearest_whole}; `divisible(..., 8)` rounds to 8",
        )
    return nearest_whole


# --- refusals ------------------------------------------------------------------------------------


def refuse_type(value: object, field: Field) -> Any:
    raise Reject(
        "wrong-type", f"`{field.name}` must be {field.words}, not {describe(value)}", blame=field.name
    )


def refuse_range(value: float, field: Field) -> None:
    limits = []
    if field.low is not None:
        limits.append(f"{'above' if field.low_open else 'at least'} {field.low:g}")
    if field.high is not None:
        limits.append(f"{'below' if field.high_open else 'at most'} {field.high:g}")
    raise Reject(
        "out-of-range", f"`{field.name}` must be {' and '.join(limits)}, and is {value}", blame=field.name
    )


def refuse_unknown(cls: type[Op], values: Mapping[str, object], fields: Mapping[str, Field]) -> None:
    known = [info.name for info in parameters(cls)]
    for name in values:
        if name not in fields:
            takes = alternatives([f"`{name}`" for name in known], "and") if known else "no arguments"
            raise Reject(
                "unknown-argument",
                f"`{cls.name}` has no `{name}`; it takes {takes}",
                blame=name,
                help=nearest(name, known),
            )


def describe(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Window):
        return f"the window {value}"
    return str(value) if isinstance(value, int | float) else "a layer or a tensor"


def alternatives(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`"""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def nearest(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # only where something is refused: it loads much

    found = get_close_matches(word, known, 1)
    return f"did you mean `{found[0]}`?" if found else ""


# --- what the annotations say --------------------------------------------------------------------

FIELDS: dict[type[Op], dict[str, Field]] = {}

Settle = Callable[[Any, Field, int], object]
KINDS: dict[object, tuple[Settle, str]] = {
    int: (settle_count, "a whole number"),
    float: (settle_number, "a number"),
    bool: (settle_bool, "true or false"),
    Window: (settle_window, "a window"),
    Sizes: (settle_sizes, "a whole number, or one for each dimension"),
    Sizes | None: (settle_sizes, "a whole number, or one for each dimension"),
    Margins: (settle_margins, "a whole number, one for each dimension, or [before, after] for each"),
    Padding: (
        settle_padding,
        '"same", "tf", a whole number, one for each dimension, or [before, after] for each',
    ),
    Numbers: (settle_numbers, "a number, or a list of them"),
    Numbers | None: (settle_numbers, "a number, or a list of them"),
    tuple[int, ...]: (settle_dims, "a shape"),
}


def read_fields(cls: type[Op]) -> dict[str, Field]:
    """Reads the annotations of a class, and keeps what they say."""
    found = {info.name.rstrip("_"): read_field(cls, info) for info in msgspec.structs.fields(cls)}
    fields = {name: found[name] for name in cls.positions or found}
    assert len(fields) == len(found), f"{cls.__name__}.positions leaves a field out"
    FIELDS[cls] = fields
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
