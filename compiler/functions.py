"""Arithmetic and the functions of the language on plain values; a `Refusal` knows no place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..ops.base import Window
from .frames import Argument
from .limits import INTEGER_BITS, Limits
from .values import BlockLayer, Builtin, Value, describe

LARGEST = 2**INTEGER_BITS - 1
MOST_DIGITS = 400
"""No finite number has a digit further from its point than this."""


class Refusal(Exception):
    """A function or operator that cannot take its values: a code of `codes.CODES`, and what is wrong."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(value: Value, wanted: str) -> int:
    """`value` as a count: a float that is whole to nine digits is that integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        nearest = round(value)
        if abs(value - nearest) <= 1e-9 * max(1.0, abs(value)):
            return nearest
        raise Refusal(
            "not-whole",
            f"{wanted} must be whole, and {value:g} is not",
            "use `floor`, `round` or `divisible`",
        )
    raise Refusal("wrong-type", f"{wanted} must be a whole number, not {describe(value)}")


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


# --- operators -----------------------------------------------------------------------------------


def divide(left: Value, right: Value) -> Value:
    """True division; a window over a stride is the window with that stride."""
    if isinstance(left, Window):
        return stride(left, right)
    if isinstance(right, Window):
        raise Refusal(
            "wrong-type", f"{describe(left)} cannot be divided by {describe(right)}", "write `stride=`"
        )
    return left / right


def stride(window: Window, by: Value) -> Window:
    if window.stride is not None:
        raise Refusal("wrong-type", f"the window {window} has a stride already")
    if isinstance(by, Window) and by.stride is None:
        strides = by.size
    else:
        strides = (whole(by, "a stride"),) * len(window.size)
    if len(strides) != len(window.size):
        raise Refusal(
            "rank-mismatch", f"a stride for {len(strides)} dimensions does not fit the window {window}"
        )
    if min(strides) < 1:
        raise Refusal("out-of-range", f"a stride must be at least 1, not {min(strides)}")
    return Window(window.size, strides)


def power(left: Value, right: Value) -> Value:
    whole_ones = isinstance(left, int) and isinstance(right, int)
    if whole_ones and right > 0 and abs(left) > 1 and left.bit_length() * right > INTEGER_BITS * 4:
        raise Refusal("number-limit", "this number does not fit in 64 bits")  # found before it is computed
    if left < 0 and not float(right).is_integer():
        raise Refusal("out-of-range", f"{left} has no real power {right}")
    return left**right


ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "^": power,
}
COMPARISON: dict[str, Callable[[Value, Value], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def operate(operator: str, left: Value, right: Value, limits: Limits) -> Value:
    """`left operator right` on plain values: numbers, lists, windows, strings for comparison."""
    if operator in ("==", "!="):
        equal = same(left, right)
        return equal if operator == "==" else not equal
    if operator in ("in", "not in"):
        if not isinstance(right, list):
            raise Refusal("wrong-type", f"`in` looks into a list, not into {describe(right)}")
        found = any(same(left, entry) for entry in right)
        return found if operator == "in" else not found
    numbers = is_number(left) and is_number(right)
    if operator in COMPARISON:
        if numbers or (isinstance(left, str) and isinstance(right, str)):
            return COMPARISON[operator](left, right)
        raise _unfit(operator, left, right)
    if isinstance(left, list) or isinstance(right, list):
        return _on_lists(operator, left, right, limits)
    if not numbers and not (operator == "/" and isinstance(left, Window)):
        if operator == "/" and isinstance(right, Window):
            divide(left, right)
        raise _unfit(operator, left, right)
    try:
        return checked(ARITHMETIC[operator](left, right))
    except ZeroDivisionError:
        raise Refusal("out-of-range", "this divides by zero") from None
    except OverflowError:
        raise Refusal("number-limit", "this number is not finite") from None


def negate(value: Value) -> Value:
    if not is_number(value):
        raise Refusal("wrong-type", f"`-` does not take {describe(value)}")
    return checked(-value)


def same(left: Value, right: Value) -> bool:
    """Equality as in Python, but that `true` is not 1; layers are equal that have equal parameters."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, list) and isinstance(right, Window) and right.stride is None:
        return left == list(right.size)
    if isinstance(left, Window) and isinstance(right, list):
        return same(right, left)
    if isinstance(left, Builtin) and isinstance(right, Builtin):
        return left.op is right.op and same_arguments(left.bound, right.bound)
    if isinstance(left, BlockLayer) and isinstance(right, BlockLayer):
        given = same_arguments(left.bound, right.bound) and same_arguments(left.rest, right.rest)
        return left.definition is right.definition and given
    return bool(left == right)


