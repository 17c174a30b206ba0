"""A loop over `range(count)` in; the same over the numbers that its text reads best with out.

`0.2 * (j + 3) / 39 for j in range(4)` is `0.2 * j / 39 for j in range(3, 7)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .expressions import Binary, Choice, Const, Expr, Function, Item, Name, Unary, Vector, binary, is_const
from .plan import Chain, Element, Entry, Given, Made, Make, Option, Repeat, Running
from .readings import text


def bounds(repeat: Repeat) -> tuple[Repeat, str]:
    """The loop with its numbers moved, where each of its expressions then gets shorter, and its range."""
    variable, step = repeat.variable, repeat.step
    offsets = {offset for expr in expressions(repeat.entries) for offset in places(expr, variable, step)}
    first = min((offset for offset in offsets if offset is not None), default=0)
    if None in offsets or first <= 0:
        return repeat, f"range({text(repeat.count)})"

    def move(expr: Expr) -> Expr:
        return moved(expr, variable, step, first)

    end = binary("+", binary("*", Const(step), repeat.count), Const(first))
    entries = tuple(mapped(entry, move) for entry in repeat.entries)
    shown = f"range({first}, {text(end)}{f', {step}' if step > 1 else ''})"
    return Repeat(variable, repeat.count, entries, step), shown


def places(expr: Expr, variable: str, step: int) -> Iterator[int | None]:
    """By how much the loop's number is moved wherever it is read; None where it is not that number."""
    offset = offset_of(expr, variable, step)
    if offset is not None:
        yield offset
    elif is_turn(expr, variable):
        return
    elif expr == Name(variable):
        yield None
    else:
        for part in parts(expr):
            yield from places(part, variable, step)


def moved(expr: Expr, variable: str, step: int, first: int) -> Expr:
    offset = offset_of(expr, variable, step)
    if offset is not None:
        return binary("+", Name(variable), Const(offset - first))
    match expr:
        case Binary(op, Name(), Const(value)) if is_turn(expr, variable):
            return Binary(op, Name(variable), Const(step * value + first))
        case Binary(op, left, right):
            return Binary(op, moved(left, variable, step, first), moved(right, variable, step, first))
        case Unary(op, operand):
            return Unary(op, moved(operand, variable, step, first))
        case Choice(condition, then, otherwise):
            return Choice(*(moved(part, variable, step, first) for part in (condition, then, otherwise)))
        case Function(name, arguments):
            return Function(name, tuple(moved(part, variable, step, first) for part in arguments))
        case Vector(items):
            return Vector(tuple(moved(part, variable, step, first) for part in items))
        case Item(target, index):
            return Item(moved(target, variable, step, first), index)
    return expr


def offset_of(expr: Expr, variable: str, step: int) -> int | None:
    """`c`, where the expression is `step * variable + c`."""
    match expr:
        case Binary("+", inner, Const(int(by))):
            return by if is_scaled(inner, variable, step) else None
    return 0 if is_scaled(expr, variable, step) else None


def is_scaled(expr: Expr, variable: str, step: int) -> bool:
    if step == 1:
        return expr == Name(variable)
    match expr:
        case Binary("*", by, Name(name)):
            return name == variable and is_const(by, step)
    return False


def is_turn(expr: Expr, variable: str) -> bool:
    """`j == 0`: a question which turn it is."""
    match expr:
        case Binary("==" | "!=", Name(name), Const(value)):
            return name == variable and type(value) is int
    return False


def parts(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Binary(_, left, right):
            return left, right
        case Unary(_, operand):
            return (operand,)
        case Choice(condition, then, otherwise):
            return condition, then, otherwise
        case Function(_, items) | Vector(items):
            return items
        case Item(target, _):
            return (target,)
    return ()


def expressions(entries: tuple[Entry, ...]) -> Iterator[Expr]:
    """All that stands in a loop."""
    found: list[Expr] = []

    def note(expr: Expr) -> Expr:
        found.append(expr)
        return expr

    for entry in entries:
        mapped(entry, note)
    return iter(found)


def mapped(entry: Entry, change: Callable[[Expr], Expr]) -> Entry:
    """The entry with each of its expressions changed."""
    match entry:
        case Element(key=key, make=make):
            if isinstance(key, Running):
                key = Running(key.word, change(key.number))
            return Element(key, made_of(make, change))
        case Repeat(variable=variable, count=count, entries=entries, step=step):
            return Repeat(variable, change(count), tuple(mapped(each, change) for each in entries), step)
        case Option(condition=condition, then=then, otherwise=otherwise):
            sides = (tuple(mapped(each, change) for each in side) for side in (then, otherwise))
            return Option(change(condition), *sides)


def made_of(made: Made, change: Callable[[Expr], Expr]) -> Made:
    if isinstance(made, Chain):
        return Chain(tuple(mapped(entry, change) for entry in made.entries))
    given = tuple(
        entry if isinstance(entry.value, str) else Given(entry.name, change(entry.value), entry.tensor)
        for entry in made.given
    )
    return Make(made.path, given, made.within)
