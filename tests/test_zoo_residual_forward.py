"""Residual nets for CIFAR, wide ones and pyramids compute what their papers describe.

Each forward pass is written again in plain PyTorch, on the same random weights.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from published import Layers, assert_equal, run
from torch import Tensor
from torch.nn import functional as F

Join = Callable[[Layers, str, Tensor, Tensor], Tensor]


def zeros(x: Tensor, like: Tensor) -> Tensor:
    """Option A: every second place where maps shrink, and channels of zeros up to as many as needed."""
    stride = x.shape[-1] // like.shape[-1]
    kept = torch.zeros_like(like)
    kept[:, : x.shape[1]] = x[:, :, ::stride, ::stride]
    return kept


def mean_zeros(x: Tensor, like: Tensor) -> Tensor:
    """The same with the mean of four places."""
    return zeros(x if x.shape[-1] == like.shape[-1] else F.avg_pool2d(x, 2), like)


def residual(net: Layers, x: Tensor, name: str, stride: int) -> Tensor:
    y = net.norm(net.conv(x, f"{name}.conv1", stride), f"{name}.bn1").relu()
    return net.norm(net.conv(y, f"{name}.conv2"), f"{name}.bn2")


def gate(net: Layers, name: str, x: Tensor) -> Tensor:
    return net.conv(x, f"{name}.g.0").sigmoid()


def exclusive(net: Layers, name: str, x: Tensor, f: Tensor) -> Tensor:
    g = gate(net, f"{name}.exclusive_gating1", x)
    return (1 - g) * x + g * f


def shortcut_only(net: Layers, name: str, x: Tensor, f: Tensor) -> Tensor:
    return (1 - gate(net, f"{name}.shortcut_only_gating1", x)) * x + f


FORMS: dict[str, Join] = {
    "resnet20": lambda net, name, x, f: x + f,
    "resnet110_shortcut_scaling": lambda net, name, x, f: 0.5 * x + 0.5 * f,
    "resnet110_shortcut_exclusive_gating": exclusive,
    "resnet110_shortcut_shortcut_only_gating": shortcut_only,
    "resnet110_shortcut_dropout": lambda net, name, x, f: x + f,
    "resnet110_sd": lambda net, name, x, f: x + f,
}


@pytest.mark.parametrize("form", FORMS)
def test_shortcuts_and_residuals_meet_as_in_figure_2(form):
    x, net, (output,) = run(form, 3, 32, 32, n=2)
    pad = mean_zeros if form == "resnet110_sd" else zeros
    y = net.norm(net.conv(x, "conv1"), "bn1").relu()
    for stage in range(3):
        for index in range(2):
            name = f"layer{stage + 1}.{index}"
            f = residual(net, y, name, 2 if stage and not index else 1)
            y = FORMS[form](net, name, pad(y, f), f).relu()
    assert_equal(output, net.fc(y.mean((2, 3)), "fc"))


@pytest.mark.parametrize(("form", "bottleneck"), [("preact_resnet110", False), ("preact_resnet164", True)])
def test_units_with_preactivation_add_what_is_not_activated(form, bottleneck):
    x, net, (output,) = run(form, 3, 32, 32, n=2)
    y = net.norm(net.conv(x, "conv1"), "bn1").relu()
    for stage in range(3):
        for index in range(2):
            name, stride = f"layer{stage + 1}.{index}", 2 if stage and not index else 1
            first = not stage and not index  # what enters is activated
            active = y if first else net.norm(y, f"{name}.bn1").relu()
            f = net.conv(active, f"{name}.conv1", 1 if bottleneck else stride)
            f = net.conv(net.norm(f, f"{name}.bn2").relu(), f"{name}.conv2", stride if bottleneck else 1)
            if bottleneck:
                f = net.conv(net.norm(f, f"{name}.bn3").relu(), f"{name}.conv3")
            if bottleneck and not index:
                y = f + net.conv(active, f"{name}.downsample", stride)
            else:
                y = f + zeros(y, f)
    assert_equal(output, net.fc(net.norm(y, "bn2").relu().mean((2, 3)), "fc"))


def test_wide_units_compute_what_their_paper_describes():
    x, net, (output,) = run("wrn_16_4_dropout", 3, 32, 32, d=16, k=1)
    y = net.conv(x, "conv1")
    for stage in range(3):
        for index in range(2):
            name, stride = f"layer{stage + 1}.{index}", 2 if stage and not index else 1
            active = net.norm(y, f"{name}.bn1").relu()
            f = net.norm(net.conv(active, f"{name}.conv1", stride), f"{name}.bn2").relu()
            f = net.conv(f, f"{name}.conv2")
            projects = f"{name}.shortcut.weight" in net.held
            assert projects == (y.shape[1] != f.shape[1])
            y = f + (net.conv(active, f"{name}.shortcut", stride) if projects else y)
    assert_equal(output, net.fc(net.norm(y, "bn1").relu().mean((2, 3)), "fc"))


@pytest.mark.parametrize(("form", "convolutions"), [("pyramidnet110_a84", 2), ("pyramidnet200_a240", 3)])
def test_pyramids_have_one_activation_less_than_convolutions(form, convolutions):
    x, net, (output,) = run(form, 3, 32, 32, n=2, alpha=20)
    y = net.norm(net.conv(x, "conv1"), "bn1")
    for stage in range(3):
        for index in range(2):
            name, stride = f"layer{stage + 1}.{index}", 2 if stage and not index else 1
            f = net.norm(y, f"{name}.bn1")
            for number in range(1, convolutions + 1):
                here = stride if number == convolutions - 1 else 1  # the first of two, the 3x3 of three
                f = net.norm(net.conv(f, f"{name}.conv{number}", here), f"{name}.bn{number + 1}")
                f = f.relu() if number < convolutions else f
            y = f + mean_zeros(y, f)
    assert_equal(output, net.fc(net.norm(y, "bn_final").relu().mean((2, 3)), "fc"))
