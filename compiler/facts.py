"""A graph in, the tables beside it out, each computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from ..ops.base import Shape
from . import cost, depth, memory, receptive
from .cost import Costs, Figures
from .graph import Graph
from .parts import Parts
from .passes import run
from .shapes import Shapes
from .verify import verify


class Facts:
    """One graph with its tables."""

    def __init__(self, graph: Graph, shapes: Shapes | None = None) -> None:
        self.graph = graph
        if shapes is not None:
            self.shapes = shapes

    @cached_property
    def shapes(self) -> Shapes:
        """As the verifier infers them: no table stands beside a broken graph."""
        return verify(self.graph)

    @property
    def inputs(self) -> dict[str, Shape]:
        """The shapes of what enters, by name."""
        return {node.name: self.shapes[node.id] for node in self.graph if node.op.family == "input"}

    @cached_property
    def costs(self) -> Costs:
        return cost.count(self.graph, self.shapes)

    @property
    def total(self) -> Figures:
        return self.costs.total

    @cached_property
    def forward_memory(self) -> memory.Forward:
        return memory.forward(self.graph, self.shapes)

    @cached_property
    def training_memory(self) -> memory.Training:
        return memory.train(self.graph, self.shapes)

    @cached_property
    def depths(self) -> depth.Depths:
        return depth.measure(self.graph)

    @cached_property
    def receptive_fields(self) -> Mapping[int, receptive.Field]:
        return receptive.measure(self.graph, self.shapes)

    @cached_property
    def parts(self) -> Parts:
        return Parts(self.graph)

    @cached_property
    def inference(self) -> Facts:
        """Those of the net without its auxiliary heads: the same object where there are none."""
        if not self.graph.heads:
            return self
        graph, shapes, _ = run(self.graph, self.shapes)
        return Facts(graph, shapes)
