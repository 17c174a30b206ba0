"""Expressions of the language and formulas of layers in, expressions over the names of a class out."""

from __future__ import annotations

import ast as python
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ..dsl import ast
from ..ops.base import Window
from .expressions import (
    FUNCTIONS,
    Binary,
    Choice,
    Const,
    Expr,
    Function,
    Item,
    Name,
    Unary,
    Unsettled,
    Vector,
    binary,
    choice,
    floored,
    function,
    item,
    unary,
    vector,
)
from .readings import substitute


class WindowTerm(Struct, frozen=True):
    """A window: its kernel (an integer or a tuple), and its stride, where it has one."""

    kernel: Expr
    stride: Expr | None


class TensorTerm(Struct, frozen=True):
    """A tensor: its channels, where they can be written."""

    channels: Expr | None


Term = Expr | WindowTerm | TensorTerm
Scope = Mapping[str, Term]
IN_PYTHON = {"^": "**"}


def plain(value: Any) -> Any:
    """A value of the language as Python holds it: lists are tuples, windows without a stride their sizes."""
    if isinstance(value, Window):
        return short(value.size)
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    return value


def is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, int | float | str)


def identical(values: Sequence[Any]) -> bool:
    """Whether all are one number, word, list or window; `1`, `1.0` and `true` are three."""
    first = values[0]
    return all(value is first or _identical(first, value) for value in values)


def _identical(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(_identical, left, right))
    return isinstance(left, int | float | str | Window) and bool(left == right)


def short(sizes: tuple[int, ...]) -> Any:
    """One integer where all are equal."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def constant(value: Any) -> Term:
    """The term of a value; raises `Unsettled` for a layer or anything else without a literal."""
    if isinstance(value, Window):
        stride = None if value.stride is None else Const(short(value.stride))
        return WindowTerm(Const(short(value.size)), stride)
    if not is_plain(value):
        raise Unsettled
    return Const(plain(value))


def translate(expr: ast.Expr, scope: Scope) -> Term:
    """`expr` over the names of the class; raises `Unsettled` where that cannot be."""
    match expr:
        case ast.Number(value=value) | ast.String(value=value) | ast.Constant(value=value):
            return Const(value)
        case ast.Dims(sizes=sizes):
            return WindowTerm(Const(short(sizes)), None)
        case ast.Name(id=name):
            if name not in scope:
                raise Unsettled(name)
            return scope[name]
        case ast.List(items=items):
            return vector(tuple(_expr(entry, scope) for entry in items))
        case ast.Attribute(target=target, name="c"):
            tensor = translate(target, scope)
            if isinstance(tensor, TensorTerm) and tensor.channels is not None:
                return tensor.channels
        case ast.Index(target=target, items=(ast.Slice(low=low, high=high),)):
            entries = _constant(target, scope)
            bounds = [None if bound is None else _constant(bound, scope) for bound in (low, high)]
            return Const(entries[bounds[0] : bounds[1]])
        case ast.Index(target=target, items=(index,)) if not isinstance(index, ast.Slice):
            at = _expr(index, scope)
            if isinstance(at, Const) and type(at.value) is int:
                return item(_expr(target, scope), at.value)
        case ast.Unary(operator=op, operand=operand):
            return unary(op, _expr(operand, scope))
        case ast.Binary(operator="/", left=left, right=right):
            return _divide(translate(left, scope), _expr(right, scope))
        case ast.Binary(operator=op, left=left, right=right):
            return binary(IN_PYTHON.get(op, op), _expr(left, scope), _expr(right, scope))
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            return _choose(_expr(condition, scope), translate(then, scope), translate(otherwise, scope))
        case ast.Call(target=ast.Name(id="floor"), arguments=(ast.Argument(value=value),)) if (
            "floor" not in scope
        ):
            return floored(_expr(value, scope))
        case ast.Call(target=ast.Name(id=name), arguments=arguments) if (
            name in FUNCTIONS and name not in scope
        ):
            if not any(argument.spread or argument.name for argument in arguments):
                return function(name, tuple(_expr(argument.value, scope) for argument in arguments))
    raise Unsettled


def _expr(expr: ast.Expr, scope: Scope) -> Expr:
    term = translate(expr, scope)
    if isinstance(term, WindowTerm) and term.stride is None:
        return term.kernel
    if isinstance(term, WindowTerm | TensorTerm):
        raise Unsettled
    return term


def _constant(expr: ast.Expr, scope: Scope) -> Any:
    term = translate(expr, scope)
    if not isinstance(term, Const):
        raise Unsettled
    return term.value


def _divide(left: Term, right: Expr) -> Term:
    if isinstance(left, WindowTerm):
        if left.stride is not None:
            raise Unsettled
        return WindowTerm(left.kernel, right)
    if isinstance(left, TensorTerm):
        raise Unsettled
    return binary("/", left, right)


def _choose(condition: Expr, then: Term, otherwise: Term) -> Term:
    if isinstance(condition, Const):
        return then if condition.value else otherwise
    if isinstance(then, WindowTerm) and isinstance(otherwise, WindowTerm):
        if (then.stride is None) != (otherwise.stride is None):
            raise Unsettled
        stride = None
        if then.stride is not None and otherwise.stride is not None:
            stride = choice(condition, then.stride, otherwise.stride)
        return WindowTerm(choice(condition, then.kernel, otherwise.kernel), stride)
    if isinstance(then, WindowTerm | TensorTerm) or isinstance(otherwise, WindowTerm | TensorTerm):
        raise Unsettled
    return choice(condition, then, otherwise)


# --- formulas of layers --------------------------------------------------------------------------


def instantiate(formula: str, lookup: Callable[[str], Expr]) -> Expr:
    """A layer's formula with `lookup` of each name that it reads; raises `Unsettled`, as `lookup` may."""
    parsed = read_formula(formula)
    return substitute(parsed, _Names(lookup))


