"""A graph in, depths out: the most convolutions and fully connected layers on any path, gates not counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from .graph import Graph
from .paths import carriers


class Depths(Struct, frozen=True):
    """The most such layers on any path from an input: up to each of the `nodes`, itself included, and to an
    output of the net, `total`."""

    nodes: Mapping[int, int]
    total: int


def measure(graph: Graph) -> Depths:
    """The depth of the graph as it is; an auxiliary head that hangs on it does not make the net deeper."""
    nodes: dict[int, int] = {}
    for node in graph:
        before = max((nodes[source] for source in carriers(graph, node)), default=0)
        nodes[node.id] = before + node.op.depth
    return Depths(nodes, max(nodes[port.node] for port in graph.results))


def measure_part(graph: Graph, part: Collection[int], output: int | None = None) -> int:
    """The depth of the nodes `part` alone, which stand in the graph's order: the most layers on any path that
    stays within it, up to its `output`, or to any of its nodes where several values leave it."""
    inside: dict[int, int] = {}
    for id_ in part:
        node = graph[id_]
        before = max((inside.get(source, 0) for source in carriers(graph, node)), default=0)
        inside[id_] = before + node.op.depth
    if output is not None and output in inside:
        return inside[output]
    return max(inside.values(), default=0)
