"""The nets from LeNet-5 to GoogLeNet: what their modules compute, against forward passes in plain PyTorch."""

from __future__ import annotations

import pytest
import torch
from published import assert_equal, run
from torch import Tensor
from torch.nn import functional as F


def lrn(x: Tensor) -> Tensor:
    return F.local_response_norm(x, 5, k=2)


def alexnet_lrn(x: Tensor) -> Tensor:
    """Section 3.3: 1e-4 is the factor of the sum; PyTorch's `alpha` is that of the mean."""
    squares = x * x
    neighbours = [squares[:, max(0, i - 2) : i + 3].sum(1) for i in range(x.shape[1])]
    return x / (2 + 1e-4 * torch.stack(neighbours, 1)) ** 0.75


def pool(x: Tensor, ceil: bool = False) -> Tensor:
    """Overlapping windows, 3x3/2."""
    return F.max_pool2d(x, 3, 2, ceil_mode=ceil)


def test_lenet5_computes_what_the_paper_describes():
    x, net, (output,) = run("lenet5", 1, 32, 32)
    x = F.avg_pool2d(net.conv(x, "c1", pad=0).tanh(), 2)
    x = F.avg_pool2d(net.conv(x, "c3", pad=0).tanh(), 2)
    x = net.fc(net.conv(x, "c5", pad=0).tanh(), "f6").tanh()
    assert_equal(output, net.fc(x, "f7"))


@pytest.mark.parametrize("pool_first", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_alexnet_2012_computes_what_the_paper_describes(groups, pool_first):
    """At 67x67, where a sixteenth of the weights stand between the convolutions and `fc6`."""
    x, net, (output,) = run("alexnet_2012", 3, 67, 67, groups=groups, pool_first=pool_first, classes=10)
    normalise = (lambda x: alexnet_lrn(pool(x))) if pool_first else (lambda x: pool(alexnet_lrn(x)))
    x = normalise(net.conv(x, "conv1", stride=4, pad=0).relu())
    x = normalise(net.conv(x, "conv2", groups=groups).relu())
    x = net.conv(net.conv(x, "conv3").relu(), "conv4", groups=groups).relu()
    x = pool(net.conv(x, "conv5", groups=groups).relu())
    x = net.fc(net.fc(x, "fc6").relu(), "fc7").relu()
    assert_equal(output, net.fc(x, "fc8"))


def test_zfnet_computes_what_the_paper_describes():
    x, net, (output,) = run("zfnet", 3, 64, 64, c3=24, c4=40, c5=24, classes=10)
    x = lrn(pool(net.conv(x, "conv1", stride=2, pad=1).relu(), ceil=True))
    x = lrn(pool(net.conv(x, "conv2", stride=2, pad=0).relu(), ceil=True))
    for name in ("conv3", "conv4", "conv5"):
        x = net.conv(x, name).relu()
    x = net.fc(pool(x, ceil=True), "fc6").relu()
    assert_equal(output, net.fc(net.fc(x, "fc7").relu(), "fc8"))


def test_nin_computes_what_the_paper_describes():
    x, net, (output,) = run("nin_cifar10", 3, 32, 32)

    def mlpconv(x: Tensor, number: int) -> Tensor:
        for step in range(3):
            x = net.conv(x, f"mlpconv{number}.{step}.0").relu()
        return x

    x = pool(mlpconv(x, 1), ceil=True)
    x = F.avg_pool2d(mlpconv(x, 2), 3, 2, ceil_mode=True)
    assert_equal(output, mlpconv(x, 3).mean((2, 3)))


def test_googlenet_computes_what_the_paper_describes():
    x, net, outputs = run("googlenet", 3, 224, 224)

    def cr(x: Tensor, name: str, stride: int = 1) -> Tensor:
        return net.conv(x, f"{name}.0", stride).relu()

    def inception(x: Tensor, name: str) -> Tensor:
        branches = [
            cr(x, f"{name}.conv1"),
            cr(cr(x, f"{name}.reduce3"), f"{name}.conv3"),
            cr(cr(x, f"{name}.reduce5"), f"{name}.conv5"),
            cr(F.max_pool2d(x, 3, 1, 1), f"{name}.proj"),
        ]
        return torch.cat(branches, 1)

    def head(x: Tensor, name: str) -> Tensor:
        x = cr(F.avg_pool2d(x, 5, 3), f"{name}.conv")
        return net.fc(net.fc(x, f"{name}.fc1").relu(), f"{name}.fc2")

    x = lrn(pool(cr(x, "conv1", stride=2), ceil=True))
    x = pool(lrn(cr(cr(x, "conv2.0"), "conv2.1")), ceil=True)
    x = pool(inception(inception(x, "inception3a"), "inception3b"), ceil=True)
    x = inception(x, "inception4a")
    aux1 = head(x, "aux1")
    for name in ("inception4b", "inception4c", "inception4d"):
        x = inception(x, name)
    aux2 = head(x, "aux2")
    x = pool(inception(x, "inception4e"), ceil=True)
    x = inception(inception(x, "inception5a"), "inception5b").mean((2, 3))
    for ours, theirs in zip(outputs, [net.fc(x, "linear"), aux1, aux2], strict=True):
        assert_equal(ours, theirs)
