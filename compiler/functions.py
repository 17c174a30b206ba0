"""The functions of the language on plain values, and the limits of these; a `Refusal` knows no place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..ops.arithmetic import divisible
from .limits import INTEGER_BITS, Limits
from .values import Value, describe

LARGEST = 2**INTEGER_BITS - 1
MOST_DIGITS = 400
"""No finite number has a digit further from its point than this."""


class Refusal(Exception):
    """A function or operator that cannot take its values: a code of `codes.CODES`, and what is wrong. `at` is
    the value that is refused, where it is one of several; in `help`, `...` stands for its text."""

    def __init__(self, code: str, message: str, help: str = "", at: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.at = code, message, help, at


def is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(value: Value, wanted: str, at: int | None = None) -> int:
    """`value` as a count: a float that is whole to nine digits is that integer. `at`: as in a `Refusal`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        nearest = round(value)
        if abs(value - nearest) <= 1e-9 * max(1.0, abs(value)):
            return int(checked(nearest))
        from ..ops.mending import round_off

        raise Refusal("not-whole", f"{wanted} must be whole, and {value:.12g} is not", round_off(value), at)
    help = f"without quotes it is a number: `{value}`" if is_count(value) else ""
    raise Refusal("wrong-type", f"{wanted} must be a whole number, not {describe(value)}", help, at)


def is_count(value: Value) -> bool:
    """Whether a string says a whole number."""
    return isinstance(value, str) and value.isdecimal()


def checked(value: Value) -> Value:
    """A number within the limits: integers of 64 bits, finite floats."""
    if isinstance(value, int):
        if not -LARGEST - 1 <= value <= LARGEST:
            raise Refusal("number-limit", "this number does not fit in 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refusal("number-limit", "this number is not finite")
    return value


def sized(items: list[Value], limits: Limits) -> list[Value]:
    """The list, unless it is too long, or too long with all that its entries hold."""
    refuse_length(len(items), limits.list_entries)
    if list in set(map(type, items)):
        refuse_length(entries_in(items, limits.entries), limits.entries)
    return items


def refuse_length(length: int, most: int) -> None:
    if length > most:
        raise Refusal(
            "list-limit",
            f"this list would have more than {most:,} entries",
            "`--limit list_entries=N` raises the limit",
        )


def entries_in(items: list[Value], most: int = 10**18) -> int:
    """How many entries a list has, those of the lists in it included; counting ends past `most`."""
    count, pending = 0, [items]
    while pending and count <= most:
        inner = pending.pop()
        count += len(inner)
        if list in set(map(type, inner)):
            pending.extend(entry for entry in inner if type(entry) is list)
    return count


def call(name: str, values: Sequence[Value], limits: Limits) -> Value:
    """The value of `name(values)`."""
    function, least, most = _FUNCTIONS[name]
    if not least <= len(values) <= most:
        wanted = str(least) if least == most else f"{least} or more" if most > 9 else f"{least} to {most}"
        raise Refusal(
            "missing-argument" if len(values) < least else "surplus-argument",
            f"`{name}` takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(values)}",
            f"write `{SHOWN[name]}`",
            most if len(values) > most else None,
        )
    try:
        result = function(values, limits)
    except OverflowError:
        raise Refusal("number-limit", "this number is not finite") from None
    return sized(result, limits) if isinstance(result, list) else checked(result)


def _number(value: Value, name: str, at: int | None = 0) -> int | float:
    if not is_number(value):
        raise Refusal(
            "wrong-type", f"`{name}` takes numbers, not {describe(value)}", f"write `{SHOWN[name]}`", at
        )
    number: int | float = value
    return number


def _list(value: Value, name: str, at: int = 0) -> list[Value]:
    if not isinstance(value, list):
        raise Refusal(
            "wrong-type", f"`{name}` takes a list, not {describe(value)}", f"write `{SHOWN[name]}`", at
        )
    return value


def _extreme(name: str, choose: Callable[..., Value]) -> Callable[[Sequence[Value], Limits], Value]:
    def extreme(values: Sequence[Value], limits: Limits) -> Value:
        entries = _list(values[0], name) if len(values) == 1 else values
        if not entries:
            raise Refusal("out-of-range", f"`{name}` of nothing has no value", f"write `{SHOWN[name]}`")
        apart = len(values) > 1
        return choose([_number(entry, name, i if apart else 0) for i, entry in enumerate(entries)])

    return extreme


def _range(values: Sequence[Value], limits: Limits) -> Value:
    numbers = [whole(value, "a bound of `range`", at) for at, value in enumerate(values)]
    if len(numbers) == 3 and numbers[2] == 0:
        raise Refusal("out-of-range", "the step of `range` must not be 0", "write 1 or -1", 2)
    counted = range(*numbers)
    # len() of a range fails past a machine word
    refuse_length((counted.stop - counted.start) // counted.step, limits.list_entries)
    return list(counted)


def _round(values: Sequence[Value], limits: Limits) -> Value:
    number = _number(values[0], "round")
    if len(values) == 1:
        return round(number)
    digits = whole(values[1], "the number of digits", 1)
    return round(number, max(-MOST_DIGITS, min(digits, MOST_DIGITS)))  # Python would compute 10**digits


def _divisible(values: Sequence[Value], limits: Limits) -> Value:
    by = whole(values[1], "the divisor", 1)
    if by < 1:
        raise Refusal("out-of-range", f"the divisor must be at least 1, not {by}", "the usual one is 8", 1)
    return divisible(_number(values[0], "divisible"), by)


def _enumerate(values: Sequence[Value], limits: Limits) -> Value:
    start = whole(values[1], "the start", 1) if len(values) > 1 else 0
    return [[i, entry] for i, entry in enumerate(_list(values[0], "enumerate"), start)]


SHOWN = {
    "min": "min(a, b)",
    "max": "max(a, b)",
    "floor": "floor(x)",
    "ceil": "ceil(x)",
    "round": "round(x)",
    "abs": "abs(x)",
    "len": "len(list)",
    "range": "range(n)",
    "reversed": "reversed(list)",
    "enumerate": "enumerate(list)",
    "zip": "zip(list, list)",
    "sum": "sum(list)",
    "divisible": "divisible(x, 8)",
}
"""How each is written."""

_FUNCTIONS: dict[str, tuple[Callable[[Sequence[Value], Limits], Value], int, int]] = {
    "min": (_extreme("min", min), 1, 1000),
    "max": (_extreme("max", max), 1, 1000),
    "floor": (lambda v, _: math.floor(_number(v[0], "floor")), 1, 1),
    "ceil": (lambda v, _: math.ceil(_number(v[0], "ceil")), 1, 1),
    "round": (_round, 1, 2),
    "abs": (lambda v, _: abs(_number(v[0], "abs")), 1, 1),
    "len": (lambda v, _: len(_list(v[0], "len")), 1, 1),
    "range": (_range, 1, 3),
    "reversed": (lambda v, _: _list(v[0], "reversed")[::-1], 1, 1),
    "enumerate": (_enumerate, 1, 2),
    "zip": (
        lambda v, _: [list(row) for row in zip(*(_list(x, "zip", i) for i, x in enumerate(v)), strict=False)],
        1,
        1000,
    ),
    "sum": (lambda v, _: sum(_number(x, "sum") for x in _list(v[0], "sum")), 1, 1),
    "divisible": (_divisible, 2, 2),
}
