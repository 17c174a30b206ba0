"""Operators of the language on plain values: numbers, lists, windows, strings, and layers for comparison."""

from __future__ import annotations

from collections.abc import Callable

from ..ops.base import Window
from .frames import Argument
from .functions import Refusal, checked, is_count, is_number, refuse_length, sized, whole
from .limits import INTEGER_BITS, Limits
from .values import BlockLayer, Builtin, Layer, Value, describe


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
        help = f"write the stride once: `{Window(window.size)}/2`"
        raise Refusal("repeated-argument", f"the window {window} has a stride already", help)
    if isinstance(by, Window) and by.stride is None:
        strides = by.size
    else:
        strides = (whole(by, "a stride"),) * len(window.size)
    if len(strides) != len(window.size):
        fitting = (strides * len(window.size))[: len(window.size)]
        count = f"{len(strides)} dimension{'s'[: len(strides) != 1]}"
        message = f"a stride for {count} does not fit the window {window}"
        raise Refusal("rank-mismatch", message, f"write `{Window(window.size, fitting)}`")
    if min(strides) < 1:
        message = f"a stride must be at least 1, not {min(strides)}"
        raise Refusal("out-of-range", message, f"without a stride it is `{window}`", 1)
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
        raise Refusal("out-of-range", "this divides by zero", "`max(1, ...)` is never 0", 1) from None
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
    if operator == "/" and isinstance(left, list) and left:  # `[3, n]/2`: as a window whose size is computed
        return stride(Window(tuple(whole(size, "a size") for size in left)), right)
    raise _unfit(operator, left, right)


def _unfit(operator: str, left: Value, right: Value) -> Refusal:
    kinds = describe(left), describe(right)
    both = (
        f"two {kinds[0].removeprefix('a ')}s"
        if kinds[0] == kinds[1] in ("a string", "a list")
        else " and ".join(kinds)
    )
    help = (
        "layers follow each other after `->`" if isinstance(left, Layer) or isinstance(right, Layer) else ""
    )
    for side in (left, right):
        if is_count(side):
            help = f"without quotes it is a number: `{side}`"
    return Refusal("wrong-type", f"`{operator}` does not take {both}", help)
