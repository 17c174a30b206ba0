"""The verifier: whole graphs pass, and each way to break one is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lowering import NAMES, graph_of, small_net
from msgspec.structs import replace

from netc.compiler.graph import Graph, Port
from netc.compiler.shapes import infer
from netc.compiler.verify import GraphError, verify
from netc.ops.dense import Fc
from netc.ops.merge import Add

TEXT = """
net test {
    input x: 4x8x8
    let f = share(conv(3x3, 4))
    f -> f
    a: relu
    b: a -> conv(1x1, 4)
    add(a, b)
}
"""


@pytest.mark.parametrize("name", NAMES)
def test_graphs_from_lowering_are_whole(name):
    graph = small_net(name)
    assert verify(graph) == infer(graph)


def rebuilt(graph: Graph, **changes: Any) -> Graph:
    parts = {
        "nodes": list(graph),
        "edges": {node.id: graph.inputs(node.id) for node in graph},
        "outputs": graph.outputs,
    }
    parts.update(changes)
    return Graph(
        graph.name, parts["nodes"], parts["edges"], parts["outputs"], graph.frame, graph.modules, graph.labels
    )


def without_owner(graph: Graph) -> Graph:
    edges = {node.id: graph.inputs(node.id) for node in graph} | {2: (0,)}
    return rebuilt(graph, nodes=[node for node in graph if node.id != 1], edges=edges)


def with_stray(graph: Graph) -> Graph:
    edges = {node.id: graph.inputs(node.id) for node in graph} | {9: (3,)}
    return rebuilt(graph, nodes=[*graph, replace(graph[3], id=9, name="stray", weights=9)], edges=edges)


def exchanged(graph: Graph, id_: int, **changes: Any) -> Graph:
    return rebuilt(graph, nodes=[replace(node, **changes) if node.id == id_ else node for node in graph])


def rewired(graph: Graph, id_: int, inputs: tuple[int, ...]) -> Graph:
    return rebuilt(graph, edges={node.id: graph.inputs(node.id) for node in graph} | {id_: inputs})


BROKEN: dict[str, tuple[Callable[[Graph], Graph], str]] = {
    "reversed": (lambda g: rebuilt(g, nodes=list(reversed(list(g)))), "stands before"),
    "an input is missing": (lambda g: rewired(g, 3, (99,)), "node 99, which is not in the graph"),
    "a cycle": (lambda g: rewired(g, 1, (2,)), "stands before"),
    "too many inputs": (lambda g: rewired(g, 3, (1, 2)), "has 2 inputs where `relu` takes 1"),
    "a merge of one": (lambda g: rewired(g, 5, (3,)), "has 1 input"),
    "one name twice": (lambda g: exchanged(g, 4, name="a"), "two nodes are named `a`"),
    "no name": (lambda g: exchanged(g, 4, name=""), "has no name"),
    "an owner is missing": (without_owner, "which is not in the graph"),
    "an owner owns nothing": (lambda g: exchanged(g, 1, weights=4), "has none of its own"),
    "an owner of another kind": (lambda g: exchanged(g, 2, weights=3), "not one kind of layer"),
    "weights of other shapes": (lambda g: exchanged(g, 4, weights=1), "share weights of different shapes"),
    "no output": (lambda g: rebuilt(g, outputs=()), "there is no output"),
    "an output is missing": (lambda g: rebuilt(g, outputs=(Port("output", 99),)), "is node 99, which is not"),
    "two outputs of one name": (lambda g: rebuilt(g, outputs=g.outputs * 2), "two outputs are named"),
    "a node without a module": (with_stray, "`stray` lies in no module"),
    "a layer that does not fit": (
        lambda g: exchanged(g, 4, op=Fc(out=3)),
        "shapes cannot be inferred",
    ),
}


@pytest.mark.parametrize(("break_", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_named(break_, message):
    graph = graph_of(TEXT)
    assert isinstance(graph[5].op, Add)
    with pytest.raises(GraphError, match=message):
        verify(break_(graph))
