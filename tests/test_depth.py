"""Depth: against the longest path of networkx, and against the numbers in the nets' names."""

from __future__ import annotations

import networkx
import pytest
from lowering import NAMES, graph_of, node_named, small_net

from netc.compiler.depth import measure, measure_part
from netc.compiler.graph import Graph


def longest_path(graph: Graph) -> int:
    """On the edges that are no gates, each weighing what its end counts."""
    ways = networkx.DiGraph()
    for source, target, slot in graph.networkx().edges(keys=True):
        if not (graph[target].op.name == "mul" and slot > 0):
            ways.add_edge(source, target, weight=graph[target].op.depth)
    ends = {port.node for port in graph.results}
    reaching = ends.union(*(networkx.ancestors(ways, end) for end in ends))
    return networkx.dag_longest_path_length(ways.subgraph(reaching))


@pytest.mark.parametrize("name", NAMES)
def test_depth_is_the_longest_path(name):
    graph = small_net(name)
    assert measure(graph).total == longest_path(graph)


@pytest.mark.parametrize(
    ("name", "depth"), [("residual", 14), ("inception", 8), ("text", 2), ("dense", 14), ("unet", 13)]
)
def test_depth_of_small_nets(name, depth):
    assert measure(small_net(name)).total == depth


def test_gates_do_not_count():
    text = "net test { input x: 4x8x8\n conv(1x1, 4)\n mul { id; gap -> fc(2) -> fc(4) } -> conv(1x1, 4) }"
    graph = graph_of(text)
    assert measure(graph).total == 2
    assert measure(graph).nodes[node_named(graph, "fc2").id] == 3
    added = text.replace("mul", "add").replace("fc(4) }", "fc(4) -> reshape(4x1x1) -> resize(scale=8) }")
    assert measure(graph_of(added)).total == 4


def test_heads_do_not_count():
    graph = graph_of("net test { input x: 4x8x8\n conv(1x1, 4)\n aux far(weight=1): fc(3) -> fc(3)\n fc(2) }")
    assert measure(graph).total == 2


def test_depth_of_a_part_stays_within_it():
    graph = small_net("inception")
    part = [node.id for node in graph if node.name.startswith("inception3b.")]
    assert measure_part(graph, part) == 2
    graph = small_net("residual")
    modules = {module.path: module for module in graph.modules.walk()}
    for path, depth in (("layer1", 6), ("layer1.0", 3), ("layer1.0.downsample", 1), ("layer1.0.conv2", 1)):
        part = [node.id for node in graph if node.name == path or node.name.startswith(f"{path}.")]
        assert measure_part(graph, part, modules[path].output) == depth, path
    assert measure_part(graph, [node_named(graph, "relu1").id]) == 0
