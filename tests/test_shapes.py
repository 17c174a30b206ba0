"""Shapes: the same by inference, by lowering, and in real torch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from interpreter import Interpreter, random_inputs
from lowering import NAMES, graph_of, small_net

from netc.compiler.frames import Call, Event, Frame, Loop, Tensor
from netc.compiler.shapes import infer
from netc.ops.base import Reject


def tensors(events: list[Event]) -> Iterator[Tensor]:
    """All tensors that lowering wrote into the record."""
    for event in events:
        yield from (*event.inputs, *event.outputs)
        for inner in (getattr(event, "events", None), getattr(event, "members", None)):
            yield from tensors(inner or [])
        if isinstance(event, Loop):
            for turn in event.turns:
                yield from (*turn.inputs, *turn.outputs, *tensors(turn.events))
        if isinstance(event, Call):
            yield from frame_tensors(event.frame)


def frame_tensors(frame: Frame) -> Iterator[Tensor]:
    yield from (*frame.inputs, *frame.outputs, *tensors(frame.events))


@pytest.mark.parametrize("name", NAMES)
def test_inference_repeats_what_lowering_found(name):
    graph = small_net(name)
    shapes = infer(graph)
    recorded = {tensor.node: tensor.shape for tensor in frame_tensors(graph.frame)}
    assert set(recorded) == set(shapes)
    assert all(shapes[node] == shape for node, shape in recorded.items())


@pytest.mark.parametrize("name", NAMES)
def test_shapes_are_those_of_torch(name):
    graph = small_net(name)
    net = Interpreter(graph).eval()
    with torch.no_grad():
        net(*random_inputs(graph, batch=2))
    shapes = infer(graph)
    assert {id_: (2, *shape.dims) for id_, shape in shapes.items()} == {
        id_: tuple(value.shape) for id_, value in net.values.items()
    }


def test_layer_that_does_not_fit_is_refused_by_its_own_rule():
    graph = graph_of("net a { input x: 4x8x8\n conv(3x3, 6, groups=2) }")
    (conv,) = (node for node in graph if node.op.name == "conv")
    smaller = {node.id: infer(graph)[node.id] for node in graph}
    with pytest.raises(Reject, match="groups"):
        conv.op.shape([type(smaller[0])((3, 8, 8))])
