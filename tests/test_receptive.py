"""Receptive fields: against the gradients of real torch."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from interpreter import Interpreter
from lowering import graph_of, node_named, read, small_net
from torch import Tensor
from torch.nn import functional

from netc.compiler.graph import Graph, Node
from netc.compiler.lower import lower
from netc.compiler.receptive import Span, Unmeasured, measure
from netc.compiler.shapes import infer


class Sight(Interpreter):
    """A graph whose gradients show which elements can matter: nothing cancels, nothing is chosen, gates do
    not act."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.double().eval()
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(0.5)

    def run(self, node: Node, *inputs: Tensor) -> Tensor:
        op = node.op
        if op.name == "maxpool":
            size, stride = op.window.size, op.strides()
            pool = functional.avg_pool2d if len(size) == 2 else functional.avg_pool1d
            return pool(inputs[0], size, stride, op.pad, op.ceil)
        if op.name == "max":
            return sum(inputs[1:], inputs[0])
        if op.name == "mul":
            return inputs[0].expand_as(super().run(node, *inputs))
        if op.family in ("activation", "normalisation"):
            return inputs[0]
        return super().run(node, *inputs)


def reached(value: Tensor, entering: Tensor) -> list[tuple[int, int]]:
    """The first and last input element on which `value` depends, by dimension."""
    (gradient,) = torch.autograd.grad(value.sum(), entering, retain_graph=True)
    places = gradient[0].abs().sum(0).nonzero()
    return [(int(column.min()), int(column.max())) for column in places.T]


def centre(value: Tensor) -> Tensor:
    return value[(0, slice(None), *(size // 2 for size in value.shape[2:]))]


def check(graph: Graph) -> None:
    shapes = infer(graph)
    fields = measure(graph, shapes)
    first = next(node for node in graph if node.op.family == "input")
    entering = torch.ones(1, *shapes[first.id].dims, dtype=torch.float64, requires_grad=True)
    inputs = [node for node in graph if node.op.family == "input"]
    net = Sight(graph)
    net(entering, *(torch.ones(1, *shapes[node.id].dims).double() for node in inputs[1:]))
    sizes = shapes[first.id].spatial
    spans = [span for field in fields.values() if isinstance(field, tuple) for span in field]
    border = 2 * max(span.jump for span in spans)  # windows that do not fit may leave out as much, in all
    for node in graph:
        field = fields[node.id]
        if field is None:
            continue
        found = reached(centre(net.values[node.id]), entering)
        if field == "all":  # but for what a window before it left out at the border
            assert found == reached(net.values[graph.inputs(node.id)[0]], entering), node.name
            continue
        assert isinstance(field, tuple), (node.name, field)
        for size, extent, span, interval in zip(sizes, shapes[node.id].spatial, field, found, strict=True):
            low = span.offset + extent // 2 * span.jump
            assert low.denominator == 1
            high = low + span.size - 1
            if border <= low and high < size - border:
                assert interval == (low, high), (node.name, span)
            else:
                assert low <= interval[0] <= interval[1] <= high, (node.name, span)


@pytest.mark.parametrize("name", ["residual", "inception", "unet", "dense", "shared"])
def test_small_nets_see_what_gradients_say(name):
    check(small_net(name))


LAYERS = [
    "conv(3x3, 2)",
    "conv(1x5/2, 2)",
    "conv(3x3, 2, dilation=2, pad=0)",
    'conv(3x3/2, 2, pad="tf")',
    "dwconv(3x3/3)",
    "maxpool(3x3/2, pad=1)",
    "maxpool(2x2, ceil=true)",
    "avgpool(2x2)",
    "upconv(2x2/2, 2)",
    "upconv(4x4/2, 2, pad=1)",
    "upconv(3x3/2, 2, pad=1, output_pad=1)",
    "resize(scale=2)",
    "resize(scale=3)",
    'resize(scale=2, mode="bilinear")',
    "subsample(2)",
    "pad(1)",
    "adaptive(6x6)",
    "add { id; conv(3x3, 2) }",
    "concat { conv(1x1, 1); conv(5x5, 1) }",
    "mul { id; gap -> fc(2) -> sigmoid }",
    "relu",
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=5))
def test_any_chain_sees_what_gradients_say(layers):
    body = "\n".join(layers)
    graph = lower(read(f"net test {{ input x: 2x97x97\n{body}\n}}"), "test")
    assume(graph is not None)  # a window may be larger than what is left
    check(graph)


def test_what_a_mul_stretches_sees_the_same_everywhere():
    one = "{ conv(3x3, 2) -> conv(9x9, 1, pad=0) }"
    check(graph_of(f"net test {{ input x: 2x9x9\n mul {{ {one}; id }} -> conv(3x3, 2) }}"))


def test_vectors_have_no_dimensions_to_see_along():
    mixed = "input v: [2]\n input x: 2x8x8\n a: v -> relu\n b: mul(a, x) -> conv(3x3, 2)\n fc(3)"
    graph = graph_of(f"net test {{ {mixed} }}")
    fields = measure(graph, infer(graph))
    assert fields[node_named(graph, "a").id] == ()
    assert fields[graph.results[0].node] == "all"


def test_sequences_see_along_their_length():
    check(
        graph_of("net a { input x: 2x40\n conv(3, 2) -> maxpool(2) -> conv(5, 2) -> upconv(4, 2, stride=2) }")
    )
    graph = small_net("text")
    fields = measure(graph, infer(graph))
    assert fields[node_named(graph, "conv2").id] == (Span(4, Fraction(1), Fraction(0)),)
    assert fields[node_named(graph, "fc").id] == "all"


def test_stacked_small_windows_see_as_much_as_one_large_one():
    """Simonyan and Zisserman 2015: two 3x3 see 5x5, three see 7x7."""
    graph = graph_of("net a { input x: 1x32x32\n conv(3x3, 1) * 3 }")
    sizes = [field[0].size for field in measure(graph, infer(graph)).values()]
    assert sizes == [1, 3, 5, 7]


def test_size_jump_and_offset_of_alexnets_first_layers():
    graph = graph_of(
        "net a { input x: 3x227x227\n conv(11x11/4, 96, pad=0) -> maxpool(3x3/2) -> conv(5x5, 256) }"
    )
    fields = list(measure(graph, infer(graph)).values())
    assert fields[1:] == [
        (Span(11, Fraction(4), Fraction(0)),) * 2,
        (Span(19, Fraction(8), Fraction(0)),) * 2,
        (Span(51, Fraction(8), Fraction(-16)),) * 2,
    ]


def test_merge_of_unequal_jumps_has_no_field():
    graph = graph_of("net a { input x: 1x16x16\n add { maxpool(2x2/2); conv(9x9, 1, pad=0) } -> relu }")
    field = measure(graph, infer(graph))[node_named(graph, "relu1").id]
    assert field == Unmeasured("it joins values whose elements lie 1 and 2 input elements apart")


def test_what_does_not_depend_on_the_first_input_has_no_field():
    graph = graph_of("net a { input x: 1x8x8\n input y: 1x8x8\n b: y -> conv(3x3, 1)\n add(x, b) }")
    fields = measure(graph, infer(graph))
    assert fields[node_named(graph, "b").id] is None
    assert fields[graph.results[0].node] == (Span(1, Fraction(1), Fraction(0)),) * 2


def test_endless_ways_to_see_are_refused_with_their_reason():
    text = "net a { input x: 1x4999\n adaptive(5003) -> conv(3, 1) }"
    graph = graph_of(text)
    field = measure(graph, infer(graph))[graph.results[0].node]
    assert isinstance(field, Unmeasured)
