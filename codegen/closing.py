"""A folded outline in; which of its groups are drawn as one box each, marked in it (`Group.closed`)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from ..compiler.graph import Graph
from ..compiler.shapes import Shapes
from .folding import Ends, signature
from .outline import Group, Item, Leaf, Outline, nodes

Size = Callable[[], int]


def close_alike(plan: Outline, graph: Graph, shapes: Shapes, containers: bool) -> None:
    """Closes the blocks, or also the containers, that are like one shown before."""
    seen: set[Hashable] = set()

    def visit(items: list[Item]) -> None:
        for item in items:
            if isinstance(item, Leaf):
                continue
            item.closed = False
            if item.kind in ("block", "aux") or (containers and item.kind != "turn"):
                key = signature(item.items, plan, graph, shapes, loose=True)
                item.closed = key in seen
                seen.add(key)
            if not item.closed:
                visit(item.items)

    visit(plan.items)


def close_all(items: list[Item]) -> None:
    for item in items:
        if isinstance(item, Group):
            item.closed = True
            close_all(item.items)


def open_one_of_each(plan: Outline, graph: Graph, most: int, comfortable: int, size: Size) -> None:
    """Closes all groups, then opens one use of each block and one container of each kind, up to `most` boxes
    (`size` counts them); blocks in opened blocks, and other forms of these, up to a `comfortable` number.
    What most of the net is made of comes first, and what lies in an opened group before its neighbours."""
    forms = Forms(graph)
    forms.weigh(plan.items, 1)
    close_all(plan.items)
    blocks: set[Hashable] = set()
    seen: set[Hashable] = set()
    waiting = [(forms.by_share(plan.items), False)]
    boxes, refused = size(), 0
    while waiting and refused < most:  # each try drafts the whole page
        groups, within = waiting[-1]
        if not groups:
            waiting.pop()
            continue
        group = groups.pop()
        block = definition(group)
        room = comfortable if within or block in blocks else most
        if forms.of[id(group)] in seen or boxes >= room or tangled(group, plan):
            continue
        for opened in ([*held(group)], [group]) if block is None else ([*held(group)],):
            for each in opened:
                each.closed = False
            larger = size()
            if larger <= room:
                boxes = larger
                seen.update(forms.of[id(each)] for each in opened)
                blocks |= {block} - {None}
                waiting.append((forms.by_share(group.items), within or block is not None))
                break
            for each in opened:
                each.closed = True
        else:
            refused += 1


class Forms:
    """What makes groups one form: the layers' names and how they are nested, repeats aside."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.of: dict[int, Hashable] = {}
        self.shares: dict[Hashable, int] = {}
        self.numbers: dict[Hashable, int] = {}

    def weigh(self, items: list[Item], times: int) -> tuple[Hashable, ...]:
        """The forms of `items`, all of which stand `times` times; layers are counted for their groups."""
        found: list[Hashable] = []
        for item in items:
            if isinstance(item, Leaf):
                found.append(self.graph[item.nodes[0]].op.name)
                continue
            inner = (item.kind, definition(item), self.weigh(item.items, times * item.count))
            form = self.of[id(item)] = self.numbers.setdefault(inner, len(self.numbers))
            layers = times * item.count * len(nodes(item.items))
            for key in {form, definition(item) or form}:
                self.shares[key] = self.shares.get(key, 0) + layers
            found.append(form)
        return tuple(found)

    def by_share(self, items: list[Item]) -> list[Group]:
        """The closed groups among `items`; last that of whose block and form most layers of the net are part,
        of equals the first of the text."""

        def share(group: Group) -> tuple[int, int]:
            form = self.of[id(group)]
            return self.shares[definition(group) or form], self.shares[form]

        return sorted(closed_groups(items), key=share, reverse=True)[::-1]


def definition(group: Group) -> Hashable:
    """The block of which a group is a use."""
    return None if group.frame is None else ("block", id(group.frame.definition))


def tangled(group: Group, plan: Outline) -> bool:
    """Whether a block makes several values of several, three and more: where each of them goes into each,
    arrows must cross."""
    ends = Ends(plan, [group])
    return group.kind == "block" and min(len(ends.entering), len(ends.leaving)) > 2


def held(group: Group) -> Iterator[Group]:
    """A group and the containers that stand in it, but for those in blocks of it."""
    yield group
    for item in group.items:
        if isinstance(item, Group) and item.kind in ("container", "turn"):
            yield from held(item)


def closed_groups(items: list[Item]) -> Iterator[Group]:
    """The groups that a reader sees closed."""
    for item in items:
        if isinstance(item, Group):
            if item.closed:
                yield item
            else:
                yield from closed_groups(item.items)
