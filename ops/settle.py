"""A value of the language, the field it is for and the rank of the input in; the settled value out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NoReturn

from msgspec import UNSET, Struct

from .arithmetic import shorten
from .base import Counts, Margins, Numbers, Padding, Reject, Sizes, Window

Settle = Callable[[Any, "Field", int], object]


class Field(Struct, frozen=True):
    """A field of a layer's class: how a value becomes its settled form, and within which limits.

    `attribute` is the name in the class, which may have a `_` after it (`shape` of `reshape` is `shape_`).
    """

    name: str
    attribute: str
    settle: Settle
    words: str
    default: object
    low: float | None
    low_open: bool
    high: float | None
    high_open: bool
    choices: tuple[str, ...]
    optional: bool
    description: str

    @property
    def required(self) -> bool:
        return self.default is UNSET


# --- from values to settled values ---------------------------------------------------------------


def settle_count(value: Any, field: Field, rank: int) -> int:
    count: int = value if type(value) is int else whole(value, field)
    if (field.low is not None and count < field.low) or (field.high is not None and count > field.high):
        refuse_range(count, field)
    return count


def settle_number(value: Any, field: Field, rank: int) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        refuse_type(value, field)
    settled = float(value)
    low, high = field.low, field.high
    if (low is not None and (settled < low or (field.low_open and settled == low))) or (
        high is not None and (settled > high or (field.high_open and settled == high))
    ):
        refuse_range(settled, field)
    return settled


def settle_bool(value: Any, field: Field, rank: int) -> bool | None:
    if value is None and field.optional:
        return None
    if not isinstance(value, bool):
        refuse_type(value, field)
    return value


def settle_choice(value: Any, field: Field, rank: int) -> str:
    if not isinstance(value, str):
        refuse_type(value, field)
    if value not in field.choices:
        accepted = [f'"{choice}"' for choice in field.choices]
        if field.settle is not settle_choice:
            accepted.append("a number")
        none = value.lower() in ("valid", "none") and "number" in accepted[-1]
        near = find_nearest(value, field.choices)
        help = f'did you mean `"{near}"`?' if near else f"write `{field.name}={accepted[0]}`"
        raise Reject(
            "unknown-choice",
            f'`{field.name}` cannot be "{value}": it is {alternatives(accepted)}',
            blame=field.name,
            help=f"no padding is `{field.name}=0`" if none else help,
            write="0" if none else near and f'"{near}"',
        )
    return value


def settle_window(value: Any, field: Field, rank: int) -> Window:
    if type(value) is float:
        from .mending import spell

        raise Reject(
            "wrong-type",
            f"`{field.name}` is {spell(value)}, a quotient and no window",
            blame=field.name,
            help="an integer's stride stands apart: `stride=s`",
        )
    if type(value) is int:
        return Window((settle_count(value, field, rank),) * rank)
    if type(value) is not Window:
        if type(value) not in (list, tuple):
            refuse_type(value, field)
        value = Window(tuple(value))
        written = "[" + ", ".join(map(describe, value.size)) + "]"
    else:
        written = ""
    size, stride = value.size, value.stride
    if len(size) != rank:
        from .mending import fit_window

        refuse_dimensions(field.name, [written or str(value)], rank, fit_window(size, stride, rank))
    counts = tuple([settle_count(side, field, rank) for side in size])
    return Window(counts, stride and tuple([settle_count(step, field, rank) for step in stride]))


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
        assert sizes is not None  # no margins are optional
        return sizes
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
                help=f"write `{field.name}=[{', '.join(['[1, 1]'] * rank)}]`",
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


def settle_counts(value: Any, field: Field, rank: int) -> Counts:
    if type(value) in (list, tuple) and value:
        return tuple(settle_count(entry, field, rank) for entry in value)
    return settle_count(value, field, rank)


def settle_dims(value: Any, field: Field, rank: int) -> tuple[int, ...]:
    if type(value) is Window and value.stride is None:
        value = value.size
    if type(value) is int or type(value) is float:
        value = (value,)
    if type(value) not in (list, tuple):
        refuse_type(value, field)
    return tuple(settle_count(entry, field, rank) for entry in value)


def per_dimension(values: Sequence[Any], field: Field, rank: int) -> tuple[int, ...]:
    check_dimensions(values, field, rank)
    return tuple([settle_count(value, field, rank) for value in values])


def check_dimensions(values: Sequence[Any], field: Field, rank: int) -> None:
    if len(values) != rank:
        from .mending import fit_sizes

        refuse_dimensions(field.name, list(map(describe, values)), rank, fit_sizes(values, field.name, rank))


def refuse_dimensions(name: str, entries: Sequence[str], rank: int, help: str = "") -> NoReturn:
    text = entries[0] if len(entries) == 1 else f"[{', '.join(entries)}]"
    dimensions = ("a vector has no", "a sequence has one", "a map has two")[rank]
    raise Reject(
        "rank-mismatch",
        f"`{name}` is {text}, and {dimensions} spatial dimension{'s'[: rank != 1]}",
        blame=name,
        help=help or "a plain number stands for every dimension",
        aspect="rank",
    )


def whole(value: Any, field: Field) -> int:
    """A float that is whole to nine digits, as an integer."""
    if not isinstance(value, float) or not isfinite(value):
        refuse_type(value, field)
    nearest_whole = round(value)
    if abs(nearest_whole) > LARGEST:
        raise Reject(
            "number-limit",
            f"`{field.name}` is {value:.12g}, which does not fit in 64 bits",
            blame=field.name,
            help=f"the largest number is {LARGEST:,}",
        )
    if abs(value - nearest_whole) > 1e-9 * max(1.0, abs(value)):
        from .mending import round_off

        raise Reject(
            "not-whole",
            f"`{field.name}` must be whole, and is {value:.12g}",
            blame=field.name,
            help=round_off(value),
        )
    return nearest_whole


LARGEST = 2**63 - 1
"""Numbers and sizes have 64 bits, as PyTorch's."""
FOREIGN = "a layer or a tensor"
"""A value that only the compiler can describe."""

