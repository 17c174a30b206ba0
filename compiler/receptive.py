"""A graph and its shapes in, receptive fields out: which elements of the input reach one of a node's.

Exact, in integers. In each dimension element `i` of a value sees the input from `low(i)` to `high(i)`. Both
are periodic: one period on, they lie `shift` input elements further. A period is 1 until something is
enlarged, and then the number of elements that one is spread over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Literal

from msgspec import Struct

from ..ops.base import Reach, Shape
from .graph import Graph
from .paths import carriers
from .shapes import Shapes

LONGEST_PERIOD = 4096


class Span(Struct, frozen=True):
    """What the central element of a value sees in one dimension: `size` input elements, `jump` apart from
    those of its neighbour; counted back to element 0, from `offset` on (negative in the padding)."""

    size: int
    jump: int | Fraction
    offset: int | Fraction


class Unmeasured(Struct, frozen=True):
    """There is no such figure, and why."""

    reason: str


Field = tuple[Span, ...] | Literal["all"] | Unmeasured | None
"""One span a dimension; `all` where the whole input is seen; None of what does not depend on the input."""


class Sight(Struct, frozen=True):
    """What the elements of a value see in one dimension, those of one period listed."""

    shift: int
    lows: tuple[int, ...]
    highs: tuple[int, ...]

    def low(self, index: int) -> int:
        turns, phase = divmod(index, len(self.lows))
        return turns * self.shift + self.lows[phase]

    def high(self, index: int) -> int:
        turns, phase = divmod(index, len(self.highs))
        return turns * self.shift + self.highs[phase]

    @property
    def jump(self) -> int | Fraction:
        """How many input elements lie between what two neighbours see, on average over a period."""
        turns, rest = divmod(self.shift, len(self.lows))
        return Fraction(self.shift, len(self.lows)) if rest else turns

    def span(self, centre: int) -> Span:
        low, high = self.low(centre), self.high(centre)
        return Span(high - low + 1, self.jump, low - centre * self.jump)


Sights = tuple[Sight, ...] | Literal["all"] | Unmeasured | None


def measure(graph: Graph, shapes: Shapes) -> Mapping[int, Field]:
    """The receptive field of each node's central element, in the first input. A merge takes the union of
    what its members see, gates excluded."""
    sights: dict[int, Sights] = {}
    first = next(node.id for node in graph if node.op.family == "input")
    for node in graph:
        if node.op.family == "input":
            sights[node.id] = see_itself(shapes[node.id]) if node.id == first else None
            continue
        inputs = [shapes[source] for source in graph.inputs(node.id)]
        reach = node.op.reach(inputs, shapes[node.id])
        seen = [extend(sights[source], reach) for source in carriers(graph, node)]
        if reach == "same" and len(seen) == 1:
            seen = [stretch(seen[0], inputs[0], shapes[node.id])]
        sights[node.id] = unite(seen) if len(seen) > 1 else seen[0]
    return {id_: summarise(seen, shapes[id_]) for id_, seen in sights.items()}


def see_itself(shape: Shape) -> Sights:
    """An input's elements; a list of numbers of words is a sequence."""
    rank = 1 if shape.dtype == "int64" and shape.rank == 0 else shape.rank
    return (Sight(1, (0,), (0,)),) * rank


def extend(seen: Sights, reach: Reach | Literal["same", "all"]) -> Sights:
    """What a layer's output sees, given what its input does."""
    if not isinstance(seen, tuple) or reach == "same":
        return seen
    if reach == "all":
        return "all"
    sights: list[Sight] = []
    for dimension, sight in enumerate(seen):
        outputs, inputs = period(sight, reach, dimension)
        if outputs > LONGEST_PERIOD:
            return Unmeasured(f"its elements see the input in more than {LONGEST_PERIOD:,} ways")
        intervals = [reach.interval(dimension, index, index) for index in range(outputs)]
        sights.append(
            Sight(
                sight.shift * (inputs // len(sight.lows)),
                tuple([sight.low(low) for low, _ in intervals]),
                tuple([sight.high(high) for _, high in intervals]),
            )
        )
    return tuple(sights)


def period(sight: Sight, reach: Reach, dimension: int) -> tuple[int, int]:
    """After how many outputs, and of the elements that they see, both the layer and those repeat."""
    stride, up = reach.stride[dimension], reach.up[dimension] if reach.up else 1
    common = gcd(stride, up)
    stride, up = stride // common, up // common
    turns = len(sight.lows) // gcd(len(sight.lows), stride)
    return up * turns, stride * turns


def stretch(seen: Sights, entering: Shape, output: Shape) -> Sights:
    """Where a `mul` repeats its first member's only element, every place sees what that one does."""
    if not isinstance(seen, tuple) or entering.spatial == output.spatial or entering.rank != output.rank:
        return seen
    return tuple(
        Sight(0, (sight.low(0),), (sight.high(0),)) if before < after else sight
        for sight, before, after in zip(seen, entering.spatial, output.spatial, strict=True)
    )


def unite(members: Sequence[Sights]) -> Sights:
    """What the result of a merge sees: in each dimension the union, where one step means the same in all."""
    spans: list[tuple[Sight, ...]] = []
    for sights in members:
        if isinstance(sights, Unmeasured):
            return sights
        if isinstance(sights, tuple):
            spans.append(sights)
    if "all" in members or not spans:
        return "all" if "all" in members else None
    dimensions = list(zip(*spans, strict=True))
    for sights in dimensions:
        jumps = sorted({sight.jump for sight in sights})
        if len(jumps) > 1:
            listed = " and ".join(map(str, jumps))
            return Unmeasured(f"it joins values whose elements lie {listed} input elements apart")
    return tuple(unite_dimension(sights) for sights in dimensions)


def unite_dimension(members: Sequence[Sight]) -> Sight:
    first = members[0]
    if all(member == first for member in members):
        return first
    outputs = range(lcm(*(len(member.lows) for member in members)))
    return Sight(
        first.shift * (len(outputs) // len(first.lows)),
        tuple([min(member.low(index) for member in members) for index in outputs]),
        tuple([max(member.high(index) for member in members) for index in outputs]),
    )


def summarise(seen: Sights, shape: Shape) -> Field:
    """What the central element of a value sees."""
    if not isinstance(seen, tuple):
        return seen
    sizes = shape.spatial or shape.dims  # a list of numbers of words is a sequence
    return tuple(sight.span(size // 2) for sight, size in zip(seen, sizes, strict=False))
