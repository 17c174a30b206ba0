"""A program and one of its nets in; the `train` that serves it out, and pairs that would serve the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple

from ..compiler.evaluate import evaluate_alone
from ..compiler.faults import Fault, Silent, text_of
from ..compiler.forecast import Unlike, layer_key
from ..compiler.frames import Argument
from ..compiler.program import FileScope
from ..compiler.targets import net_at
from ..compiler.unknown import word_of
from ..compiler.values import NetValue, Value
from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.source import Place


class Served(NamedTuple):
    """A recipe, and the file in whose names it is written."""

    scope: FileScope
    item: ast.Item


class Link(NamedTuple):
    """A net by its definition: `resnet50` of `resnet.net`."""

    scope: FileScope
    name: str


def find_recipe(scope: FileScope, net: str, settings: Mapping[str, Value] | None = None) -> Served | None:
    """The recipe that serves a net of `scope`: its own, else that of the net of which it is a call, and so
    on. One of a call, `train mobilenet_v1(alpha=0.5)`, serves nets with the same arguments (and perhaps
    more), `settings` among them, before one of `mobilenet_v1` does. Of two files the nearer one's wins."""
    lineage = list(links(scope, net))
    values = values_of(scope, net, settings or {})
    files = list(dict.fromkeys(link.scope for link in lineage))
    best: tuple[tuple[int, int, int], Served] | None = None
    for distance, file in enumerate(files):
        for item, target in targets_of(file):
            word = word_of(target)
            link = None if word is None else origin_of(file, word.id)
            if link is None or link not in lineage:
                continue
            given = arguments_of(file, item, target)
            if isinstance(target, ast.Call) and (given is None or not given.items() <= values.items()):
                continue
            matched = len(given) if isinstance(target, ast.Call) and given is not None else 0
            rank = (lineage.index(link), -matched, distance)
            if best is None or rank < best[0]:
                best = rank, Served(file, item)
    return best[1] if best else None


def links(scope: FileScope, net: str) -> Iterator[Link]:
    """A net, the net of which it is a call, and so on to the one that has a body."""
    seen: set[Link] = set()
    link = origin_of(scope, net)
    while link is not None and link not in seen:
        seen.add(link)
        yield link
        tree = link.scope.definitions[link.name].tree
        word = word_of(tree.value) if isinstance(tree, ast.NetAlias) else None
        link = None if word is None else origin_of(link.scope, word.id)


def origin_of(scope: FileScope, name: str) -> Link | None:
    """The definition that a name means in a file, where it is one of a net."""
    while name not in scope.definitions and name in scope.imports:
        scope, name = scope.imports[name].scope, scope.imports[name].name
    return Link(scope, name) if scope.defines_net(name) else None


def targets_of(scope: FileScope) -> Iterator[tuple[ast.Item, ast.Expr]]:
    """What the recipes of a file name, in its order."""
    for item in scope.file.items:
        if isinstance(item.tree, ast.Train):
            for target in item.tree.targets:
                yield item, target


def values_of(scope: FileScope, net: str, settings: Mapping[str, Value]) -> dict[str, Hashable]:
    """What a net's parameters are given, so that it can be compared."""
    value = scope.find(net)[1]
    bound = value.bound if isinstance(value, NetValue) else {}
    return comparable({**bound, **{name: Argument(given) for name, given in settings.items()}})


def arguments_of(scope: FileScope, item: ast.Item, target: ast.Expr) -> dict[str, Hashable] | None:
    """What a target gives the parameters of its net; None where it names none."""
    try:
        value = evaluate_alone(scope, item, target)
    except (Fault, Silent):
        return None
    return comparable(value.bound) if isinstance(value, NetValue) else None


def comparable(bound: Mapping[str, Argument]) -> dict[str, Hashable]:
    found: dict[str, Hashable] = {}
    for name, argument in bound.items():
        try:
            found[name] = layer_key(argument.value)
        except Unlike:
            found[name] = id(argument.value)
    return found


# --- what is wrong with targets -------------------------------------------------------------------


def review_targets(scope: FileScope) -> Iterator[Fault]:
    """What the recipes of a file name and is no net, or has a recipe already."""
    known: dict[Hashable, Place] = {}
    for item, target in targets_of(scope):
        try:
            net_at(scope, item, target)
        except Fault as fault:
            yield fault
            continue
        except Silent:
            continue
        place = item.place(target)
        first = known.setdefault(key_of(scope, item, target), place)
        if first is not place:
            yield Fault(
                "duplicate-definition",
                f"`{text_of(item, target)}` has two recipes",
                place,
                "again here",
                (Note(first, "first here"),),
                help="leave one of them out",
            )


def key_of(scope: FileScope, item: ast.Item, target: ast.Expr) -> Hashable:
    """The same for two targets that name one net, with the same arguments."""
    word = word_of(target)
    link = None if word is None else origin_of(scope, word.id)
    if link is None:
        return item, target
    given = arguments_of(scope, item, target) if isinstance(target, ast.Call) else None
    return link, None if given is None else frozenset(given.items())
