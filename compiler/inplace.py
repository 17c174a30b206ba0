"""A graph in, the activations out that may overwrite their input.

The one rule, for the generated code and for the count of its memory.
"""

from __future__ import annotations

from collections import Counter

from ..ops.base import Op
from .graph import Graph, Node
from .shapes import Shapes, infer


def inplace(graph: Graph, shapes: Shapes | None = None) -> frozenset[int]:
    """The nodes that work in place: each takes `inplace=True`, and nothing else needs what it overwrites."""
    known = infer(graph) if shapes is None else shapes
    readers = Counter(source for node in graph for source in graph.inputs(node.id))
    readers.update(port.node for port in graph.outputs)
    return frozenset(
        node.id
        for node in graph
        if node.op.family in ("activation", "regularisation")
        and readers[graph.inputs(node.id)[0]] == 1
        and may_overwrite(graph, graph[graph.inputs(node.id)[0]], node, known)
        and takes_inplace(graph, node, known)
    )


def may_overwrite(graph: Graph, source: Node, node: Node, shapes: Shapes) -> bool:
    """Whether the value of `source`, which `node` alone reads, is of no use after it: not a net's input, nor
    one that enters the node's frame, nor another value's memory, nor kept for backward by its maker."""
    if source.op.family == "input" or shares_memory(source.op):
        return False
    if any(entering.node == source.id for entering in node.frame.inputs):
        return False
    inputs = [shapes[id_] for id_ in graph.inputs(source.id)]
    return not source.op.saved(inputs, shapes[source.id]).output


def takes_inplace(graph: Graph, node: Node, shapes: Shapes) -> bool:
    inputs = [shapes[id_] for id_ in graph.inputs(node.id)]
    return node.op.torch(inputs, shapes[node.id]).inplace


def shares_memory(op: Op) -> bool:
    """Whether the output may be the input's own memory: dropout's too, which in evaluation passes it on."""
    return op.alias or op.family == "regularisation"
