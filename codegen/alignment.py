"""Events of all uses of a class, lined up, in; what `let`, labels, loops and conditions mean for all of them
out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

from ..compiler.frames import (
    Argument,
    Bind,
    Branch,
    Event,
    Label,
    Loop,
    Names,
    Tensor,
)
from ..compiler.frames import Sequence as SequenceEvent
from ..dsl import ast
from .calls import Calls
from .events import signature
from .expressions import Expr, Unsettled, choice, item
from .plan import Variable
from .rows import Around, Row, Split
from .settling import integer
from .terms import TensorTerm, Term, constant, identical, translate

R = TypeVar("R")
T = TypeVar("T")
UNUSABLE = TensorTerm(None)
"""The term of a name that has a value in each use, and no expression: it hides what has the same name
outside."""


class Alignment(Calls):
    """Where uses do not line up, `Split` is raised with a key for each row."""

    def columns(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]]) -> list[list[Any]]:
        """The events of all rows side by side."""
        found = [self.alive(row, events) for row, events in zip(rows, lists, strict=True)]
        if len(rows) > 1:
            keys = [tuple(map(signature, events)) for events in found]
            if any(key != keys[0] for key in keys):
                raise Split(rows, keys)
        return [list(column) for column in zip(*found, strict=True)]

    def alive(self, row: Row, events: Sequence[Event]) -> list[Event]:
        return row.use.net.alive(events)

    def within(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Around:
        """The scope inside a group, where `in` is what enters it."""
        first = column[0]
        if isinstance(first, SequenceEvent) and first.form == "chain":
            return scope.inside()
        entering = [event.inputs for event in column]
        if any(len(inputs) != 1 for inputs in entering):
            return scope.inside()
        return scope.inside({"in": self.tensor(rows, [inputs[0] for inputs in entering])})

    def bind(self, rows: Sequence[Row], column: Sequence[Bind], scope: Around) -> None:
        """`let`: its formula, or its value."""
        arguments = [event.argument for event in column]
        name = column[0].name
        scope.names[name] = self.term(arguments, rows, scope)

    def term(self, arguments: Sequence[Argument], rows: Sequence[Row], scope: Around) -> Term:
        try:
            return self.settling.term_of(arguments, rows, scope)
        except Unsettled:
            return common([argument.value for argument in arguments])

    def name_values(self, rows: Sequence[Row], column: Sequence[Names], scope: Around) -> None:
        for position, label in enumerate(column[0].labels):
            variable = self.find(rows, [event.outputs[position] for event in column])
            self.label(label, variable, scope)

    def label(self, label: Label | None, variable: Variable, scope: Around) -> None:
        if label is None:
            return
        variable.hint = label.attribute  # of several labels the outermost, or the last that names it
        if not label.indices:
            scope.labels[label.name] = TensorTerm(variable.channels)

    def turn(self, rows: Sequence[Row], loops: Sequence[Loop], number: int, scope: Around) -> Around:
        """The scope of one turn, unrolled: its variables are literals, or entries of a list that is a
        parameter."""
        names: dict[str, Term] = {}
        for name in loops[0].turns[number].bindings:
            values = [loop.turns[number].bindings[name] for loop in loops]
            names[name] = common(values)
            source = loops[0].source
            if names[name] is UNUSABLE and source is not None and source.expr is not None:
                with suppress(Unsettled):
                    entry = item(integer(translate(listed(source.expr, loops[0], name), scope)), number)
                    if self.settling.holds(entry, values, rows):
                        names[name] = entry
        return scope.inside(names)

    def condition(self, rows: Sequence[Row], column: Sequence[Branch], scope: Around) -> Expr:
        """The condition of an `if` that holds in some rows only; raises `Split` where it cannot be
        written."""
        conditions = [event.condition for event in column]
        taken = [event.taken for event in column]
        found = self.settling.express(
            taken, rows, lambda: integer(self.settling.term_of(conditions, rows, scope))
        )
        if found is None:
            raise Split(rows, taken)
        return found

    def meet(
        self,
        rows: Sequence[Row],
        leaving: Sequence[tuple[Tensor, ...]],
        taken: Sequence[bool],
        condition: Expr,
    ) -> tuple[tuple[Variable, ...], tuple[tuple[Variable, ...], tuple[Variable, ...]]]:
        """The variables that leave an `if`, whichever side was taken, and those of its two sides."""
        outputs: list[Variable] = []
        left: list[tuple[Variable, ...]] = []
        for tensors in zip(*leaving, strict=True):
            then, otherwise = (self.find(some, found) for some, found in divide(rows, tensors, taken))
            together = [then.channels, otherwise.channels]
            if then.channels is not None and otherwise.channels is not None:
                together.append(choice(condition, then.channels, otherwise.channels))
            met = self.variable(rows, [tensor.shape for tensor in tensors], *together)
            met.hint = then.hint or otherwise.hint
            for row, tensor in zip(rows, tensors, strict=True):
                row.define(tensor, met)
            outputs.append(met)
            left.append((then, otherwise))
        sides = tuple(pair[0] for pair in left), tuple(pair[1] for pair in left)
        return tuple(outputs), sides


def common(values: Sequence[object]) -> Term:
    """The literal that all have; else a term that cannot be used."""
    if not identical(values):
        return UNUSABLE
    try:
        return constant(values[0])
    except Unsettled:
        return UNUSABLE


def divide(rows: Sequence[R], values: Sequence[T], taken: Sequence[bool]) -> list[tuple[list[R], list[T]]]:
    """Rows, and what goes with them, of the side that was taken and of the other."""
    pairs = list(zip(rows, values, taken, strict=True))
    return [
        (
            [row for row, _, side in pairs if side is wanted],
            [value for _, value, side in pairs if side is wanted],
        )
        for wanted in (True, False)
    ]


def are_mixed(column: Sequence[Event]) -> bool:
    """Whether an `if` holds in some rows only."""
    return (
        all(isinstance(event, Branch) for event in column)
        and len({getattr(e, "taken", None) for e in column}) > 1
    )


def word_of(branch: Branch) -> str:
    """What the text calls a condition: the name of a `let` or parameter that it is."""
    expr = branch.condition.expr
    if isinstance(expr, ast.Unary) and expr.operator == "not":
        expr = expr.operand
    return expr.id if isinstance(expr, ast.Name) else ""


def listed(source: ast.Expr, loop: Loop, name: str) -> ast.Expr:
    """The list whose entries a loop variable takes: `zip(a, b)` and `enumerate(a)` have one for each
    variable."""
    match source, loop.site:
        case ast.Call(target=ast.Name(id="zip"), arguments=arguments), ast.For(targets=targets):
            bound = [{each.id for each in ast.names_of((target,))} for target in targets]
            return arguments[next(at for at, names in enumerate(bound) if name in names)].value
        case ast.Call(target=ast.Name(id="enumerate"), arguments=arguments), _:
            return arguments[0].value
    return source
