"""One value where several are taken, or the reverse, in; the fault with the places of both sides out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.source import Place
from .elaboration import Elaboration
from .faults import Fault, text_of
from .frames import Apply, Call, Event
from .nesting import inside
from .scope import Scope
from .values import BlockLayer, Value, describe


def refuse_at_layer(e: Elaboration, name: str, value: Value, scope: Scope, site: ast.Node) -> Fault:
    """A layer of the vocabulary takes one value."""
    return Fault(
        "wrong-arity",
        f"`{name}` takes one value and receives {count(value)}",
        scope.item.place(site),
        causes=source_of(e, value),
        help=JOIN,
    )


def refuse_at_block(e: Elaboration, layer: BlockLayer, value: Value, scope: Scope, site: ast.Node) -> Fault:
    """A block takes as many values as it names."""
    definition = layer.definition
    names = [name.id for name in definition.takes or ()]
    place = layer.item.place(definition.name)
    takes, help = Note(place, "takes one value"), JOIN
    if definition.takes is not None and len(names) > 1:
        first, last = layer.item.place(definition.takes[0]), layer.item.place(definition.takes[-1])
        takes = Note(Place(place.source, first.start, last.end), f"takes {len(names)} values")
        help = f"send it {len(names)} values: `({', '.join(names)}) -> {text_of(scope.item, site)}`"
    wanted = "one value" if len(names) < 2 else f"{len(names)} values"
    message = f"`{definition.name.id}` takes {wanted} and receives {count(value)}"
    return Fault(
        "wrong-arity", message, scope.item.place(site), causes=(takes, *source_of(e, value)), help=help
    )


def refuse_labels(
    e: Elaboration, labels: Sequence[ast.Label], value: Value, scope: Scope, chain: ast.Expr
) -> Fault:
    """As many labels are wanted as there are values."""
    place = scope.item.place(labels[0])
    names = ", ".join(label.name for label in labels[: len(value) if isinstance(value, tuple) else 1])
    help = f"write one label: `{names}: ...`"
    if isinstance(value, tuple):
        names += ", ..." if len(value) > len(labels) else ""
        help = f"write {len(value)} labels: `({names}): ...`"
    return Fault(
        "wrong-arity",
        f"{len(labels)} labels name {count(value)}",
        Place(place.source, place.start, scope.item.place(labels[-1]).end),
        causes=(Note(scope.item.place(chain), f"gives {count(value)}"),),
        help=help,
    )


def refuse_several(e: Elaboration, what: str, value: Value, scope: Scope, site: ast.Node) -> Fault:
    """Where one value is wanted, as of a member or an output."""
    causes = source_of(e, value)
    return Fault("wrong-arity", f"{what}, not {describe(value)}", scope.item.place(site), "", causes, JOIN)


JOIN = "join the values, `concat(a, b)` say, or label them, `(a, b): ...`, and send one on"


def count(value: Value) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else "one value"


def source_of(e: Elaboration, value: Value) -> tuple[Note, ...]:
    """The layer or block whose values a tuple holds, if one gives them all."""
    if not isinstance(value, tuple):
        return ()
    for event in walk(e.sink if e.sink is e.frame.events else [*e.frame.events, *e.sink]):
        if len(event.outputs) == len(value) and all(map(lambda a, b: a is b, event.outputs, value)):
            if isinstance(event, Call) and event.frame.caller_item is not None:
                return (Note(event.frame.caller_item.place(event.site), f"gives {len(value)} values"),)
            if isinstance(event, Apply):
                item = e.nodes[event.nodes[0]].item
                return (Note(item.place(event.site), f"gives {len(value)} values"),)
    return ()


def walk(events: Sequence[Event]) -> Iterator[Event]:
    """All events of a frame, the last first."""
    for event in reversed(events):
        yield event
        for inner in inside(event):
            yield from walk(inner)
