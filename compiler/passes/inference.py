"""A training graph in, the inference graph out: without auxiliary heads and what only they need."""

from __future__ import annotations

import msgspec

from ..graph import Graph, Module, Node
from ..shapes import Shapes
from ..weights import Copy, Expression, WeightMap, tensors_of


def drop_heads(graph: Graph, shapes: Shapes) -> tuple[Graph, WeightMap]:
    """`aux head: chain` and every node that only heads read -> nothing.

    Inputs stay, so that the net is called as before. Where the owner of shared weights goes, they pass to the
    first use that is left.
    """
    if not graph.heads:
        return graph, WeightMap()
    keep = kept(graph)
    nodes: list[Node] = []
    changed: dict[str, Expression] = {}
    owners: dict[int, int] = {}
    for node in graph:
        if node.id not in keep:
            continue
        owner = node.weights if node.weights in keep else owners.setdefault(node.weights, node.id)
        if owner == node.id != node.weights:
            old = graph[node.weights].name
            changed.update(
                (f"{node.name}.{name}", Copy(f"{old}.{name}")) for name, _ in tensors_of(graph, node, shapes)
            )
        nodes.append(node if owner == node.weights else msgspec.structs.replace(node, weights=owner))
    edges = {node.id: graph.inputs(node.id) for node in nodes}
    labels = {path: id_ for path, id_ in graph.labels.items() if id_ in keep}
    modules = prune(graph.modules, keep)
    return Graph(graph.name, nodes, edges, graph.results, graph.frame, modules, labels), WeightMap(changed)


def kept(graph: Graph) -> set[int]:
    """All nodes but those that only heads need, and what reads these."""
    surplus = graph.ancestors(port.node for port in graph.heads)
    surplus -= graph.ancestors(port.node for port in graph.results)
    keep: set[int] = set()
    for node in graph:
        if node.op.family == "input" or (node.id not in surplus and keep.issuperset(graph.inputs(node.id))):
            keep.add(node.id)
    return keep


def prune(root: Module, keep: set[int]) -> Module:
    """The modules without those that held nodes and hold none now."""
    left: dict[int, Module | None] = {}
    for module in reversed(list(root.walk())):  # what is nested comes before what holds it
        children = [child for child in (left[id(old)] for old in module.children) if child is not None]
        nodes = tuple(id_ for id_ in module.nodes if id_ in keep)
        emptied = (module.nodes or module.children) and not (nodes or children)
        output = module.output if module.output in keep else None
        left[id(module)] = (
            None
            if emptied
            else msgspec.structs.replace(module, children=children, nodes=nodes, output=output)
        )
    pruned = left[id(root)]
    assert pruned is not None, "a net's outputs are kept"
    return pruned
