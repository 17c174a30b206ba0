"""Events in; what lies in them, and what lines them up, out."""

from __future__ import annotations

from collections.abc import Sequence

from ..compiler.frames import (
    Branch,
    Event,
    Loop,
    Member,
    Merge,
    OutputEvent,
)
from ..compiler.frames import Sequence as SequenceEvent


def signature(event: Event) -> tuple[object, ...]:
    """What lines up: the kind of an event, and where its text stands."""
    return type(event), type(event.site), event.site.start, event.site.end


def inside(event: Event) -> Sequence[Event]:
    """The events that stand in an event of the same frame."""
    match event:
        case Loop(turns=turns):
            return [inner for turn in turns for inner in turn.events]
        case (
            Branch(events=events)
            | SequenceEvent(events=events)
            | Member(events=events)
            | OutputEvent(events=events)
        ):
            return events
        case Merge(members=found):
            return found
    return ()


def members(event: Event) -> list[Member]:
    """The members of a merge, those in its loops and branches too."""
    found: list[Member] = []
    for inner in inside(event):
        if isinstance(inner, Member):
            found.append(inner)
        elif isinstance(inner, (Loop, Branch)):
            found.extend(members(inner))
    return found
