"""The Inception nets: names and shapes of published weights, and totals, both from tables of their towers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest
from published import Weights, conv, counted, linear, norm, weights


class Conv(NamedTuple):
    name: str
    window: tuple[int, int]
    entering: int
    out: int
    size: int
    """Of the map that it puts out."""
    normalised: bool = True
    """Else it has a bias."""


def tower(name: str, entering: int, size: int, steps: str, start: int = 0) -> Iterator[Conv]:
    """Convolutions in a row, `1x1 64, 3x3/2 96`, which `{}` in the name numbers. A stride: no padding."""
    for number, step in enumerate(steps.split(", "), start):
        window, out = step.split()
        window, _, stride = window.partition("/")
        high, wide = map(int, window.split("x"))
        size = (size - high) // int(stride) + 1 if stride else size
        yield Conv(name.format(number), (high, wide), entering, int(out), size)
        entering = int(out)


def module(name: str, entering: int, size: int, table: dict[str, str], start: int = 0) -> list[Conv]:
    """Towers side by side."""
    return [
        step
        for label, steps in table.items()
        for step in tower(f"{name}.{label}", entering, size, steps, start)
    ]


def start_of_v3(*names: str) -> list[Conv]:
    rows = [(3, 299, "3x3/2 32"), (32, 149, "3x3/1 32"), (32, 147, "3x3 64"), (64, 73, "1x1 80")]
    rows.append((80, 73, "3x3/1 192"))
    return [step for name, row in zip(names, rows, strict=True) for step in tower(name, *row)]


# --- the nets ---


def inception_v3() -> list[Conv]:
    found = start_of_v3("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
    for letter, entering, pool in (("b", 192, 32), ("c", 256, 64), ("d", 288, 64)):
        table = {"branch1x1": "1x1 64", "branch5x5_{}": "1x1 48, 5x5 64", "branch_pool": f"1x1 {pool}"}
        table["branch3x3dbl_{}"] = "1x1 64, 3x3 96, 3x3 96"
        found += module(f"Mixed_5{letter}", entering, 35, table, 1)
    table = {"branch3x3": "3x3/2 384", "branch3x3dbl_{}": "1x1 64, 3x3 96, 3x3/2 96"}
    found += module("Mixed_6a", 288, 35, table, 1)
    for letter, mid in zip("bcde", (128, 160, 160, 192), strict=True):
        table = {"branch1x1": "1x1 192", "branch_pool": "1x1 192"}
        table["branch7x7_{}"] = f"1x1 {mid}, 1x7 {mid}, 7x1 192"
        table["branch7x7dbl_{}"] = f"1x1 {mid}, 7x1 {mid}, 1x7 {mid}, 7x1 {mid}, 1x7 192"
        found += module(f"Mixed_6{letter}", 768, 17, table, 1)
    table = {"branch3x3_{}": "1x1 192, 3x3/2 320"}
    table["branch7x7x3_{}"] = "1x1 192, 1x7 192, 7x1 192, 3x3/2 192"
    found += module("Mixed_7a", 768, 17, table, 1)
    for letter, entering in (("b", 1280), ("c", 2048)):
        name = f"Mixed_7{letter}"
        table = {"branch1x1": "1x1 320", "branch3x3_1": "1x1 384", "branch_pool": "1x1 192"}
        found += module(name, entering, 8, {**table, "branch3x3dbl_{}": "1x1 448, 3x3 384"}, 1)
        fork = {"branch3x3_2a": "1x3 384", "branch3x3_2b": "3x1 384"}
        fork |= {"branch3x3dbl_3a": "1x3 384", "branch3x3dbl_3b": "3x1 384"}
        found += module(name, 384, 8, fork)
    return found


def inception_v4() -> list[Conv]:
    found = [*tower("features.{}", 3, 299, "3x3/2 32, 3x3/1 32, 3x3 64")]
    found += tower("features.3.conv", 64, 147, "3x3/2 96")
    table = {"branch0.{}": "1x1 64, 3x3/1 96", "branch1.{}": "1x1 64, 1x7 64, 7x1 64, 3x3/1 96"}
    found += [*module("features.4", 160, 73, table), *tower("features.5.conv", 192, 71, "3x3/2 192")]
    table = {"branch0": "1x1 96", "branch1.{}": "1x1 64, 3x3 96", "branch3.1": "1x1 96"}
    table["branch2.{}"] = "1x1 64, 3x3 96, 3x3 96"
    for number in range(6, 10):
        found += module(f"features.{number}", 384, 35, table)
    table = {"branch0": "3x3/2 384", "branch1.{}": "1x1 192, 3x3 224, 3x3/2 256"}
    found += module("features.10", 384, 35, table)
    table = {"branch0": "1x1 384", "branch1.{}": "1x1 192, 1x7 224, 7x1 256", "branch3.1": "1x1 128"}
    table["branch2.{}"] = "1x1 192, 7x1 192, 1x7 224, 7x1 224, 1x7 256"
    for number in range(11, 18):
        found += module(f"features.{number}", 1024, 17, table)
    table = {"branch0.{}": "1x1 192, 3x3/2 192", "branch1.{}": "1x1 256, 1x7 256, 7x1 320, 3x3/2 320"}
    found += module("features.18", 1024, 17, table)
    for number in range(19, 22):
        name = f"features.{number}"
        table = {"branch0": "1x1 256", "branch1_0": "1x1 384", "branch3.1": "1x1 256"}
        found += module(name, 1536, 8, {**table, "branch2_{}": "1x1 384, 3x1 448, 1x3 512"})
        found += module(name, 384, 8, {"branch1_1a": "1x3 256", "branch1_1b": "3x1 256"})
        found += module(name, 512, 8, {"branch2_3a": "1x3 256", "branch2_3b": "3x1 256"})
    return found


def residual(name: str, entering: int, size: int, table: dict[str, str]) -> list[Conv]:
    """Towers, and the 1x1 that puts back as many channels as entered."""
    found = module(name, entering, size, table)
    joined = sum(int(steps.rpartition(" ")[2]) for steps in table.values())
    return [*found, Conv(f"{name}.conv2d", (1, 1), joined, entering, size, normalised=False)]


def inception_resnet(version: int) -> list[Conv]:
    names = [f"conv2d_{name}" for name in ("1a", "2a", "2b", "3b", "4a")]
    found, v1 = start_of_v3(*names), version == 1
    if v1:
        found += tower("conv2d_4b", 192, 71, "3x3/2 256")
    else:
        table = {"branch0": "1x1 96", "branch1.{}": "1x1 48, 5x5 64", "branch3.1": "1x1 64"}
        found += module("mixed_5b", 192, 35, {**table, "branch2.{}": "1x1 64, 3x3 96, 3x3 96"})
    width = 256 if v1 else 320
    last = "1x1 32, 3x3 32, 3x3 32" if v1 else "1x1 32, 3x3 48, 3x3 64"
    table = {"branch0": "1x1 32", "branch1.{}": "1x1 32, 3x3 32", "branch2.{}": last}
    for number in range(5 if v1 else 10):
        found += residual(f"repeat.{number}", width, 35, table)
    k, m, n = (192, 256, 384) if v1 else (256, 384, 384)
    table = {"branch0": f"3x3/2 {n}", "branch1.{}": f"1x1 {k}, 3x3 {k}, 3x3/2 {m}"}
    found += module("mixed_6a", width, 35, table)
    width += m + n
    mid, out = (128, 128) if v1 else (160, 192)
    table = {"branch0": f"1x1 {out}", "branch1.{}": f"1x1 128, 1x7 {mid}, 7x1 {out}"}
    for number in range(10 if v1 else 20):
        found += residual(f"repeat_1.{number}", width, 17, table)
    mid, out = (256, 256) if v1 else (288, 320)
    table = {"branch0.{}": "1x1 256, 3x3/2 384", "branch1.{}": f"1x1 256, 3x3/2 {mid}"}
    found += module("mixed_7a", width, 17, {**table, "branch2.{}": f"1x1 256, 3x3 {mid}, 3x3/2 {out}"})
    width += 384 + mid + out
    mid, out = (192, 192) if v1 else (224, 256)
    table = {"branch0": "1x1 192", "branch1.{}": f"1x1 192, 1x3 {mid}, 3x1 {out}"}
    for name in [f"repeat_2.{number}" for number in range(5 if v1 else 9)] + ["block8"] * (not v1):
        found += residual(name, width, 8, table)
    return found if v1 else [*found, *tower("conv2d_7b", width, 8, "1x1 1536")]


NETS = {
    "inception_v3": (inception_v3(), "fc", 2048),
    "inception_v4": (inception_v4(), "last_linear", 1536),
    "inception_resnet_v1": (inception_resnet(1), "classif", 1792),
    "inception_resnet_v2": (inception_resnet(2), "classif", 1536),
}


def held(convs: Iterable[Conv]) -> Weights:
    known: Weights = {}
    for name, window, entering, out, _, normalised in convs:
        if normalised:
            known |= {f"{name}.conv.weight": (out, entering, *window)} | norm(f"{name}.bn", out)
        else:
            known |= conv(name, out, entering, 1, bias=True)
    return known


def total(convs: Iterable[Conv], features: int) -> tuple[int, int]:
    """Parameters and multiply-adds, with a classifier of 1000."""
    params, macs = 1000 * features + 1000, 1000 * features
    for _, (high, wide), entering, out, size, normalised in convs:
        params += high * wide * entering * out + (2 if normalised else 1) * out
        macs += high * wide * entering * out * size * size
    return params, macs


@pytest.mark.parametrize("net", NETS)
def test_inception_nets_have_the_published_weights(net):
    convs, classifier, features = NETS[net]
    known = held(convs) | linear(classifier, 1000, features)
    if net == "inception_v3":
        known |= held([*tower("AuxLogits.conv{}", 768, 5, "1x1 128, 5x5/1 768")])
        known |= linear("AuxLogits.fc", 1000, 768)
    assert weights(net) == known


@pytest.mark.parametrize("net", NETS)
def test_inception_nets_count_as_their_towers(net):
    convs, _, features = NETS[net]
    assert counted(net) == total(convs, features)


BN_INCEPTION = [
    (192, 28, 64, 64, 64, 64, 96, 32),
    (256, 28, 64, 64, 96, 64, 96, 64),
    (320, 28, 0, 128, 160, 64, 96, 0),
    (576, 14, 224, 64, 96, 96, 128, 128),
    (576, 14, 192, 96, 128, 96, 128, 128),
    (576, 14, 160, 128, 160, 128, 160, 128),
    (608, 14, 96, 128, 192, 160, 192, 128),
    (608, 14, 0, 128, 192, 192, 256, 0),
    (1056, 7, 352, 192, 320, 160, 224, 128),
    (1024, 7, 352, 192, 320, 192, 224, 128),
]
"""Ioffe and Szegedy 2015, figure 5: channels and size that enter a module, its columns; 0 where it halves."""


def test_bn_inception_counts_as_its_figure():
    first, depthwise = Conv("", (7, 7), 3, 64, 112), 7 * 7 * 24
    convs = [*tower("", 64, 56, "1x1 64, 3x3 192")]
    for entering, size, c1, c3r, c3, d3r, d3, proj in BN_INCEPTION:
        half = size // (1 if c1 else 2)
        convs += [Conv("", (1, 1), entering, out, size) for out in (c1, proj, c3r, d3r) if out]
        convs += [Conv("", (3, 3), c3r, c3, half), Conv("", (3, 3), d3r, d3, size)]
        convs.append(Conv("", (3, 3), d3, d3, half))
    params, macs = total([Conv("", (1, 1), 24, 64, 112), *convs], 1024)
    assert counted("bn_inception") == (params + depthwise, macs + depthwise * 112 * 112)
    biases = sum(conv.out for conv in [first, *convs])
    # what the Caffe model holds, as its ports to PyTorch count it
    assert total([first, *convs], 1024)[0] + biases == 11_295_240


def separable(name: str, out: int, entering: int) -> Weights:
    return conv(f"{name}.conv1", entering, 1, 3) | conv(f"{name}.pointwise", out, entering, 1)


def test_xception_has_the_weights_of_timm():
    known = conv("conv1", 32, 3, 3) | norm("bn1", 32) | conv("conv2", 64, 32, 3) | norm("bn2", 64)
    entering = 64
    flow = [(128, 128), (256, 256), (728, 728), *[(728, 728, 728)] * 8, (728, 1024)]
    for number, widths in enumerate(flow, 1):
        block = f"block{number}"
        if len(widths) == 2:
            known |= conv(f"{block}.skip", widths[1], entering, 1) | norm(f"{block}.skipbn", widths[1])
        for place, width in zip(range(number > 1, 9, 3), widths, strict=False):
            known |= separable(f"{block}.rep.{place}", width, entering)
            known |= norm(f"{block}.rep.{place + 1}", width)
            entering = width
    for number, width in ((3, 1536), (4, 2048)):
        known |= separable(f"conv{number}", width, entering) | norm(f"bn{number}", width)
        entering = width
    assert weights("xception") == known | linear("fc", 1000, 2048)
