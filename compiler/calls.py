"""Calls in, values out: parameters bound to layers, blocks and nets, and functions computed."""

from __future__ import annotations

from ..dsl import ast
from ..ops.arguments import parameters
from . import evaluate as evaluating
from . import groups
from .elaboration import Elaboration
from .faults import text_of
from .frames import Argument, Shared
from .functions import call as compute
from .functions import entries_in
from .scope import Scope
from .suggestions import suggest
from .values import (
    BlockLayer,
    Builtin,
    Closure,
    Function,
    Identity,
    Layer,
    MergeWord,
    NetValue,
    Repeated,
    Rest,
    SharedLayer,
    Value,
    describe,
)


def call(e: Elaboration, expr: ast.Call, scope: Scope) -> Value:
    target = evaluating.evaluate(e, expr.target, scope)
    match target:
        case Builtin(op=op):
            positions = [parameter.name for parameter in parameters(op)]
            bound, _ = bind_arguments(e, expr, scope, positions, None, target.bound, f"the layer `{op.name}`")
            return Builtin(op, bound)
        case BlockLayer(definition=definition):
            positions = [parameter.name for parameter in definition.parameters if not parameter.rest]
            takes_rest = any(parameter.rest for parameter in definition.parameters)
            bound, rest = bind_arguments(
                e,
                expr,
                scope,
                positions,
                target.rest if takes_rest else None,
                target.bound,
                f"the block `{definition.name.id}`",
            )
            return BlockLayer(definition, target.scope, target.item, bound, rest)
        case NetValue(definition=definition):
            positions = [parameter.name for parameter in definition.parameters if not parameter.rest]
            takes_rest = any(parameter.rest for parameter in definition.parameters)
            bound, rest = bind_arguments(
                e,
                expr,
                scope,
                positions,
                target.rest if takes_rest else None,
                target.bound,
                f"the net `{definition.name.id}`",
            )
            return NetValue(definition, target.scope, target.item, bound, rest)
        case MergeWord():
            return groups.call_word(e, target, expr, scope)
        case Function(name="share"):
            return _share(e, expr, scope)
        case Function(name=name):
            values: list[Value] = []
            for argument in expr.arguments:
                if argument.name is not None:
                    raise scope.fault(argument, "unknown-parameter", f"`{name}` takes no named arguments")
                value = evaluating.plain(e, argument.value, scope)
                values.extend(value if argument.spread and isinstance(value, list) else [value])
            result = scope.attempt(expr, compute, name, values, e.limits)
            read = [value for value in (*values, result) if isinstance(value, list)]
            e.count_entries(scope, expr, entries_in(read) // 10)
            return result
        case Identity():
            raise scope.fault(expr, "surplus-argument", "`id` has no parameters", help="write `id`")
        case SharedLayer() | Closure() | Repeated():
            raise scope.fault(
                expr, "not-a-layer", f"`{text_of(scope.item, expr.target)}` has no parameters to give"
            )
    raise scope.fault(
        expr.target,
        "not-a-layer",
        f"{describe(target)} cannot be called",
        help="only layers, blocks, nets and functions can",
    )


def _share(e: Elaboration, expr: ast.Call, scope: Scope) -> SharedLayer:
    if len(expr.arguments) != 1 or expr.arguments[0].name or expr.arguments[0].spread:
        raise scope.fault(
            expr, "missing-argument", "`share` takes one layer", help="write `share(conv(3x3, 64))`"
        )
    layer = evaluating.evaluate(e, expr.arguments[0].value, scope)
    if not isinstance(layer, Layer):
        raise scope.fault(expr.arguments[0], "wrong-type", f"`share` takes a layer, not {describe(layer)}")
    return SharedLayer(layer, Shared(home=e))


def bind_arguments(
    e: Elaboration,
    expr: ast.Call,
    scope: Scope,
    positions: list[str],
    rest: dict[str, Argument] | None,
    bound: dict[str, Argument],
    owner: str,
) -> tuple[dict[str, Argument], dict[str, Argument]]:
    """Arguments bound anew: positions fill the parameters still open, names may bind again, `rest` (where the
    definition has one) takes what has no parameter. Of two with one name the later wins if one was spread."""
    result, further = dict(bound), dict(rest or {})
    open_ = [name for name in positions if name not in bound]
    written: dict[str, ast.Node] = {}

    def give(name: str, argument: Argument, node: ast.Node) -> None:
        if name in positions:
            result[name] = argument
        elif rest is not None:
            further[name] = argument
        else:
            raise scope.fault(
                node,
                "unknown-parameter",
                f"{owner} has no parameter `{name}`",
                marked="unknown",
                help=suggest(name, positions)
                or (f"it has {', '.join(positions)}" if positions else "it has none"),
            )

    def give_next(argument: Argument, node: ast.Node) -> None:
        for name in open_:
            if name not in written:
                written[name] = node
                result[name] = argument
                return
        takes = (
            f"{len(positions)} argument{'s' if len(positions) > 1 else ''}" if positions else "no arguments"
        )
        raise scope.fault(
            node,
            "surplus-argument",
            f"{owner} takes {takes}",
            marked="one too many",
            help=f"its parameters are {', '.join(positions)}" if positions else "",
        )

    for given in expr.arguments:
        value = evaluating.evaluate(e, given.value, scope)
        if given.spread:
            if isinstance(value, Rest):
                for name, argument in value.entries.items():
                    give(name, argument, given)
            elif isinstance(value, list):
                for entry in value:
                    give_next(Argument(entry), given)
            else:
                raise scope.fault(
                    given, "wrong-type", f"`...` spreads a list or a rest parameter, not {describe(value)}"
                )
            continue
        argument = Argument(value, given.value, scope.frame)
        if given.name is None:
            give_next(argument, given)
            continue
        if given.name in written:
            raise scope.fault(
                given, "repeated-argument", f"`{given.name}` is given twice", marked="again here"
            )
        give(given.name, argument, given)
        written[given.name] = given
    return result, further
