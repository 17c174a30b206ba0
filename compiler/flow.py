"""Statements in, the value that flows out: chains, labels, `let`, `if`, `for`, a net's ways in and out."""

from __future__ import annotations

from typing import Protocol

from ..dsl import ast
from ..ops.base import Shape
from . import apply as applying
from . import evaluate as evaluating
from . import groups, names
from .elaboration import Elaboration
from .faults import POISON, Fault, Silent
from .frames import (
    Argument,
    Bind,
    Branch,
    Event,
    InputEvent,
    Label,
    Loop,
    Merge,
    Names,
    OutputEvent,
    Sequence,
    Tensor,
    Turn,
)
from .reserved import RESERVED
from .scope import Labelled, Labels, Scope
from .values import BlockLayer, Builtin, Closure, Identity, Layer, SharedLayer, Value, describe


class Course(Protocol):
    """Where a body's statements receive their values from and give them to."""

    def receive(self) -> Value: ...

    def give(self, statement: ast.Statement, value: Value, events: list[Event]) -> None: ...


class Straight:
    """What one statement gives, the next receives."""

    def __init__(self, e: Elaboration, value: Value) -> None:
        self.e, self.value = e, value

    def receive(self) -> Value:
        return self.value

    def give(self, statement: ast.Statement, value: Value, events: list[Event]) -> None:
        self.e.sink.extend(events)
        self.value = value


def run_body(e: Elaboration, body: ast.Body, scope: Scope, value: Value) -> Value:
    """The value of a body's last statement; POISON where a mistake in it has been reported."""
    course = Straight(e, value)
    run_statements(e, body, scope, course)
    return course.value


def run_statements(e: Elaboration, body: ast.Body, scope: Scope, course: Course) -> None:
    for statement in body.statements:
        try:
            _run(e, statement, scope, course)
        except Fault as fault:
            e.complain(fault)
            _spoil(statement, scope, course)
        except Silent:
            _spoil(statement, scope, course)


def _spoil(statement: ast.Statement, scope: Scope, course: Course) -> None:
    """After a mistake, what the statement would have given or named is broken."""
    match statement:
        case ast.Flow(labels=labels):
            for label in labels:
                if not label.indices:
                    scope.labels.entries.setdefault((label.name, ()), Labelled(POISON))
            course.give(statement, POISON, [])
        case ast.Let(name=name):
            scope.names[name.id] = POISON
        case ast.Input(label=label):
            if label is not None:
                scope.labels.entries[label.name, ()] = Labelled(POISON)
            course.give(statement, POISON, [])
        case ast.If() | ast.For():
            course.give(statement, POISON, [])


def _run(e: Elaboration, statement: ast.Statement, scope: Scope, course: Course) -> None:
    match statement:
        case ast.Flow():
            events: list[Event] = []
            with e.writing(events):
                value = _run_flow(e, statement, scope, course)
            course.give(statement, value, events)
        case ast.If():
            _run_if(e, statement, scope, course)
        case ast.For():
            _run_for(e, statement, scope, course)
        case ast.Let(name=name, value=expr):
            value = evaluating.plain(e, expr, scope)
            if isinstance(value, SharedLayer) and value.shared.name is None:
                value.shared.name = name.id
            scope.names[name.id] = value
            e.sink.append(Bind(site=statement, name=name.id, argument=Argument(value, expr, scope.frame)))
        case ast.Input():
            _run_input(e, statement, scope, course)
        case ast.Output():
            _run_output(e, statement, statement.label, None, scope, course)
        case ast.Aux():
            _run_output(e, statement, statement.label, _head_weight(e, statement, scope), scope, course)
        case _:
            raise AssertionError(statement)


# --- chains --------------------------------------------------------------------------------------


def run_steps(e: Elaboration, steps: tuple[ast.Expr, ...], scope: Scope, value: Value) -> Value:
    """Send `value` through the steps; the first may be a tensor and then starts anew."""
    value, rest = _start(e, steps, scope, value)
    for step in rest:
        value = _run_step(e, step, scope, value)
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
        if value is POISON:
            raise Silent
        return groups.run_group(e, step, value, scope, label, inner)
    layer = evaluating.evaluate(e, step, scope)
    if value is None:
        raise scope.fault(step, "misplaced", "no value flows here yet", help="declare the input first")
    return applying.apply(e, layer, value, scope, step, label, inner)


