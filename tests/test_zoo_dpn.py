"""Dual path networks against timm: the names and shapes of their weights, from Table 1 of the paper."""

from __future__ import annotations

import pytest
from published import Weights, conv, norm, weights

DPN68 = {
    "depths": (3, 4, 12, 3),
    "growth": (16, 32, 32, 64),
    "inner": 128,
    "stem": 10,
    "window": 3,
    "width": 64,
}
DPN92 = {
    "depths": (3, 4, 20, 3),
    "growth": (16, 32, 24, 128),
    "inner": 96,
    "stem": 64,
    "window": 7,
    "width": 256,
}
DPN131 = {
    **DPN92,
    "depths": (4, 8, 28, 3),
    "growth": (16, 32, 32, 128),
    "inner": 160,
    "stem": 128,
    "groups": 40,
}
NETS = {"dpn68": DPN68, "dpn92": DPN92, "dpn131": DPN131}


def bn_conv(name: str, out: int, entering: int, window: int = 1, groups: int = 1) -> Weights:
    return {**norm(f"{name}.bn", entering), **conv(f"{name}.conv", out, entering // groups, window)}


def published(depths, growth, inner, stem, window, width, groups=32) -> Weights:
    found = {**conv("features.conv1_1.conv", stem, 3, window), **norm("features.conv1_1.bn", stem)}
    entering = stem
    for stage, (depth, k) in enumerate(zip(depths, growth, strict=True)):
        narrow, residual = inner << stage, width << stage
        for block in range(1, depth + 1):
            name = f"features.conv{stage + 2}_{block}"
            if block == 1:
                found |= bn_conv(f"{name}.c1x1_w_s{2 if stage else 1}", residual + 2 * k, entering)
            found |= bn_conv(f"{name}.c1x1_a", narrow, entering)
            found |= bn_conv(f"{name}.c3x3_b", narrow, narrow, 3, groups)
            found |= bn_conv(f"{name}.c1x1_c", residual + k, narrow)
            entering = residual + (block + 2) * k
    head = conv("classifier", 1000, entering, 1, bias=True)
    return {**found, **norm("features.conv5_bn_ac.bn", entering), **head}


@pytest.mark.parametrize("net", NETS)
def test_weights_are_the_published_ones(net):
    assert weights(net) == published(**NETS[net])
