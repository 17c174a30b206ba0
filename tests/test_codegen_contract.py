"""What a generated module promises to whoever uses it."""

from __future__ import annotations

import copy

import pytest
import torch
from generated import assert_clean, compare, generate, source_of, tensors
from lowering import NAMES, NETS

from netc.live import instantiate

GENERATED = sorted((NETS.parent / "generated").glob("*.net"))
HEADS = """
block head(n) { gap -> fc(n) }
net small(classes=7, p=0.25) {
    input image: 3x16x16
    conv1: conv(3x3/2, 8); relu
    aux early(weight=0.3): head(classes)
    conv2: conv(3x3, 8); relu; dropout(p)
    aux late(weight=0.4): conv(1x1, 4) -> relu -> gap -> fc(classes)
    gap
    fc: fc(classes)
}
"""
TWO = """
net pair {
    input left: 3x8x8
    input right: 4x8x8
    a: left -> conv(3x3, 6) -> relu
    b: right -> conv(3x3, 6)
    output sum: add(a, b)
    output wide: concat(a, b) -> gap
}
"""


def test_class_is_the_net_in_camel_case_and_constructs_without_arguments():
    for name, wanted in (
        ("resnet50", "ResNet50"), ("vgg16_bn", "VGG16BN"), ("googlenet", "GoogLeNet"), ("my_net", "MyNet"),
        ("lenet5", "LeNet5"), ("se_resnet50", "SEResNet50"), ("resnext50_2x40d", "ResNeXt50x2x40d"),
        ("tensor", "TensorNet"),
    ):  # fmt: skip
        source = source_of(f"net {name} {{ input: 3x8x8\nconv(3x3, 4) }}")
        assert f'__all__ = ["{wanted}"]' in source
        assert type(instantiate(source, name)).__name__ == wanted


def test_parameters_that_decide_no_structure_stay_arguments():
    graph, source = generate(HEADS)
    scope: dict[str, object] = {}
    exec(source, scope)
    net = scope["Small"](classes=3, p=0.5)
    assert net.fc.out_features == net.early[1].out_features == net.late[3].out_features == 3
    assert net.dropout1.p == 0.5
    assert [tuple(value.shape) for value in net(torch.randn(2, 3, 16, 16))] == [(2, 3)] * 3
    compare(graph, source)


def test_a_parameter_that_decides_structure_is_settled():
    source = source_of("net deep(depth=3) { input: 3x8x8\nfor i in range(depth) { conv(3x3, 4) } }")
    assert "depth" not in source.split('"""')[2]


def test_training_returns_the_heads_by_name_and_evaluation_the_logits():
    _, source = generate(HEADS)
    net = instantiate(source, "small")
    image = torch.randn(2, 3, 16, 16)
    given = net.train()(image)
    assert type(given).__name__ == "SmallTrainingOutputs"
    assert given._fields == ("logits", "early", "late")
    assert net.aux_weights == (0.3, 0.4)
    assert net.eval()(image).shape == (2, 7)


def test_without_heads_nothing_of_them_is_left():
    source = source_of(HEADS, aux=False)
    assert "aux" not in source
    assert "Head" not in source
    assert instantiate(source, "small").train()(torch.randn(2, 3, 16, 16)).shape == (2, 7)


def test_several_inputs_and_outputs():
    graph, source = generate(TWO)
    net = instantiate(source, "pair")
    given = net(torch.randn(2, 3, 8, 8), torch.randn(2, 4, 8, 8))
    assert given._fields == ("sum_", "wide")  # `sum` is Python's
    compare(graph, source)


def test_description_names_source_input_counts_and_initialisation():
    source = source_of('"""A paper. 2020."""\n' + HEADS)
    for words in ("A paper. 2020.", "Input: 3 x 16 x 16.", "multiply-adds.", "Weights are initialised"):
        assert words in source


def test_shapes_stand_as_comments():
    source = source_of(HEADS)
    assert "x = F.relu(self.conv1(image), inplace=True)  # 8 x 8 x 8" in source


@pytest.mark.parametrize("name", NAMES)
def test_small_nets_compute_their_graphs(name):
    graph, source = generate((NETS / f"{name}.net").read_text(encoding="utf-8"))
    compare(graph, source)


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.stem)
def test_unusual_nets_compute_their_graphs(path, request):
    """Their modules are kept word for word too: what they look like is part of what is promised."""
    graph, source = generate(path.read_text(encoding="utf-8"))
    compare(graph, source)
    assert_clean(source)
    kept = path.with_suffix(".py.txt")
    if request.config.getoption("--update"):
        kept.write_text(source, encoding="utf-8")
    assert source == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["residual", "shared", "inception", "dense"])
def test_a_module_can_be_copied_traced_exported_and_compiled(name):
    graph, source = generate((NETS / f"{name}.net").read_text(encoding="utf-8"))
    net = instantiate(source, graph.name).eval()
    from interpreter import random_inputs

    inputs = tuple(random_inputs(graph, 2))
    wanted = tensors(net(*inputs))
    others = [
        copy.deepcopy(net),
        torch.jit.trace(net, inputs),
        torch.export.export(net, inputs).module(),
        torch.compile(net, backend="eager"),
    ]
    for other in others:
        for mine, theirs in zip(tensors(other(*inputs)), wanted, strict=True):
            torch.testing.assert_close(mine, theirs)


def test_other_input_sizes_work():
    source = source_of("net any { input: 3x32x32\nconv(3x3/2, 8) -> bn -> relu\nmaxpool(2x2)\ngap\nfc(5) }")
    net = instantiate(source, "any").eval()
    assert [net(torch.randn(2, 3, size, size + 3)).shape for size in (17, 40)] == [(2, 5)] * 2


def test_a_shared_layer_is_registered_once_and_follows_its_module():
    text = """
block twice(f) { f -> relu -> f }
net shares { input: 4x8x8
let s = share(conv(3x3, 4))
twice(s) -> twice(s) -> s }
"""
    graph, source = generate(text)
    net = instantiate(source, "shares")
    assert set(net.state_dict()) == {"s.weight", "s.bias"}
    twin = copy.deepcopy(net).double()
    assert twin(torch.randn(1, 4, 8, 8, dtype=torch.float64)).dtype == torch.float64
    compare(graph, source)


IN_PLACE = """
net facts {
    input: 4x8x8
    relu
    add { relu -> conv(3x3, 4); id }
    a: conv(3x3, 4)
    b: relu
    add(a, b)
    sigmoid -> relu
    conv(3x3, 4) -> relu -> tanh
    dense { for j in range(3) { relu -> conv(1x1, 2) } }
}
"""


def test_in_place_only_where_nothing_else_needs_the_value():
    graph, source = generate(IN_PLACE)
    assert source.count("inplace=True") == 1  # after the convolution that nobody else reads
    compare(graph, source)
