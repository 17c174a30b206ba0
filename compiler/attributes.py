"""The events of one block or net in, the names of its attributes out.

Every label is an attribute; an unlabelled layer takes its layer's or block's name and a running number, which
passes over labels.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from .frames import Apply, Bind, Call, Event, InputEvent, Label, Merge, Names
from .frames import Sequence as SequenceEvent
from .graph import Module
from .nesting import inside

if TYPE_CHECKING:
    from .names import Naming


class Attributes:
    """The attributes of one block or net."""

    def __init__(self, naming: Naming, module: Module) -> None:
        self.naming, self.module = naming, module
        self.taken: dict[str, Label] = {}
        self.counts: dict[str, int] = {}
        self.numbered: set[str] = set()
        """The attributes given so far: `relu61` is the 61st `relu`, or the first `relu6`."""

    def take_labels(self, events: Sequence[Event]) -> None:
        """Labels first: running numbers pass over them."""
        for event in events:
            if isinstance(event, Names):
                self.naming.name_values(event, self.module, self.taken)
            elif isinstance(event, InputEvent):
                if event.label is not None:
                    self.naming.claim(event.label, self.taken)
            elif event.label is not None:
                self.naming.claim(event.label, self.taken)
            else:
                for inner in inside(event):
                    self.take_labels(inner)

    def bind_lets(self, events: Sequence[Event]) -> None:
        """Then shared layers, which are named by their `let`."""
        for event in events:
            if isinstance(event, Bind):
                self.naming.bind(event, self.module, self.taken)
            elif event.label is None:
                for inner in inside(event):
                    self.bind_lets(inner)

    def walk(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case InputEvent(node=node, name=name):
                    self.naming.names[node] = name
                    self.numbered.add(name)
                case Apply() | Call():
                    self.naming.add(event, self._attribute(event), self.module)
                case SequenceEvent() | Merge() if event.label is not None:
                    self.naming.add(event, event.label.attribute, self.module)
                case _:
                    for inner in inside(event):
                        self.walk(inner)
                    if isinstance(event, Merge):
                        self._merging(event)

    def _attribute(self, event: Apply | Call) -> str:
        if event.label is not None:
            return event.label.attribute
        if event.shared is not None and event is event.shared.owner:
            path = self.naming.owners.get(id(event.shared), "")
            attribute = path.rpartition(".")[2]
            if path == self.module.path_of(attribute) and attribute in self._lets():
                return attribute
        return self._number(event.frame.name if isinstance(event, Call) else event.op.name)

    def _lets(self) -> Set[str]:
        return self.naming.lets.get(self.module.path, frozenset())

    def _number(self, name: str) -> str:
        """The next `name1`, `name2`, ... that nothing else has."""
        lets = self._lets()
        while True:
            number = self.counts[name] = self.counts.get(name, 0) + 1
            attribute = f"{name}{number}"
            if attribute not in self.taken and attribute not in lets and attribute not in self.numbered:
                self.numbered.add(attribute)
                return attribute

    def _merging(self, event: Merge) -> None:
        for node in event.nodes:
            attribute = self._number(event.head)
            full = self.module.path_of(attribute)
            self.module.children.append(Module(full, attribute, "layer", event, None, [], (node,), node))
            self.naming.names[node] = full
