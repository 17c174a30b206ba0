"""Events in; those that are children of one sequence, or that stand within them, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .frames import Apply, Branch, Call, Event, Loop, Member, Merge, Names, OutputEvent
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
