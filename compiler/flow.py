"""Statements in, the value that flows out: chains, labels, `let`, `if`, `for`, a net's ways in and out."""

from __future__ import annotations

from typing import Protocol

from ..dsl import ast
from . import apply as applying
from . import chains, labels, ports
from . import evaluate as evaluating
from .elaboration import Elaboration
from .faults import POISON, Fault, Silent
from .frames import (
    Argument,
    Bind,
    Branch,
    Event,
    Loop,
    Tensor,
    Turn,
)
from .scope import Scope
from .values import SharedLayer, Value


class Course(Protocol):
    """Where a body's statements receive their values from and give them to."""

    def receive(self) -> Value: ...

    def give(self, statement: ast.Statement, value: Value, events: list[Event], steps: int = 1) -> None:
        """Take a statement's value; it has `steps`, beside a tensor that it may start with."""
        ...


class Straight:
    """What one statement gives, the next receives."""

    def __init__(self, e: Elaboration, value: Value) -> None:
        self.e, self.value = e, value

    def receive(self) -> Value:
        return self.value

    def give(self, statement: ast.Statement, value: Value, events: list[Event], steps: int = 1) -> None:
        self.e.sink.extend(events)
        self.value = value


def run_body(e: Elaboration, body: ast.Body, scope: Scope, value: Value) -> Value:
    """The value of a body's last statement; POISON where a mistake in it has been reported."""
    course = Straight(e, value)
    run_statements(e, body, scope, course)
    return course.value


def run_statements(e: Elaboration, body: ast.Body, scope: Scope, course: Course) -> None:
    with e.deeper(scope, body):
        for statement in body.statements:
            try:
                _run(e, statement, scope, course)
            except Fault as fault:
                e.complain(fault)
                _spoil(statement, scope, course)
            except Silent:
                e.is_spoilt = True
                _spoil(statement, scope, course)


def _spoil(statement: ast.Statement, scope: Scope, course: Course) -> None:
    """After a mistake, what the statement would have given or named is broken."""
    match statement:
        case ast.Let(name=name):
            scope.names[name.id] = POISON
        case ast.Flow() | ast.Input() | ast.If() | ast.For():
            scope.labels.break_off(statement)
            course.give(statement, POISON, [])
        case ast.Output() | ast.Aux():
            scope.labels.break_off(statement)


def _run(e: Elaboration, statement: ast.Statement, scope: Scope, course: Course) -> None:
    match statement:
        case ast.Flow():
            _run_flow(e, statement, scope, course)
        case ast.If():
            _run_if(e, statement, scope, course)
        case ast.For():
            _run_for(e, statement, scope, course)
        case ast.Let(name=name, value=expr):
            value = evaluating.plain(e, expr, scope)
            scope.names[name.id] = value
            bind = Bind(site=statement, name=name.id, argument=Argument(value, expr, scope.frame))
            if isinstance(value, SharedLayer):
                shared = e.own_shared(value.shared)
                if shared.name is None and shared.owner is None:
                    shared.name, bind.shared = name.id, shared
            e.sink.append(bind)
        case ast.Input():
            ports.run_input(e, statement, scope, course)
        case ast.Output():
            ports.run_output(e, statement, statement.label, None, scope, course)
        case ast.Aux():
            ports.run_output(
                e, statement, statement.label, ports.head_weight(e, statement, scope), scope, course
            )
        case _:
            raise AssertionError(statement)


def _run_flow(e: Elaboration, statement: ast.Flow, scope: Scope, course: Course) -> None:
    expr = statement.value
    steps = expr.steps if isinstance(expr, ast.Chain) else (expr,)
    bound = [labels.bind_label(e, label, scope) for label in statement.labels]
    value = received(course, steps, e, scope)
    starts = value is None or isinstance(steps[0], ast.Tuple)
    events: list[Event] = []
    with e.writing(events):
        if bound:
            value = chains.run_labelled(e, bound, statement, steps, scope, value)
        else:
            value = chains.run_steps(e, steps, scope, value)
    course.give(statement, value, events, len(steps) - starts)


def received(course: Course, steps: tuple[ast.Expr, ...], e: Elaboration, scope: Scope) -> Value:
    """What the statement receives; None if it starts elsewhere."""
    first = steps[0]
    if not isinstance(first, ast.Tuple) and evaluating.starts_with_tensor(e, first, scope):
        return None
    return course.receive()


# --- `if` and `for` ------------------------------------------------------------------------------


def _run_if(e: Elaboration, statement: ast.If, scope: Scope, course: Course) -> None:
    taken = evaluating.test(e, statement.condition, scope)
    body = statement.then if taken else statement.otherwise
    condition = Argument(taken, statement.condition, scope.frame)
    before = _now(course)
    events: list[Event] = []
    if body is not None:
        with e.writing(events):
            run_statements(e, body, scope.inside(), course)
    e.sink.append(
        Branch(
            site=statement,
            inputs=before,
            outputs=_now(course),
            condition=condition,
            taken=taken,
            events=events,
        )
    )


def _run_for(e: Elaboration, statement: ast.For, scope: Scope, course: Course) -> None:
    turns: list[Turn] = []
    before = _now(course)
    entries: list[Value] = []
    for bindings in evaluating.each(e, statement.targets, statement.source, scope):
        e.count_turn(scope, statement)
        inner = scope.inside(in_loop=True)
        inner.names.update(bindings)
        entries.append(bindings)
        turn = Turn(bindings, [], _now(course))
        with e.writing(turn.events):
            run_statements(e, statement.body, inner, course)
        turn.outputs = _now(course)
        turns.append(turn)
    source = Argument(entries, statement.source, scope.frame)
    e.sink.append(Loop(site=statement, inputs=before, outputs=_now(course), turns=turns, source=source))


def _now(course: Course) -> tuple[Tensor, ...]:
    """The value that flows at this point; a merge has none of its own."""
    if isinstance(course, Straight) and isinstance(course.value, (Tensor, tuple)):
        return applying.as_tuple(course.value)
    return ()
