"""A net of one layer, generated: it computes what the layer's own form does, with the same weights."""

from __future__ import annotations

import pytest

from netc.codegen.pytorch import emit

torch = pytest.importorskip("torch")
torch_forms = pytest.importorskip("torch_forms")


def test_generated_net_of_one_layer_computes_that_layer(example):
    names: dict[str, object] = {}
    exec(emit(example.graph), names)
    (net,) = (names[name]().eval() for name in names["__all__"])
    form = torch_forms.forms(example.op, example.inputs)[0]
    weights = [*net.parameters(), *net.buffers()]
    assert [tuple(weight.shape) for weight in weights] == [tuple(weight.shape) for weight in form.weights]
    for mine, theirs in zip(weights, form.weights, strict=True):
        mine.data = theirs.data
    values = torch_forms.tensors(example.inputs)
    expected = form(*values)
    if example.op.name == "split":
        expected = values[0]  # the example's net joins the parts again
    entering = [
        value.movedim(-1, 1) if shape.layout == "last" else value  # the example's net turns its input
        for value, shape in zip(values, example.inputs, strict=True)
    ]
    torch.testing.assert_close(net(*entering), expected)
