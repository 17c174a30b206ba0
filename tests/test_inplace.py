"""Work in place: the same numbers as without it, and where the rule refuses."""

from __future__ import annotations

import pytest
import torch
from interpreter import Interpreter, random_inputs
from lowering import NAMES, graph_of, small_net

from netc.compiler.graph import Graph
from netc.compiler.inplace import inplace


def step(graph: Graph, overwriting: frozenset[int], training: bool) -> list[torch.Tensor]:
    """The outputs, and the gradients of one step."""
    torch.manual_seed(1)
    net = Interpreter(graph, overwriting).train(training)
    inputs = [
        value.requires_grad_() if value.is_floating_point() else value for value in random_inputs(graph, 2)
    ]
    entering = [value.clone() if value.is_floating_point() else value for value in inputs]
    outputs = net(*entering)
    leaves = [*net.parameters(), *(value for value in inputs if value.requires_grad)]
    total = torch.stack([(output * output.detach().sign()).sum() for output in outputs]).sum()
    return [*outputs, *torch.autograd.grad(total, leaves, allow_unused=True)]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_and_gradients_are_the_same(name, training):
    graph = small_net(name)
    found = inplace(graph)
    for plain, overwritten in zip(
        step(graph, frozenset(), training), step(graph, found, training), strict=True
    ):
        assert (plain is None) == (overwritten is None)
        assert plain is None or torch.equal(plain, overwritten)


def test_every_relu_and_every_shortcut_of_a_residual_net_works_in_place():
    graph = small_net("residual")
    found = inplace(graph)
    assert {node.id for node in graph if node.op.name == "relu"} <= found
    assert {graph[id_].op.name for id_ in found} == {"relu", "add"}
    assert len(found) == 4 * (3 + 1) + 1 + 2  # four units, the stem, two gates


OVERWRITTEN = [
    "conv(3x3, 4) -> relu",
    "conv(3x3, 4) -> bn -> relu6",
    "conv(3x3, 4) -> leaky(0.1)",
    "conv(3x3, 4) -> hswish -> hsigmoid",
    "add { conv(3x3, 4); id } -> relu",
    "maxpool(2x2) -> relu",
    "add { conv(3x3, 4); id }",
    "conv(3x3, 4)\n add { bn; id }",
]
LEFT_ALONE = {
    "the net's input": "relu",
    "two readers": "conv(3x3, 4)\n concat { relu -> conv(3x3, 4); id }",
    "two readers, by name": "a: conv(3x3, 4)\n b: a -> relu\n add(a, b)",
    "a further output": "conv(3x3, 4)\n output raw: id\n output other: relu",
    "kept for backward": "conv(3x3, 4) -> tanh -> relu",
    "kept for backward in place": "a: conv(3x3, 4) -> sigmoid -> leaky",
    "a view beside it": "a: conv(3x3, 4)\n b: channels(0, 2)\n c: a -> conv(3x3, 2)\n add(b -> relu, c)",
    "parts of a split": "conv(3x3, 4)\n (a, b): split(2)\n add(a -> relu, b)",
    "a value that dropout passes on": "a: conv(3x3, 4)\n b: dropout -> relu\n add(a, b)",
    "refused by torch": "conv(3x3, 4) -> leaky(-1)",
    "a sum on the shortcut's side": "conv(3x3, 4)\n add { id; relu }",
    "a sum of three": "conv(3x3, 4)\n add { bn; id; id } -> tanh",
}


@pytest.mark.parametrize("body", OVERWRITTEN)
def test_alone_with_its_input_it_overwrites(body):
    graph = graph_of(f"net test {{ input x: 4x8x8\n {body} }}")
    assert len(inplace(graph)) >= 1
    for plain, overwritten in zip(
        step(graph, frozenset(), True), step(graph, inplace(graph), True), strict=True
    ):
        assert torch.equal(plain, overwritten)


@pytest.mark.parametrize("body", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_others_need_is_left_alone(body):
    graph = graph_of(f"net test {{ input x: 4x8x8\n {body} }}")
    assert inplace(graph) == frozenset()


def test_what_enters_a_block_is_left_alone_inside_it():
    inside = graph_of(
        "block f { relu -> conv(3x3, 4) }\nnet test { input x: 4x8x8\n conv(3x3, 4) -> f }", "test"
    )
    outside = graph_of("net test { input x: 4x8x8\n conv(3x3, 4) -> { relu -> conv(3x3, 4) } }")
    assert len(inplace(inside)) == 0
    assert len(inplace(outside)) == 1
