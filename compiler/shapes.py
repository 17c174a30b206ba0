"""A graph in, the shape of each node's value out."""

from __future__ import annotations

from collections.abc import Mapping

from ..ops.base import Shape
from .graph import Graph

Shapes = Mapping[int, Shape]
"""The shape of each node's output, by its id: a table beside the graph, inferred again after a pass."""


def infer(graph: Graph) -> Shapes:
    """Each node's shape by its layer's own rule, the one that lowering calls too. Raises `Reject` where a
    layer does not fit its inputs, which a graph that was lowered never does."""
    shapes: dict[int, Shape] = {}
    for node in graph:
        shapes[node.id] = node.op.shape([shapes[source] for source in graph.inputs(node.id)])
    return shapes