class _Names(Mapping[str, Expr]):
    def __init__(self, lookup: Callable[[str], Expr]) -> None:
        self.lookup = lookup

    def __getitem__(self, name: str) -> Expr:
        return self.lookup(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self.lookup(name)

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


@lru_cache(maxsize=512)
def read_formula(formula: str) -> Expr:
    """A formula of a layer, which is Python."""
    return _read(python.parse(formula, mode="eval").body)


BINARY: dict[type[python.operator], str] = {
    python.Add: "+",
    python.Sub: "-",
    python.Mult: "*",
    python.Div: "/",
    python.FloorDiv: "//",
    python.Mod: "%",
    python.Pow: "**",
}
COMPARE: dict[type[python.cmpop], str] = {
    python.Eq: "==",
    python.NotEq: "!=",
    python.Lt: "<",
    python.LtE: "<=",
    python.Gt: ">",
    python.GtE: ">=",
}


def _read(node: python.expr) -> Expr:
    match node:
        case python.Constant(value=value):
            return Const(value)
        case python.Name(id=name):
            return Name(name)
        case python.BinOp(left=left, op=op, right=right):
            return Binary(BINARY[type(op)], _read(left), _read(right))
        case python.UnaryOp(op=python.USub(), operand=operand):
            return Unary("-", _read(operand))
        case python.UnaryOp(op=python.Not(), operand=operand):
            return Unary("not", _read(operand))
        case python.IfExp(test=test, body=body, orelse=otherwise):
            return Choice(_read(test), _read(body), _read(otherwise))
        case python.Compare(left=left, ops=[op], comparators=[right]):
            return Binary(COMPARE[type(op)], _read(left), _read(right))
        case python.BoolOp(op=op, values=[first, *rest]):
            joined = _read(first)
            for value in rest:
                joined = Binary("and" if isinstance(op, python.And) else "or", joined, _read(value))
            return joined
        case python.Tuple(elts=elements):
            return Vector(tuple(map(_read, elements)))
        case python.Subscript(value=value, slice=python.Constant(value=int(index))):
            return Item(_read(value), index)
        case python.Subscript(
            value=value, slice=python.UnaryOp(op=python.USub(), operand=python.Constant(value=int(index)))
        ):
            return Item(_read(value), -index)
        case python.Call(func=python.Name(id=name), args=arguments) if name in FUNCTIONS:
            return Function(name, tuple(map(_read, arguments)))
    raise Unsettled(python.unparse(node))
