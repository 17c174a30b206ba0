"""A layer and the value that flows into it, in; nodes and events written, and the value that leaves, out."""

from __future__ import annotations

from ..dsl import ast
from ..ops.base import Op, Window
from . import blocks, chains, groups, sharing
from .arity import refuse_at_layer
from .elaboration import Elaboration
from .faults import POISON, Fault, Silent, text_of
from .frames import Apply, Argument, Event, Label, Loop, Sequence, Shared, Tensor, Turn
from .scope import Labels, Scope
from .values import (
    BlockLayer,
    Builtin,
    Closure,
    Identity,
    Layer,
    MergeWord,
    NetValue,
    Repeated,
    SharedLayer,
    Value,
    describe,
)


def apply(
    e: Elaboration,
    layer: Value,
    value: Value,
    scope: Scope,
    site: ast.Expr,
    label: Label | None = None,
    inner: Labels | None = None,
    shared: Shared | None = None,
) -> Value:
    """Send `value` through `layer`, which stands at `site`. `label` names its module, `inner` takes the
    labels within it. Whatever is wrong with the layer itself is said even if the value is broken."""
    if not isinstance(layer, Layer):
        raise not_a_layer(layer, scope, site)
    if value is POISON:
        look_at(e, layer, scope, site, inner)
        raise Silent
    if value is None:
        raise nothing_yet(scope, site)
    match layer:
        case Builtin(op=op):
            return _apply_builtin(e, op, layer.bound, value, scope, site, label, shared)
        case BlockLayer():
            return blocks.call_block(e, layer, value, scope, site, label, shared)
        case Identity():
            return value
        case Closure(expr=expr, scope=written):
            e.count_turn(scope, site)
            if inner is None and written.labels.frame is not e.frame:
                inner = Labels(
                    e.frame, None, {}
                )  # its labels are not those of the block that it was written in
            if isinstance(expr, ast.Group):
                return groups.run_group(e, expr, value, written, label, inner)
            return sequence(e, expr, "chain", value, written, label, inner, expr.steps)
        case Repeated():
            return _repeat(e, layer, value, scope, site, shared)
        case SharedLayer(layer=once, shared=key):
            return sharing.apply_shared(e, once, e.own_shared(key), value, scope, site, label, inner)
    raise AssertionError(layer)


def look_at(e: Elaboration, layer: Layer, scope: Scope, site: ast.Expr, inner: Labels | None) -> None:
    """Tell the mistakes of a layer that nothing enters, because what should enter is broken: those of its own
    arguments, and of the body of a block that was not looked at yet."""
    match layer:
        case Builtin(op=op, bound=bound):
            e.check(op, {name: bound[name] for name in bound if name not in op.tensors}, scope, site)
        case BlockLayer():
            blocks.look_into(e, layer, scope, site)
        case Closure(expr=ast.Group() as group, scope=written):
            groups.run_group(e, group, POISON, written, None, inner)
        case Closure(expr=ast.Chain(steps=steps), scope=written):
            chains.run_steps(e, steps, written, POISON)
        case Repeated(layer=repeated) | SharedLayer(layer=repeated):
            look_at(e, repeated, scope, site, inner)


def nothing_yet(scope: Scope, site: ast.Node) -> Exception:
    return scope.fault(
        site, "misplaced", "no value flows here yet", help="an input comes first: `input: 3x224x224`"
    )


def not_a_layer(value: Value, scope: Scope, site: ast.Expr) -> Exception:
    match value:
        case Tensor() | tuple():
            return scope.fault(
                site,
                "misplaced",
                "a tensor may stand only at the start of a chain",
                help="`concat(a, b)` joins two values",
            )
        case MergeWord(head=head):
            return scope.fault(
                site,
                "not-a-layer",
                f"`{head}` wants its members: `{head} {{ ... }}`, or `{head}(a, b)` of named values",
                help=f"write `{head} {{ id; conv(3x3, 64) }}`",
            )
        case NetValue():
            return scope.fault(
                site,
                "not-a-layer",
                f"{describe(value)} is a whole net",
                help=scope.hidden(site) or "a block can be used as a layer",
            )
    text = text_of(scope.item, site)
    help = f"write `conv(3x3, {text})`" if isinstance(value, int) and not isinstance(value, bool) else ""
    if isinstance(value, Window):
        help = f"write `conv({text}, 64)`, or `maxpool({text})`"
    return scope.fault(site, "not-a-layer", f"a layer is wanted here, not {describe(value)}", help=help)