# --- refusals ------------------------------------------------------------------------------------


def refuse_type(value: object, field: Field) -> NoReturn:
    from .mending import convert, leave_out

    write, help = convert(value, field)
    raise Reject(
        "wrong-type",
        f"`{field.name}` must be {field.words}, not {describe(value)}",
        blame=field.name,
        help=help or leave_out(field),
        write=write,
    )


def refuse_range(value: float, field: Field) -> NoReturn:
    from .mending import bring_in, spell

    limits = []
    if field.low is not None:
        limits.append(f"{'above' if field.low_open else 'at least'} {field.low:g}")
    if field.high is not None:
        limits.append(f"{'below' if field.high_open else 'at most'} {field.high:g}")
    raise Reject(
        "out-of-range",
        f"`{field.name}` must be {' and '.join(limits)}, and is {spell(value)}",
        blame=field.name,
        help=bring_in(value, field),
    )


def describe(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if len(value) > 4 else f"[{', '.join(map(describe, value))}]"
    if isinstance(value, Window):
        return f"the window {value}"
    return str(value) if isinstance(value, int | float) else FOREIGN


def alternatives(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`"""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def nearest(word: str, known: Sequence[str]) -> str:
    found = find_nearest(word, known)
    return f"did you mean `{found}`?" if found else ""


def find_nearest(word: str, known: Sequence[str]) -> str:
    """The known word that is nearest, or none."""
    from difflib import get_close_matches  # only where something is refused: it loads much

    found = [other for other in known if other == word.lower()] or get_close_matches(word, known, 1)
    return found[0] if found else ""


KINDS: dict[object, tuple[Settle, str]] = {
    int: (settle_count, "a whole number"),
    float: (settle_number, "a number"),
    bool: (settle_bool, "true or false"),
    bool | None: (settle_bool, "true or false"),
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
    Counts: (settle_counts, "a whole number, or a list of them"),
    tuple[int, ...]: (settle_dims, "a shape"),
}
