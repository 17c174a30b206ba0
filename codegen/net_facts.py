"""A graph in, what the recovery of classes asks about its events and containers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import takewhile

from ..compiler.frames import (
    Apply,
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
    Shared,
    Tensor,
)
from ..compiler.frames import Sequence as SequenceEvent
from ..compiler.graph import Graph, Module
from ..compiler.shapes import Shapes, infer
from ..ops.forms import Emit
from .events import inside, members, signature
from .overwriting import overwriting

OF_SEQUENTIAL = frozenset(("append", "extend", "insert", "pop"))
"""What `nn.Sequential` has beside what every module has: no child can have that name."""


class NetFacts:
    """One graph with its layers' forms in PyTorch. `real` is False for the net lowered with other values,
    which only shows what depends on them."""

    def __init__(self, graph: Graph, shapes: Shapes | None = None, real: bool = True) -> None:
        self.graph, self.real = graph, real
        self.shapes = infer(graph) if shapes is None else shapes
        self.emits: dict[int, Emit] = {
            node.id: node.op.torch(
                [self.shapes[source] for source in graph.inputs(node.id)], self.shapes[node.id]
            )
            for node in graph
            if node.op.family != "input"
        }
        self.overwriting = overwriting(graph, self.shapes)
        self.modules: dict[int, Module] = {}
        for module in graph.modules.walk():
            if module.event is not None:
                self.modules.setdefault(id(module.event), module)
        self.by_path = {module.path: module for module in graph.modules.walk()}
        self.forms: dict[int, str] = {}
        """How containers are written, by the `id` of their event: `chain`, `class` or `open`."""
        self._users: dict[str, list[Apply | Call]] = {}
        self._homes: dict[int, str] | None = None
        self._lenders: set[str] | None = None
        self._alive: dict[int, bool] = {}
        self._flows: dict[int, tuple[Counter[Tensor], set[Tensor]]] = {}
        self._totals: dict[int, Counter[Tensor]] = {}
        self._choose_forms()

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

    def home(self, shared: Shared) -> str:
        """The path at which a shared layer belongs; nothing where it is not used."""
        if self._homes is None:
            self._homes = {
                id(module.event.shared): module.shared or module.path
                for module in self.graph.modules.walk()
                if isinstance(module.event, Apply | Call) and module.event.shared is not None
            }
        return self._homes.get(id(shared), "")

    def lends(self, module: Module) -> bool:
        """Whether one part of the module brings a shared layer that another part of it uses."""
        if self._lenders is None:
            self._lenders = {
                common_path(user.path, user.shared)
                for user in self.graph.modules.walk()
                if user.shared is not None and user.event is not None and self.is_alive(user.event)
            }
        return module.path in self._lenders

    def is_alive(self, event: Event) -> bool:
        """Whether the event says anything about this graph: its nodes may have been left out with the
        heads."""
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
                    reads.update(member.outputs)
                    if event.head == "dense":
                        reads.update(member.inputs)
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
        """`chain`: an `nn.Sequential`; `open`: nothing in it needs a module or a name, and it stands in a
        `forward`."""
        named = {child.attribute for child in module.children}
        plain = (
            OF_SEQUENTIAL.isdisjoint(named)
            and not isinstance(event, Merge)
            and not self.escaping(event)
            and not self.lends(module)
        )
        if plain and self.is_chain(inside(event), self.entering(event), event.outputs):
            return "chain"
        parent = self.by_path[module.path.rpartition(".")[0]]
        bare = all(
            not self.emits[node].weights and self.emits[node].function is not None
            for m in module.walk()
            for node in m.nodes
            if node in self.emits
        ) and all(child.attribute.isdigit() for m in module.walk() for child in m.children)
        return (
            "open" if bare and parent.kind in ("block", "net") and not module.attribute.isdigit() else "class"
        )

    def entering(self, event: Event) -> tuple[Tensor, ...]:
        """What a container reads: of what flows into it what it needs, and what comes in from elsewhere."""
        reads, free = self.flow(event)[0], self.free(event)
        read = tuple(tensor for tensor in event.inputs if reads[tensor])
        return by_node((*read, *free)) if free else read

    def free(self, event: Event) -> tuple[Tensor, ...]:
        """The tensors that come in from outside a container beside its inputs."""
        reads, makes = self.flow(event)
        return by_node(set(reads) - makes - set(event.inputs))

    def escaping(self, event: Event) -> tuple[Tensor, ...]:
        """The tensors made in a container that are read outside of it, beside its outputs."""
        reads, makes = self.flow(event)
        everywhere = self.total(event.inputs[0].frame)
        return by_node({made for made in makes if everywhere[made] > reads[made]} - set(event.outputs))

    def is_chain(
        self, events: Iterable[Event], inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> bool:
        """Whether an `nn.Sequential` can do it: modules one after the other, each used once."""
        if len(inputs) != 1 or len(outputs) != 1:
            return False
        return self.follow(events, inputs[0]) is outputs[0]

    def follow(self, events: Iterable[Event], at: Tensor | None) -> Tensor | None:
        """The tensor at the end of a chain that starts at `at`; None where it is none."""
        for event in events:
            if at is None:
                return None
            if not self.is_alive(event) or isinstance(event, Names):
                continue
            if isinstance(event, Bind):
                if event.shared is not None:
                    return None
                continue
            if isinstance(event, Loop):
                for turn in event.turns:
                    at = self.follow(turn.events, at)
                continue
            if isinstance(event, Branch):
                at = self.follow(event.events, at)
                continue
            if isinstance(event, SequenceEvent) and self.module(event) is None:
                at = self.follow(event.events, at)
                continue
            if isinstance(event, (OutputEvent, Member)) or len(event.inputs) != 1 or len(event.outputs) != 1:
                return None
            module = self.module(event)
            if event.inputs[0] is not at or (module is not None and module.shared is not None):
                return None
            if isinstance(event, Apply) and not self.emits[event.nodes[0]].stands_alone:
                return None
            if isinstance(event, (SequenceEvent, Merge)):
                reads, makes = self.flow(event)
                if set(reads) - makes - {at}:
                    return None
            at = event.outputs[0]
        return at


def common_path(left: str, right: str) -> str:
    """The path of the innermost module that holds both."""
    parts = zip(left.split("."), right.split("."), strict=False)
    return ".".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], parts))


def by_node(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    return tuple(sorted(tensors, key=lambda tensor: tensor.node))
