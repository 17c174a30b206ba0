"""BN-Inception and Inception-ResNet-v1, which no package has, compute what their papers describe.

Each forward pass is written again in plain PyTorch, on the same random weights.
"""

from __future__ import annotations

import pytest
import torch
from published import Layers, assert_equal, run
from torch import Tensor
from torch.nn import functional as F


class Units(Layers):
    """A convolution, its batch norm and a ReLU, by one name; `parts` are those of the first two in it."""

    def __init__(self, held: dict[str, Tensor], parts: tuple[str, str], eps: float) -> None:
        super().__init__(held)
        self.parts, self.eps = parts, eps

    def active(self, x: Tensor, name: str, stride: int = 1, pad: int | None = None) -> Tensor:
        conv, norm = (f"{name}.{part}" for part in self.parts)
        return self.norm(self.conv(x, conv, stride, pad=pad), norm, self.eps).relu()

    def through(self, x: Tensor, name: str, steps: int) -> Tensor:
        for step in range(steps):
            x = self.active(x, f"{name}.{step}")
        return x


def run_bn_inception(net: Units, x: Tensor) -> Tensor:
    x = net.conv(net.conv(x, "conv1.0.0", 2, groups=3), "conv1.0.1")
    x = net.norm(x, "conv1.1").relu()
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
    return net.fc(x.mean((2, 3)), "linear")


def run_residual(net: Units, x: Tensor, name: str, steps: list[int], factor: float) -> Tensor:
    """Towers of so many convolutions, then the 1x1 without batch norm."""
    parts = [net.active(x, f"{name}.branch0")]
    parts += [net.through(x, f"{name}.branch{number}", count) for number, count in enumerate(steps, 1)]
    return (x + factor * net.conv(torch.cat(parts, 1), f"{name}.conv2d")).relu()


def run_inception_resnet_v1(net: Units, x: Tensor) -> Tensor:
    x = net.active(x, "conv2d_1a", 2, pad=0)
    x = net.active(net.active(x, "conv2d_2a", pad=0), "conv2d_2b")
    x = net.active(F.max_pool2d(x, 3, 2), "conv2d_3b")
    x = net.active(net.active(x, "conv2d_4a", pad=0), "conv2d_4b", 2, pad=0)
    for number in range(5):
        x = run_residual(net, x, f"repeat.{number}", [2, 3], 0.17)
    last = net.active(net.through(x, "mixed_6a.branch1", 2), "mixed_6a.branch1.2", 2, pad=0)
    pooled = F.max_pool2d(x, 3, 2)
    x = torch.cat([net.active(x, "mixed_6a.branch0", 2, pad=0), last, pooled], 1)
    for number in range(10):
        x = run_residual(net, x, f"repeat_1.{number}", [3], 0.1)
    parts = []
    for branch, before in (("branch0", 1), ("branch1", 1), ("branch2", 2)):
        name = f"mixed_7a.{branch}"
        parts.append(net.active(net.through(x, name, before), f"{name}.{before}", 2, pad=0))
    x = torch.cat([*parts, F.max_pool2d(x, 3, 2)], 1)
    for number in range(5):
        x = run_residual(net, x, f"repeat_2.{number}", [3], 0.2)
    return net.fc(x.mean((2, 3)), "classif")


@pytest.mark.parametrize(
    ("name", "size", "parts", "eps", "forward"),
    [
        ("bn_inception", 64, ("0", "1"), 1e-5, run_bn_inception),
        ("inception_resnet_v1", 139, ("conv", "bn"), 1e-3, run_inception_resnet_v1),
    ],
)
def test_nets_compute_their_figures(name, size, parts, eps, forward):
    x, net, (output,) = run(name, 3, size, size, classes=10)
    assert_equal(output, forward(Units(net.held, parts, eps), x))
