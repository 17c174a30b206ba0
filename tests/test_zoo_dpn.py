"""Dual path networks against timm: the names and shapes of their weights, from Table 1 of the paper."""

from __future__ import annotations

import pytest
from published import Weights, conv, norm, weights

NETS = {
    "dpn68": ((3, 4, 12, 3), (16, 32, 32, 64), 128, 64, (3, 10), 32),
    "dpn92": ((3, 4, 20, 3), (16, 32, 24, 128), 96, 256, (7, 64), 32),
    "dpn131": ((4, 8, 28, 3), (16, 32, 32, 128), 160, 256, (7, 128), 40),
}
"""Blocks of the stages, what each adds to the dense path; the inner and the residual width at first; the
window and the channels of the first convolution; groups."""


def bn_conv(name: str, out: int, entering: int, window: int = 1, groups: int = 1) -> Weights:
    return {**norm(f"{name}.bn", entering), **conv(f"{name}.conv", out, entering // groups, window)}


def published(depths, growth, inner, width, first, groups) -> Weights:
    window, stem = first
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
    assert weights(net) == published(*NETS[net])
