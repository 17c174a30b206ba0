"""Residual nets for CIFAR, wide ones, pyramids, ResNeXts and RegNets: second formulas, published weights."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import pytest
from published import Weights, conv, counted, facts, linear, norm, weights

STAGES = [(16, 32), (32, 16), (64, 8)]
"""Of a net for CIFAR: the width of a stage, and the size of its maps."""


def cifar(n: int) -> tuple[int, int]:
    """6n+2 layers: a convolution and 2n of each width, all with batch norm, and a classifier; shortcuts are
    free."""
    params, macs, entering = 9 * 3 * 16 + 2 * 16, 9 * 3 * 16 * 32**2, 16
    for width, size in STAGES:
        weight = 9 * entering * width + (2 * n - 1) * 9 * width * width
        params += weight + 2 * n * 2 * width
        macs += weight * size**2
        entering = width
    return params + 64 * 10 + 10, macs + 64 * 10


def preact_params(n: int) -> tuple[int, int]:
    """9n+2 layers: the parameters of convolutions and of the classifier; those of batch norm, one before each
    convolution. A stage's projection shares its first."""
    weight, norms, entering = 9 * 3 * 16, 16, 16
    for stage, (width, _) in enumerate(STAGES):
        out = 4 * width
        weight += entering * out + entering * width + (n - 1) * out * width + n * (9 * width**2 + width * out)
        norms += (entering if stage else 0) + (n - 1) * out + 2 * n * width
        entering = out
    return weight + 256 * 10 + 10, 2 * (norms + 256)


TWO_CONVOLUTIONS = {
    "resnet20": 3,
    "resnet32": 5,
    "resnet44": 7,
    "resnet56": 9,
    "resnet110": 18,
    "resnet1202": 200,
    "plain56": 9,
    "preact_resnet110": 18,
    "resnet110_sd": 18,
    "resnet1202_sd": 200,
    "resnet110_shortcut_scaling": 18,
    "resnet110_shortcut_dropout": 18,
}


@pytest.mark.parametrize("net", TWO_CONVOLUTIONS)
def test_nets_of_two_convolutions_a_unit_count_as_6n_plus_2_layers(net):
    """Pre-activation normalises as much: what enters each convolution, instead of what leaves it."""
    assert counted(net) == cifar(TWO_CONVOLUTIONS[net])


def test_gates_are_convolutions_with_bias():
    params, macs = cifar(18)
    added = sum(18 * (width**2 + width) for width, _ in STAGES)
    places = sum(18 * width**2 * size**2 for width, size in STAGES)
    for form in ("exclusive_gating", "shortcut_only_gating"):
        assert counted(f"resnet110_shortcut_{form}") == (params + added, macs + places)


def test_convolutions_on_shortcuts_count_54_times():
    params, macs, entering = *cifar(18), 16
    for width, size in STAGES:
        weight = entering * width + 17 * width**2
        params, macs, entering = params + weight + 18 * 2 * width, macs + weight * size**2, width
    assert counted("resnet110_shortcut_conv") == (params, macs)


@pytest.mark.parametrize(("net", "n"), [("preact_resnet164", 18), ("preact_resnet1001", 111)])
def test_bottlenecks_with_preactivation_count_as_9n_plus_2_layers(net, n):
    weight, norms = preact_params(n)
    assert counted(net)[0] == weight + norms
    if n == 111:
        assert (weight - 10, norms) == (10_178_480, 149_216)  # of which the table prints 10.2M


@pytest.mark.parametrize(("net", "units"), [("resnet110_sd", 54), ("resnet1202_sd", 600)])
def test_units_survive_the_less_the_deeper_they_are(net, units):
    graph = facts(net).graph
    dropped = [node.op.p for node in graph if node.op.name == "drop_path"]
    assert dropped == pytest.approx([0.5 * unit / units for unit in range(1, units + 1)])


@pytest.mark.parametrize(
    ("net", "n", "k"), [("wrn_16_8", 2, 8), ("wrn_28_10", 4, 10), ("wrn_16_4_dropout", 2, 4)]
)
def test_wide_nets_count_as_6n_plus_4_convolutions(net, n, k):
    params, macs, entering = 9 * 3 * 16, 9 * 3 * 16 * 32**2, 16
    for narrow, size in STAGES:
        width = k * narrow
        at_places = 9 * entering * width + (2 * n - 1) * 9 * width**2 + entering * width
        params += at_places + 2 * entering + (2 * n - 1) * 2 * width
        macs += at_places * size**2
        entering = width
    assert counted(net) == (params + 2 * entering + entering * 10 + 10, macs + entering * 10)


@pytest.mark.parametrize(
    ("net", "n", "alpha", "layers"), [("pyramidnet110_a84", 18, 84, 2), ("pyramidnet200_a240", 22, 240, 3)]
)
def test_pyramids_count_by_the_widths_of_equation_2(net, n, alpha, layers):
    params, macs, entering = 9 * 3 * 16 + 2 * 16, 9 * 3 * 16 * 32**2, 16
    exact, size = 16.0, 32
    for unit in range(3 * n):
        exact += alpha / (3 * n)
        width, before = int(exact + 1e-9), size  # steps add up to whole numbers but for the last digits
        size = 32 >> unit // n
        if layers == 2:
            products = [(9 * entering * width, size), (9 * width**2, size)]
            norms, out = [entering, width, width], width
        else:
            out = 4 * width
            products = [(entering * width, before), (9 * width**2, size), (width * out, size)]
            norms = [entering, width, width, out]
        params += sum(weight for weight, _ in products) + 2 * sum(norms)
        macs += sum(weight * places**2 for weight, places in products)
        entering = out
    assert counted(net) == (params + 2 * entering + entering * 10 + 10, macs + entering * 10)


