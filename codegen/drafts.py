"""A folded outline in, drafts of boxes and clusters out: which layers share a box, and what is left closed.

A layer shares its box with the normalisation, activation and dropout that follow it (or, where a block
starts with these, go before it) if nothing else reads what flows between them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ..compiler.graph import Graph
from ..compiler.shapes import Shapes
from ..ops.base import Op
from .closing import close_alike, open_one_of_each
from .outline import Group, Item, Leaf, Outline, nodes

LIGHT = {"normalisation", "activation", "regularisation"}
LEADING = {"normalisation", "activation"}
LIGHT_NAMES = {"flatten", "reshape", "scale", "shift"}
READABLE = (20, 32, 32)
"""Boxes with which a page can still be read, and how much is closed where there are more: blocks like one
shown before; containers like one shown before; all groups, but for one of each kind where there is room."""
SHOWN_BEFORE, EVERY = 2, 3
"""How many of these: what is like something shown before; all."""
ROOM = 48
"""Boxes of a page on which groups were opened one by one."""


class Draft(Struct, eq=False, kw_only=True):
    """A box to be. `uses` are the nodes of each of the equal groups that are drawn once, the same layers in
    the same order; `heads` the nodes that give it its text; `group` is what it stands for, where that is more
    than layers."""

    uses: list[list[int]]
    heads: list[int]
    group: Group | None = None
    count: int = 1


class ClusterDraft(Struct, eq=False, kw_only=True):
    """A cluster to be."""

    group: Group
    pieces: list[Draft | ClusterDraft]
    uses: list[list[int]]


Piece = Draft | ClusterDraft


def draft(plan: Outline, graph: Graph, shapes: Shapes, closings: int) -> list[Piece]:
    """The drafts with as much detail as a page can hold, or that the first of `READABLE` leave."""
    drafter = Drafter(plan, graph)

    def pieces() -> list[Piece]:
        return drafter.pieces([plan.items])

    best = pieces()
    fewest = count_boxes(best)
    for detail, readable in enumerate(READABLE[:closings], 1):
        if fewest <= readable:
            break
        if detail == EVERY:
            open_one_of_each(plan, graph, ROOM, readable, lambda: count_boxes(pieces()))
        else:
            close_alike(plan, graph, shapes, containers=detail == SHOWN_BEFORE)
        tried = pieces()
        if count_boxes(tried) < fewest:
            best, fewest = tried, count_boxes(tried)
    return best


def drafts(pieces: list[Piece]) -> Iterator[Draft]:
    """The boxes among `pieces`, in the order of the text."""
    stack = list(reversed(pieces))
    while stack:
        piece = stack.pop()
        if isinstance(piece, Draft):
            yield piece
        else:
            stack.extend(reversed(piece.pieces))


def count_boxes(pieces: list[Piece]) -> int:
    return sum(1 for _ in drafts(pieces))


class Drafter:
    def __init__(self, plan: Outline, graph: Graph) -> None:
        self.plan, self.graph = plan, graph

    def pieces(self, uses: list[list[Item]]) -> list[Piece]:
        """What is drawn for items, given those of each equal group side by side."""
        pieces: list[Piece] = []
        for column in zip(*uses, strict=True):
            first = column[0]
            if isinstance(first, Leaf):
                ids = [list(leaf.nodes) for leaf in column if isinstance(leaf, Leaf)]
                pieces.append(Draft(uses=ids, heads=ids[0]))
            else:
                pieces.append(self.group(first, [group for group in column if isinstance(group, Group)]))
        return self.share_boxes(pieces)

    def group(self, first: Group, column: list[Group]) -> Piece:
        inner = [items for group in column for items in (group.items, *group.twins)]
        pieces = self.pieces(inner)
        if len(pieces) == 1 and isinstance(pieces[0], Draft) and 1 in (first.count, pieces[0].count):
            only = pieces[0]
            keep = only.group if only.group is not None and only.group.closed and not first.closed else None
            group = keep or (first if first.path else only.group)
            return Draft(uses=only.uses, heads=only.heads, group=group, count=first.count * only.count)
        ids = [nodes(items) for items in inner]
        if first.closed:
            return Draft(uses=ids, heads=[], group=first, count=first.count)
        return ClusterDraft(group=first, pieces=pieces, uses=ids)

    def share_boxes(self, pieces: list[Piece]) -> list[Piece]:
        shared: list[Piece] = []
        run: list[Draft] = []
        for piece in pieces:
            if run and isinstance(piece, Draft) and self.follows(run[-1], piece):
                run.append(piece)
                continue
            shared += self.split(run)
            run = [piece] if isinstance(piece, Draft) else []
            if isinstance(piece, ClusterDraft):
                shared.append(piece)
        return shared + self.split(run)

    def follows(self, before: Draft, after: Draft) -> bool:
        """Whether one value flows from `before` to `after` and nowhere else."""
        if before.count != 1 or after.count != 1 or not before.heads or not after.heads:
            return False
        last, first = before.uses[0][-1], after.uses[0][0]
        return (
            self.graph[last].op.family != "input"
            and self.plan.inputs[first] == (last,)
            and self.plan.readers[last] == [first]
            and last not in self.plan.ports
        )

    def split(self, run: list[Draft]) -> list[Draft]:
        """The boxes of layers in a row."""
        light = [all(is_light(self.graph[id_].op) for id_ in piece.heads) for piece in run]
        if not run or all(light):
            return [join(run)] if run else []
        leading = light[0] and not light[-1] and self.graph[run[0].heads[0]].op.family in LEADING
        boxes: list[list[Draft]] = [[]]
        for position, piece in enumerate(run):
            starts = light[position - 1] is False if leading else not light[position]
            if position and starts:
                boxes.append([])
            boxes[-1].append(piece)
        return [join(box) for box in boxes]


def is_light(op: Op) -> bool:
    return op.family in LIGHT or op.name in LIGHT_NAMES


def join(run: list[Draft]) -> Draft:
    """One box for several in a row."""
    if len(run) == 1:
        return run[0]
    group = next((piece.group for piece in run if piece.group is not None), None)
    uses = [
        [id_ for ids in column for id_ in ids] for column in zip(*(piece.uses for piece in run), strict=True)
    ]
    return Draft(uses=uses, heads=[id_ for piece in run for id_ in piece.heads], group=group)
