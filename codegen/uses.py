"""A graph in, out: which of its modules need a class of their own, each use with what enters, leaves and is in scope.

A block is a class. A labelled container is an `nn.Sequential` where one will do; else (a merge inside, a tensor from
outside, an inner tensor used outside) it is a small class too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from ..compiler.frames import (
    Apply,
    Argument,
    Bind,
    Branch,
    Call,
    Event,
    Frame,
    Loop,
    Member,
    Merge,
    Names,
    OutputEvent,
    Tensor,
)
from ..compiler.frames import Sequence as SequenceEvent
from ..compiler.graph import Graph, Module
from ..compiler.inplace import inplace, is_kept, shares_memory
from ..compiler.names import is_sequence
from ..compiler.shapes import Shapes, infer
from ..ops.base import Emit


class Use(Struct, eq=False):
    """One use of a class. `names` are those that its text reads from around it: a block's parameters, a container's
    surroundings. `free` tensors come from outside beside the inputs, `escaping` ones leave beside the output."""

    module: Module
    kind: str
    form: str
    """`sequential` for an `nn.Sequential`, else `general`."""
    frame: Frame
    events: Sequence[Event]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    names: dict[str, Argument]
    net: Net
    free: tuple[Tensor, ...] = ()
    escaping: tuple[Tensor, ...] = ()
    key: tuple[Any, ...] = ()
    below: list[Use] = field(default_factory=list)
    """The uses directly inside."""


class Net:
    """One graph, as the recovery of classes reads it."""

    def __init__(self, graph: Graph, shapes: Shapes | None = None, real: bool = True) -> None:
        """`real` is False for the net lowered with other values, which only shows what depends on them."""
        self.graph, self.real = graph, real
        self.shapes = infer(graph) if shapes is None else shapes
        self.emits: dict[int, Emit] = {
            node.id: node.op.torch(
                [self.shapes[source] for source in graph.inputs(node.id)], self.shapes[node.id]
            )
            for node in graph
            if node.op.family != "input"
        }
        overwriting = inplace(graph, self.shapes)
        gathered = {
            node.id
            for node in graph
            if isinstance(node.event, Merge)
            and node.event.head == "dense"
            and node.id != node.event.nodes[-1]
        }
        """What a `dense` group has gathered so far is read again by its next concatenation."""
        self.inplace = frozenset(
            node
            for node in overwriting | summed(graph, self.shapes, overwriting)
            if graph.inputs(node)[0] not in gathered
        )
        self.modules: dict[int, Module] = {}
        for module in graph.modules.walk():
            if module.event is not None:
                self.modules.setdefault(id(module.event), module)
        self.by_path = {module.path: module for module in graph.modules.walk()}
        self.uses: dict[int, Use] = {}
        """By the `id` of the event that makes the module; the net's own under its frame's."""
        self.hints: dict[Tensor, str] = {}
        """The labels of tensors."""
        self.forms: dict[int, str] = {}
        """How containers are written, by the `id` of their event: `chain`, `class` or `open`."""
        self._users: dict[str, list[Apply | Call]] = {}
        self._alive: dict[int, bool] = {}
        self._flows: dict[int, tuple[Counter[Tensor], set[Tensor]]] = {}
        self._totals: dict[int, Counter[Tensor]] = {}
        self._choose_forms()
        frame = graph.frame
        self.root = self._use(graph.modules, "net", frame, frame.events, (), frame.outputs, frame.arguments)
        self.uses[id(frame)] = self.root

    # --- facts about events ---

    def module(self, event: Event) -> Module | None:
        """The module that an event makes; merging nodes, which are listed with their merge, are none."""
        module = self.modules.get(id(event))
        if module is None or (module.kind == "layer" and isinstance(event, Merge)):
            return None
        return module

    def users(self, path: str) -> list[Apply | Call]:
        """The uses of the shared layer that belongs at `path`, in the order of the text."""
        if not self._users:
            for module in self.graph.modules.walk():
                event = module.event
                if module.shared is not None and isinstance(event, Apply | Call) and self.is_alive(event):
                    self._users.setdefault(module.shared, []).append(event)
        return self._users.get(path, [])

    def is_alive(self, event: Event) -> bool:
        """Whether the event says anything about this graph: its nodes may have been left out with the heads."""
        known = self._alive.get(id(event))
        if known is None:
            known = self._alive[id(event)] = self._find_alive(event)
        return known

    def _find_alive(self, event: Event) -> bool:
        match event:
            case Apply(nodes=nodes):
                return any(node in self.graph for node in nodes)
            case Call(frame=frame):
                return self._used(frame.outputs)
            case OutputEvent(outputs=outputs, weight=weight):
                return weight is None or any(port.node == outputs[0].node for port in self.graph.heads)
            case Merge(outputs=outputs) | SequenceEvent(outputs=outputs):
                return self._used(outputs) or any(self.is_alive(inner) for inner in inside(event))
        return True

    def _used(self, tensors: Iterable[Tensor]) -> bool:
        return any(tensor.node in self.graph for tensor in tensors)

    def alive(self, events: Iterable[Event]) -> list[Event]:
        return [event for event in events if self.is_alive(event)]

    def flow(self, event: Event) -> tuple[Counter[Tensor], set[Tensor]]:
        """How often an event and all within it read each tensor, and the tensors that they make."""
        known = self._flows.get(id(event))
        if known is not None:
            return known
        reads: Counter[Tensor] = Counter()
        makes: set[Tensor] = set()
        if isinstance(event, (Apply, Call)):
            reads.update(event.inputs)
            makes.update(event.outputs)
        else:
            for inner in self.alive(inside(event)):
                further = self.flow(inner)
                reads.update(further[0])
                makes |= further[1]
            if isinstance(event, Merge):
                for position, member in enumerate(members(event)):
                    reads.update((*member.outputs, *member.inputs))
                    makes.update(member.inputs if position else ())
                makes.update(event.outputs)
                makes.difference_update(event.inputs)
            elif isinstance(event, (SequenceEvent, Member, OutputEvent)):
                reads.update(event.outputs)
        self._flows[id(event)] = (reads, makes)
        return reads, makes

    def total(self, frame: Frame) -> Counter[Tensor]:
        """How often each tensor is read in a frame."""
        known = self._totals.get(id(frame))
        if known is None:
            known = self._totals[id(frame)] = Counter(frame.outputs)
            for event in self.alive(frame.events):
                known.update(self.flow(event)[0])
        return known

    # --- containers ---

    def _choose_forms(self) -> None:
        """One form for all containers from one place in the text: the least that will do for each of them."""
        found: dict[tuple[object, ...], list[tuple[int, str]]] = {}
        for module in self.graph.modules.walk():
            event = module.event
            if module.kind == "container" and event is not None and event.inputs and self.is_alive(event):
                key = (id(event.inputs[0].frame.definition), *signature(event))
                found.setdefault(key, []).append((id(event), self._form(event, module)))
        for every in found.values():
            form = max((form for _, form in every), key=("chain", "open", "class").index)
            self.forms.update((event, form) for event, _ in every)

    def _form(self, event: Event, module: Module) -> str:
        """`chain`: an `nn.Sequential`; `open`: nothing in it needs a module, and it stands in a `forward`."""
        reads, makes = self.flow(event)
        plain = not isinstance(event, Merge) and not self.free(event) and not self.escaping(event)
        if plain and self._is_chain(inside(event), event.inputs, event.outputs):
            return "chain"
        parent = self.by_path[module.path.rpartition(".")[0]]
        bare = all(
            not self.emits[node].weights and self.emits[node].function is not None
            for m in module.walk()
            for node in m.nodes
            if node in self.emits
        )
        return (
            "open" if bare and parent.kind in ("block", "net") and not module.attribute.isdigit() else "class"
        )

    def free(self, event: Event) -> tuple[Tensor, ...]:
        """The tensors that come in from outside a container beside its inputs."""
        reads, makes = self.flow(event)
        return _by_node(set(reads) - makes - set(event.inputs))

    def escaping(self, event: Event) -> tuple[Tensor, ...]:
        """The tensors made in a container that are read outside of it, beside its outputs."""
        reads, makes = self.flow(event)
        everywhere = self.total(event.inputs[0].frame)
        return _by_node({made for made in makes if everywhere[made] > reads[made]} - set(event.outputs))

    # --- uses ---

    def _use(
        self,
        module: Module,
        kind: str,
        frame: Frame,
        events: Sequence[Event],
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        names: dict[str, Argument],
    ) -> Use:
        use = Use(module, kind, "general", frame, events, inputs, outputs, names, self)
        self._descend(use, events, dict(names), frame, False)
        if kind == "block":
            use.form = (
                "sequential" if is_sequence(frame) and self._is_chain(events, inputs, outputs) else "general"
            )
            use.key = (id(frame.definition), len(inputs), use.form)
        return use

    def _descend(
        self, use: Use, events: Iterable[Event], names: dict[str, Argument], frame: Frame, own: bool
    ) -> None:
        """Find the uses below, walking as the text does; `own`: within a container, which numbers its children."""
        for event in events:
            if not self.is_alive(event):
                continue
            module = self.module(event)
            if event.label is not None and len(event.outputs) == 1:
                self.hints.setdefault(event.outputs[0], event.label.attribute)
            match event:
                case Names(labels=labels, outputs=outputs):
                    for label, tensor in zip(labels, outputs, strict=True):
                        self.hints.setdefault(tensor, label.attribute)
                case Bind(name=name, argument=argument):
                    names[name] = argument
                case Call(frame=called) if module is not None:
                    below = self._use(
                        module,
                        "block",
                        called,
                        called.events,
                        called.inputs,
                        called.outputs,
                        called.arguments,
                    )
                    self.uses[id(event)] = below
                    use.below.append(below)
                case Loop(turns=turns):
                    for turn in turns:
                        bound = {name: Argument(value) for name, value in turn.bindings.items()}
                        self._descend(use, turn.events, {**names, **bound}, frame, own)
                case SequenceEvent() | Merge() | Member() if (
                    module is not None and module.kind == "container"
                ):
                    self._container(use, event, module, names, frame)
                case SequenceEvent(form="chain") | Branch():
                    self._descend(
                        use, inside(event), dict(names) if isinstance(event, Branch) else names, frame, own
                    )
                case _:
                    self._descend(use, inside(event), dict(names), frame, own)

    def _container(
        self, use: Use, event: Event, module: Module, names: dict[str, Argument], frame: Frame
    ) -> None:
        inner, free, escaping = inside(event), self.free(event), self.escaping(event)
        if self.forms[id(event)] != "class":
            self._descend(use, inner, dict(names), frame, True)
            return
        entering = (*event.inputs, *free)
        leaving = (*event.outputs, *escaping)
        events: Sequence[Event] = (event,) if isinstance(event, Merge) else inner
        below = Use(
            module,
            "container",
            "general",
            frame,
            events,
            entering,
            leaving,
            dict(names),
            self,
            free,
            escaping,
        )
        self.uses[id(event)] = below
        self._descend(below, inner, dict(names), frame, True)
        below.key = (id(frame.definition), *signature(event), len(entering), len(leaving))
        use.below.append(below)

    def _is_chain(
        self, events: Iterable[Event], inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> bool:
        """Whether an `nn.Sequential` can do it: modules one after the other, each used once."""
        if len(inputs) != 1 or len(outputs) != 1:
            return False
        return self._follow(events, inputs[0]) is outputs[0]

    def _follow(self, events: Iterable[Event], at: Tensor | None) -> Tensor | None:
        """The tensor at the end of a chain that starts at `at`; None where it is none."""
        for event in events:
            if at is None:
                return None
            if not self.is_alive(event) or isinstance(event, Names):
                continue
            if isinstance(event, Bind):
                if getattr(event.argument.value, "shared", None) is not None:
                    return None
                continue
            if isinstance(event, Loop):
                for turn in event.turns:
                    at = self._follow(turn.events, at)
                continue
            if isinstance(event, Branch):
                at = self._follow(event.events, at)
                continue
            if isinstance(event, SequenceEvent) and self.module(event) is None:
                at = self._follow(event.events, at)
                continue
            if isinstance(event, (OutputEvent, Member)) or len(event.inputs) != 1 or len(event.outputs) != 1:
                return None
            module = self.module(event)
            if event.inputs[0] is not at or (module is not None and module.shared is not None):
                return None
            if isinstance(event, Apply) and self.emits[event.nodes[0]].module is None:
                return None
            if isinstance(event, (SequenceEvent, Merge)):
                reads, makes = self.flow(event)
                if set(reads) - makes - {at}:
                    return None
            at = event.outputs[0]
        return at


def _by_node(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    return tuple(sorted(tensors, key=lambda tensor: tensor.node))


def summed(graph: Graph, shapes: Shapes, overwriting: frozenset[int]) -> frozenset[int]:
    """The sums of two that may be written into their first member: nothing else needs it."""
    found = set()
    leaving = {port.node for port in graph.outputs}
    for node in graph:
        if node.op.name != "add" or len(graph.inputs(node.id)) != 2:
            continue
        first, second = graph.inputs(node.id)
        source = graph[first]
        if (
            len(graph.readers(first)) == 1
            and first not in leaving
            and shapes[first] == shapes[second]
            and source.op.family != "input"
            and not shares_memory(source.op)
            and all(entering.node != first for entering in node.frame.inputs)
            and not is_kept(graph, source, shapes, first in overwriting)
        ):
            found.add(node.id)
    return frozenset(found)


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


def in_order(roots: Iterable[Use]) -> list[list[Use]]:
    """Uses by class, callees before callers, each in the order of the text.

    Where blocks contain each other, a use stands with those of the same depth of nesting."""
    below: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    every: list[Use] = []

    def gather(use: Use) -> None:
        every.append(use)
        for inner in use.below:
            below.setdefault(use.key, set()).add(inner.key)
            gather(inner)

    for root in roots:
        root.key = ("net",)
        gather(root)
    reach = _closure(below)
    cyclic = {key for key, found in reach.items() if key in found}

    def nest(use: Use, circle: set[tuple[Any, ...]]) -> int:
        """How often the circle's blocks stand in each other below."""
        depths = [nest(inner, circle) for inner in use.below]
        return max(depths, default=0) + (use.key in circle)

    grouped: dict[tuple[Any, ...], list[Use]] = {}
    for use in every:
        key = use.key
        if key in cyclic:
            circle = {other for other in reach[key] if key in reach.get(other, ())}
            key = (*key, nest(use, circle))
        grouped.setdefault(key, []).append(use)
    return _callees_first(grouped)


def _closure(
    below: dict[tuple[Any, ...], set[tuple[Any, ...]]],
) -> dict[tuple[Any, ...], set[tuple[Any, ...]]]:
    reach: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    for key in below:
        found: set[tuple[Any, ...]] = set()
        stack = list(below[key])
        while stack:
            other = stack.pop()
            if other not in found:
                found.add(other)
                stack.extend(below.get(other, ()))
        reach[key] = found
    return reach


def _callees_first(grouped: dict[tuple[Any, ...], list[Use]]) -> list[list[Use]]:
    owner = {id(use): key for key, uses in grouped.items() for use in uses}
    done: set[tuple[Any, ...]] = set()
    order: list[list[Use]] = []

    def visit(key: tuple[Any, ...]) -> None:
        if key in done:
            return
        done.add(key)
        for use in grouped[key]:
            for inner in use.below:
                visit(owner[id(inner)])
        order.append(grouped[key])

    for key in grouped:
        visit(key)
    return order
