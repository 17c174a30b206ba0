"""Arithmetic over the names of a class, built folded; Python text and, for given names, values out.

`4 * width` is kept, `1 * width + 0` never arises. Values are ints, floats, bools, None, strings and tuples.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import floor, gcd
from typing import Any

from msgspec import Struct

from ..ops.arithmetic import divisible


class Const(Struct, frozen=True):
    """A value; a float with the arithmetic that it comes from, which may be better to read."""

    value: Any
    source: Expr | None = None


class Name(Struct, frozen=True):
    """A constructor parameter or a loop variable."""

    id: str


class Binary(Struct, frozen=True):
    """Arithmetic, comparison, `and`, `or`, `in`, in Python's words."""

    operator: str
    left: Expr
    right: Expr


class Unary(Struct, frozen=True):
    operator: str
    operand: Expr


class Choice(Struct, frozen=True):
    """`then if condition else otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr


class Function(Struct, frozen=True):
    name: str
    arguments: tuple[Expr, ...]


class Item(Struct, frozen=True):
    target: Expr
    index: int


class Vector(Struct, frozen=True):
    """A tuple."""

    items: tuple[Expr, ...]


Expr = Const | Name | Binary | Unary | Choice | Function | Item | Vector

OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "or": (1, lambda a, b: a or b),
    "and": (2, lambda a, b: a and b),
    "in": (4, lambda a, b: a in b),
    "not in": (4, lambda a, b: a not in b),
    "==": (4, operator.eq),
    "!=": (4, operator.ne),
    "<": (4, operator.lt),
    "<=": (4, operator.le),
    ">": (4, operator.gt),
    ">=": (4, operator.ge),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "*": (6, operator.mul),
    "/": (6, operator.truediv),
    "//": (6, operator.floordiv),
    "%": (6, operator.mod),
    "**": (8, operator.pow),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "len": len,
    "round": round,
    "sum": sum,
    "int": int,
    "divisible": divisible,
}
COMPARISON, UNARY, ATOM = 4, 7, 10
FOLDED = ("+", "-", "*", "//")
"""What is done to both sides of a choice between numbers: `(3 if wide else 1) - 1` is `2 if wide else 0`."""
LONG = 10
"""A float of more characters is written as the arithmetic that it comes from: `0.2 * 2 / 39`."""


class Unsettled(Exception):
    """An expression that cannot be written over the names of the class, or has no value there."""


def is_const(expr: Expr, value: object) -> bool:
    return isinstance(expr, Const) and type(expr.value) is type(value) and expr.value == value


# --- building ------------------------------------------------------------------------------------


def binary(op: str, left: Expr, right: Expr) -> Expr:
    """`left op right`, folded."""
    if op in ("and", "or"):
        return _logical(op, left, right)
    if isinstance(left, Const) and isinstance(right, Const):
        value = compute(OPERATORS[op][1], left.value, right.value)
        kept = isinstance(value, float) and (op in ("*", "/") or is_long(value))
        return Const(value, _source(op, left, right) if kept else None)
    match left, right:
        case Choice(condition, Const() as then, Const() as otherwise), Const() if op in FOLDED:
            return choice(condition, binary(op, then, right), binary(op, otherwise, right))
        case Const(), Choice(condition, Const() as then, Const() as otherwise) if op in FOLDED:
            return choice(condition, binary(op, left, then), binary(op, left, otherwise))
    match op:
        case "+":
            return _sum(left, right, 1)
        case "-":
            return _sum(left, right, -1)
        case "*":
            return _product(left, right)
        case "//" | "/":
            return _quotient(op, left, right)
        case "**" if is_const(right, 1):
            return left
        case "**" if is_const(left, 1):
            return left
    return Binary(op, left, right)


def is_long(value: object) -> bool:
    """Whether it is a number that no one would write: 0.17592592592592593."""
    return isinstance(value, float) and len(repr(value)) > LONG


def _source(op: str, left: Const, right: Const) -> Expr:
    if op in ("*", "/") and is_const(right, 1):
        return left.source or left
    if op == "*" and is_const(left, 1):
        return right.source or right
    return Binary(op, left.source or left, right.source or right)


def compute(function: Callable[..., Any], *values: Any) -> Any:
    try:
        return function(*values)
    except (ArithmeticError, TypeError, ValueError, IndexError) as error:
        raise Unsettled(str(error)) from None


def _logical(op: str, left: Expr, right: Expr) -> Expr:
    keep = op == "and"  # `true and x` and `x and true` are x, with `false or` too: both sides are bools
    if isinstance(left, Const):
        return right if bool(left.value) == keep else left
    if is_const(right, keep):
        return left
    return Binary(op, left, right)


def is_condition(expr: Expr) -> bool:
    """Whether its value is a bool by its form."""
    match expr:
        case Binary(op, left, right):
            return OPERATORS[op][0] == COMPARISON or (
                op in ("and", "or") and is_condition(left) and is_condition(right)
            )
        case Unary(op, _):
            return op == "not"
    return False


def _terms(expr: Expr, sign: int, found: list[tuple[int, Expr | None]]) -> None:
    """The summands of an expression, each a number times a factor (None: the number alone)."""
    match expr:
        case Binary("+", left, right):
            _terms(left, sign, found)
            _terms(right, sign, found)
        case Binary("-", left, right):
            _terms(left, sign, found)
            _terms(right, -sign, found)
        case Const(value) if type(value) is int:
            found.append((sign * value, None))
        case Binary("*", Const(value), factor) if type(value) is int:
            found.append((sign * value, factor))
        case _:
            found.append((sign, expr))


def _sum(left: Expr, right: Expr, sign: int) -> Expr:
    """A sum with equal summands gathered, numbers last; a float or a list stays where it is written."""
    found: list[tuple[int, Expr | None]] = []
    _terms(left, 1, found)
    _terms(right, sign, found)
    gathered: dict[Expr | None, int] = {}
    for count, factor in found:
        gathered[factor] = gathered.get(factor, 0) + count
    if len(gathered) == len(found) and 0 not in gathered.values():
        if isinstance(left, Const) and type(left.value) is int and sign > 0:
            left, right = right, left  # `in_channels + 2`, not `2 + in_channels`
        return _signed("+" if sign > 0 else "-", left, right)
    number = gathered.pop(None, 0)
    result: Expr | None = None
    for factor, count in sorted(gathered.items(), key=lambda item: item[1] < 0):
        if count:
            assert factor is not None
            if result is None:
                result = _product(Const(count), factor)
            else:
                result = Binary("+" if count > 0 else "-", result, _product(Const(abs(count)), factor))
    if result is None:
        return Const(number)
    return _signed("+", result, Const(number)) if number else result


def _signed(op: str, left: Expr, right: Expr) -> Expr:
    """`x + -2` is `x - 2`."""
    if isinstance(right, Const) and type(right.value) is int and right.value < 0:
        return Binary("-" if op == "+" else "+", left, Const(-right.value))
    return Binary(op, left, right)


def _product(left: Expr, right: Expr) -> Expr:
    if isinstance(right, Const) and type(right.value) is int:
        left, right = right, left
    if isinstance(left, Const) and type(left.value) is int:
        if isinstance(right, Const):
            return Const(left.value * right.value)
        if left.value == 0:
            return Const(0)
        if left.value == 1:
            return right
        match right:
            case Binary("*", Const(value), factor) if type(value) is int:
                return _product(Const(left.value * value), factor)
    return Binary("*", left, right)


def _quotient(op: str, left: Expr, right: Expr) -> Expr:
    if op == "//" and isinstance(right, Const) and type(right.value) is int and right.value:
        if right.value == 1:
            return left
        match left:
            case Binary("*", Const(value), factor) if type(value) is int and value:
                common = gcd(value, right.value)  # `4 * width // 64` is `width // 16`, remainders too
                if common in (abs(value), abs(right.value)):
                    return _quotient(
                        op, _product(Const(value // common), factor), Const(right.value // common)
                    )
    return Binary(op, left, right)


def unary(op: str, operand: Expr) -> Expr:
    if isinstance(operand, Const):
        return Const(not operand.value) if op == "not" else Const(compute(operator.neg, operand.value))
    match op, operand:
        case "not", Binary("==" | "!=" as equality, left, right):
            return Binary("!=" if equality == "==" else "==", left, right)
        case "not", Binary("and" | "or" as joining, left, right) if is_equality(left) and is_equality(right):
            return Binary("or" if joining == "and" else "and", unary("not", left), unary("not", right))
        case "not", Unary("not", inner) if is_condition(inner):
            return inner
        case "-", Binary("-", left, right):
            return Binary("-", right, left)
    return Unary(op, operand)


def is_equality(expr: Expr) -> bool:
    return isinstance(expr, Binary) and expr.operator in ("==", "!=")


def choice(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    if isinstance(condition, Const):
        return then if condition.value else otherwise
    return then if then == otherwise else Choice(condition, then, otherwise)


def function(name: str, arguments: tuple[Expr, ...]) -> Expr:
    if all(isinstance(argument, Const) for argument in arguments):
        values = [argument.value for argument in arguments if isinstance(argument, Const)]
        return Const(compute(FUNCTIONS[name], *values))
    if name == "len" and isinstance(arguments[0], Vector):
        return Const(len(arguments[0].items))
    return Function(name, arguments)


def floored(expr: Expr) -> Expr:
    """`floor(expr)` for what is counted, which is no less than 0. Raises `Unsettled` for what no one would
    write: a net's widths as they follow from a share that its caller gives."""
    match expr:
        case Const(value):
            return Const(compute(floor, value))
        case Name():
            return expr
        case Binary("/", left, right):
            return binary("//", left, right)
        case Binary("*", Const(float(share)), factor):
            if 0 < share < 1 and (1 / share).is_integer():
                return binary("//", factor, Const(int(1 / share)))  # `0.5 * width` is `width // 2`
            return function("int", (expr,))
    raise Unsettled


def vector(items: tuple[Expr, ...]) -> Expr:
    if all(isinstance(item, Const) for item in items):
        return Const(tuple(item.value for item in items if isinstance(item, Const)))
    return Vector(items)


def item(target: Expr, index: int) -> Expr:
    if isinstance(target, Const):
        return Const(compute(operator.getitem, target.value, index))
    if isinstance(target, Vector):
        return target.items[index]
    return Item(target, index)
