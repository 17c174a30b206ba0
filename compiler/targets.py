"""An `expect` or a `train` in; the nets that it speaks of out, or what is wrong with its head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..dsl import ast
from ..dsl.diagnostics import Note
from .evaluate import evaluate_alone
from .faults import Fault, Silent
from .lower import missing
from .program import FileScope
from .suggestions import suggest
from .unknown import refuse_net, word_of
from .values import NetValue, Value, describe

ENTRIES = ("optimizer", "schedule", "epochs", "batch", "loss", "augment", "init", "ema", "clip")
"""What a recipe may say."""


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


def check_recipe(scope: FileScope, item: ast.Item, recipe: ast.Train) -> Iterator[Fault]:
    """What is wrong with the nets and the entries that a recipe names."""
    for target in recipe.targets:
        try:
            net_at(scope, item, target)
        except Fault as fault:
            yield fault
        except Silent:
            pass
    seen: dict[str, ast.Name] = {}
    for entry in recipe.entries:
        name, place = entry.name.id, item.place(entry.name)
        if name not in ENTRIES:
            help = suggest(name, ENTRIES) or f"a recipe has {', '.join(ENTRIES)}"
            yield Fault("unknown-parameter", f"a recipe has no entry `{name}`", place, "unknown", help=help)
        elif name in seen:
            causes = (Note(item.place(seen[name]), "first here"),)
            yield Fault(
                "repeated-argument", f"this recipe has two entries `{name}`", place, "again here", causes
            )
        seen.setdefault(name, entry.name)
