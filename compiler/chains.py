"""Chains in, the value that leaves them out; with a label, also the module that it makes."""

from __future__ import annotations

from ..dsl import ast
from . import apply as applying
from . import evaluate as evaluating
from . import groups
from .arity import refuse_labels, refuse_several
from .elaboration import Elaboration
from .faults import POISON, Fault, Silent
from .frames import Label, Merge, Names, Sequence, Tensor
from .scope import Labelled, Labels, Scope
from .values import BlockLayer, Builtin, Closure, Identity, Layer, SharedLayer, Value


def run_steps(e: Elaboration, steps: tuple[ast.Expr, ...], scope: Scope, value: Value) -> Value:
    """Send `value` through the steps; the first may be a tensor and then starts anew. After a mistake the
    steps that follow are looked at too, without a value: what is wrong with them is told in the same run."""
    rest = steps
    try:
        value, rest = _start(e, steps, scope, value)
    except Fault as fault:
        e.complain(fault)
        value, rest = POISON, steps[1:]
    except Silent:
        value, rest = POISON, steps[1:]
    for step in rest:
        try:
            value = _run_step(e, step, scope, value)
        except Fault as fault:
            e.complain(fault)
            value = POISON
        except Silent:
            value = POISON
    if value is POISON:
        raise Silent
    return value


def _start(
    e: Elaboration, steps: tuple[ast.Expr, ...], scope: Scope, value: Value
) -> tuple[Value, tuple[ast.Expr, ...]]:
    first = steps[0]
    if isinstance(first, ast.Tuple):
        return _run_tuple(e, first, scope, value), steps[1:]
    if evaluating.starts_with_tensor(e, first, scope):
        tensor = evaluating.evaluate(e, first, scope)
        if not isinstance(tensor, (Tensor, tuple)):
            raise applying.not_a_layer(tensor, scope, first)
        applying.own(e, tensor, scope, first)
        return tensor, steps[1:]
    return value, steps


def _run_step(
    e: Elaboration,
    step: ast.Expr,
    scope: Scope,
    value: Value,
    label: Label | None = None,
    inner: Labels | None = None,
) -> Value:
    if isinstance(step, ast.Tuple):
        return _run_tuple(e, step, scope, value)
    if isinstance(step, ast.Group):
        return groups.run_group(e, step, value, scope, label, inner)
    layer = evaluating.evaluate(e, step, scope)
    return applying.apply(e, layer, value, scope, step, label, inner)


def _run_tuple(e: Elaboration, expr: ast.Tuple, scope: Scope, value: Value) -> Value:
    """Several values flowing together; each element that starts with a layer receives the current value."""
    found: list[Tensor] = []
    broken = False
    for item in expr.items:
        steps = item.steps if isinstance(item, ast.Chain) else (item,)
        try:
            one = run_steps(e, steps, scope, value)
        except Silent:
            broken = True
            continue
        if not isinstance(one, Tensor):
            raise refuse_several(e, "an element of a tuple is one tensor", one, scope, item)
        found.append(one)
    if broken:
        raise Silent
    return tuple(found) if len(found) != 1 else found[0]


def run_labelled(
    e: Elaboration,
    labels: list[Label],
    statement: ast.Statement,
    steps: tuple[ast.Expr, ...],
    scope: Scope,
    received: Value,
) -> Value:
    """A chain under its label: what module the label makes is seen from the form of the chain."""
    if len(labels) > 1:
        value = run_steps(e, steps, scope, received)
        if not isinstance(value, tuple) or len(value) != len(labels):
            chain = statement.value if isinstance(statement, ast.Flow) else steps[-1]
            raise refuse_labels(e, [label.site for label in labels], value, scope, chain)
        e.sink.append(Names(site=statement, outputs=value, labels=tuple(labels)))
        for label, tensor in zip(labels, value, strict=True):
            scope.labels.entries[label.name, label.indices] = Labelled(tensor)
        return value
    label = labels[0]
    inner = Labels(e.frame, scope.labels, {})
    value, rest = _start(e, steps, scope, received)
    made = len(e.sink)
    if len(rest) == 1:
        value = _run_labelled_step(e, rest[0], value, scope, label, inner)
    elif rest:
        value = applying.sequence(e, _span(rest), "chain", value, scope, label, inner, rest)
    event = e.sink[-1] if len(e.sink) > made else None
    if event is None or event.label is not label:
        event = None
        e.sink.append(Names(site=statement, outputs=applying.as_tuple(value), labels=(label,)))
    has_inner = isinstance(event, (Sequence, Merge))
    scope.labels.entries[label.name, label.indices] = Labelled(value, inner if has_inner else None, event)
    return value


def _run_labelled_step(
    e: Elaboration, step: ast.Expr, value: Value, scope: Scope, label: Label, inner: Labels
) -> Value:
    if isinstance(step, (ast.Tuple, ast.Group)):
        return _run_step(e, step, scope, value, label, inner)
    layer = evaluating.evaluate(e, step, scope)
    once = layer.layer if isinstance(layer, SharedLayer) else layer
    if isinstance(once, (Builtin, BlockLayer, Closure, Identity)) or not isinstance(once, Layer):
        return applying.apply(e, layer, value, scope, step, label, inner)
    return applying.sequence(e, step, "chain", value, scope, label, inner, (step,))


def _span(steps: tuple[ast.Expr, ...]) -> ast.Expr:
    """The site of a labelled chain that starts with a tensor: what follows it."""
    return steps[0] if len(steps) == 1 else ast.Chain(steps[0].start, steps[-1].end, steps)
