"""A net's ways in and out: `input`, `output` and `aux` statements in, their events out."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from ..dsl import ast
from ..ops.base import Shape, Window
from . import chains, flow, labels
from . import evaluate as evaluating
from .arity import refuse_several
from .elaboration import Elaboration
from .frames import Argument, Event, InputEvent, OutputEvent, Tensor
from .functions import is_number, whole
from .scope import Labelled, Scope
from .unknown import refuse_parameter
from .values import Value, describe

if TYPE_CHECKING:
    from .flow import Course


def _in_net(e: Elaboration, statement: ast.Statement, what: str, scope: Scope) -> None:
    if e.frame.parent is not None or not isinstance(e.frame.definition, ast.Net):
        raise scope.fault(
            statement,
            "misplaced",
            f"{what} stands in a net only",
            help="a block receives `in` and gives its last value",
        )


def is_in_group(scope: Scope) -> bool:
    """Whether an `in` of its own is nearer than that of the net: `if` and `for` have none."""
    while scope.parent is not None:
        if scope.here is not None:
            return True
        scope = scope.parent
    return False


def run_input(e: Elaboration, statement: ast.Input, scope: Scope, course: Course) -> None:
    _in_net(e, statement, "an input", scope)
    if is_in_group(scope):
        help = "put it above the group: its name can be used there"
        raise scope.fault(statement, "misplaced", "an input stands in no group", help=help)
    label = labels.bind_label(e, statement.label, scope) if statement.label is not None else None
    name = label.attribute if label is not None else free_name(e, "input", len(e.inputs) + 1)
    dtype = statement.dtype.id if statement.dtype is not None else "float32"
    if dtype not in ("float32", "int64"):
        assert statement.dtype is not None
        raise scope.fault(
            statement.dtype,
            "unknown-choice",
            f"an input is float32 or int64, not {dtype}",
            help="write `as int64` for whole numbers"
            if dtype.startswith(("int", "uint", "long"))
            else "leave `as` out for float32",
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
    if label is not None:
        event.label = label
        scope.labels.entries[label.name, label.indices] = Labelled(tensor)
    first = not e.inputs
    e.ways.add(name)
    e.inputs.append(event)
    if first:
        scope.outermost().here = tensor
        course.give(statement, tensor, [event])
    else:
        e.sink.append(event)


def free_name(e: Elaboration, word: str, first: int) -> str:
    """`input`, `input2`, ...: the name of a way in or out that has no label, and that no label has."""
    names = (word if number == 1 else f"{word}{number}" for number in count(first))
    return next(name for name in names if name not in e.ways and name not in e.net_labels)


def shape_of(value: Value, scope: Scope, node: ast.Expr) -> tuple[int, ...]:
    """`3x224x224`, `[3, size, size]` or `64` as sizes."""
    if isinstance(value, Window) and value.stride is not None:
        help = f"write `{Window(value.size)}`"
        raise scope.fault(
            node, "wrong-type", f"the shape of an input has no stride, as {value} has", help=help
        )
    sizes = list(value.size) if isinstance(value, Window) else value if isinstance(value, list) else [value]
    parts = (
        node.items if isinstance(node, ast.List) and len(node.items) == len(sizes) else (node,) * len(sizes)
    )
    dims = []
    for size, part in zip(sizes, parts, strict=True):
        if size is None:
            raise scope.fault(
                part,
                "wrong-type",
                "this leaves a size of the input open, and what follows, such as `fc`, depends on it",
                help="write a number, as in `3x224x224`; `netc compile --input 3x320x320` takes another",
            )
        dims.append(scope.attempt(part, whole, size, "a size of an input"))
        if dims[-1] < 1:
            message = f"a size of an input must be at least 1, not {dims[-1]}"
            raise scope.fault(part, "out-of-range", message, help="an image is `3x224x224`", traced=True)
    if not 1 <= len(dims) <= 3:
        few = dims[-3:] or (3, 224, 224)
        raise scope.fault(
            node,
            "rank-mismatch",
            f"an input has 1 to 3 dimensions (C, C x N or C x H x W), not {len(dims)}",
            help=f"the batch is left out: `{'x'.join(map(str, few))}`",
        )
    return tuple(dims)


def head_weight(e: Elaboration, statement: ast.Aux, scope: Scope) -> Argument:
    weight = Argument(1.0)
    for position, argument in enumerate(statement.arguments):
        if argument.name not in (None, "weight"):
            place = scope.item.place(argument)
            raise refuse_parameter(place, "an auxiliary head", argument.name, ["weight"])
        if position or argument.spread:
            raise scope.fault(
                argument,
                "surplus-argument",
                "an auxiliary head takes one argument, `weight`",
                marked="one too many" if position else "",
                help="write `weight=0.3`",
            )
        value = evaluating.evaluate(e, argument.value, scope)
        if not is_number(value):
            raise scope.fault(
                argument.value,
                "wrong-type",
                f"`weight` must be a number, not {describe(value)}",
                help="write `weight=0.3`",
            )
        if value < 0:
            raise scope.fault(
                argument.value,
                "out-of-range",
                f"`weight` must be at least 0, and is {value:g}",
                help="write `weight=0.3`",
                traced=True,
            )
        weight = Argument(float(value), argument.value, scope.frame)
    return weight


def run_output(
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
    received = flow.received(course, steps, e, scope)
    with e.writing(events):
        if label is None:
            name = free_name(e, "output", len(e.outputs) + 1)
            value = chains.run_steps(e, steps, scope, received)
        else:
            bound = labels.bind_label(e, label, scope)
            name = bound.attribute
            value = chains.run_labelled(e, [bound], statement, steps, scope, received)
    if not isinstance(value, Tensor):
        raise refuse_several(e, "one value leaves here", value, scope, statement)
    event = OutputEvent(site=statement, outputs=(value,), name=name, weight=weight, events=events)
    e.ways.add(name)
    e.outputs.append(event)
    e.sink.append(event)
