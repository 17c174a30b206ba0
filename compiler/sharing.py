"""`share(...)` in, a layer of one set of weights out; one more use of it in, nodes with those weights out."""

from __future__ import annotations

from ..dsl import ast
from ..dsl.diagnostics import Note
from . import apply as applying
from . import evaluate as evaluating
from .elaboration import Elaboration
from .faults import Fault
from .frames import Apply, Call, Label, Shared
from .scope import Labels, Scope
from .values import BlockLayer, Builtin, Identity, Layer, SharedLayer, Value, describe


def share(e: Elaboration, expr: ast.Call, scope: Scope) -> SharedLayer:
    """The layer that a call of `share` gives."""
    if len(expr.arguments) != 1 or expr.arguments[0].name or expr.arguments[0].spread:
        code = "surplus-argument" if len(expr.arguments) > 1 else "missing-argument"
        raise scope.fault(
            expr.arguments[1] if len(expr.arguments) > 1 else expr,
            code,
            "`share` takes one layer",
            help="write `share(conv(3x3, 64))`",
        )
    layer = evaluating.evaluate(e, expr.arguments[0].value, scope)
    if not isinstance(layer, Layer):
        raise scope.fault(
            expr.arguments[0],
            "wrong-type",
            f"`share` takes a layer, not {describe(layer)}",
            help="write `share(conv(3x3, 64))`",
        )
    return SharedLayer(layer, Shared(home=e))


def apply_shared(
    e: Elaboration,
    layer: Layer,
    shared: Shared,
    value: Value,
    scope: Scope,
    site: ast.Expr,
    label: Label | None,
    inner: Labels | None,
) -> Value:
    """One more use of a shared layer: its nodes have the weights of the first use, one by one."""
    if not isinstance(layer, (Builtin, BlockLayer)):
        if isinstance(layer, Identity):
            return value
        raise scope.fault(
            site,
            "wrong-type",
            "`share` takes one layer or one block",
            help="put the chain into a block, and share that",
        )
    first = len(e.nodes)
    with e.in_full():
        result = applying.apply(e, layer, value, scope, site, label, inner, shared)
    if shared.first is None:
        shared.first = (first, len(e.nodes))
        event = e.sink[-1]
        assert isinstance(event, (Apply, Call))
        shared.owner = event
        return result
    start, end = shared.first
    if end - start != len(e.nodes) - first:
        raise refuse_others(e, shared, scope, site)
    for offset in range(end - start):
        owner, user = e.nodes[start + offset], e.nodes[first + offset]
        if owner.op != user.op or weights_of(e, start + offset) != weights_of(e, first + offset):
            raise refuse_others(e, shared, scope, site)
        e.weights[first + offset] = e.weights.get(start + offset, start + offset)
    return result


def weights_of(e: Elaboration, id_: int) -> object:
    """The names and shapes of the weights that a node would have of its own."""
    made = e.nodes[id_]
    return made.op.torch([e.shapes[source] for source in made.inputs], e.shapes[id_]).weights


def refuse_others(e: Elaboration, shared: Shared, scope: Scope, site: ast.Node) -> Fault:
    """The fault for a use that cannot have the weights of the first."""
    fault = scope.fault(
        site,
        "shape-mismatch",
        "this use of a shared layer would need other weights than its first use",
        help="share a layer between inputs of one shape",
    )
    if shared.owner is not None and shared.owner.inputs:
        first = shared.owner.inputs[0]
        item = (
            e.nodes[shared.first[0]].item if isinstance(shared.owner, Apply) and shared.first else scope.item
        )
        fault.causes = (
            Note(item.place(shared.owner.site), f"the first use receives {first.shape.describe()}"),
        )
    return fault
