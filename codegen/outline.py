"""A graph in, its outline out: layers inside blocks and containers, as the text nests them.

A picture and a folded table are made from this tree. Every node of the graph stands in it once, but for the
inner concatenations of a `dense` group, which are wires where they are few or folded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct, field

from ..compiler.frames import (
    Apply,
    Branch,
    Call,
    Event,
    Frame,
    InputEvent,
    Loop,
    Member,
    Merge,
    OutputEvent,
    Sequence,
)
from ..compiler.graph import Graph

FEW = 6
"""Members of a `dense` group whose arrows, from each to all that follow, can be told apart."""
Join = Literal["", "series", "parallel", "dense"]


class Leaf(Struct, frozen=True, eq=False):
    """One use of a layer: its nodes (a `split` has several, one for each part)."""

    nodes: tuple[int, ...]


class Group(Struct, eq=False, kw_only=True):
    """Something that holds others. `kind`: `block` for a use of a block, `container` for a label on several
    steps, `aux` for an auxiliary head, `turn` for one turn of a loop (it has no frame drawn round it unless
    it stands for several).

    After folding, `items` are those of the first of `count` equal groups, `twins` are the others', and `join`
    says how they hang together; `last` is the path of the last one.
    A `closed` group is drawn as one box.
    """

    kind: Literal["block", "container", "aux", "turn"]
    items: list[Item]
    path: str = ""
    last: str = ""
    frame: Frame | None = None
    count: int = 1
    twins: list[list[Item]] = field(default_factory=list)
    join: Join = ""
    closed: bool = False


Item = Leaf | Group


class Outline(Struct, frozen=True, eq=False):
    """`wires` are nodes that no one draws: what reads them reads their inputs. `inputs` and `readers` are
    the graph's edges; `ports` the nodes whose values leave the net."""

    items: list[Item]
    wires: frozenset[int]
    inputs: dict[int, tuple[int, ...]]
    readers: dict[int, list[int]]
    ports: frozenset[int]


def leaves(items: Iterable[Item]) -> Iterator[Leaf]:
    """The layers in the order of the text, those of folded twins after the first's."""
    stack = [iter(items)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, Leaf):
            yield item
        else:
            stack.extend(iter(twin) for twin in reversed(item.twins))
            stack.append(iter(item.items))


def nodes(items: Iterable[Item]) -> list[int]:
    return [node for leaf in leaves(items) for node in leaf.nodes]


def outline(graph: Graph, expand: bool = False) -> Outline:
    """The outline of all that `graph` still holds of its text. `expand`: nothing of it will be folded."""
    inputs = {node.id: graph.inputs(node.id) for node in graph}
    readers: dict[int, list[int]] = {id_: [] for id_ in inputs}
    for target, sources in inputs.items():
        for source in sources:
            if source in readers:
                readers[source].append(target)
    walk = Walk(graph, expand)
    items = walk.items(graph.frame.events)
    placed = {*nodes(items), *walk.wires}
    items += [Leaf((id_,)) for id_ in inputs if id_ not in placed]
    return Outline(
        items, frozenset(walk.wires), inputs, readers, frozenset(port.node for port in graph.outputs)
    )


class Walk:
    """The way through the events of a graph's frames."""

    def __init__(self, graph: Graph, expand: bool) -> None:
        self.graph, self.expand = graph, expand
        self.wires: set[int] = set()
        modules = list(graph.modules.walk())
        modules.sort(key=lambda module: module.kind != "layer")  # a container's path wins over its merge's
        self.by_event = {id(module.event): module.path for module in modules if module.event is not None}

    def items(self, events: Iterable[Event]) -> list[Item]:
        found: list[Item] = []
        stack = [iter(events)]
        while stack:
            event = next(stack[-1], None)
            if event is None:
                stack.pop()
            elif event.label is None and isinstance(event, (Sequence, Member, Branch)):
                stack.append(iter(event.events))  # these stand in no group of their own
            else:
                items = self.enter(event)
                if event.label is not None and len(items) > 1:
                    path = self.by_event.get(id(event), event.label.attribute)
                    items = [Group(kind="container", items=items, path=path)]
                found += items
        return found

    def enter(self, event: Event) -> list[Item]:
        match event:
            case Apply():
                return self.leaf(event.nodes)
            case InputEvent():
                return self.leaf((event.node,))
            case Call():
                items = self.items(event.frame.events)
                path = self.by_event.get(id(event), "")
                return [Group(kind="block", items=items, path=path, frame=event.frame)] if items else []
            case Merge():
                return self.merge(event)
            case Loop():
                turns = [self.items(turn.events) for turn in event.turns]
                return [turn_group(items) for items in turns if items]
            case OutputEvent(weight=None):
                return self.items(event.events)
            case OutputEvent():
                items = self.items(event.events)
                path = event.label.attribute if event.label is not None else event.name
                return [head(items, path)] if items else []
            case Sequence() | Member() | Branch():
                return self.items(event.events)
            case _:
                return []

    def merge(self, event: Merge) -> list[Item]:
        items = self.items(event.members)
        if event.head == "dense":
            if self.expand and len(event.nodes) > FEW:
                return items + [leaf for id_ in event.nodes for leaf in self.leaf((id_,))]
            self.wires.update(event.nodes[:-1])
            return items + self.leaf(event.nodes[-1:])
        return items + self.leaf(event.nodes)

    def leaf(self, ids: tuple[int, ...]) -> list[Item]:
        held = tuple(id_ for id_ in ids if id_ in self.graph)
        return [Leaf(held)] if held else []


def turn_group(items: list[Item]) -> Group:
    """A turn; where it holds one group alone, that group, which can then fold with its neighbours."""
    if len(items) == 1 and isinstance(items[0], Group) and items[0].kind != "aux":
        return items[0]
    return Group(kind="turn", items=items)


def head(items: list[Item], path: str) -> Group:
    """An auxiliary head; where it is one use of a block, that one."""
    if len(items) == 1 and isinstance(items[0], Group) and items[0].kind == "block":
        only = items[0]
        return Group(kind="aux", items=only.items, path=only.path or path, frame=only.frame)
    return Group(kind="aux", items=items, path=path)
