"""Memory: against the tensors that real torch holds."""

from __future__ import annotations

import pytest
import torch
from interpreter import Interpreter, random_inputs
from lowering import NAMES, graph_of, small_net
from torch import Tensor

from netc.compiler.graph import Graph
from netc.compiler.inplace import inplace
from netc.compiler.memory import forward, train
from netc.compiler.shapes import infer


def address(value: Tensor) -> int:
    return value.untyped_storage().data_ptr()


def live_at_most(graph: Graph) -> int:
    """By brute force: at each node, the memory of all values made by then that are read then or later."""
    net = Interpreter(graph, inplace(graph)).eval()
    with torch.no_grad():
        net(*random_inputs(graph))
    order = [node.id for node in graph]
    outputs = {port.node for port in graph.outputs}
    most = 0
    for now, _ in enumerate(order):
        needed = {id_ for later in order[now:] for id_ in (later, *graph.inputs(later))} | outputs
        live = {address(net.values[id_]): net.values[id_] for id_ in order[: now + 1] if id_ in needed}
        most = max(most, sum(value.untyped_storage().nbytes() for value in live.values()))
    return most


def kept_for_backward(graph: Graph) -> int:
    """The memory of all that autograd saves in a forward pass, but for parameters and buffers."""
    net = Interpreter(graph, inplace(graph)).train()
    own = {address(tensor) for tensor in (*net.parameters(), *net.buffers())}
    saved: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        if address(tensor) not in own:
            saved[address(tensor)] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = net(*random_inputs(graph))
    assert outputs
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


MORE = [
    "conv(3x3, 4) -> leaky -> hswish -> conv(3x3, 4) -> relu6 -> dropout(0.3) -> conv(1x1, 2)",
    "conv(3x3, 4) -> tanh -> conv(3x3, 4) -> swish -> gelu -> prelu -> lrn(3) -> conv(1x1, 2)",
    "relu -> maxpool(2x2) -> conv(3x3, 4) -> avgpool(2x2) -> flatten -> fc(3) -> softmax",
    "conv(3x3, 4) -> channels(1, 3) -> conv(3x3, 4)",
    'resize(scale=2) -> conv(3x3/2, 4) -> resize(scale=2, mode="bilinear") -> pad(1) -> gn(2)',
    "upconv(2x2/2, 8) -> subsample(2) -> shuffle(2) -> pad_channels(10) -> ln -> elu",
    "conv(3x3, 4)\n mul { id; gap -> fc(2) -> relu -> fc(4) -> sigmoid }\n gap -> reshape([4]) -> fc(2)",
]


@pytest.mark.parametrize("name", NAMES)
def test_forward_memory_of_small_nets(name):
    graph = small_net(name)
    assert forward(graph, infer(graph)).live == live_at_most(graph)


@pytest.mark.parametrize("name", NAMES)
def test_training_memory_of_small_nets(name):
    graph = small_net(name)
    assert train(graph, infer(graph)).kept == kept_for_backward(graph)


@pytest.mark.parametrize("body", MORE)
def test_memory_of_further_layers(body):
    graph = graph_of(f"net test {{ input x: 4x16x16\n {body} }}")
    assert forward(graph, infer(graph)).live == live_at_most(graph)
    assert train(graph, infer(graph)).kept == kept_for_backward(graph)


def test_totals_are_bytes_of_float32():
    graph = graph_of("net test { input x: 3x8x8\n conv(3x3, 4) -> relu -> conv(3x3, 2) }")
    shapes = infer(graph)
    params = 4 * (3 * 9 * 4 + 4 + 4 * 9 * 2 + 2)
    image, wide, narrow = 4 * 3 * 64, 4 * 4 * 64, 4 * 2 * 64
    ahead, step = forward(graph, shapes), train(graph, shapes)
    assert ahead.total == params + image + wide  # the ReLU writes over what the convolution gave
    assert graph[ahead.at].op.name == "conv"
    assert ahead.sums == {0: image, 1: image + wide, 2: wide, 3: wide + narrow}
    assert step.total == 3 * params + image + wide


def test_output_lives_to_the_end():
    graph = graph_of(
        "net test { input x: 1x8x8\n output early: maxpool(1x1)\n output late: maxpool(1x1) -> maxpool(8x8) }"
    )
    assert forward(graph, infer(graph)).sums == {0: 256, 1: 512, 2: 768, 3: 516}
