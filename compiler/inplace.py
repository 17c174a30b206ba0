"""A graph in, the nodes out that write over their first input.

The one rule, for the generated code and for the count of its memory.
"""

from __future__ import annotations

from collections import Counter

from ..ops.base import Op
from .graph import Graph, Node
from .shapes import Shapes, infer


def inplace(graph: Graph, shapes: Shapes | None = None) -> frozenset[int]:
    """The activations (`inplace=True`) and the sums of two (`out += x`) that work in place.

    A node does where it alone reads its first input (a way out of the net reads too), and that is no net's
    input, does not enter the node's frame from outside, lies in nobody else's memory, and is not kept for
    backward by the layer that made it.
    """
    known = infer(graph) if shapes is None else shapes
    readers = Counter(source for node in graph for source in graph.inputs(node.id))
    readers.update(port.node for port in graph.outputs)
    found: set[int] = set()
    for node in graph:
        if node.op.family not in ("activation", "regularisation") and node.op.name != "add":
            continue
        source = graph[graph.inputs(node.id)[0]]
        if (
            readers[source.id] == 1
            and source.op.family != "input"
            and not shares_memory(source.op)
            and all(entering.node != source.id for entering in node.frame.inputs)
            and not is_kept(graph, source, known, source.id in found)
            and can_overwrite(graph, node, known)
        ):
            found.add(node.id)
    return frozenset(found)


def can_overwrite(graph: Graph, node: Node, shapes: Shapes) -> bool:
    """Whether the layer has a form that writes over its first input."""
    inputs = [shapes[source] for source in graph.inputs(node.id)]
    if node.op.name == "add":
        return len(inputs) == 2
    return node.op.torch(inputs, shapes[node.id]).inplace


def is_kept(graph: Graph, node: Node, shapes: Shapes, overwrites: bool) -> bool:
    """Whether a layer keeps its own output for backward."""
    rule = node.op.saved_inplace if overwrites else node.op.saved
    return rule([shapes[source] for source in graph.inputs(node.id)], shapes[node.id]).output


def shares_memory(op: Op) -> bool:
    """Whether the output may be the input's own memory: dropout's too, which in evaluation passes it on."""
    return op.alias or op.family == "regularisation"
