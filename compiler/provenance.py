"""An argument in; the places where its value was written, through the parameters of blocks, out."""

from __future__ import annotations

from collections.abc import Iterator

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.source import Place
from .faults import inner_text_of
from .frames import Argument, Frame
from .values import show

MOST_NOTES = 4


def place_of(argument: Argument | None) -> Place | None:
    """Where the text gives the argument."""
    if argument is None or argument.expr is None or argument.frame is None:
        return None
    return argument.frame.item.place(argument.expr)


def text_of_argument(argument: Argument | None) -> str:
    """How the text gives it, without parentheses around it; empty where none does."""
    if argument is None or argument.expr is None or argument.frame is None:
        return ""
    return inner_text_of(argument.frame.item, argument.expr)


def sources(argument: Argument) -> tuple[Note, ...]:
    """What the names in an argument are, and where the text says so: the arguments of the blocks whose
    parameters they are, and of the blocks around these; a `let`; a loop's list."""
    found: dict[Place, Note] = {}
    pending = [argument]
    while pending and len(found) < MOST_NOTES:
        given = pending.pop(0)
        if given.expr is None or given.frame is None:
            continue
        for name in names_in(given.expr):
            origin = parameter(given.frame, name.id)
            if origin is not None:
                place = place_of(origin)
                if place is not None:
                    found.setdefault(place, Note(place, f"`{name.id}` is {show(origin.value)}"))
                pending.append(origin)
                continue
            site = binding(given.frame, name)
            if site is None:
                continue
            loop = isinstance(site, ast.For)  # what its list came from is far from the mistake
            origin = Argument(None, site.source if isinstance(site, ast.For) else site.value, given.frame)
            place = place_of(origin)
            if place is not None:
                what = "goes over these" if loop else "is set here"
                found.setdefault(place, Note(place, f"`{name.id}` {what}"))
            if not loop:
                pending.append(origin)
    return tuple(found.values())


def root(argument: Argument) -> Argument:
    """The argument that a plain name stands for: the call's `s=2`, of a block's `conv(k, 8, stride=s)`."""
    seen = 0
    while isinstance(argument.expr, ast.Name) and argument.frame is not None and seen < 200:
        origin = parameter(argument.frame, argument.expr.id)
        if origin is None:
            break
        argument, seen = origin, seen + 1
    return argument


def parameter(frame: Frame, name: str) -> Argument | None:
    """The argument that a parameter of the frame's block has, its default included."""
    return frame.arguments.get(name) or frame.rest.get(name)


def names_in(expr: ast.Expr) -> Iterator[ast.Name]:
    """The names that an expression reads, each once."""
    names = (node for node in ast.walk(expr) if isinstance(node, ast.Name))
    return iter({name.id: name for name in names}.values())


def binding(frame: Frame, name: ast.Name) -> ast.Let | ast.For | None:
    """The `let` or `for` of the frame's text that a name means: the last before it."""
    found: ast.Let | ast.For | None = None
    if not isinstance(frame.definition, (ast.Block, ast.Net)):  # at file level
        return None
    for statement in ast.walk(frame.definition.body):
        match statement:
            case ast.Let(name=bound) if bound.id == name.id and statement.end <= name.start:
                found = statement
            case ast.For(targets=targets) if statement.end >= name.end and any(
                target.id == name.id for target in ast.names_of(targets)
            ):
                found = statement
    return found