REGNETS = {"regnet_x_400mf": (22, 24, 24.48, 2.54, 16, 0.0), "regnet_y_400mf": (16, 48, 27.89, 2.09, 8, 0.25)}


def quantise(d: int, w0: int, wa: float, wm: float, g: int) -> list[int]:
    """The width of each block, by equations 2 to 4 of the paper; then by eights, and by whole groups."""
    found = []
    for block in range(d):
        stage = round(log((w0 + wa * block) / w0) / log(wm))
        eights = 8 * round(w0 * wm**stage / 8)
        found.append((2 * eights + g) // (2 * g) * g)
    return found


def regnet_blocks(net: str) -> Iterator[tuple[str, int, int, int]]:
    """Of each block: its name, the channels that enter, its width, its stride."""
    *numbers, _ = REGNETS[net]
    entering, stage, index, last = 32, 0, 0, None
    for width in quantise(*numbers):
        stage, index = (stage, index + 1) if width == last else (stage + 1, 0)
        yield f"trunk_output.block{stage}.{index}", entering, width, 1 if index else 2
        entering = last = width


@pytest.mark.parametrize("net", REGNETS)
def test_regnets_have_the_weights_of_torchvision(net):
    *_, g, gate = REGNETS[net]
    known, entering = conv("stem.0", 32, 3, 3) | norm("stem.1", 32), 32
    for name, entering, width, stride in regnet_blocks(net):
        if stride == 2:
            known |= conv(f"{name}.proj.0", width, entering, 1) | norm(f"{name}.proj.1", width)
        for part, out, channels, window in [
            ("a", width, entering, 1),
            ("b", width, g, 3),
            ("c", width, width, 1),
        ]:
            known |= conv(f"{name}.f.{part}.0", out, channels, window) | norm(f"{name}.f.{part}.1", out)
        if gate:
            known |= conv(f"{name}.f.se.fc1", round(gate * entering), width, 1, bias=True)
            known |= conv(f"{name}.f.se.fc2", width, round(gate * entering), 1, bias=True)
        entering = width
    assert weights(net) == known | linear("fc", 1000, entering)


TORCHVISION = {
    "wide_resnet50_2": ([3, 4, 6, 3], 1, 128),
    "wide_resnet101_2": ([3, 4, 23, 3], 1, 128),
    "resnext101_32x4d": ([3, 4, 23, 3], 32, 4),
    "resnext101_64x4d": ([3, 4, 23, 3], 64, 4),
    "resnext101_32x8d": ([3, 4, 23, 3], 32, 8),
}
"""Repeats, cardinality, and the width of a path at the first stage."""


@pytest.mark.parametrize("net", TORCHVISION)
def test_nets_of_wider_bottlenecks_have_the_weights_of_torchvision(net):
    depths, cardinality, d = TORCHVISION[net]
    known, entering = conv("conv1", 64, 3, 7) | norm("bn1", 64), 64
    for stage, depth in enumerate(depths):
        inner, out = cardinality * d * 2**stage, 256 * 2**stage
        for index in range(depth):
            name = f"layer{stage + 1}.{index}"
            known |= conv(f"{name}.conv1", inner, entering, 1) | norm(f"{name}.bn1", inner)
            known |= conv(f"{name}.conv2", inner, inner // cardinality, 3) | norm(f"{name}.bn2", inner)
            known |= conv(f"{name}.conv3", out, inner, 1) | norm(f"{name}.bn3", out)
            if not index:
                known |= conv(f"{name}.downsample.0", out, entering, 1) | norm(f"{name}.downsample.1", out)
            entering = out
    assert weights(net) == known | linear("fc", 1000, 2048)


@pytest.mark.parametrize(("form", "weight"), [("2x40d", 69_760), ("4x24d", 69_888), ("8x14d", 71_456)])
def test_settings_of_equal_capacity_differ_in_their_blocks_alone(form, weight):
    cardinality, d = (int(number) for number in form.removesuffix("d").split("x"))
    assert weight == cardinality * (256 * d + 9 * d * d + 256 * d)
    held = weights(f"resnext101_{form}")
    block = {name: shape for name, shape in held.items() if name.startswith("layer1.1.conv")}
    assert sum(a * b * h * w for a, b, h, w in block.values()) == weight


def known_weights() -> Weights:
    """WRN-16-8, as its code has it: batch norm before each convolution, one more before the pool."""
    known, entering = conv("conv1", 16, 3, 3), 16
    for stage, width in enumerate([128, 256, 512], 1):
        for index in range(2):
            name = f"layer{stage}.{index}"
            known |= norm(f"{name}.bn1", entering) | conv(f"{name}.conv1", width, entering, 3)
            known |= norm(f"{name}.bn2", width) | conv(f"{name}.conv2", width, width, 3)
            if not index:
                known |= conv(f"{name}.shortcut", width, entering, 1)
            entering = width
    return known | norm("bn1", 512) | linear("fc", 10, 512)


def test_wide_units_share_their_activation_with_the_shortcut():
    assert weights("wrn_16_8") == known_weights()
