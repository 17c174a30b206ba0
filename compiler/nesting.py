"""Events in; those that are children of one sequence, or that stand within them, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .frames import Apply, Branch, Call, Event, Loop, Member, Merge, OutputEvent
from .frames import Sequence as SequenceEvent


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
