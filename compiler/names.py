"""The events of a net in, the tree of its modules out, with the name of every node.

Straight in a block or net, unlabelled groups, `if` and `for` are no modules: every label there is an
attribute, and an unlabelled layer takes its layer's or block's name and a running number, passing over
labels. In a container (a label on several steps), and in a block that is only layers in sequence, children
count from 0: repeats, parentheses, `if` and `for` put their layers in the same sequence; unlabelled braces,
merges, and a merge's members are one child each. A label replaces its child's number, which still counts.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from itertools import count

from ..dsl.diagnostics import Note
from .attributes import Attributes
from .faults import Fault
from .frames import (
    Apply,
    Bind,
    Call,
    Event,
    Frame,
    Label,
    Member,
    Merge,
    Names,
    Shared,
)
from .frames import Sequence as SequenceEvent
from .graph import Module
from .nesting import alone, is_child, is_sequence, splice


def suffix(indices: Sequence[int | str]) -> str:
    """What indices add to a label: `[1]` is `1`, `[3, 2]` is `3_2`, `["b"]` is `b`."""
    return "_".join(map(str, indices))


class Naming:
    """Names one net. Duplicate labels are handed to `complain`."""

    def __init__(self, complain: Callable[[Fault], None]) -> None:
        self.complain = complain
        self.names: dict[int, str] = {}
        self.labels: dict[str, int] = {}
        self.owners: dict[int, str] = {}
        """Paths of shared layers, by `id` of their `Shared`."""
        self.lets: dict[str, set[str]] = {}
        """The attributes that `let`s give to shared layers, by the path of the module where these stand."""

    def name(self, frame: Frame) -> Module:
        """The root module of a net."""
        root = Module("", "", "net", None, frame, [], output=_output(frame.outputs))
        self._attributes(frame, root)
        return root

    # --- the two ways to name ---

    def _frame(self, frame: Frame, module: Module) -> None:
        if is_sequence(frame):
            self._numbers(frame.events, module)
        else:
            self._attributes(frame, module)

    def _attributes(self, frame: Frame, module: Module) -> None:
        """Children of a block or net by label, or by their kind and a running number."""
        place = Attributes(self, module)
        place.take_labels(frame.events)
        place.bind_lets(frame.events)
        place.walk(frame.events)

    def _numbers(self, events: Sequence[Event], module: Module) -> None:
        """Children of a container by label, or by number."""
        taken: dict[str, Label] = {}
        number = 0
        spliced = list(splice(events))
        labels = {event.label.attribute for event in spliced if event.label is not None}
        for event in spliced:
            if isinstance(event, Bind):
                self.bind(event, module, labels)
            elif isinstance(event, Names):
                self.name_values(event, module, taken)
            elif is_child(event):
                self._child(event, str(number), module, taken)
                number += 1

    def _child(self, event: Event, number: str, module: Module, taken: dict[str, Label]) -> None:
        if isinstance(event, Member):
            self._member(event, number, module, taken)
            return
        if event.label is not None:
            self.claim(event.label, taken)
        self.add(event, event.label.attribute if event.label is not None else number, module)

    def _member(self, member: Member, number: str, module: Module, taken: dict[str, Label]) -> None:
        """A merge's member is one child: the one layer, block or group that it is, or a sequence of its
        own. As with labels, which one is seen from its form: `conv * n` is a sequence, where `n` is 1 too."""
        for event in member.events:
            if isinstance(event, Names):
                self.name_values(event, module, taken)
        only = alone(member)
        if only is not None:
            self._child(only, number, module, taken)
        elif any(map(is_child, splice(member.events))):
            child = self._module(module, number, "container", member, None)
            self._numbers(member.events, child)

    # --- modules ---

    def add(self, event: Event, attribute: str, parent: Module) -> None:
        """The module of one event, with all that lies in it."""
        match event:
            case Apply(shared=shared, nodes=nodes):
                path = self._share(shared, parent, attribute)
                module = self._module(parent, attribute, "layer", event, None, nodes)
                module.shared = path
                for index, node in enumerate(nodes):
                    self.names[node] = module.path if len(nodes) == 1 else module.path_of(str(index))
            case Call(frame=frame, shared=shared):
                path = self._share(shared, parent, attribute)
                module = self._module(parent, attribute, "block", event, frame)
                module.shared = path
                self._frame(frame, module)
            case SequenceEvent(events=events):
                module = self._module(parent, attribute, "container", event, None)
                self._numbers(events, module)
            case Merge(members=members):
                module = self._module(parent, attribute, "container", event, None)
                self._numbers(members, module)
                self.merging(event, module, event.head)

    def _module(
        self,
        parent: Module,
        attribute: str,
        kind: str,
        event: Event,
        frame: Frame | None,
        nodes: tuple[int, ...] = (),
    ) -> Module:
        path = parent.path_of(attribute)
        module = Module(path, attribute, kind, event, frame, [], nodes, _output(event.outputs))
        parent.children.append(module)
        return module

    def merging(self, event: Merge, module: Module, name: str) -> None:
        """The nodes of a merge that is a module: children without weights, named after the group."""
        taken = {child.attribute for child in module.children}
        for index, node in enumerate(event.nodes):
            attribute = name if len(event.nodes) == 1 else f"{name}{index + 1}"
            while attribute in taken:
                attribute += "_"
            child = Module(module.path_of(attribute), attribute, "layer", event, None, [], (node,), node)
            module.children.append(child)
            self.names[node] = child.path

    def _share(self, shared: Shared | None, parent: Module, attribute: str) -> str | None:
        """The owner's path, for a use of a shared layer whose weights are another module's.

        The owner is the module named by the `let`, where that stands, else the first use.
        """
        if shared is None:
            return None
        path = parent.path_of(attribute)
        owner = self.owners.setdefault(id(shared), path)
        return None if owner == path else owner

    def bind(self, event: Bind, module: Module, labels: Container[str]) -> None:
        """`let f = share(...)`: the layer is named by its `let`, where that stands; `f2` if `f` is taken."""
        if event.shared is None:
            return
        lets = self.lets.setdefault(module.path, set())
        names = (event.name if number == 1 else f"{event.name}{number}" for number in count(1))
        attribute = next(name for name in names if name not in lets and name not in labels)
        lets.add(attribute)
        self.owners[id(event.shared)] = module.path_of(attribute)

    def name_values(self, event: Names, module: Module, taken: dict[str, Label]) -> None:
        for label, tensor in zip(event.labels, event.outputs, strict=False):
            self.claim(label, taken)
            self.labels[module.path_of(label.attribute)] = tensor.node

    def claim(self, label: Label, taken: dict[str, Label]) -> None:
        earlier = taken.setdefault(label.attribute, label)
        if earlier is label:
            return
        if earlier.site is label.site:
            self.complain(
                Fault(
                    "duplicate-label",
                    f"what the label `{label.attribute}` stands in is used more than once in one module",
                    label.item.place(label.site),
                    "names several modules",
                    help="label each use, `name: { ... }`, or make it a block",
                )
            )
            return
        self.complain(
            Fault(
                "duplicate-label",
                f"two labels of one module are both `{label.attribute}`",
                label.item.place(label.site),
                "again here",
                (Note(earlier.item.place(earlier.site), "first here"),),
                help="give each its own name, or an index",
            )
        )


def _output(outputs: Sequence[object]) -> int | None:
    return getattr(outputs[0], "node", None) if len(outputs) == 1 else None
