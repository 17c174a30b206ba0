"""A name that means nothing where it stands in, the fault that says so out, with what was perhaps meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.source import Place
from .faults import Fault, text_of
from .suggestions import PREFIXES, interpret, interpret_parameter, suggest

Given = tuple[str, ast.Label | ast.Name, ast.Node]
"""What kind of name, where it stands, and the statement that gives it."""


def refuse(node: ast.Name, item: ast.Item, known: Iterable[str]) -> Fault:
    """The fault for `node`, which is none of the names in sight (`known`): its item may name it elsewhere."""
    place = item.place(node)
    for what, named, statement in index_names(item.tree).get(node.id, ()):
        own = statement.start <= node.start < statement.end and what != "loop variable"
        code, message, marked, help = describe(what, node.id, own, named.start > node.start)
        return Fault(code, message, place, marked, (Note(item.place(named), f"the {what}"),), help)
    known = set(known)
    path = index_paths(item.tree).get(node.start) if node.id in PREFIXES else None
    if path is None:
        help = interpret(node.id, known)
        return Fault("unknown-name", f"there is no `{node.id}` here", place, "unknown", help=help)
    same = f"did you mean `{path.name}`?" if path.name in known else ""
    help = interpret(path.name, known) or same or "`netc layers` shows the layers, which have no prefix"
    message = f"there is no `{text_of(item, path)}` here"
    return Fault("unknown-name", message, item.place(path), "unknown", help=help)


@lru_cache(maxsize=64)
def index_paths(tree: ast.Node) -> dict[int, ast.Attribute]:
    """The longest path, `nn.functional.relu`, that begins at each place: `walk` comes to the outer first."""
    paths: dict[int, ast.Attribute] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.target, (ast.Name, ast.Attribute)):
            paths.setdefault(node.start, node)
    return paths


def describe(what: str, name: str, own: bool, after: bool) -> tuple[str, str, str, str]:
    """Code, message, mark and help for a name that is given elsewhere: by its `own` statement, `after` it."""
    early = "use-before-definition"
    match what, own, after:
        case "label", True, _:
            return early, f"the label `{name}` names this very statement", "used too early", BELOW
        case "label", _, True:
            return early, f"the label `{name}` stands only after this", "used before its statement", BELOW
        case "label", _, _:
            help = "a label in an `if` has a value only where it holds: label one in each branch"
            return "unknown-name", f"the label `{name}` has no value here", "not reached", help
        case "`let`", True, _:
            return early, f"`{name}` is defined by itself", "has no value yet", "give the `let` another name"
        case "`let`", _, True:
            help = "put the `let` above this statement"
            return early, f"the `let` of `{name}` stands only after this", "has no value yet", help
        case "`let`", _, _:
            help = "put the `let` before the braces"
            return (
                "unknown-name",
                f"`{name}` is known only within the braces of its `let`",
                "unknown here",
                help,
            )
    return "unknown-name", f"the loop variable `{name}` is known only within its loop", "unknown here", LOOP


LOOP = "use it in the braces of the loop, or give what is wanted here a name before the loop"
BELOW = "a value can be used only below the statement that it names"


def refuse_group(head: ast.Name, item: ast.Item, groups: Iterable[str]) -> Fault:
    """The fault for a word before braces that nothing has."""
    help = suggest(head.id, groups) or f"groups are {', '.join(groups)}, and `{{ ... }}` alone"
    return Fault("unknown-name", f"there is no group `{head.id}`", item.place(head), "unknown", help=help)


def refuse_path(place: Place, name: str, labels: Iterable[str]) -> Fault:
    """The fault for `.name` of a tensor, or of a labelled group with these labels."""
    known = [*SIZES, *labels]
    meant = MEANT.get(name.lower(), "")
    help = f"did you mean `.{meant}`?" if meant else suggest(name, known)
    help = help or f"a tensor has .{', .'.join(SIZES)}; a labelled group has its labels"
    return Fault("unknown-label", f"there is no `.{name}` here", place, "unknown", help=help)


SIZES = ("c", "h", "w", "n", "shape")
"""What a tensor tells of itself."""
MEANT = {"channels": "c", "height": "h", "width": "w", "length": "n", "size": "shape"}


def word_of(expr: ast.Expr) -> ast.Name | None:
    """The name with which a call begins, `resnet` of `resnet(basic)(10)`."""
    while isinstance(expr, ast.Call):
        expr = expr.target
    return expr if isinstance(expr, ast.Name) else None


def refuse_net(word: ast.Name, item: ast.Item, nets: Sequence[str]) -> Fault:
    """The fault for a word that should name a net; `nets` are those in sight."""
    more = f" and {len(nets) - 8} more" if len(nets) > 8 else ""
    help = suggest(word.id, nets) or (
        f"its nets are {', '.join(nets[:8])}{more}" if nets else "it defines no net"
    )
    message = f"there is no net `{word.id}` in this file"
    return Fault("unknown-net", message, item.place(word), "unknown", help=help)


def refuse_parameter(place: Place, owner: str, name: str, known: Sequence[str]) -> Fault:
    """The fault for a named argument of `owner` that it does not take."""
    help = interpret_parameter(name, known)
    return Fault("unknown-parameter", f"{owner} has no parameter `{name}`", place, "unknown", help=help)


@lru_cache(maxsize=64)
def index_names(tree: ast.Node) -> dict[str, list[Given]]:
    """What an item names, by the names, each list in the order of the text."""
    found: dict[str, list[Given]] = {}
    for given in sorted(names_given(tree), key=lambda given: given[1].start):
        named = given[1]
        found.setdefault(named.name if isinstance(named, ast.Label) else named.id, []).append(given)
    return found


def names_given(node: ast.Node) -> Iterator[Given]:
    """What the text within `node` names: what kind of name it is, where it stands, and in which statement."""
    for inner in ast.walk(node):
        match inner:
            case ast.Flow(labels=labels):
                for label in labels:
                    yield "label", label, inner
            case (
                ast.Input(label=ast.Label() as label)
                | ast.Output(label=ast.Label() as label)
                | ast.Aux(label=label)
            ):
                yield "label", label, inner
            case ast.Let(name=name):
                yield "`let`", name, inner
            case ast.For(targets=targets) | ast.Comprehension(targets=targets):
                for target in ast.names_of(targets):
                    yield "loop variable", target, inner
