"""An outline in, the same with what repeats drawn once out: equal neighbours become one group with a count.

Two neighbours are equal if they hold the same layers with the same arguments, wired alike, and put out
the same shape; how often a layer drops values does not tell them apart. They fold if they follow one
another (`unit -> unit`), stand side by side between the same values (the paths of a ResNeXt block), or are
members of one `dense` group. Where a page would be too full, three neighbours or more fold that differ in
their channels alone, and in other numbers that change no map, if nothing but a number names them or they
are called alike.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..compiler.graph import Graph
from ..compiler.shapes import Shapes
from .outline import Group, Item, Join, Leaf, Outline, leaves, nodes

FEW = 3
"""Fewer neighbours than these are drawn one by one where their numbers differ."""


def fold(plan: Outline, graph: Graph, shapes: Shapes, loose: bool = False) -> Outline:
    """`plan` with equal neighbours folded; turns of loops that stay single are dissolved. `loose`: those
    without a name of their own are equal whatever their channels."""
    folder = Folder(plan, graph, shapes, loose)
    return Outline(folder.fold(plan.items), plan.wires, plan.inputs, plan.readers, plan.ports)


def unroll(plan: Outline) -> Outline:
    """`plan` with every turn of a loop dissolved and nothing folded."""
    return Outline(dissolve(plan.items), plan.wires, plan.inputs, plan.readers, plan.ports)


def dissolve(items: list[Item]) -> list[Item]:
    flat: list[Item] = []
    for item in items:
        if isinstance(item, Group):
            item.items = dissolve(item.items)
        flat += item.items if isinstance(item, Group) and item.kind == "turn" else [item]
    return flat


class Folder:
    def __init__(self, plan: Outline, graph: Graph, shapes: Shapes, loose: bool) -> None:
        self.plan, self.graph, self.shapes, self.loose = plan, graph, shapes, loose

    def fold(self, items: list[Item]) -> list[Item]:
        for item in items:
            if isinstance(item, Group):
                item.items = self.fold(item.items)
        folded: list[Item] = []
        position = 0
        while position < len(items):
            run, join = self.run(items, position)
            position += len(run)
            first = run[0]
            if isinstance(first, Group) and len(run) > 1:
                last = run[-1]
                first.count = len(run)
                first.last = last.path if isinstance(last, Group) else ""
                first.twins = [twin.items for twin in run[1:] if isinstance(twin, Group)]
                first.join = join
                folded.append(first)
            elif isinstance(first, Group) and first.kind == "turn":
                folded += first.items
            else:
                folded.append(first)
        return folded

    def run(self, items: list[Item], start: int) -> tuple[list[Item], Join]:
        """The longest run of equal groups from `start` on, and how they hang together."""
        first = items[start]
        if self.loose and isinstance(first, Group):
            run = self.equals(items, start, loose=True)
            if len(run[0]) >= FEW:
                return run
        return self.equals(items, start)

    def equals(self, items: list[Item], start: int, loose: bool = False) -> tuple[list[Item], Join]:
        first = items[start]
        run = [first]
        joined: Join = ""
        if isinstance(first, Leaf) or first.kind == "aux":
            return run, joined
        wanted, before = self.sign(first, loose), Ends(self.plan, [first])
        for position, item in enumerate(items[start + 1 :], start + 1):
            if isinstance(item, Leaf) or item.kind != first.kind:
                break
            if loose and not (is_numbered(first) and is_numbered(item)) and not called_alike(first, item):
                break
            after = Ends(self.plan, [item])
            way = self.join(before, after, nodes(items[position + 1 : position + 2]))
            if not way or joined not in ("", way):
                break
            if self.sign(item, loose) != wanted:
                break
            run.append(item)
            before, joined = after, way
        return run, joined

    def sign(self, item: Item, loose: bool) -> Hashable:
        """What makes an item equal to others; `loose`: but for channels and what changes no map."""
        signed = signature([item], self.plan, self.graph, self.shapes, loose)
        if not loose:
            return signed
        ops = [self.graph[id_].op for id_ in nodes([item])]
        windows = [(getattr(op, "window", None), getattr(op, "stride", None)) for op in ops]
        return (signed, *windows, *(self.shapes[id_].dims[1:] for id_ in nodes([item])))

    def join(self, before: Ends, after: Ends, following: list[int]) -> Join:
        """How two neighbours hang together; not at all where they must not fold. A cell that reads the two
        before it follows both, and the nodes `following` may read the last two."""
        leaving = set(before.leaving)
        if before.tapped:
            return ""
        if before.entering == after.entering and before.readers == after.readers and not after.tapped:
            return "parallel"
        if (
            len(before.entering) == len(after.entering)
            and not leaving.isdisjoint(after.entering)
            and all(b in leaving or b == a for a, b in zip(before.entering, after.entering, strict=True))
            and before.readers <= after.held
        ):
            return "series"
        if (
            len(before.entering) > 1
            and after.entering == [*before.entering[1:], *before.leaving]
            and before.readers <= after.held.union(following)
        ):
            return "series"
        wires, inputs = self.plan.wires, self.plan.inputs
        if after.entering and all(
            source in wires and not leaving.isdisjoint(inputs[source]) for source in after.entering
        ):
            return "dense"
        return ""


def is_numbered(group: Group) -> bool:
    """Whether nothing but its place in a sequence names it."""
    return group.kind == "turn" or (group.kind == "block" and group.path.rpartition(".")[2].isdigit())


def called_alike(one: Group, other: Group) -> bool:
    """Whether both are uses of one block with the same arguments, so that only what enters them differs."""
    if one.frame is None or other.frame is None or one.frame.definition is not other.frame.definition:
        return False
    values = [
        {name: argument.value for name, argument in (frame.arguments | frame.rest).items()}
        for frame in (one.frame, other.frame)
    ]
    return values[0] == values[1]


class Ends:
    """Where values enter items and leave them: `entering` nodes outside, in the order of their use; `leaving`
    nodes inside, their `readers` outside; `tapped`: one of them is a way out of the net."""

    def __init__(self, plan: Outline, items: list[Item]) -> None:
        ids = nodes(items)
        self.held = set(ids)
        self.entering = list(
            dict.fromkeys(source for id_ in ids for source in plan.inputs[id_] if source not in self.held)
        )
        self.leaving = [
            id_
            for id_ in ids
            if id_ in plan.ports or any(reader not in self.held for reader in plan.readers[id_])
        ]
        self.readers = {reader for id_ in self.leaving for reader in plan.readers[id_]} - self.held
        self.tapped = any(id_ in plan.ports for id_ in self.leaving)


def signature(
    items: list[Item], plan: Outline, graph: Graph, shapes: Shapes, loose: bool = False
) -> Hashable:
    """What makes items equal: their layers, how these are wired, what they put out.

    `loose`: numbers aside.
    """
    number: dict[int, int] = {}
    outside: dict[int, int] = {}
    signed: list[Hashable] = []
    for leaf in leaves(items):
        for id_ in leaf.nodes:
            op = graph[id_].op
            sources: list[int] = []
            for source in plan.inputs[id_]:
                inside = number.get(source)
                sources.append(-1 - outside.setdefault(source, len(outside)) if inside is None else inside)
            number[id_] = len(number)
            exact = not loose and op.family != "regularisation"
            signed.append((op if exact else op.name, tuple(sources)))
    nesting = tuple(structure(item) for item in items)
    if loose:
        return (nesting, tuple(signed))
    ports = tuple((number[id_], shapes[id_]) for id_ in Ends(plan, items).leaving)
    return (nesting, tuple(signed), ports)


def structure(item: Item) -> Hashable:
    """How blocks and containers are nested in an item."""
    if isinstance(item, Leaf):
        return len(item.nodes)
    block = id(item.frame.definition) if item.frame is not None else None
    return (item.kind, block, item.count, tuple(structure(child) for child in item.items))
