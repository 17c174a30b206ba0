"""A block and what enters it, in; its frame filled and what leaves it, out."""

from __future__ import annotations

from ..dsl import ast
from . import apply as applying
from . import evaluate as evaluating
from . import flow
from .arity import refuse_at_block
from .elaboration import Elaboration
from .faults import POISON, Endless, Fault, Silent, text_of
from .forecast import Known, key_of
from .frames import Argument, Call, Frame, Label, Shared, Tensor
from .scope import Labels, Scope
from .suggestions import MOST_LISTED, join
from .values import BlockLayer, Rest, Value


def call_block(
    e: Elaboration,
    layer: BlockLayer,
    value: Value,
    scope: Scope,
    site: ast.Expr,
    label: Label | None,
    shared: Shared | None,
) -> Value:
    definition = layer.definition
    entering: tuple[Tensor, ...] = value if isinstance(value, tuple) else (value,)
    wanted = 1 if definition.takes is None else len(definition.takes)
    if len(entering) != wanted:
        raise refuse_at_block(e, layer, value, scope, site)
    e.count_turn(scope, site, 10)
    if e.frame.depth >= e.limits.calls:
        fault = scope.fault(
            site,
            "recursion-limit",
            f"blocks stand in each other more than {e.limits.calls} deep",
            "calls itself once too often" if e.frame.definition is definition else "one call too many",
            help="a block that calls itself needs an `if` to end it; `--limit calls=N` raises the limit",
        )
        e.complain(fault)
        raise Endless
    key = key_of(layer, entering) if e.is_counting and shared is None else None
    known = e.known.get(key)
    if known is not None:
        e.skip(known.before, known.after, 1, scope, site)
        return leave(e, known.value, known.frame, entering, site, label, shared)
    before = e.size
    frame = enter(e, layer, scope, site)
    frame.inputs = tuple(Tensor(tensor.node, tensor.shape, frame) for tensor in entering)
    here: Value = frame.inputs[0] if len(frame.inputs) == 1 else frame.inputs
    inner = Scope(frame, layer.item, layer.scope, Labels(frame, None, {}), {}, None, here)
    for name, tensor in zip(definition.takes or (), frame.inputs, strict=False):
        inner.names[name.id] = tensor  # defaults may read their sizes
    fill_parameters(e, definition, layer.bound, layer.rest, frame, inner, scope, site)
    caller, e.frame = e.frame, frame
    try:
        with e.writing(frame.events):
            result = flow.run_body(e, definition.body, inner, here)
    except Endless:
        if caller.parent is not None:
            raise
        raise Silent from None
    finally:
        e.frame = caller
    if result is POISON:
        raise Silent
    frame.outputs = applying.as_tuple(result)
    if key is not None:
        e.known[key] = Known(before, e.size, frame, result)
    return leave(e, result, frame, entering, site, label, shared)


def leave(
    e: Elaboration,
    result: Value,
    frame: Frame,
    entering: tuple[Tensor, ...],
    site: ast.Expr,
    label: Label | None,
    shared: Shared | None,
) -> Value:
    """The call of a block that gave `result` in its frame, and the value as the caller's."""
    outputs = tuple(Tensor(tensor.node, tensor.shape, e.frame) for tensor in applying.as_tuple(result))
    e.sink.append(Call(site=site, inputs=entering, outputs=outputs, label=label, frame=frame, shared=shared))
    return outputs if isinstance(result, tuple) else outputs[0]


def refuse_missing(
    definition: ast.Block | ast.Net, bound: dict[str, Argument], scope: Scope, site: ast.Node
) -> Fault:
    """The fault for a use at `site` that leaves parameters without a value, with the call completed."""
    lacking = [p.name for p in definition.parameters if p.name not in bound and not (p.rest or p.default)]
    kind = "block" if isinstance(definition, ast.Block) else "net"
    quoted = [f"`{name}`" for name in lacking]
    few = 1 < len(quoted) <= MOST_LISTED
    names = f"{', '.join(quoted[:-1])} and {quoted[-1]}" if few else join(quoted, MOST_LISTED)
    given = (
        [text_of(scope.item, argument) for argument in site.arguments] if isinstance(site, ast.Call) else []
    )
    called = text_of(scope.item, site.target if isinstance(site, ast.Call) else site)
    arguments = ", ".join([*given, *(f"{name}=..." for name in lacking)])
    return scope.fault(
        site,
        "missing-argument",
        f"the {kind} `{definition.name.id}` needs {names}",
        help=f"write `{called}({arguments})`"
        if len(called) + len(arguments) <= 80
        else f"its parameters are {join([p.name for p in definition.parameters], MOST_LISTED)}",
    )


def look_into(e: Elaboration, layer: BlockLayer, scope: Scope, site: ast.Expr) -> None:
    """Tell the mistakes of a block's body where no value enters it, because what should is broken."""
    definition = layer.definition
    if e.frame.depth >= e.limits.calls:
        return
    frame = enter(e, layer, scope, site)
    inner = Scope(frame, layer.item, layer.scope, Labels(frame, None, {}), {}, None, POISON)
    for name in definition.takes or ():
        inner.names[name.id] = POISON
    fill_parameters(e, definition, layer.bound, layer.rest, frame, inner, scope, site)
    if id(definition) in e.looked_into:
        return
    e.looked_into.add(id(definition))
    caller, e.frame = e.frame, frame
    try:
        with e.writing([]):
            flow.run_body(e, definition.body, inner, POISON)
    finally:
        e.frame = caller


def enter(e: Elaboration, layer: BlockLayer, scope: Scope, site: ast.Expr) -> Frame:
    """A frame for one more use of a block, not filled yet."""
    return Frame(
        definition=layer.definition,
        item=layer.item,
        arguments={},
        parent=e.frame,
        site=site,
        caller_item=scope.item,
        depth=e.frame.depth + 1,
    )


def fill_parameters(
    e: Elaboration,
    definition: ast.Block | ast.Net,
    bound: dict[str, Argument],
    rest: dict[str, Argument],
    frame: Frame,
    inner: Scope,
    scope: Scope,
    site: ast.Node,
) -> None:
    """Give every parameter its argument or its default, which may use those before it and `in`."""
    for parameter in definition.parameters:
        name = parameter.name
        if parameter.rest:
            frame.rest = dict(rest)
            inner.names[name] = Rest(frame.rest)
            continue
        argument = bound.get(name)
        if argument is None:
            if parameter.default is None:
                raise refuse_missing(definition, bound, scope, site)
            caller, e.frame = e.frame, frame
            try:
                argument = Argument(
                    evaluating.evaluate(e, parameter.default, inner), parameter.default, frame
                )
            finally:
                e.frame = caller
        if isinstance(argument.value, (Tensor, tuple)):
            raise scope.fault(
                site,
                "wrong-type",
                f"`{name}` of `{definition.name.id}` is given a tensor",
                help="a block receives tensors by `takes`: `block f() takes (a, b)`, called as `(a, b) -> f`",
            )
        frame.arguments[name] = argument
        inner.names[name] = argument.value
