"""The residual families, MobileNet, U-Net, FractalNet and TextCNN compute what their papers describe.

Each forward pass is written again in plain PyTorch, on the same random weights.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from interpreter import random_inputs
from published import Layers, assert_equal, image, randomised, weights
from torch import Tensor
from torch.nn import functional as F

Unit = Callable[[Layers, Tensor, str, int], Tensor]


def run_resnet(net: Layers, x: Tensor, depths: list[int], unit: Unit) -> Tensor:
    x = F.max_pool2d(net.norm(net.conv(x, "conv1", 2), "bn1").relu(), 3, 2, 1)
    for stage, depth in enumerate(depths, 1):
        for index in range(depth):
            x = unit(net, x, f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1)
    return net.fc(x.mean((2, 3)), "fc")


def basic(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
    y = net.norm(net.conv(x, f"{name}.conv1", stride), f"{name}.bn1").relu()
    y = net.norm(net.conv(y, f"{name}.conv2"), f"{name}.bn2")
    return (y + net.projection(x, f"{name}.downsample", stride)).relu()


def padded(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
    y = net.norm(net.conv(x, f"{name}.conv1", stride), f"{name}.bn1").relu()
    y = net.norm(net.conv(y, f"{name}.conv2"), f"{name}.bn2")
    kept = torch.zeros_like(y)
    kept[:, : x.shape[1]] = x[:, :, ::stride, ::stride]
    return (y + kept).relu()


def plain(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
    y = net.norm(net.conv(x, f"{name}.conv1", stride), f"{name}.bn1").relu()
    return net.norm(net.conv(y, f"{name}.conv2"), f"{name}.bn2").relu()


def three(net: Layers, x: Tensor, name: str, strides: tuple[int, int], groups: int = 1) -> Tensor:
    """The residual path of a bottleneck."""
    y = net.norm(net.conv(x, f"{name}.conv1", strides[0]), f"{name}.bn1").relu()
    y = net.norm(net.conv(y, f"{name}.conv2", strides[1], groups), f"{name}.bn2").relu()
    return net.norm(net.conv(y, f"{name}.conv3"), f"{name}.bn3")


def early(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
    return (three(net, x, name, (stride, 1)) + net.projection(x, f"{name}.downsample", stride)).relu()


def late(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
    return (three(net, x, name, (1, stride)) + net.projection(x, f"{name}.downsample", stride)).relu()


def grouped(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
    return (three(net, x, name, (1, stride), 32) + net.projection(x, f"{name}.downsample", stride)).relu()


SHALLOW = [2, 2, 1, 1]
UNITS = {
    "resnet34": basic,
    "resnet34_a": padded,
    "resnet34_c": basic,
    "plain34": plain,
    "resnet50": late,
    "resnet50_v1": early,
    "resnext50": grouped,
}


@pytest.mark.parametrize("net", UNITS)
def test_residual_nets_compute_what_their_papers_describe(net):
    module = randomised(net, (3, 64, 64), depths=SHALLOW, classes=10)
    x = image(3, 64, 64)
    with torch.inference_mode():
        expected = run_resnet(Layers(module.weights()), x, SHALLOW, UNITS[net])
        assert_equal(module(x)[0], expected)


def test_option_c_projects_every_shortcut_and_b_those_that_grow():
    def projected(net: str) -> int:
        return sum(name.endswith("downsample.0.weight") for name in weights(net))

    assert (projected("resnet34_c"), projected("resnet34"), projected("resnet34_a")) == (16, 3, 0)


def test_resnet200_computes_what_its_paper_describes():
    module = randomised("resnet200", (3, 64, 64), depths=SHALLOW, classes=10)
    net, x = Layers(module.weights()), image(3, 64, 64)
    expected = F.max_pool2d(net.norm(net.conv(x, "conv1", 2), "bn1").relu(), 3, 2, 1)
    for stage, depth in enumerate(SHALLOW, 1):
        for index in range(depth):
            name, stride = f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1
            # the first unit reads what was activated before the pool; a projection reads what is activated
            active = expected if stage == 1 and index == 0 else net.norm(expected, f"{name}.bn1").relu()
            kept = expected if index else net.conv(active, f"{name}.downsample", stride)
            y = net.norm(net.conv(active, f"{name}.conv1"), f"{name}.bn2").relu()
            y = net.norm(net.conv(y, f"{name}.conv2", stride), f"{name}.bn3").relu()
            expected = net.conv(y, f"{name}.conv3") + kept
    expected = net.fc(net.norm(expected, "bn2").relu().mean((2, 3)), "fc")
    assert_equal(module(x)[0], expected)


def regroup(held: dict[str, Tensor], form: str) -> dict[str, Tensor]:
    """The weights of 32 paths, as those of the grouped form by their names in it."""
    gathered: dict[str, list[Tensor]] = {}
    result = {}
    for name, tensor in held.items():
        if ".paths." not in name:
            result[name] = tensor
            continue
        block, _, rest = name.partition(".paths.")
        part = rest.partition(".")[2]
        if form == "branches":
            part = "conv3.weight" if part == "1.weight" else part.removeprefix("0.")
        gathered.setdefault(f"{block}.{part}", []).append(tensor)
    for name, parts in gathered.items():
        # of the expanding convolutions, whose values are summed, each path has a slice of the inputs
        scalar = parts[0].dim() == 0
        result[name] = parts[0] if scalar else torch.cat(parts, 1 if name.endswith("conv3.weight") else 0)
    return result


@pytest.mark.parametrize("form", ["branches", "concat"])
def test_the_three_forms_of_resnext_are_one_function(form):
    module = randomised(f"resnext50_{form}", (3, 64, 64), depths=[1, 2, 1, 1], classes=10)
    x = image(3, 64, 64)
    with torch.inference_mode():
        expected = run_resnet(Layers(regroup(module.weights(), form)), x, [1, 2, 1, 1], grouped)
        assert_equal(module(x)[0], expected)


@pytest.mark.parametrize("ending", ["", "_r4"])
def test_se_resnet_computes_what_its_paper_describes(ending):
    def gated(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
        y = net.excited(three(net, x, name, (stride, 1)), f"{name}.se_module")
        return (y + net.projection(x, f"{name}.downsample", stride)).relu()

    module = randomised(f"se_resnet50{ending}", (3, 64, 64), depths=SHALLOW, classes=10)
    net, x = Layers(module.weights()), image(3, 64, 64)
    with torch.inference_mode():
        expected = net.norm(net.conv(x, "layer0.conv1", 2), "layer0.bn1").relu()
        expected = F.max_pool2d(expected, 3, 2, ceil_mode=True)
        for stage, depth in enumerate(SHALLOW, 1):
            for index in range(depth):
                stride = 2 if stage > 1 and index == 0 else 1
                expected = gated(net, expected, f"layer{stage}.{index}", stride)
        assert_equal(module(x)[0], net.fc(expected.mean((2, 3)), "last_linear"))


def test_densenet_computes_what_its_paper_describes():
    module = randomised("densenet121", (3, 64, 64), depths=[3, 2, 2, 1], k=8, classes=10)
    net, x = Layers(module.weights()), image(3, 64, 64)
    with torch.inference_mode():
        y = net.norm(net.conv(x, "features.conv0", 2), "features.norm0").relu()
        y = F.max_pool2d(y, 3, 2, 1)
        for block, depth in enumerate([3, 2, 2, 1], 1):
            for layer in range(1, depth + 1):
                name = f"features.denseblock{block}.denselayer{layer}"
                new = net.conv(net.norm(y, f"{name}.norm1").relu(), f"{name}.conv1")
                y = torch.cat([y, net.conv(net.norm(new, f"{name}.norm2").relu(), f"{name}.conv2")], 1)
            if block < 4:
                name = f"features.transition{block}"
                y = F.avg_pool2d(net.conv(net.norm(y, f"{name}.norm").relu(), f"{name}.conv"), 2)
        expected = net.fc(net.norm(y, "features.norm5").relu().mean((2, 3)), "classifier")
        assert_equal(module(x)[0], expected)


def test_mobilenet_computes_what_its_paper_describes():
    module = randomised("mobilenet_v1", None, alpha=0.25, size=64, classes=10)
    net, x = Layers(module.weights()), image(3, 64, 64)
    with torch.inference_mode():
        y = net.norm(net.conv(x, "conv1.0", 2), "conv1.1").relu()
        for index in range(1, 14):
            name, stride = f"unit{index}", 2 if index in (2, 4, 6, 12) else 1
            y = net.norm(net.conv(y, f"{name}.dw.0", stride, groups=y.shape[1]), f"{name}.dw.1").relu()
            y = net.norm(net.conv(y, f"{name}.pw.0"), f"{name}.pw.1").relu()
        assert_equal(module(x)[0], net.fc(y.mean((2, 3)), "fc"))


@pytest.mark.parametrize(("net_name", "size", "pad"), [("unet", 188, 0), ("unet_same", 32, 1)])
def test_unet_computes_what_its_figure_shows(net_name, size, pad):
    module = randomised(net_name, None, size=size).float()
    net, x = Layers(module.weights()), image(1, size, size)[:1].float()

    def double(y: Tensor, name: str) -> Tensor:
        return net.conv(net.conv(y, f"{name}.conv1", pad=pad).relu(), f"{name}.conv2", pad=pad).relu()

    with torch.inference_mode():
        y, left = x, []
        for level in range(4):
            left.append(double(y, f"down{level}"))
            y = F.max_pool2d(left[-1], 2)
        y = double(y, "bottom")
        for level in reversed(range(4)):
            y = F.conv_transpose2d(y, net.held[f"upconv{level}.weight"], net.held[f"upconv{level}.bias"], 2)
            border = (left[level].shape[-1] - y.shape[-1]) // 2
            kept = left[level][..., border : border + y.shape[-1], border : border + y.shape[-1]]
            y = double(torch.cat([kept, y], 1), f"up{level}")
        expected = net.conv(y, "head")
        ours = module(x)[0]
    assert (
        ours.shape
        == expected.shape
        == (1, 2 if pad == 0 else 7, size - 184 * (not pad), size - 184 * (not pad))
    )
    assert (ours - expected).abs().max() <= 1e-4 * expected.abs().max()


@pytest.mark.parametrize("columns", [3, 4])
def test_fractalnet_joins_the_columns_that_end_together(columns):
    """Column by column, as the authors' generator of networks goes; ours is the recursion of the paper."""
    settings = {"columns": columns, "widths": [6, 8], "dropouts": [0, 0.1], "classes": 10}
    module = randomised("fractalnet20", (3, 8, 8), **settings)
    net, x = Layers(module.weights()), image(3, 8, 8)
    names = iter(
        [
            name.removesuffix(".weight")
            for name in net.held
            if name.endswith(".weight") and net.held[name].dim() == 4
        ]
    )
    with torch.inference_mode():
        expected = x
        for _ in settings["widths"]:
            lasts = [expected] * columns
            for step in range(1, 2 ** (columns - 1) + 1):
                ending = [
                    column for column in reversed(range(columns)) if step % 2 ** (columns - 1 - column) == 0
                ]
                for column in ending:
                    name = next(names)
                    normed = net.norm(net.conv(lasts[column], name), f"{name[:-1]}1")
                    lasts[column] = normed.relu()
                joined = torch.stack([lasts[column] for column in ending]).mean(0)
                for column in ending:
                    lasts[column] = joined
            expected = F.max_pool2d(lasts[0], 2)
        assert_equal(module(x)[0], net.fc(expected, "fc"))
    assert next(names, None) is None


def test_textcnn_computes_what_its_paper_describes():
    module = randomised("textcnn", None, vocab=50, dim=12, maps=5)
    (words,) = random_inputs(module.graph, batch=3)
    words = words * 7 + torch.arange(64) % 5
    held = module.weights()
    with torch.inference_mode():
        sentence = held["embed.weight"][words]
        features = []
        for window in (3, 4, 5):
            held[f"conv{window}.0.bias"].sub_(1.2)  # so that the largest value of some maps is below zero
            grams = sentence.unfold(1, window, 1)  # (N, positions, dim, window)
            kernel = held[f"conv{window}.0.weight"]
            maps = torch.einsum("npdk,odk->nop", grams, kernel) + held[f"conv{window}.0.bias"][:, None]
            features.append(maps.relu().amax(2))
        found = torch.cat(features, 1)
        assert (found == 0).any()
        assert (found > 0).any()
        assert_equal(module(words)[0], F.linear(found, held["fc.weight"], held["fc.bias"]))
