"""Events in; those that are children of one sequence, or that stand within them, and whether they are one
sequence, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..dsl import ast
from .frames import Apply, Bind, Branch, Call, Event, Frame, Loop, Member, Merge, Names, OutputEvent
from .frames import Sequence as SequenceEvent
from .values import SharedLayer


def splice(events: Sequence[Event]) -> Iterator[Event]:
    """The events that are children of one sequence: repeats, `for`, `if` and parentheses give theirs."""
    for event in events:
        match event:
            case Loop(turns=turns):
                for turn in turns:
                    yield from splice(turn.events)
            case Branch(events=inner) | OutputEvent(events=inner):
                yield from splice(inner)
            case SequenceEvent(form="chain", label=None, events=inner):
                yield from splice(inner)
            case _:
                yield event


def children(event: Event) -> list[Event]:
    """The children by number of a labelled sequence or merge."""
    events: Sequence[Event] = ()
    if isinstance(event, SequenceEvent):
        events = event.events
    elif isinstance(event, Merge):
        events = event.members
    return [child for child in splice(events) if is_child(child)]


def is_child(event: Event) -> bool:
    return isinstance(event, (Apply, Call, SequenceEvent, Merge, Member))


def alone(member: Member) -> Event | None:
    """The layer, block or group that a member is by its form."""
    made = [event for event in member.events if not isinstance(event, Names)]
    if len(made) != 1:
        return None
    event = made[0]
    if event.label is not None:
        return event
    is_chain = isinstance(event, SequenceEvent) and event.form == "chain"
    return event if is_child(event) and not is_chain and member.steps <= 1 else None


def inside(event: Event) -> list[Sequence[Event]]:
    """The lists of events that stand in an event which is no module of its own."""
    match event:
        case Loop(turns=turns):
            return [turn.events for turn in turns]
        case (
            Branch(events=events)
            | SequenceEvent(events=events)
            | Member(events=events)
            | OutputEvent(events=events)
        ):
            return [events]
        case Merge(members=members):
            return [members]
    return []


def is_sequence(frame: Frame) -> bool:
    """Whether a block is only layers in sequence, none labelled: an `nn.Sequential`.

    One that is more where another `if` holds is none in any use."""
    if frame.parent is None or len(frame.inputs) != 1 or not frame.events:
        return False
    if not is_plain(frame.definition.body):
        return False
    at = frame.inputs[0]
    for event in splice(frame.events):
        if isinstance(event, Bind):
            if isinstance(event.argument.value, SharedLayer):
                return False
            continue
        if not isinstance(event, (Apply, Call)) or event.label is not None or event.shared is not None:
            return False
        if len(event.inputs) != 1 or len(event.outputs) != 1 or event.inputs[0] is not at:
            return False
        at = event.outputs[0]
    return len(frame.outputs) == 1 and frame.outputs[0] is at


def is_plain(body: ast.Body) -> bool:
    """Whether a body is written as layers in sequence, none labelled, whichever `if` holds."""
    for statement in body.statements:
        match statement:
            case ast.Flow(labels=labels, value=value):
                steps = value.steps if isinstance(value, ast.Chain) else (value,)
                if labels or any(isinstance(step, (ast.Group, ast.Tuple)) for step in steps):
                    return False
            case ast.If(then=then, otherwise=otherwise):
                if not is_plain(then) or (otherwise is not None and not is_plain(otherwise)):
                    return False
            case ast.For(body=inner):
                if not is_plain(inner):
                    return False
    return True
