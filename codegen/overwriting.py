"""A graph in, the nodes out that may write their value over their input in the generated module."""

from __future__ import annotations

from ..compiler.frames import (
    Merge,
)
from ..compiler.graph import Graph
from ..compiler.inplace import inplace, is_kept, shares_memory
from ..compiler.shapes import Shapes


def overwriting(graph: Graph, shapes: Shapes) -> frozenset[int]:
    """The activations that work in place, and sums; a `dense` group's input and all that it has gathered so
    far are read again by its next concatenation, and so are left alone."""
    activations = inplace(graph, shapes)
    gathered = {
        node.id
        for node in graph
        if isinstance(node.event, Merge) and node.event.head == "dense" and node.id != node.event.nodes[-1]
    }
    return frozenset(
        node
        for node in activations | summed(graph, shapes, activations)
        if graph.inputs(node)[0] not in gathered
    )


def summed(graph: Graph, shapes: Shapes, activations: frozenset[int]) -> frozenset[int]:
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
            and not is_kept(graph, source, shapes, first in activations)
        ):
            found.add(node.id)
    return frozenset(found)
