"""The events of a net in, the tree of its modules out, with the name of every node.

Straight in a block or net, unlabelled groups, `if` and `for` are no modules: every label there is an
attribute, and an unlabelled layer takes its layer's or block's name and a running number, passing over
labels. In a container (a label on several steps), and in a block that is only layers in sequence, children
count from 0: repeats, parentheses, `if` and `for` put their layers in the same sequence; unlabelled braces,
merges, and a merge's members are one child each. A label replaces its child's number, which still counts.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence, Set
from itertools import count

from ..dsl import ast
from ..dsl.diagnostics import Note
from .faults import Fault
from .frames import (
    Apply,
    Bind,
    Call,
    Event,
    Frame,
    InputEvent,
    Label,
    Member,
    Merge,
    Names,
    Shared,
)
from .frames import Sequence as SequenceEvent
from .graph import Module
from .nesting import alone, inside, is_child, splice
from .values import SharedLayer


def suffix(indices: Sequence[int | str]) -> str:
    """What indices add to a label: `[1]` is `1`, `[3, 2]` is `3_2`, `["b"]` is `b`."""
    return "_".join(map(str, indices))


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
        place = _Attributes(self, module)
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
                self._bind(event, module, labels)
            elif isinstance(event, Names):
                self._named_values(event, module, taken)
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
                self._named_values(event, module, taken)
        only = alone(member)
        if only is not None:
            if only.label is not None:
                self.claim(only.label, taken)
            self.add(only, only.label.attribute if only.label is not None else number, module)
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
                    self.names[node] = module.path if len(nodes) == 1 else f"{module.path}.{index}"
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
        path = joined(parent, attribute)
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
            child = Module(f"{module.path}.{attribute}", attribute, "layer", event, None, [], (node,), node)
            module.children.append(child)
            self.names[node] = child.path

    def _share(self, shared: Shared | None, parent: Module, attribute: str) -> str | None:
        """The owner's path, for a use of a shared layer whose weights are another module's.

        The owner is the module named by the `let`, where that stands, else the first use.
        """
        if shared is None:
            return None
        path = joined(parent, attribute)
        owner = self.owners.setdefault(id(shared), path)
        return None if owner == path else owner

    def _bind(self, event: Bind, module: Module, labels: Container[str]) -> None:
        """`let f = share(...)`: the layer is named by its `let`, where that stands; `f2` if `f` is taken."""
        if event.shared is None:
            return
        lets = self.lets.setdefault(module.path, set())
        names = (event.name if number == 1 else f"{event.name}{number}" for number in count(1))
        attribute = next(name for name in names if name not in lets and name not in labels)
        lets.add(attribute)
        self.owners[id(event.shared)] = joined(module, attribute)

    def _named_values(self, event: Names, module: Module, taken: dict[str, Label]) -> None:
        for label, tensor in zip(event.labels, event.outputs, strict=False):
            self.claim(label, taken)
            self.labels[joined(module, label.attribute)] = tensor.node

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


class _Attributes:
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
                self.naming._named_values(event, self.module, self.taken)
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
                self.naming._bind(event, self.module, self.taken)
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
            if path == joined(self.module, attribute) and attribute in self._lets():
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
            full = joined(self.module, attribute)
            self.module.children.append(Module(full, attribute, "layer", event, None, [], (node,), node))
            self.naming.names[node] = full


def _output(outputs: Sequence[object]) -> int | None:
    return getattr(outputs[0], "node", None) if len(outputs) == 1 else None


def joined(module: Module, attribute: str) -> str:
    return f"{module.path}.{attribute}" if module.path else attribute
