"""Costs: against what real torch holds and does, and against published figures."""

from __future__ import annotations

import pytest
import torch
from interpreter import Interpreter, random_inputs
from lowering import NAMES, graph_of, node_named, small_net
from torch.utils.flop_counter import FlopCounterMode

from netc.compiler.cost import count, sum_figures
from netc.compiler.shapes import infer
from netc.ops.activation import Relu

COUNTED = {"conv", "dwconv", "upconv", "maxpool", "avgpool", "adaptive", "gap", "gmp", "fc", "input"}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_that_torch_holds(name):
    graph = small_net(name)
    held = dict(Interpreter(graph).named_parameters())
    total = count(graph, infer(graph)).total
    assert total.params == sum(parameter.numel() for parameter in held.values())
    assert total.biases == sum(p.numel() for path, p in held.items() if path.endswith(".bias"))
    assert total.weights == total.params - total.biases


@pytest.mark.parametrize("name", NAMES)
def test_multiply_adds_are_those_that_torch_does(name):
    graph = small_net(name)
    net = Interpreter(graph).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(*random_inputs(graph))
    total = count(graph, infer(graph)).total
    assert total.flops == counter.get_total_flops()
    assert total.macs * 2 == total.flops


@pytest.mark.parametrize("name", NAMES)
def test_activations_are_the_elements_that_inputs_convolutions_pools_and_fc_give(name):
    graph = small_net(name)
    net = Interpreter(graph).eval()
    with torch.no_grad():
        net(*random_inputs(graph))
    given = sum(net.values[node.id].numel() for node in graph if node.op.name in COUNTED)
    assert count(graph, infer(graph)).total.activations == given


@pytest.mark.parametrize("name", NAMES)
def test_figures_of_modules_are_sums_over_their_names(name):
    graph = small_net(name)
    costs = count(graph, infer(graph))
    assert costs.total == costs.modules[""] == sum_figures(costs.nodes.values())
    for path, figures in costs.modules.items():
        if path:
            inside = [n.id for n in graph if n.name == path or n.name.startswith(f"{path}.")]
            assert figures == sum_figures(costs.nodes[id_] for id_ in inside), path


def test_shared_weights_count_once_and_work_at_each_use():
    graph = graph_of("net a { input x: 4x8x8\n let f = share(conv(3x3, 4))\n f -> f -> f }")
    costs = count(graph, infer(graph))
    assert costs.total.params == 4 * 4 * 9 + 4
    assert costs.total.macs == 3 * (4 * 4 * 9 * 64)
    assert sorted(figures.params for figures in costs.nodes.values()) == [0, 0, 0, 148]


def test_elementwise_work_has_a_column_of_its_own():
    graph = graph_of("net a { input x: 4x8x8\n relu -> scale(2)\n add { id; id } }")
    costs = count(graph, infer(graph))
    assert costs.total.macs == 0
    assert costs.nodes[node_named(graph, "add1").id].elementwise == 256
    assert costs.total.elementwise == 3 * 256


def test_layer_without_a_rule_is_an_error(monkeypatch):
    graph = graph_of("net a { input x: 4x8x8\n relu }")
    shapes = infer(graph)
    monkeypatch.delattr(Relu.__mro__[1], "cost")
    with pytest.raises(NotImplementedError, match="`relu` has no rule for costs"):
        count(graph, shapes)


@pytest.mark.parametrize(
    ("block", "depths", "params", "macs"),
    [
        # torchvision 0.28's models; multiply-adds as fvcore counts them
        ("basic", "[2, 2, 2, 2]", 11_689_512, 1_814_073_344),
        ("bottleneck", "[3, 4, 6, 3]", 25_557_032, 4_089_184_256),
        ("bottleneck", "[3, 4, 23, 3]", 44_549_160, 7_801_405_440),
    ],
)
def test_resnets_cost_what_is_published(block, depths, params, macs):
    graph = graph_of(RESNETS + f"net r = resnet({block}, {depths})", "r")
    total = count(graph, infer(graph)).total
    assert (total.params, total.macs) == (params, macs)


RESNETS = """
block projected(out, stride) { if stride != 1 or in.c != out { conv(1x1/stride, out, bias=false) -> bn } }

block basic(width, stride=1) {
    add {
        conv(3x3/stride, width, bias=false) -> bn -> relu -> conv(3x3, width, bias=false) -> bn
        { projected(width, stride) }
    } -> relu
}

block bottleneck(width, stride=1) {
    add {
        {
            conv(1x1, width, bias=false) -> bn -> relu
            conv(3x3/stride, width, bias=false) -> bn -> relu
            conv(1x1, 4*width, bias=false) -> bn
        }
        { projected(4*width, stride) }
    } -> relu
}

net resnet(block_, depths) {
    input image: 3x224x224
    conv(7x7/2, 64, bias=false) -> bn -> relu -> maxpool(3x3/2, pad=1)
    for i, n in enumerate(depths) {
        layer[i + 1]: block_(64 * 2^i, stride=2 if i > 0 else 1) -> block_(64 * 2^i) * (n - 1)
    }
    gap -> fc(1000)
}
"""
