"""The nets from LeNet-5 to GoogLeNet against what is known of them elsewhere.

The names and shapes of published weights, formulas written a second way, forward passes in plain PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest
import torch
from interpreter import Interpreter
from torch.nn import functional as F

from netc import driver
from netc.compiler.facts import Facts
from netc.compiler.weights import tensors
from netc.files import find_spec

Weights = dict[str, tuple[int, ...]]

VGG = {
    "vgg11": [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "vgg13": [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "vgg16": [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
    "vgg19": [
        *[64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M"],
        *[512, 512, 512, 512, "M", 512, 512, 512, 512, "M"],
    ],
}
"""As torchvision writes them: the widths of convolutions, and where a pooling stands."""

INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Szegedy et al. 2015, Table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj."""


def facts(net: str, size: tuple[int, ...] | None = None, **settings: int) -> Facts:
    result = driver.compile(find_spec(net), settings=settings, inputs={"": size} if size else None)
    assert result.compiled is not None, result.diagnostics
    return result.compiled.training


def weights(net: str) -> Weights:
    """What the `state_dict` of the generated module holds."""
    table = facts(net)
    return dict(tensors(table.graph, table.shapes))


# --- names and shapes of published weights ---


def convolution(name: str, out: int, entering: int, window: int, bias: bool = True) -> Weights:
    weight = {f"{name}.weight": (out, entering, window, window)}
    return {**weight, f"{name}.bias": (out,)} if bias else weight


def linear(name: str, out: int, entering: int) -> Weights:
    return {f"{name}.weight": (out, entering), f"{name}.bias": (out,)}


def normalisation(name: str, channels: int) -> Weights:
    names = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{part}": (channels,) for part in names}, f"{name}.num_batches_tracked": ()}


def vgg_weights(column: list[int | str], normalised: bool) -> Weights:
    known: Weights = {}
    entering, index = 3, 0
    for entry in column:
        if isinstance(entry, str):
            index += 1
            continue
        known |= convolution(f"features.{index}", entry, entering, 3)
        if normalised:
            known |= normalisation(f"features.{index + 1}", entry)
        entering, index = entry, index + (3 if normalised else 2)
    known |= linear("classifier.0", 4096, 512 * 7 * 7)
    known |= linear("classifier.3", 4096, 4096)
    return known | linear("classifier.6", 1000, 4096)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("net", VGG)
def test_vgg_has_the_weights_of_torchvision(net, normalised):
    assert weights(f"{net}_bn" if normalised else net) == vgg_weights(VGG[net], normalised)


def test_alexnet_has_the_weights_of_torchvision():
    known = convolution("features.0", 64, 3, 11) | convolution("features.3", 192, 64, 5)
    known |= convolution("features.6", 384, 192, 3) | convolution("features.8", 256, 384, 3)
    known |= convolution("features.10", 256, 256, 3) | linear("classifier.1", 4096, 256 * 6 * 6)
    assert weights("alexnet") == known | linear("classifier.4", 4096, 4096) | linear(
        "classifier.6", 1000, 4096
    )


def test_googlenet_tv_has_the_weights_of_torchvision():
    def basic(name: str, out: int, entering: int, window: int) -> Weights:
        return convolution(f"{name}.conv", out, entering, window, bias=False) | normalisation(
            f"{name}.bn", out
        )

    known = basic("conv1", 64, 3, 7) | basic("conv2", 64, 64, 1) | basic("conv3", 192, 64, 3)
    entering = 192
    for name, (c1, c3r, c3, c5r, c5, pool) in INCEPTION.items():
        module = f"inception{name}"
        known |= basic(f"{module}.branch1", c1, entering, 1)
        known |= basic(f"{module}.branch2.0", c3r, entering, 1) | basic(f"{module}.branch2.1", c3, c3r, 3)
        known |= basic(f"{module}.branch3.0", c5r, entering, 1) | basic(f"{module}.branch3.1", c5, c5r, 3)
        known |= basic(f"{module}.branch4.1", pool, entering, 1)
        entering = c1 + c3 + c5 + pool
    for head, entering in (("aux1", 512), ("aux2", 528)):
        known |= basic(f"{head}.conv", 128, entering, 1)
        known |= linear(f"{head}.fc1", 1024, 2048) | linear(f"{head}.fc2", 1000, 1024)
    assert weights("googlenet_tv") == known | linear("fc", 1000, 1024)


# --- totals, and formulas written a second way ---


def work(*layers: tuple[int, int, int, int]) -> tuple[int, int]:
    """Parameters and multiply-adds of layers: (window, channels in, channels out, size of the output)."""
    params = sum(k * k * entering * out + out for k, entering, out, _ in layers)
    return params, sum(k * k * entering * out * size * size for k, entering, out, size in layers)


