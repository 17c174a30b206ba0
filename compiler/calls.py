"""Calls in, values out: parameters bound to layers, blocks and nets, and functions computed."""

from __future__ import annotations

from msgspec.structs import replace

from ..dsl import ast
from ..ops.arguments import parameters
from . import binding, groups, sharing
from . import evaluate as evaluating
from .elaboration import Elaboration
from .faults import Fault, text_of
from .functions import SHOWN, entries_in
from .functions import call as compute
from .scope import Scope
from .values import (
    BlockLayer,
    Builtin,
    Closure,
    Function,
    Identity,
    MergeWord,
    NetValue,
    Repeated,
    SharedLayer,
    Value,
    describe,
)


def call(e: Elaboration, expr: ast.Call, scope: Scope) -> Value:
    target = evaluating.evaluate(e, expr.target, scope)
    match target:
        case Builtin(op=op):
            positions = [parameter.name for parameter in parameters(op)]
            owner = f"the layer `{op.name}`"
            bound, _ = binding.Binding(expr, scope, positions, None, target.bound, owner).bind(e)
            return Builtin(op, bound)
        case BlockLayer() | NetValue():
            definition = target.definition
            positions = [parameter.name for parameter in definition.parameters if not parameter.rest]
            takes_rest = any(parameter.rest for parameter in definition.parameters)
            owner = f"the {'block' if isinstance(target, BlockLayer) else 'net'} `{definition.name.id}`"
            further = target.rest if takes_rest else None
            bound, rest = binding.Binding(expr, scope, positions, further, target.bound, owner).bind(e)
            return replace(target, bound=bound, rest=rest)
        case MergeWord():
            return groups.call_word(e, target, expr, scope)
        case Function(name="share"):
            return sharing.share(e, expr, scope)
        case Function(name=name):
            values: list[Value] = []
            for argument in expr.arguments:
                if argument.name is not None:
                    raise scope.fault(
                        argument,
                        "unknown-parameter",
                        f"`{name}` takes no named arguments",
                        marked="unknown",
                        help=f"write `{name}({text_of(scope.item, argument.value)})`",
                    )
                value = evaluating.plain(e, argument.value, scope)
                values.extend(value if argument.spread and isinstance(value, list) else [value])
            spread = any(argument.spread for argument in expr.arguments)
            parts = () if spread else [argument.value for argument in expr.arguments]
            try:
                result = scope.attempt(expr, compute, name, values, e.limits, parts=parts)
            except Fault as fault:
                if parts and fault.code in ("missing-argument", "surplus-argument"):
                    shown = SHOWN[name].removesuffix(")").split("(")[1].split(", ")
                    given = [text_of(scope.item, part) for part in parts]
                    fault.help = f"write `{name}({', '.join([*given, *shown[len(given) :]][: len(shown)])})`"
                raise
            read = [value for value in (*values, result) if isinstance(value, list)]
            e.count_entries(scope, expr, entries_in(read) // 10)
            return result
        case Identity():
            raise scope.fault(expr, "surplus-argument", "`id` has no parameters", help="write `id`")
        case SharedLayer() | Closure() | Repeated():
            written = text_of(scope.item, expr.target)
            raise scope.fault(
                expr,
                "not-a-layer",
                f"`{written}` has no parameters to give",
                help=f"write `{written}`" if len(written) <= 40 else "put it into a block with parameters",
            )
    raise scope.fault(
        expr.target,
        "not-a-layer",
        f"{describe(target)} cannot be called",
        help="only layers, blocks, nets and functions can",
    )
