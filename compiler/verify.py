"""A graph in, its shapes out; what is broken in it raises. Called after lowering and after every pass."""

from __future__ import annotations

from collections.abc import Iterator

from ..ops.base import Reject
from .graph import Graph
from .shapes import Shapes, infer
from .weights import tensors_of


class GraphError(Exception):
    """netc is wrong, not the spec: a graph that no text can cause."""


def verify(graph: Graph) -> Shapes:
    """Raise `GraphError`, naming what is broken, unless the graph is whole; give the shapes inferred."""
    for rule in RULES:
        fail(graph, rule(graph))
    try:
        shapes = infer(graph)
    except Reject as reject:
        raise GraphError(f"{graph.name}: shapes cannot be inferred: {reject.message}") from reject
    fail(graph, weights_fit(graph, shapes))
    return shapes


def fail(graph: Graph, broken: Iterator[str]) -> None:
    for message in broken:
        raise GraphError(f"{graph.name}: {message}")


def inputs_stand_before(graph: Graph) -> Iterator[str]:
    """Every slot is filled by a node that stands earlier; so there is no cycle either."""
    seen: set[int] = set()
    for node in graph:
        for slot, source in enumerate(graph.inputs(node.id)):
            if source not in graph:
                yield f"slot {slot} of `{node.name}` is filled by node {source}, which is not in the graph"
            elif source not in seen:
                yield f"`{node.name}` stands before `{graph[source].name}`, which it reads"
        seen.add(node.id)


def arities_hold(graph: Graph) -> Iterator[str]:
    for node in graph:
        given, most = len(graph.inputs(node.id)), node.op.arity
        if most is None and given < 2:
            yield f"the merge `{node.name}` has {given} inputs"
        elif most is not None and not most - len(node.op.tensors) <= given <= most:
            yield f"`{node.name}` has {given} inputs where `{node.op.name}` takes {most}"


def names_are_unique(graph: Graph) -> Iterator[str]:
    known: set[str] = set()
    for node in graph:
        if not node.name:
            yield f"node {node.id} has no name"
        if node.name in known:
            yield f"two nodes are named `{node.name}`"
        known.add(node.name)


def weights_have_owners(graph: Graph) -> Iterator[str]:
    for node in graph:
        if node.weights == node.id:
            continue
        if node.weights not in graph:
            yield f"`{node.name}` has the weights of node {node.weights}, which is not in the graph"
            continue
        owner = graph[node.weights]
        if owner.weights != owner.id:
            yield f"`{node.name}` has the weights of `{owner.name}`, which has none of its own"
        elif type(owner.op) is not type(node.op):
            yield f"`{node.name}` and `{owner.name}` share weights but are not one kind of layer"


def ways_in_and_out_exist(graph: Graph) -> Iterator[str]:
    if not any(node.op.family == "input" for node in graph):
        yield "there is no input"
    if not graph.results:
        yield "there is no output"
    names: set[str] = set()
    for port in graph.outputs:
        if port.node not in graph:
            yield f"the output `{port.name}` is node {port.node}, which is not in the graph"
        if port.name in names:
            yield f"two outputs are named `{port.name}`"
        names.add(port.name)


def modules_hold_nodes(graph: Graph) -> Iterator[str]:
    """Each node but an input lies in one module, and no two modules have one path."""
    paths: set[str] = set()
    held: set[int] = set()
    for module in graph.modules.walk():
        if module.path in paths:
            yield f"two modules are at `{module.path}`"
        paths.add(module.path)
        for id_ in module.nodes:
            if id_ in held or id_ not in graph:
                yield f"the module `{module.path}` holds node {id_}, which another holds or none is"
            held.add(id_)
    for node in graph:
        if node.id not in held and node.op.family != "input":
            yield f"`{node.name}` lies in no module"


RULES = (
    inputs_stand_before,
    arities_hold,
    names_are_unique,
    weights_have_owners,
    modules_hold_nodes,
    ways_in_and_out_exist,
)


def weights_fit(graph: Graph, shapes: Shapes) -> Iterator[str]:
    """A shared layer's weights have one shape at each of its uses."""
    for node in graph:
        owner = graph[node.weights]
        if owner is not node and tensors_of(graph, node, shapes) != tensors_of(graph, owner, shapes):
            yield f"`{node.name}` and `{owner.name}` share weights of different shapes"
