"""A node's arguments in, where each number comes from out: its expression, the line, and the names it reads.

`inner` at resnet.net:8 is 64 since `inner=width` at :6, since `64 * 2^i` at :26, with i = 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from ..compiler.frames import (
    Argument,
    Bind,
    Branch,
    Call,
    Event,
    Frame,
    Loop,
    Member,
    Merge,
    OutputEvent,
    Tensor,
)
from ..compiler.frames import Sequence as SequenceEvent
from ..compiler.graph import Graph, Node
from ..dsl import ast
from ..dsl.source import Place
from .plain_text import show_value

DEEPEST = 20
"""How far a number is followed back through the blocks that pass it on."""

Names = Mapping[str, Argument | Tensor]
"""What is bound around an event beside its frame's parameters: loop variables, `let`s, and `in`."""


class Source(Struct, frozen=True):
    """One value: `name` has `value`, from `text` at `place`; `names` are what the text reads. No text: it was
    given from outside (`--set`), or is a loop's variable."""

    name: str
    value: str
    text: str = ""
    place: Place | None = None
    names: tuple[Source, ...] = ()


class Tracer:
    """Follows the arguments of one graph back through its frames."""

    def __init__(self, graph: Graph) -> None:
        self.around: dict[int, Names] = {}
        """The names around each event, by its `id`."""
        self.calls: dict[int, Call] = {}
        """The call that made a frame, by the frame's `id`."""
        pending = [graph.frame]
        while pending:
            frame = pending.pop()
            for event, names in walk(frame.events, bind_input({}, frame.inputs)):
                self.around[id(event)] = names
                if isinstance(event, Call):
                    self.calls[id(event.frame)] = event
                    pending.append(event.frame)

    def trace(self, node: Node) -> tuple[Source, ...]:
        """The sources of a layer's arguments, those that the text gives."""
        return tuple(self.follow(name, argument, node, 0) for name, argument in node.arguments.items())

    def follow(self, name: str, argument: Argument, node: Node, depth: int) -> Source:
        value = show_value(argument.value)
        if argument.expr is None or argument.frame is None:
            return Source(name, value)
        item, expr = argument.frame.item, argument.expr
        text = item.source.text[item.offset + expr.start : item.offset + expr.end]
        names = tuple(self.read(expr, argument.frame, node, depth + 1)) if depth < DEEPEST else ()
        return Source(name, value, " ".join(text.split()), item.place(expr), names)

    def read(self, expr: ast.Expr, frame: Frame, node: Node, depth: int) -> Iterator[Source]:
        """The names that an expression of `frame` reads, each once; `node` is what it was followed from."""
        around = self.names_around(frame, node)
        seen: set[str] = set()
        for name in names_in(expr):
            text = name.id if isinstance(name, ast.Name) else f"in.{name.name}"
            if text in seen:
                continue
            seen.add(text)
            if isinstance(name, ast.Attribute):
                size = size_of(around.get("in"), name.name)
                if size is not None:
                    yield Source(text, str(size))
                continue
            bound = around.get(text) or frame.arguments.get(text)
            if isinstance(bound, Argument):
                yield self.follow(text, bound, node, depth)

    def names_around(self, frame: Frame, node: Node) -> Names:
        """What is bound in `frame` where it leads to `node`: around the node, or around the call in it."""
        event: Event = node.event
        inner: Frame | None = node.frame
        while inner is not None and inner is not frame:
            call = self.calls.get(id(inner))
            if call is None:
                return {}
            event, inner = call, inner.parent
        return self.around.get(id(event), {})


def walk(events: Sequence[Event], names: Names) -> Iterator[tuple[Event, Names]]:
    """All events of a frame, each with the names around it."""
    for event in events:
        yield event, names
        match event:
            case Bind(name=name, argument=argument):
                names = {**names, name: argument}
            case Loop(turns=turns):
                for turn in turns:
                    bindings = {name: Argument(value) for name, value in turn.bindings.items()}
                    yield from walk(turn.events, {**names, **bindings})
            case Merge(members=members):
                yield from walk(members, bind_input(names, event.inputs))
            case SequenceEvent(form="braces", events=inner):
                yield from walk(inner, bind_input(names, event.inputs))
            case SequenceEvent(events=inner) | Branch(events=inner) | Member(events=inner):
                yield from walk(inner, names)
            case OutputEvent(events=inner):
                yield from walk(inner, names)


def bind_input(names: Names, inputs: Sequence[Tensor]) -> Names:
    return {**names, "in": inputs[0]} if len(inputs) == 1 else names


def size_of(value: Argument | Tensor | None, name: str) -> int | None:
    """`in.c`, `in.h`, `in.w`, `in.n`."""
    if not isinstance(value, Tensor):
        return None
    shape = value.shape
    sizes = {"c": shape.channels} | dict(zip("hw" if shape.rank == 2 else "n", shape.spatial, strict=False))
    return sizes.get(name)


def names_in(expr: ast.Expr) -> Iterator[ast.Name | ast.Attribute]:
    """The names that an expression reads, and `in.c`; not the functions and layers that it calls."""
    match expr:
        case ast.Name():
            yield expr
        case ast.Attribute(target=ast.Name(id="in")):
            yield expr
        case ast.Attribute(target=inner) | ast.Unary(operand=inner):
            yield from names_in(inner)
        case ast.List(items=items) | ast.Tuple(items=items):
            for item in items:
                yield from names_in(item)
        case ast.Index(target=target, items=items):
            yield from names_in(target)
            for item in items:
                yield from names_in(item)
        case ast.Binary(left=left, right=right):
            yield from names_in(left)
            yield from names_in(right)
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            for part in (then, condition, otherwise):
                yield from names_in(part)
        case ast.Call(arguments=arguments):
            for argument in arguments:
                yield from names_in(argument.value)