def count(net: str, **settings: int) -> tuple[int, int]:
    total = facts(net, **settings).inference.total
    return total.params, total.macs


def count_vgg(column: list[int | str]) -> tuple[int, int]:
    layers, entering, size = [], 3, 224
    for entry in column:
        if isinstance(entry, str):
            size //= 2
        else:
            layers.append((3, entering, entry, size))
            entering = entry
    return work(*layers, (7, 512, 4096, 1), (1, 4096, 4096, 1), (1, 4096, 1000, 1))


@pytest.mark.parametrize("net", VGG)
def test_vgg_counts_as_its_table(net):
    assert count(net) == count_vgg(VGG[net])


def test_vgg_c_saves_eight_ninths_of_three_convolutions():
    params, macs = count_vgg(VGG["vgg16"])
    for width, size in ((256, 56), (512, 28), (512, 14)):
        params -= 8 * width * width
        macs -= 8 * width * width * size * size
    assert count("vgg16_c") == (params, macs)


def test_vgg_a_with_lrn_has_one_more_layer_and_no_more_weights():
    plain, normalised = facts("vgg11"), facts("vgg11_lrn")
    assert plain.total.params == normalised.total.params
    assert plain.total.macs == normalised.total.macs
    names = [node.op.name for node in normalised.graph]
    assert names[:5] == ["input", "conv", "relu", "lrn", "maxpool"]
    assert [name for name in names if name != "lrn"] == [node.op.name for node in plain.graph]


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_alexnet_2012_counts_with_any_number_of_towers(groups):
    wide = -(-256 // groups) * groups
    params, macs = work(
        *[(11, 3, 96, 55), (5, 96 // groups, wide, 27), (3, wide, 384, 13), (3, 384 // groups, 384, 13)],
        *[(3, 384 // groups, wide, 13), (6, wide, 4096, 1), (1, 4096, 4096, 1), (1, 4096, 1000, 1)],
    )
    assert count("alexnet_2012", groups=groups) == (params, macs)


def test_zfnet_counts_as_its_figure():
    convolutions = [
        (7, 3, 96, 110),
        (5, 96, 256, 26),
        (3, 256, 384, 13),
        (3, 384, 384, 13),
        (3, 384, 256, 13),
    ]
    dense = [(6, 256, 4096, 1), (1, 4096, 4096, 1), (1, 4096, 1000, 1)]
    assert count("zfnet", c3=384, c4=384, c5=256) == work(*convolutions, *dense)


def test_nin_counts_as_published():
    first = [(5, 3, 192, 32), (1, 192, 160, 32), (1, 160, 96, 32), (5, 96, 192, 16), (1, 192, 192, 16)]
    last = [(1, 192, 192, 16), (3, 192, 192, 8), (1, 192, 192, 8), (1, 192, 10, 8)]
    assert count("nin_cifar10") == work(*first, *last)
    assert count("nin_cifar10")[0] == 966_986


@pytest.mark.parametrize("naive", [False, True])
def test_googlenet_counts_as_its_table(naive):
    layers = [(7, 3, 64, 112), (1, 64, 64, 56), (3, 64, 192, 56)]
    entering = 192
    for name, (c1, c3r, c3, c5r, c5, pool) in INCEPTION.items():
        size = {"3": 28, "4": 14, "5": 7}[name[0]]
        layers.append((1, entering, c1, size))
        if naive:
            layers += [(3, entering, c3, size), (5, entering, c5, size)]
            entering += c1 + c3 + c5
            continue
        layers += [(1, entering, c3r, size), (3, c3r, c3, size), (1, entering, c5r, size), (5, c5r, c5, size)]
        layers.append((1, entering, pool, size))
        entering = c1 + c3 + c5 + pool
    net = "googlenet_naive" if naive else "googlenet"
    assert count(net) == work(*layers, (1, entering, 1000, 1))


# --- forward passes in plain PyTorch ---


@cache
def run(net: str, size: tuple[int, ...], **settings: int):
    """Inputs, weights by name and outputs of the net, dropout off, in double precision."""
    torch.manual_seed(0)
    graph = facts(net, size, **settings).graph
    module = Interpreter(graph).double().eval()
    for tensor in module.parameters():
        torch.nn.init.normal_(tensor, std=(2 / max(tensor[0].numel(), 1)) ** 0.5 if tensor.dim() > 1 else 0.1)
    image = torch.randn(2, *size, dtype=torch.float64)
    with torch.inference_mode():
        return image, module.weights(), module(image)


def assert_equal(ours, theirs) -> None:
    assert theirs.abs().max() > 1e-3
    assert (ours - theirs).abs().max() <= 1e-9 * theirs.abs().max()


class Layers:
    """Layers of a net by their names in its weights."""

    def __init__(self, held: Mapping[str, torch.Tensor]) -> None:
        self.held = held

    def conv(self, x, name, **options):
        return F.conv2d(x, self.held[f"{name}.weight"], self.held[f"{name}.bias"], **options)

    def cr(self, x, name, **options):
        return self.conv(x, name, **options).relu()

    def fc(self, x, name):
        return F.linear(x.flatten(1), self.held[f"{name}.weight"], self.held[f"{name}.bias"])


def test_lenet5_computes_what_the_paper_describes():
    x, held, (output,) = run("lenet5", (1, 32, 32))
    net = Layers(held)
    x = F.avg_pool2d(net.conv(x, "c1").tanh(), 2)
    x = F.avg_pool2d(net.conv(x, "c3").tanh(), 2)
    x = net.fc(net.conv(x, "c5").tanh(), "f6").tanh()
    assert_equal(output, net.fc(x, "f7"))


@pytest.mark.parametrize("groups", [1, 2])
def test_alexnet_2012_computes_what_the_paper_describes(groups):
    x, held, (output,) = run("alexnet_2012", (3, 67, 67), groups=groups, classes=10)
    net = Layers(held)
    x = F.max_pool2d(F.local_response_norm(net.cr(x, "conv1", stride=4), 5, k=2), 3, 2)
    x = F.max_pool2d(F.local_response_norm(net.cr(x, "conv2", padding=2, groups=groups), 5, k=2), 3, 2)
    x = net.cr(net.cr(x, "conv3", padding=1), "conv4", padding=1, groups=groups)
    x = F.max_pool2d(net.cr(x, "conv5", padding=1, groups=groups), 3, 2)
    x = net.fc(net.fc(x, "fc6").relu(), "fc7").relu()
    assert_equal(output, net.fc(x, "fc8"))


def test_zfnet_computes_what_the_paper_describes():
    x, held, (output,) = run("zfnet", (3, 64, 64), c3=24, c4=40, c5=24, classes=10)
    net = Layers(held)
    x = F.max_pool2d(net.cr(x, "conv1", stride=2, padding=1), 3, 2, ceil_mode=True)
    x = net.cr(F.local_response_norm(x, 5, k=2), "conv2", stride=2)
    x = F.local_response_norm(F.max_pool2d(x, 3, 2, ceil_mode=True), 5, k=2)
    for name in ("conv3", "conv4", "conv5"):
        x = net.cr(x, name, padding=1)
    x = net.fc(F.max_pool2d(x, 3, 2, ceil_mode=True), "fc6").relu()
    assert_equal(output, net.fc(net.fc(x, "fc7").relu(), "fc8"))


def test_nin_computes_what_the_paper_describes():
    x, held, (output,) = run("nin_cifar10", (3, 32, 32))
    net = Layers(held)

    def perceptrons(x, number, pad):
        x = net.cr(x, f"mlpconv{number}.0.0", padding=pad)
        return net.cr(net.cr(x, f"mlpconv{number}.1.0"), f"mlpconv{number}.2.0")

    x = F.max_pool2d(perceptrons(x, 1, 2), 3, 2, ceil_mode=True)
    x = F.avg_pool2d(perceptrons(x, 2, 2), 3, 2, ceil_mode=True)
    assert_equal(output, perceptrons(x, 3, 1).mean((2, 3)))


def test_googlenet_computes_what_the_paper_describes():
    x, held, outputs = run("googlenet", (3, 224, 224))
    net = Layers(held)

    def inception(x, name):
        branches = [
            net.cr(x, f"{name}.conv1.0"),
            net.cr(net.cr(x, f"{name}.reduce3.0"), f"{name}.conv3.0", padding=1),
            net.cr(net.cr(x, f"{name}.reduce5.0"), f"{name}.conv5.0", padding=2),
            net.cr(F.max_pool2d(x, 3, 1, 1), f"{name}.proj.0"),
        ]
        return torch.cat(branches, 1)

    def head(x, name):
        x = net.cr(F.avg_pool2d(x, 5, 3), f"{name}.conv.0")
        return net.fc(net.fc(x, f"{name}.fc1").relu(), f"{name}.fc2")

    x = net.cr(x, "conv1.0", stride=2, padding=3)
    x = F.local_response_norm(F.max_pool2d(x, 3, 2, ceil_mode=True), 5, k=2)
    x = net.cr(net.cr(x, "conv2.0.0"), "conv2.1.0", padding=1)
    x = F.max_pool2d(F.local_response_norm(x, 5, k=2), 3, 2, ceil_mode=True)
    heads = []
    for name in INCEPTION:
        if name in ("4a", "5a"):
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = inception(x, f"inception{name}")
        if name in ("4a", "4d"):
            heads.append(head(x, f"aux{len(heads) + 1}"))
    for ours, theirs in zip(outputs, [net.fc(x.mean((2, 3)), "linear"), *heads], strict=True):
        assert_equal(ours, theirs)