def _run_tuple(e: Elaboration, expr: ast.Tuple, scope: Scope, value: Value) -> Value:
    """Several values flowing together; each element that starts with a layer receives the current value."""
    found: list[Tensor] = []
    for item in expr.items:
        steps = item.steps if isinstance(item, ast.Chain) else (item,)
        one = run_steps(e, steps, scope, value)
        if not isinstance(one, Tensor):
            raise scope.fault(
                item, "wrong-arity", f"an element of a tuple is one tensor, not {describe(one)}"
            )
        found.append(one)
    return tuple(found) if len(found) != 1 else found[0]


def _run_flow(e: Elaboration, statement: ast.Flow, scope: Scope, course: Course) -> Value:
    expr = statement.value
    steps = expr.steps if isinstance(expr, ast.Chain) else (expr,)
    if not statement.labels:
        return run_steps(e, steps, scope, _received(course, steps, e, scope))
    labels = [bind_label(e, label, scope) for label in statement.labels]
    return run_labelled(e, labels, statement, steps, scope, _received(course, steps, e, scope))


def _received(course: Course, steps: tuple[ast.Expr, ...], e: Elaboration, scope: Scope) -> Value:
    """What the statement receives; None if it starts elsewhere."""
    first = steps[0]
    if not isinstance(first, ast.Tuple) and evaluating.starts_with_tensor(e, first, scope):
        return None
    return course.receive()


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
            raise scope.fault(
                statement,
                "wrong-arity",
                f"{len(labels)} labels name the values of a tuple, and this is {describe(value)}",
            )
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


def bind_label(e: Elaboration, label: ast.Label, scope: Scope) -> Label:
    """A label with its indices settled, and the attribute that it becomes."""
    indices = evaluating.label_indices(e, label.indices, scope)
    if not indices and scope.in_loop:
        raise scope.fault(
            label,
            "bad-label",
            f"the label `{label.name}` stands in a loop and needs an index",
            help=f"write `{label.name}[i]:` with the loop's variable",
        )
    attribute = label.name + names.suffix(indices)
    if not attribute.isidentifier():
        raise scope.fault(
            label,
            "bad-label",
            f"`{attribute}` cannot be the name of a module",
            help="use letters, digits and `_`",
        )
    if attribute in RESERVED:
        raise scope.fault(
            label,
            "bad-label",
            f"`{attribute}` cannot be a label: Python or `nn.Module` has taken that name",
            help=f"write `{attribute}_`, or another name",
        )
    return Label(label.name, indices, attribute, label, scope.item)


def child_of(e: Elaboration, expr: ast.Index, scope: Scope) -> Labelled:
    """`layer[1][0]`: the value of a labelled sequence's child, by number."""
    outer = evaluating.find_label(e, expr.target, scope)
    if outer is None or outer.event is None:
        raise scope.fault(expr, "unknown-label", "only a labelled sequence has children by number")
    keys = evaluating.label_indices(e, expr.items, scope)
    children = names.children(outer.event)
    if len(keys) == 1 and isinstance(keys[0], int) and 0 <= keys[0] < len(children):
        child = children[keys[0]]
        outputs = child.outputs
        return Labelled(outputs[0] if len(outputs) == 1 else outputs, None, child)
    raise scope.fault(
        expr,
        "unknown-label",
        f"this sequence has {len(children)} children, from 0 on, so none is [{', '.join(map(str, keys))}]",
    )


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


# --- ways in and out -----------------------------------------------------------------------------


def _in_net(e: Elaboration, statement: ast.Statement, what: str, scope: Scope) -> None:
    if e.frame.parent is not None or not isinstance(e.frame.definition, ast.Net):
        raise scope.fault(
            statement,
            "misplaced",
            f"{what} stands in a net only",
            help="a block receives `in` and gives its last value",
        )


