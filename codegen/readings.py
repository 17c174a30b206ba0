"""Expressions in; their values, the names that they read, and their Python text out."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from .expressions import (
    ATOM,
    COMPARISON,
    FUNCTIONS,
    OPERATORS,
    UNARY,
    Binary,
    Choice,
    Const,
    Expr,
    Function,
    Item,
    Name,
    Unary,
    Vector,
    binary,
    choice,
    compute,
    function,
    is_long,
    item,
    unary,
    vector,
)
from .python_text import literal


def evaluate(expr: Expr, names: Mapping[str, Any]) -> Any:
    """The value where the names have these values. Raises `Unsettled` where there is none."""
    match expr:
        case Const(value):
            return value
        case Name(id):
            return names[id]
        case Binary(op, left, right):
            first = evaluate(left, names)
            if op in ("and", "or") and bool(first) != (op == "and"):
                return first
            return compute(OPERATORS[op][1], first, evaluate(right, names))
        case Unary(op, operand):
            value = evaluate(operand, names)
            return (not value) if op == "not" else compute(operator.neg, value)
        case Choice(condition, then, otherwise):
            return evaluate(then if evaluate(condition, names) else otherwise, names)
        case Function(name, arguments):
            return compute(FUNCTIONS[name], *(evaluate(argument, names) for argument in arguments))
        case Item(target, index):
            return compute(operator.getitem, evaluate(target, names), index)
        case Vector(items):
            return tuple(evaluate(entry, names) for entry in items)


def free(expr: Expr) -> set[str]:
    """The names that it reads."""
    match expr:
        case Name(id):
            return {id}
        case Binary(_, left, right):
            return free(left) | free(right)
        case Unary(_, operand):
            return free(operand)
        case Choice(condition, then, otherwise):
            return free(condition) | free(then) | free(otherwise)
        case Function(_, items) | Vector(items):
            return {name for entry in items for name in free(entry)}
        case Item(target, _):
            return free(target)
    return set()


def substitute(expr: Expr, names: Mapping[str, Expr]) -> Expr:
    """The same with expressions in place of names, folded anew."""
    match expr:
        case Name(id):
            return names.get(id, expr)
        case Binary(op, left, right):
            return binary(op, substitute(left, names), substitute(right, names))
        case Unary(op, operand):
            return unary(op, substitute(operand, names))
        case Choice(condition, then, otherwise):
            return choice(*(substitute(part, names) for part in (condition, then, otherwise)))
        case Function(name, arguments):
            return function(name, tuple(substitute(argument, names) for argument in arguments))
        case Vector(items):
            return vector(tuple(substitute(entry, names) for entry in items))
        case Item(target, index):
            return item(substitute(target, names), index)
    return expr


def undivided(expr: Expr) -> Expr:
    """`width` for `2 * (width // 2)`, which it is where nothing is left over."""
    match expr:
        case Binary("*", Const(times), Binary("//", divided, Const(by))) if times == by:
            return divided
    return expr


def whole(expr: Expr) -> Expr:
    """The same with `//` for `/`: for a count whose quotients are whole."""
    match expr:
        case Binary("/", left, right):
            return binary("//", whole(left), whole(right))
        case Binary(op, left, right):
            return binary(op, whole(left), whole(right))
        case Unary(op, operand):
            return unary(op, whole(operand))
        case Choice(condition, then, otherwise):
            return choice(condition, whole(then), whole(otherwise))
        case Function(name, arguments):
            return function(name, tuple(map(whole, arguments)))
        case Vector(items):
            return vector(tuple(map(whole, items)))
    return expr


def text(expr: Expr) -> str:
    """The expression as `ruff format` leaves it."""
    return _text(expr)[0]


def _text(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const(value, source) if source is not None and is_long(value):
            return _text(source)
        case Const(value):
            negative = isinstance(value, int | float) and not isinstance(value, bool) and value < 0
            return literal(value), UNARY if negative else ATOM
        case Name(id):
            return id, ATOM
        case Binary(op, left, right):
            level = OPERATORS[op][0]
            if op == "**":
                hugging = _is_simple(left) and _is_simple(_exponent(right), -1)
                return f"{_above(left, level + 1)}{'**' if hugging else ' ** '}{_above(right, UNARY)}", level
            # comparisons do not associate: `(a < b) < c` needs its brackets
            return f"{_above(left, level + (level == COMPARISON))} {op} {_above(right, level + 1)}", level
        case Unary(op, operand):
            power = (
                isinstance(operand, Binary) and operand.operator == "**"
            )  # gets brackets from the formatter
            if op == "not":
                return f"not {_above(operand, ATOM if power else 3)}", 3
            return f"-{_above(operand, ATOM)}", UNARY
        case Choice(condition, then, otherwise):
            return f"{_above(then, 1)} if {_above(condition, 1)} else {_above(otherwise, 0)}", 0
        case Function(name, arguments):
            return f"{name}({', '.join(map(text, arguments))})", ATOM
        case Item(target, index):
            return f"{_above(target, ATOM)}[{index}]", ATOM
        case Vector(items):
            return f"({', '.join(map(text, items))}{',' if len(items) == 1 else ''})", ATOM


def _is_simple(expr: Expr, least: int = 0) -> bool:
    """What the formatter sets close to `**`: a name or a number, the exponent with a sign too."""
    if isinstance(expr, Const) and isinstance(expr.value, int | float):
        return least < 0 or expr.value >= 0
    return isinstance(expr, Name)


def _exponent(expr: Expr) -> Expr:
    """What stands next after `**`, without its sign."""
    match expr:
        case Unary("-", operand):
            return operand
        case Binary("**", left, _):
            return left
    return expr


def _above(expr: Expr, level: int) -> str:
    written, own = _text(expr)
    return written if own >= level else f"({written})"
