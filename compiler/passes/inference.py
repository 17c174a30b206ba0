"""A training graph in, the inference graph out: without auxiliary heads and what only they need."""

from __future__ import annotations

import msgspec

from ..graph import Graph, Module, Node
from ..shapes import Shapes
from ..weights import Copy, WeightMap, state_paths, tensors_of


def drop_heads(graph: Graph, shapes: Shapes) -> tuple[Graph, WeightMap]:
    """`aux head: chain` and every node that only heads read -> nothing.

    Inputs stay, so that the net is called as before. Where the owner of shared weights goes, they pass to the
    first use that is left.
    """
    if not graph.heads:
        return graph, WeightMap()
    keep = graph.ancestors(port.node for port in graph.results)
    keep.update(node.id for node in graph if node.op.family == "input")
    owners: dict[int, int] = {}
    nodes = [hand_over(node, keep, owners) for node in graph if node.id in keep]
    smaller = Graph(
        graph.name,
        nodes,
        {node.id: graph.inputs(node.id) for node in nodes},
        graph.results,
        graph.frame,
        prune(graph.modules, keep),
        {path: id_ for path, id_ in graph.labels.items() if id_ in keep},
    )
    return smaller, moved(graph, smaller, shapes)


def hand_over(node: Node, keep: set[int], owners: dict[int, int]) -> Node:
    """The node, with an owner of its weights that is kept; `owners` are the new ones so far."""
    if node.weights in keep:
        return node
    return msgspec.structs.replace(node, weights=owners.setdefault(node.weights, node.id))


def prune(root: Module, keep: set[int]) -> Module:
    """The modules without those that held nodes and hold none now."""
    left: dict[int, Module | None] = {}
    for module in reversed(list(root.walk())):  # what is nested comes before what holds it
        children = [child for child in (left[id(old)] for old in module.children) if child is not None]
        nodes = tuple(id_ for id_ in module.nodes if id_ in keep)
        emptied = module is not root and (module.nodes or module.children) and not (nodes or children)
        output = module.output if module.output in keep else None
        left[id(module)] = (
            None
            if emptied
            else msgspec.structs.replace(module, children=children, nodes=nodes, output=output)
        )
    pruned = left[id(root)]
    assert pruned is not None, "the net itself is kept"
    gone = {module.path for module in root.walk()} - {module.path for module in pruned.walk()}
    owners: dict[str, str] = {}
    for module in pruned.walk():
        if module.shared in gone:
            owner = owners.setdefault(module.shared, module.path)
            module.shared = None if owner == module.path else owner
    return pruned


def moved(old: Graph, new: Graph, shapes: Shapes) -> WeightMap:
    """The tensors whose owner is another now."""
    before, after = state_paths(old), state_paths(new)
    return WeightMap(
        {
            f"{after[node.id]}.{name}": Copy(f"{before[node.id]}.{name}")
            for node in new
            if node.id == node.weights and after.get(node.id) != before.get(node.id)
            for name, _ in tensors_of(new, node, shapes)
        }
    )