def _run_input(e: Elaboration, statement: ast.Input, scope: Scope, course: Course) -> None:
    _in_net(e, statement, "an input", scope)
    name = (
        statement.label.name
        if statement.label is not None
        else "input"
        if not e.inputs
        else f"input{len(e.inputs) + 1}"
    )
    dtype = statement.dtype.id if statement.dtype is not None else "float32"
    if dtype not in ("float32", "int64"):
        assert statement.dtype is not None
        raise scope.fault(
            statement.dtype,
            "unknown-choice",
            f"an input is float32 or int64, not {dtype}",
            help="leave `as` out for float32",
        )
    value = evaluating.plain(e, statement.shape, scope)
    dims = e.input_sizes.get(name) or (e.input_sizes.get("") if not e.inputs else None)
    if dims is None:
        dims = shape_of(value, scope, statement.shape)
    elements = 1
    for size in dims:
        elements *= size
    if elements > e.limits.input_elements:
        raise scope.fault(
            statement.shape,
            "graph-limit",
            f"this input has {elements:,} elements, the limit is {e.limits.input_elements:,}",
            help="`--limit input_elements=N` raises the limit",
        )
    event = InputEvent(
        site=statement, node=-1, name=name, shape=Argument(value, statement.shape, scope.frame)
    )
    shape = Shape(dims, "int64" if dtype == "int64" else "float32")
    tensor = e.make_input(shape, event, scope, statement)
    event.outputs = (tensor,)
    if statement.label is not None:
        event.label = bind_label(e, statement.label, scope)
        scope.labels.entries[name, ()] = Labelled(tensor)
    first = not e.inputs
    e.inputs.append(event)
    if first:
        scope.here = tensor
        course.give(statement, tensor, [event])
    else:
        e.sink.append(event)


def shape_of(value: Value, scope: Scope, node: ast.Node) -> tuple[int, ...]:
    """`3x224x224`, `[3, size, size]` or `64` as sizes."""
    from .functions import Refusal, whole

    sizes = list(value.size) if hasattr(value, "size") else value if isinstance(value, list) else [value]
    try:
        dims = tuple(whole(size, "a size") for size in sizes)
    except Refusal as refusal:
        raise scope.fault(node, refusal.code, str(refusal), help=refusal.help) from None
    if not 1 <= len(dims) <= 3:
        raise scope.fault(
            node,
            "rank-mismatch",
            f"an input has 1 to 3 dimensions (C, C x N or C x H x W), not {len(dims)}",
            help="leave the batch out",
        )
    if min(dims) < 1:
        raise scope.fault(node, "out-of-range", f"every size of an input must be at least 1, not {min(dims)}")
    return dims


def _head_weight(e: Elaboration, statement: ast.Aux, scope: Scope) -> Argument:
    weight = Argument(1.0)
    for argument in statement.arguments:
        if argument.name not in (None, "weight") or argument.spread or len(statement.arguments) > 1:
            raise scope.fault(argument, "unknown-parameter", "an auxiliary head has one parameter, `weight`")
        value = evaluating.evaluate(e, argument.value, scope)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise scope.fault(
                argument, "wrong-type", f"`weight` is a number of at least 0, not {describe(value)}"
            )
        weight = Argument(float(value), argument.value, scope.frame)
    return weight


def _run_output(
    e: Elaboration,
    statement: ast.Output | ast.Aux,
    label: ast.Label | None,
    weight: Argument | None,
    scope: Scope,
    course: Course,
) -> None:
    """A tap: the flow goes on as it was."""
    _in_net(e, statement, "an output" if weight is None else "an auxiliary head", scope)
    steps = statement.value.steps if isinstance(statement.value, ast.Chain) else (statement.value,)
    events: list[Event] = []
    received = _received(course, steps, e, scope)
    name = "output" if not e.outputs else f"output{len(e.outputs) + 1}"
    with e.writing(events):
        if label is None:
            value = run_steps(e, steps, scope, received)
        else:
            bound = bind_label(e, label, scope)
            name = bound.attribute
            value = run_labelled(e, [bound], statement, steps, scope, received)
    if not isinstance(value, Tensor):
        raise scope.fault(statement, "wrong-arity", f"one value leaves here, not {describe(value)}")
    event = OutputEvent(site=statement, outputs=(value,), name=name, weight=weight, events=events)
    e.outputs.append(event)
    e.sink.append(event)
