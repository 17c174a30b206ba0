"""A node in, the inputs out through which its value comes: what depth and receptive fields follow."""

from __future__ import annotations

from .graph import Graph, Node


def carriers(graph: Graph, node: Node) -> tuple[int, ...]:
    """The inputs that carry the value: not a gate (a member of a `mul` after the first), nor a tensor of
    which only the size is read (`crop(like=)`)."""
    inputs = graph.inputs(node.id)
    return inputs[:1] if node.op.name == "mul" or node.op.tensors else inputs