# --- built-in layers -----------------------------------------------------------------------------


def _apply_builtin(
    e: Elaboration,
    op: type[Op],
    bound: dict[str, Argument],
    value: Value,
    scope: Scope,
    site: ast.Expr,
    label: Label | None,
    shared: Shared | None,
) -> Value:
    if type(value) is not Tensor:
        raise refuse_at_layer(e, op.name, value, scope, site)
    inputs: tuple[Tensor, ...] = (value,)
    arguments = bound
    if op.tensors:
        arguments = dict(bound)
        for name in op.tensors:
            like = arguments.pop(name, None)
            if like is None or like.value is None:
                continue
            if like.value is POISON:
                raise Silent
            if not isinstance(like.value, Tensor):
                raise refuse_argument(
                    like,
                    "not-a-tensor",
                    f"`{name}` takes a tensor, not {describe(like.value)}",
                    f"write `{name}=in`, or another tensor's label",
                    scope,
                    site,
                )
            own(e, like.value, scope, site)
            inputs += (like.value,)
    event = Apply(site=site, inputs=inputs, label=label, op=None, nodes=(), arguments=bound, shared=shared)  # type: ignore[arg-type]
    id_, output, event.op = e.make(op, arguments, inputs, event, scope, site)
    event.nodes, event.outputs = (id_,), (output,)
    e.sink.append(event)
    if "index" not in op.internal:
        return output
    for index in range(1, event.op.parts):
        part = {**arguments, "index": Argument(index)}
        id_, output, _ = e.make(op, part, inputs, event, scope, site)
        event.nodes, event.outputs = (*event.nodes, id_), (*event.outputs, output)
    return event.outputs


def refuse_argument(
    argument: Argument, code: str, message: str, help: str, scope: Scope, site: ast.Node
) -> Fault:
    """The fault for an argument of the layer at `site`, at the argument, with what it came from."""
    from .refusals import locate

    place, causes = locate(argument, "this", scope.item.place(site))
    return Fault(code, message, place, causes=causes, help=help)


def own(e: Elaboration, value: Value, scope: Scope, site: ast.Node) -> None:
    """A tensor can be used only in the block whose value it is."""
    tensors = value if isinstance(value, tuple) else (value,)
    for tensor in tensors:
        if isinstance(tensor, Tensor) and tensor.frame is not e.frame:
            raise scope.fault(
                site,
                "misplaced",
                "this tensor belongs to another block: a layer that is passed along cannot bring it",
                help="let the block take it: `block f() takes (x, skip)`",
            )


# --- chains and repeats ---------------------------------------------------------------------------


def sequence(
    e: Elaboration,
    site: ast.Expr,
    form: str,
    value: Value,
    scope: Scope,
    label: Label | None,
    inner: Labels | None,
    steps: tuple[ast.Expr, ...],
) -> Value:
    """Steps one after the other, as one event."""
    events: list[Event] = []
    within = scope.inside(labels=inner, in_loop=False) if inner is not None else scope
    with e.writing(events), e.deeper(scope, site):
        result = chains.run_steps(e, steps, within, value)
    e.sink.append(
        Sequence(
            site=site,
            inputs=as_tuple(value),
            outputs=as_tuple(result),
            label=label,
            form="braces" if form == "braces" else "chain",
            events=events,
            scope=scope.frame,
        )
    )
    return result


def as_tuple(value: Value) -> tuple[Tensor, ...]:
    return value if isinstance(value, tuple) else (value,)


def _repeat(
    e: Elaboration, layer: Repeated, value: Value, scope: Scope, site: ast.Expr, shared: Shared | None
) -> Value:
    loop = Loop(site=layer.site, inputs=as_tuple(value), turns=[], count=layer.count)
    for number in range(1, layer.times + 1):
        e.count_turn(scope, site)
        turn, before = Turn({}, [], as_tuple(value)), e.size
        with e.writing(turn.events):
            value = apply(e, layer.layer, value, scope, site, shared=shared)
        turn.outputs = as_tuple(value)
        loop.turns.append(turn)
        if e.is_counting and [tensor.shape for tensor in turn.inputs] == [
            tensor.shape for tensor in turn.outputs
        ]:
            e.skip(before, e.size, layer.times - number, scope, site)
            break
    loop.outputs = as_tuple(value)
    e.sink.append(loop)
    return value
