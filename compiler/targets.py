"""An `expect` or a `train` in; the net that an expression of it names out, or what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping

from ..dsl import ast
from ..dsl.diagnostics import Note
from .evaluate import evaluate_alone
from .faults import Fault
from .lower import missing
from .program import FileScope
from .unknown import refuse_net, word_of
from .values import NetValue, Value, describe

NONE: Mapping[str, Value] = {}


def net_at(scope: FileScope, item: ast.Item, expr: ast.Expr, names: Mapping[str, Value] = NONE) -> NetValue:
    """The net that an expression of `item` names; `names` are known too. Raises `Fault` or `Silent`."""
    word = word_of(expr)
    if word is not None and not scope.knows(word.id):
        raise refuse_net(word, item, scope.all_net_names)
    value = evaluate_alone(scope, item, expr, names)
    if not isinstance(value, NetValue):
        raise Fault("not-a-net", f"{describe(value)} is no net", item.place(expr), "a net is wanted here")
    return value


def names_net(scope: FileScope, item: ast.Item, expr: ast.Expr, names: Mapping[str, Value]) -> bool:
    """Whether an expression of `item` names a net."""
    return isinstance(evaluate_alone(scope, item, expr, names), NetValue)


def complete_net_at(
    scope: FileScope, item: ast.Item, expr: ast.Expr, names: Mapping[str, Value] = NONE
) -> NetValue:
    """As `net_at`, of a net that needs nothing more."""
    net = net_at(scope, item, expr, names)
    open_ = missing(net)
    if open_:
        name = net.definition.name.id
        raise Fault(
            "template",
            f"the net `{name}` is a template: it needs {', '.join(open_)}",
            item.place(expr),
            "not complete",
            (Note(net.item.place(net.definition.name), "its parameters lack values"),),
            help=f"give them: `{name}({', '.join(f'{parameter}=...' for parameter in open_)})`",
        )
    return net
