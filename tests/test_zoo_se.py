"""Nets with squeeze and excitation: timm's weights; where gates stand, and what nets with them compute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from published import Weights, assert_equal, conv, linear, norm, run, weights
from torch.nn import functional as F

SHALLOW = [2, 2, 1, 1]

BOTTLENECKS = {
    "se_resnet101": ([3, 4, 23, 3], 1, 1, 1),
    "se_resnet152": ([3, 8, 36, 3], 1, 1, 1),
    "se_resnext50_32x4d": ([3, 4, 6, 3], 2, 2, 32),
    "se_resnext101_32x4d": ([3, 4, 23, 3], 2, 2, 32),
    "senet154": ([3, 8, 36, 3], 2, 4, 64),
}
"""Repeats, the channels of a block's first two convolutions as multiples of its width, groups."""

GATED = {
    "se_alexnet": ("alexnet", [64, 192, 384, 256, 256]),
    "se_vgg16_bn": ("vgg16_bn", [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6),
    "se_googlenet": ("googlenet", [256, 480, 512, 512, 512, 528, 832, 832, 1024]),
    "se_inception_resnet_v2": ("inception_resnet_v2", [320] * 10 + [1088] * 20 + [2080] * 10),
    "se_mobilenet_v1": ("mobilenet_v1", [64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]),
    "se_shufflenet_v1": ("shufflenet_v1", [216, *[240] * 4, *[480] * 8, *[960] * 3]),
}
"""The net without gates, and the channels of each gate in order."""


# --- timm's weights ---


def blocks(expansion: int, depths: list[int], entering: int) -> Iterator[tuple[str, int, int]]:
    """Of each block: its name, its width and the channels that enter."""
    for stage, depth in enumerate(depths):
        for index in range(depth):
            yield f"layer{stage + 1}.{index}", 64 << stage, entering
            entering = expansion * 64 << stage


def gate(name: str, channels: int) -> Weights:
    reduced = channels // 16
    return conv(f"{name}.fc1", reduced, channels, 1, bias=True) | conv(
        f"{name}.fc2", channels, reduced, 1, bias=True
    )


def shortcut(name: str, entering: int, out: int, window: int = 1) -> Weights:
    return conv(f"{name}.downsample.0", out, entering, window) | norm(f"{name}.downsample.1", out)


@pytest.mark.parametrize(("net", "depths"), [("se_resnet18", [2, 2, 2, 2]), ("se_resnet34", [3, 4, 6, 3])])
def test_basic_blocks_have_the_weights_of_timm(net, depths):
    known = conv("layer0.conv1", 64, 3, 7) | norm("layer0.bn1", 64)
    for name, width, entering in blocks(1, depths, 64):
        known |= conv(f"{name}.conv1", width, entering, 3) | norm(f"{name}.bn1", width)
        known |= conv(f"{name}.conv2", width, width, 3) | norm(f"{name}.bn2", width)
        known |= gate(f"{name}.se_module", width)
        if entering != width:
            known |= shortcut(name, entering, width)
    assert weights(net) == known | linear("last_linear", 1000, 512)


@pytest.mark.parametrize("net", BOTTLENECKS)
def test_bottlenecks_have_the_weights_of_timm(net):
    depths, first, second, groups = BOTTLENECKS[net]
    if net == "senet154":
        known: Weights = {}
        for index, (entering, out) in enumerate([(3, 64), (64, 64), (64, 128)], 1):
            known |= conv(f"layer0.conv{index}", out, entering, 3) | norm(f"layer0.bn{index}", out)
    else:
        known = conv("layer0.conv1", 64, 3, 7) | norm("layer0.bn1", 64)
    for name, width, entering in blocks(4, depths, 128 if net == "senet154" else 64):
        reduced, inner, out = first * width, second * width, 4 * width
        known |= conv(f"{name}.conv1", reduced, entering, 1) | norm(f"{name}.bn1", reduced)
        known |= conv(f"{name}.conv2", inner, reduced // groups, 3) | norm(f"{name}.bn2", inner)
        known |= conv(f"{name}.conv3", out, inner, 1) | norm(f"{name}.bn3", out)
        known |= gate(f"{name}.se_module", out)
        if name.endswith(".0"):
            window = 3 if net == "senet154" and name != "layer1.0" else 1
            known |= shortcut(name, entering, out, window)
    assert weights(net) == known | linear("last_linear", 1000, 2048)


# --- gates in other families ---


def is_of_a_gate(name: str) -> bool:
    *path, layer, _ = name.split(".")
    return layer in ("fc1", "fc2") and bool(path) and (path[-1] == "gate" or path[-1].isdigit())


@pytest.mark.parametrize("net", GATED)
def test_gates_are_all_that_is_added(net):
    plain, channels = GATED[net]
    entries = weights(net).items()
    added = [shape for name, shape in entries if is_of_a_gate(name)]
    assert added == [shape for c in channels for shape in ((c // 16, c), (c // 16,), (c, c // 16), (c,))]
    assert [shape for name, shape in entries if not is_of_a_gate(name)] == [*weights(plain).values()]


def test_gates_follow_the_nonlinearity_of_each_convolution():
    places = {name.split(".")[1] for name in weights("se_alexnet") if is_of_a_gate(name)}
    assert places == {"2", "6", "10", "13", "16"}  # after the convolutions 0, 4, 8, 11, 14 and their ReLU
    places = [int(name.split(".")[1]) for name in weights("se_vgg16_bn") if name.endswith(".fc1.weight")]
    convolutions = [
        int(name.split(".")[1])
        for name, shape in weights("se_vgg16_bn").items()
        if name.startswith("features") and len(shape) == 4
    ]
    assert places == [index + 3 for index in convolutions]  # after batch norm and ReLU


# --- what they compute ---


@pytest.mark.parametrize(
    ("net", "place", "stages"),
    [
        ("se_pre_resnet50", "pre", 4),
        ("se_post_resnet50", "post", 4),
        ("se_identity_resnet50", "identity", 4),
        ("se_resnet50_no_final_stage", "se_module", 3),
    ],
)
def test_gates_in_other_places_compute_what_the_paper_describes(net, place, stages):
    x, held, (output,) = run(net, 3, 64, 64, depths=SHALLOW, classes=10)
    expected = held.norm(held.conv(x, "layer0.conv1", 2), "layer0.bn1").relu()
    expected = F.max_pool2d(expected, 3, 2, ceil_mode=True)
    for name, width, entering in blocks(4, SHALLOW, 64):
        stride = 2 if entering not in (64, 4 * width) else 1
        y = held.excited(expected, f"{name}.pre")
        y = held.norm(held.conv(y, f"{name}.conv1", stride), f"{name}.bn1").relu()
        y = held.norm(held.conv(y, f"{name}.conv2"), f"{name}.bn2").relu()
        y = held.norm(held.conv(y, f"{name}.conv3"), f"{name}.bn3")
        y = held.excited(y, f"{name}.se_module")
        kept = held.projection(expected, f"{name}.downsample", stride)
        expected = (y + held.excited(kept, f"{name}.identity")).relu()
        expected = held.excited(expected, f"{name}.post")
    assert_equal(output, held.fc(expected.mean((2, 3)), "last_linear"))
    gates = {(name.split(".")[0], name.split(".")[2]) for name in held.held if ".fc1." in name}
    assert gates == {(f"layer{stage + 1}", place) for stage in range(stages)}


def test_a_separable_unit_is_gated_after_its_last_relu():
    x, held, (output,) = run("se_mobilenet_v1", 3, 64, 64, alpha=0.5, classes=10)
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    expected = held.norm(held.conv(x, "conv1.0", 2), "conv1.1").relu()
    for index, stride in enumerate(strides, 1):
        name = f"unit{index}"
        groups = expected.shape[1]
        expected = held.norm(held.conv(expected, f"{name}.dw.0", stride, groups), f"{name}.dw.1").relu()
        expected = held.norm(held.conv(expected, f"{name}.pw.0"), f"{name}.pw.1").relu()
        expected = held.excited(expected, f"{name}.gate")
    assert_equal(output, held.fc(expected.mean((2, 3)), "fc"))
