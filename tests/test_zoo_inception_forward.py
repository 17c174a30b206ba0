"""BN-Inception and Inception-ResNet-v1, which no package has, compute what their papers describe.

Each forward pass is written again in plain PyTorch, on the same random weights.
"""

from __future__ import annotations

import torch
from published import assert_equal, image, randomised
from torch import Tensor
from torch.nn import functional as F


class Held:
    """The weights of a net, and convolutions with what follows them by name."""

    def __init__(self, held: dict[str, Tensor], conv: str, norm: str, eps: float) -> None:
        self.held, self.conv, self.norm, self.eps = held, conv, norm, eps

    def active(self, x: Tensor, name: str, stride: int = 1, padded: bool = True, groups: int = 1) -> Tensor:
        weight = self.held[f"{name}.{self.conv}.weight"]
        pad = [side // 2 if padded else 0 for side in weight.shape[2:]]
        return self.normed(F.conv2d(x, weight, None, stride, pad, groups=groups), f"{name}.{self.norm}")

    def normed(self, x: Tensor, name: str) -> Tensor:
        parts = [self.held[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts, eps=self.eps).relu()

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x.mean((2, 3)), self.held[f"{name}.weight"], self.held[f"{name}.bias"])

    def through(self, x: Tensor, name: str, steps: int) -> Tensor:
        for step in range(steps):
            x = self.active(x, f"{name}.{step}")
        return x


def run_bn_inception(net: Held, x: Tensor) -> Tensor:
    x = F.conv2d(x, net.held["conv1.0.0.weight"], None, 2, 3, groups=3)
    x = net.normed(F.conv2d(x, net.held["conv1.0.1.weight"]), "conv1.1")
    x = net.through(F.max_pool2d(x, 3, 2, ceil_mode=True), "conv2", 2)
    x = F.max_pool2d(x, 3, 2, ceil_mode=True)
    for name in ("3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        module = f"inception{name}"
        halves = name in ("3c", "4e")
        three = net.active(x, f"{module}.reduce3")
        double = net.active(net.active(x, f"{module}.reduce33"), f"{module}.conv33.0")
        parts = [net.active(three, f"{module}.conv3", 2 if halves else 1)]
        parts.append(net.active(double, f"{module}.conv33.1", 2 if halves else 1))
        if halves:
            parts.append(F.max_pool2d(x, 3, 2, ceil_mode=True))
        else:
            pooled = F.max_pool2d(x, 3, 1, 1) if name == "5b" else F.avg_pool2d(x, 3, 1, 1)
            parts = [net.active(x, f"{module}.conv1"), *parts, net.active(pooled, f"{module}.proj")]
        x = torch.cat(parts, 1)
    return net.linear(x, "linear")


def test_bn_inception_computes_its_figure():
    module = randomised("bn_inception", (3, 64, 64), classes=10)
    x = image(3, 64, 64)
    with torch.inference_mode():
        net = Held(module.weights(), "0", "1", 1e-5)
        assert_equal(module(x)[0], run_bn_inception(net, x))


def run_residual(net: Held, x: Tensor, name: str, steps: list[int], factor: float) -> Tensor:
    """Towers of so many convolutions, then the 1x1 without batch norm."""
    parts = [net.active(x, f"{name}.branch0")]
    parts += [net.through(x, f"{name}.branch{number}", count) for number, count in enumerate(steps, 1)]
    back = F.conv2d(torch.cat(parts, 1), net.held[f"{name}.conv2d.weight"], net.held[f"{name}.conv2d.bias"])
    return (x + factor * back).relu()


def run_inception_resnet_v1(net: Held, x: Tensor) -> Tensor:
    x = net.active(x, "conv2d_1a", 2, padded=False)
    x = net.active(net.active(x, "conv2d_2a", padded=False), "conv2d_2b")
    x = net.active(F.max_pool2d(x, 3, 2), "conv2d_3b")
    x = net.active(net.active(x, "conv2d_4a", padded=False), "conv2d_4b", 2, padded=False)
    for number in range(5):
        x = run_residual(net, x, f"repeat.{number}", [2, 3], 0.17)
    last = net.active(net.through(x, "mixed_6a.branch1", 2), "mixed_6a.branch1.2", 2, padded=False)
    pooled = F.max_pool2d(x, 3, 2)
    x = torch.cat([net.active(x, "mixed_6a.branch0", 2, padded=False), last, pooled], 1)
    for number in range(10):
        x = run_residual(net, x, f"repeat_1.{number}", [3], 0.1)
    parts = []
    for branch, before in (("branch0", 1), ("branch1", 1), ("branch2", 2)):
        name = f"mixed_7a.{branch}"
        parts.append(net.active(net.through(x, name, before), f"{name}.{before}", 2, padded=False))
    x = torch.cat([*parts, F.max_pool2d(x, 3, 2)], 1)
    for number in range(5):
        x = run_residual(net, x, f"repeat_2.{number}", [3], 0.2)
    return net.linear(x, "classif")


def test_inception_resnet_v1_computes_its_figures():
    module = randomised("inception_resnet_v1", (3, 139, 139), classes=10)
    x = image(3, 139, 139)
    with torch.inference_mode():
        net = Held(module.weights(), "conv", "bn", 1e-3)
        assert_equal(module(x)[0], run_inception_resnet_v1(net, x))
