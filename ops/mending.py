"""Values and shapes that a rule refuses in, what could be written instead out; imported only then."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, gcd, log, prod
from typing import TYPE_CHECKING

from msgspec import UNSET

from .arithmetic import divisible, each, shorten, times
from .base import KINDS, Op, Shape, Sizes, Window
from .settle import alternatives

if TYPE_CHECKING:
    from .settle import Field

MOST_DIVISORS, MOST_TRIED = 5, 100_000
"""Of more, only the nearest are named."""


def change_rank(cls: type[Op], entering: Shape) -> str:
    """What to write before a layer that takes another kind of tensor."""
    if entering.rank == 0:
        return (
            f"`{cls.name}` stands before what flattens; `reshape({entering.channels}x1x1)` makes a map again"
        )
    if entering.layout == "last":
        if cls.name == "fc":
            return "`linear(out)` acts at each place; `token(0)` takes one token"
        return "`channels_first` before it puts the channels first"
    if "first" not in cls.layouts:
        last = "channels_last" if entering.rank in cls.ranks else "tokens"
        further = "; `fc` joins all places" if cls.name == "linear" else ""
        return f"`{last}` before it puts the channels last{further}"
    return "`flatten` before it makes a vector"


def list_kinds(cls: type[Op]) -> str:
    """What input 0 may be: `a map or a sequence`, `tokens`."""
    pairs = [(rank, layout) for layout in cls.layouts for rank in reversed(cls.ranks)]
    kinds = dict.fromkeys(KINDS[rank, layout if rank else "first"] for rank, layout in pairs)
    return alternatives(list(kinds))


def divide(what: str, given: int, *counts: int) -> str:
    """The numbers of parts near `given` that divide all `counts`."""
    common = gcd(*counts)
    divisors = [part for part in range(1, min(common, MOST_TRIED) + 1) if common % part == 0]
    if len(divisors) == 1:
        return (
            f"{what} can only be 1: no other number divides {' and '.join(map(str, dict.fromkeys(counts)))}"
        )
    near = sorted(sorted(divisors, key=lambda part: abs(log(part / given)))[:MOST_DIVISORS])
    words = list(map(str, near))
    return f"{what} can be {', '.join(words[:-1])} or {words[-1]}"


def nearest_multiple(count: int, parts: int) -> int:
    """The multiple of `parts` next to `count`, at least one."""
    return max(1, round(count / parts)) * parts


def fit_groups(entering: int, out: int, groups: int) -> str:
    """For output channels that the groups do not divide."""
    others = divide("`groups`", groups, entering, out).split(":")[0]
    return f"write {nearest_multiple(out, groups)} output channels; of {out}, {others}"


def fit_window(size: Sequence[int], stride: tuple[int, ...] | None, rank: int) -> str:
    """A window for `rank` dimensions that has the sizes of one for another number of them."""
    if rank == 0 or not size:
        return ""
    sizes, strides = (list(size) * rank)[:rank], (list(stride or ()) * rank)[:rank]
    if rank == 1:
        further = f", stride={strides[0]}" if strides and strides[0] != 1 else ""
        return f"a window of a sequence is one number: `{sizes[0]}{further}`"
    return f"write `{Window(tuple(sizes), tuple(strides) or None)}`"


def fit_sizes(values: Sequence[object], name: str, rank: int) -> str:
    """As many numbers as there are dimensions."""
    if rank == 0 or not values:
        return "a plain number stands for every dimension"
    fitting = (list(values) * rank)[:rank]
    if rank == 1 or len(set(map(str, fitting))) == 1:
        return f"a plain number stands for every dimension: `{name}={fitting[0]}`"
    return f"write one for each: `{name}=[{', '.join(map(str, fitting))}]`"


def keep_size(window: Sequence[int], dilation: Sizes) -> str:
    """The padding with which a window without a stride keeps the size; nothing where none does."""
    extents = [d * (k - 1) for k, d in zip(window, each(dilation, len(window)), strict=True)]
    if any(extent % 2 for extent in extents):
        return ""
    pad = shorten(tuple(extent // 2 for extent in extents))
    return f"pad={pad if isinstance(pad, int) else list(pad)}"


def fit_shape(entering: Shape, wanted: Sequence[int]) -> str:
    """A shape near `wanted` that has as many elements: one size of it changed, the last that can be."""
    for axis in reversed(range(len(wanted))):
        rest = prod(wanted[:axis]) * prod(wanted[axis + 1 :])
        if len(wanted) <= 3 and rest and entering.elements % rest == 0:
            fitting = [*wanted[:axis], entering.elements // rest, *wanted[axis + 1 :]]
            return f"`{'x'.join(map(str, fitting))}` has as many"
    return f"its sizes must multiply to {times(entering.dims)}"


def spell(number: float) -> str:
    """A number as it would be written: whole ones without a point."""
    return str(number) if isinstance(number, int) else f"{number:.12g}".replace("e-0", "e-")


def round_off(value: float) -> str:
    """The whole numbers near one that is not."""
    return (
        f"`floor(...)` gives {floor(value)}, `round(...)` {round(value)}, "
        f"`divisible(..., 8)` {divisible(value, 8)}, a multiple of 8"
    )


def convert(value: object, field: Field) -> tuple[str, str]:
    """A value of another kind as the field wants it, and that in words, where it can be told."""
    name = field.name
    match value:
        case list([int() | float() as only]) if "number" in field.words and not isinstance(only, bool):
            return spell(only), f"write `{name}={spell(only)}`"
        case str() if is_number(value) and "number" in field.words:
            return value, f"without quotes it is a number: `{name}={value}`"
        case str() if value.lower() in ("true", "false") and field.words == "true or false":
            return value.lower(), f"without quotes: `{name}={value.lower()}`"
        case str() if all(map(is_number, value.split("/")[0].split("x"))) and "window" in field.words:
            return value, f"without quotes it is a window: `{name}={value}`"
        case None | 0 | 1 if field.words == "true or false":
            written = "true" if value else "false"
            return written, f"write `{name}={written}`"
    return "", ""


def is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdecimal()


def bring_in(value: float, field: Field) -> str:
    """What to write for a number outside its limits."""
    if field.high is not None and field.high <= 1 and 5 <= value <= 100:
        return f"{spell(value)} % is `{field.name}={spell(value / 100)}`"
    if field.low_open or field.high_open:
        return leave_out(field)
    if field.low is not None and field.high is not None:
        fitting = f"write a number from {spell(field.low)} to {spell(field.high)}"
    elif field.low is not None and value < field.low:
        fitting = f"write {spell(field.low)} or more"
    else:
        return leave_out(field)
    return "; ".join(filter(None, (fitting, leave_out(field))))


def leave_out(field: Field) -> str:
    """The default, where there is one that a text can say."""
    if field.default is UNSET or field.default is None:
        return ""
    match field.default:
        case bool():
            written = "true" if field.default else "false"
        case str():
            written = f'"{field.default}"'
        case float():
            written = spell(field.default)
        case tuple():
            written = f"[{', '.join(map(spell, field.default))}]"
        case _:
            written = str(field.default)
    return f"left out, it is `{field.name}={written}`"
