"""The nets from LeNet-5 to GoogLeNet: published weights, and counts by a second formula."""

from __future__ import annotations

import pytest
from published import Weights, conv, counted, facts, linear, norm, weights

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


# --- names and shapes of published weights ---


def vgg_weights(column: list[int | str], normalised: bool) -> Weights:
    known: Weights = {}
    entering, index = 3, 0
    for entry in column:
        if isinstance(entry, str):
            index += 1
            continue
        known |= conv(f"features.{index}", entry, entering, 3, bias=True)
        if normalised:
            known |= norm(f"features.{index + 1}", entry)
        entering, index = entry, index + (3 if normalised else 2)
    known |= linear("classifier.0", 4096, 512 * 7 * 7)
    known |= linear("classifier.3", 4096, 4096)
    return known | linear("classifier.6", 1000, 4096)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("net", VGG)
def test_vgg_has_the_weights_of_torchvision(net, normalised):
    assert weights(f"{net}_bn" if normalised else net) == vgg_weights(VGG[net], normalised)


def test_alexnet_has_the_weights_of_torchvision():
    known = conv("features.0", 64, 3, 11, bias=True) | conv("features.3", 192, 64, 5, bias=True)
    known |= conv("features.6", 384, 192, 3, bias=True) | conv("features.8", 256, 384, 3, bias=True)
    known |= conv("features.10", 256, 256, 3, bias=True) | linear("classifier.1", 4096, 256 * 6 * 6)
    known |= linear("classifier.4", 4096, 4096) | linear("classifier.6", 1000, 4096)
    assert weights("alexnet") == known


def test_googlenet_tv_has_the_weights_of_torchvision():
    def basic(name: str, out: int, entering: int, window: int) -> Weights:
        return conv(f"{name}.conv", out, entering, window) | norm(f"{name}.bn", out)

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
    assert counted(net) == count_vgg(VGG[net])


def test_vgg_c_saves_eight_ninths_of_three_convolutions():
    params, macs = count_vgg(VGG["vgg16"])
    for width, size in ((256, 56), (512, 28), (512, 14)):
        params -= 8 * width * width
        macs -= 8 * width * width * size * size
    assert counted("vgg16_c") == (params, macs)


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
    assert counted("alexnet_2012", groups=groups) == (params, macs)


def test_zfnet_counts_as_its_figure():
    convolutions = [(7, 3, 96, 110), (5, 96, 256, 26)]
    convolutions += [(3, 256, 384, 13), (3, 384, 384, 13), (3, 384, 256, 13)]
    dense = [(6, 256, 4096, 1), (1, 4096, 4096, 1), (1, 4096, 1000, 1)]
    assert counted("zfnet", c3=384, c4=384, c5=256) == work(*convolutions, *dense)


def test_nin_counts_as_published():
    first = [(5, 3, 192, 32), (1, 192, 160, 32), (1, 160, 96, 32), (5, 96, 192, 16), (1, 192, 192, 16)]
    last = [(1, 192, 192, 16), (3, 192, 192, 8), (1, 192, 192, 8), (1, 192, 10, 8)]
    assert counted("nin_cifar10") == work(*first, *last)
    assert counted("nin_cifar10")[0] == 966_986


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
    assert counted(net) == work(*layers, (1, entering, 1000, 1))