def same_arguments(left: dict[str, Argument], right: dict[str, Argument]) -> bool:
    return left.keys() == right.keys() and all(same(left[name].value, right[name].value) for name in left)


def _on_lists(operator: str, left: Value, right: Value, limits: Limits) -> Value:
    if operator == "+" and isinstance(left, list) and isinstance(right, list):
        return sized(left + right, limits)
    if operator == "*":
        items, times = (left, right) if isinstance(left, list) else (right, left)
        count = whole(times, "the number of copies")
        refuse_length(len(items) * count, limits.list_entries)
        return sized(items * count, limits)
    if operator == "/" and isinstance(left, list):  # `[3, n]/2`: as a window whose size is computed
        return stride(Window(tuple(whole(size, "a size") for size in left)), right)
    raise _unfit(operator, left, right)


def _unfit(operator: str, left: Value, right: Value) -> Refusal:
    kinds = describe(left), describe(right)
    both = (
        f"two {kinds[0].removeprefix('a ')}s"
        if kinds[0] == kinds[1] in ("a string", "a list")
        else " and ".join(kinds)
    )
    return Refusal("wrong-type", f"`{operator}` does not take {both}")


# --- functions -----------------------------------------------------------------------------------


def call(name: str, values: Sequence[Value], limits: Limits) -> Value:
    """The value of `name(values)`."""
    function, least, most = _FUNCTIONS[name]
    if not least <= len(values) <= most:
        wanted = str(least) if least == most else f"{least} or more" if most > 9 else f"{least} to {most}"
        raise Refusal(
            "missing-argument" if len(values) < least else "surplus-argument",
            f"`{name}` takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(values)}",
        )
    try:
        result = function(values, limits)
    except OverflowError:
        raise Refusal("number-limit", "this number is not finite") from None
    return sized(result, limits) if isinstance(result, list) else checked(result)


def _number(value: Value, name: str) -> int | float:
    if not is_number(value):
        raise Refusal("wrong-type", f"`{name}` takes numbers, not {describe(value)}")
    number: int | float = value
    return number


def _list(value: Value, name: str) -> list[Value]:
    if not isinstance(value, list):
        raise Refusal("wrong-type", f"`{name}` takes a list, not {describe(value)}")
    return value


def _extreme(name: str, choose: Callable[..., Value]) -> Callable[[Sequence[Value], Limits], Value]:
    def extreme(values: Sequence[Value], limits: Limits) -> Value:
        entries = _list(values[0], name) if len(values) == 1 else values
        if not entries:
            raise Refusal("out-of-range", f"`{name}` of nothing has no value")
        return choose([_number(entry, name) for entry in entries])

    return extreme


def _range(values: Sequence[Value], limits: Limits) -> Value:
    numbers = [whole(value, "a bound of `range`") for value in values]
    if len(numbers) == 3 and numbers[2] == 0:
        raise Refusal("out-of-range", "the step of `range` must not be 0")
    counted = range(*numbers)
    # len() of a range fails past a machine word
    refuse_length((counted.stop - counted.start) // counted.step, limits.list_entries)
    return list(counted)


def _round(values: Sequence[Value], limits: Limits) -> Value:
    number = _number(values[0], "round")
    if len(values) == 1:
        return round(number)
    digits = whole(values[1], "the number of digits")
    return round(number, max(-MOST_DIGITS, min(digits, MOST_DIGITS)))  # Python would compute 10**digits


def divisible(value: int | float, by: int) -> int:
    """`value` rounded to a multiple of `by`, never below 90 % of it (Sandler et al. 2018's released code)."""
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


def _divisible(values: Sequence[Value], limits: Limits) -> Value:
    by = whole(values[1], "the divisor")
    if by < 1:
        raise Refusal("out-of-range", f"the divisor must be at least 1, not {by}")
    return divisible(_number(values[0], "divisible"), by)


def _enumerate(values: Sequence[Value], limits: Limits) -> Value:
    start = whole(values[1], "the start") if len(values) > 1 else 0
    return [[i, entry] for i, entry in enumerate(_list(values[0], "enumerate"), start)]


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
    "zip": (lambda v, _: [list(row) for row in zip(*(_list(x, "zip") for x in v), strict=False)], 1, 1000),
    "sum": (lambda v, _: sum(_number(x, "sum") for x in _list(v[0], "sum")), 1, 1),
    "divisible": (_divisible, 2, 2),
}
