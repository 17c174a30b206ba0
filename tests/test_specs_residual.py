"""The residual families, MobileNet and FractalNet: published weights, and counts by a second formula."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from published import Weights, conv, counted, facts, linear, norm, weights

RESNETS = {
    "resnet18": (1, [2, 2, 2, 2], 11_689_512, 1_814_073_344),
    "resnet34": (1, [3, 4, 6, 3], 21_797_672, 3_663_761_408),
    "resnet50": (4, [3, 4, 6, 3], 25_557_032, 4_089_184_256),
    "resnet101": (4, [3, 4, 23, 3], 44_549_160, 7_801_405_440),
    "resnet152": (4, [3, 8, 36, 3], 60_192_808, 11_513_626_624),
}
"""Expansion and repeats; parameters and multiply-adds of torchvision's models."""

DENSENETS = {
    "densenet121": (32, [6, 12, 24, 16], 7_978_856, 2_834_161_664),
    "densenet161": (48, [6, 12, 36, 24], 28_681_000, 7_727_907_072),
    "densenet169": (32, [6, 12, 32, 32], 14_149_480, 3_359_843_328),
    "densenet201": (32, [6, 12, 48, 32], 20_013_928, 4_291_365_888),
    "densenet264": (32, [6, 12, 64, 48], None, None),
}
"""Growth and repeats; parameters and multiply-adds of torchvision's models, which lack the last."""

RESNEXTS = {
    "resnext50": (32, 4),
    "resnext50_1x64d": (1, 64),
    "resnext50_2x40d": (2, 40),
    "resnext50_4x24d": (4, 24),
    "resnext50_8x14d": (8, 14),
}
"""Xie et al. 2017, Table 3: cardinality and the width of a path."""


# --- names and shapes of published weights ---


def stages(expansion: int, depths: list[int]) -> Iterator[tuple[str, int, int, bool]]:
    """Of each block: its name, width, the channels that enter, and whether it projects its shortcut."""
    entering = 64
    for stage, depth in enumerate(depths):
        for index in range(depth):
            width = 64 * 2**stage
            yield f"layer{stage + 1}.{index}", width, entering, entering != expansion * width
            entering = expansion * width


def bottleneck(name: str, width: int, entering: int, out: int, groups: int = 1) -> Weights:
    known = conv(f"{name}.conv1", width, entering, 1) | norm(f"{name}.bn1", width)
    known |= conv(f"{name}.conv2", width, width // groups, 3) | norm(f"{name}.bn2", width)
    return known | conv(f"{name}.conv3", out, width, 1) | norm(f"{name}.bn3", out)


def shortcut(name: str, entering: int, out: int) -> Weights:
    return conv(f"{name}.downsample.0", out, entering, 1) | norm(f"{name}.downsample.1", out)


@pytest.mark.parametrize("net", RESNETS)
def test_resnets_have_the_weights_of_torchvision(net):
    expansion, depths, *_ = RESNETS[net]
    known = conv("conv1", 64, 3, 7) | norm("bn1", 64)
    for name, width, entering, projects in stages(expansion, depths):
        if expansion == 4:
            known |= bottleneck(name, width, entering, 4 * width)
        else:
            known |= conv(f"{name}.conv1", width, entering, 3) | norm(f"{name}.bn1", width)
            known |= conv(f"{name}.conv2", width, width, 3) | norm(f"{name}.bn2", width)
        if projects:
            known |= shortcut(name, entering, expansion * width)
    assert weights(net) == known | linear("fc", 1000, 512 * expansion)


def test_resnext50_has_the_weights_of_torchvision():
    known = conv("conv1", 64, 3, 7) | norm("bn1", 64)
    for name, width, entering, projects in stages(4, [3, 4, 6, 3]):
        known |= bottleneck(name, 2 * width, entering, 4 * width, groups=32)
        if projects:
            known |= shortcut(name, entering, 4 * width)
    assert weights("resnext50") == known | linear("fc", 1000, 2048)


@pytest.mark.parametrize("ratio", [2, 4, 8, 16, 32])
def test_se_resnet50_has_the_weights_of_timm(ratio):
    known = conv("layer0.conv1", 64, 3, 7) | norm("layer0.bn1", 64)
    for name, width, entering, projects in stages(4, [3, 4, 6, 3]):
        known |= bottleneck(name, width, entering, 4 * width)
        known |= conv(f"{name}.se_module.fc1", 4 * width // ratio, 4 * width, 1, bias=True)
        known |= conv(f"{name}.se_module.fc2", 4 * width, 4 * width // ratio, 1, bias=True)
        if projects:
            known |= shortcut(name, entering, 4 * width)
    net = "se_resnet50" if ratio == 16 else f"se_resnet50_r{ratio}"
    assert weights(net) == known | linear("last_linear", 1000, 2048)


@pytest.mark.parametrize("net", DENSENETS)
def test_densenets_have_the_weights_of_torchvision(net):
    growth, depths, *_ = DENSENETS[net]
    channels = 2 * growth
    known = conv("features.conv0", channels, 3, 7) | norm("features.norm0", channels)
    for block, depth in enumerate(depths, 1):
        for layer in range(1, depth + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            known |= norm(f"{name}.norm1", channels) | conv(f"{name}.conv1", 4 * growth, channels, 1)
            known |= norm(f"{name}.norm2", 4 * growth) | conv(f"{name}.conv2", growth, 4 * growth, 3)
            channels += growth
        if block < len(depths):
            name = f"features.transition{block}"
            known |= norm(f"{name}.norm", channels) | conv(f"{name}.conv", channels // 2, channels, 1)
            channels //= 2
    known |= norm("features.norm5", channels)
    assert weights(net) == known | linear("classifier", 1000, channels)


# --- totals, published and by formulas written a second way ---


@pytest.mark.parametrize("net", [*RESNETS, *DENSENETS])
def test_torchvisions_models_count_as_published(net):
    *_, params, macs = {**RESNETS, **DENSENETS}[net]
    if params is not None:
        assert counted(net) == (params, macs)


def sum_convolutions(*layers: tuple[int, int, int, int]) -> tuple[int, int]:
    """Parameters and multiply-adds of convolutions with batch norm: (window, channels that a filter reads,
    channels out, size of the output)."""
    params = sum(k * k * entering * out + 2 * out for k, entering, out, _ in layers)
    return params, sum(k * k * entering * out * size * size for k, entering, out, size in layers)


def plus(counts: tuple[int, int], params: int, macs: int) -> tuple[int, int]:
    return counts[0] + params, counts[1] + macs


def residual_layers(
    depths: list[int], inner: int, groups: int, first: bool
) -> list[tuple[int, int, int, int]]:
    """The convolutions of a net of bottlenecks whose first stage is `inner` wide; `first`: the first 1x1 has
    the stride."""
    layers, entering, size = [(7, 3, 64, 112)], 64, 56
    for stage, depth in enumerate(depths):
        width, out = inner * 2**stage, 256 * 2**stage
        for index in range(depth):
            smaller = size // 2 if stage and not index else size
            layers.append((1, entering, width, smaller if first else size))
            layers += [(3, width // groups, width, smaller), (1, width, out, smaller)]
            if not index:
                layers.append((1, entering, out, smaller))
            entering, size = out, smaller
    return layers


@pytest.mark.parametrize("net", ["resnet50_v1", "resnet101_v1", "resnet152_v1"])
def test_resnets_of_the_paper_stride_in_the_first_convolution(net):
    depths = RESNETS[net.removesuffix("_v1")][1]
    expected = sum_convolutions(*residual_layers(depths, 64, 1, first=True))
    assert counted(net) == plus(expected, 2048 * 1000 + 1000, 2048 * 1000)


@pytest.mark.parametrize("net", RESNEXTS)
def test_resnexts_count_by_cardinality_and_width(net):
    cardinality, width = RESNEXTS[net]
    expected = sum_convolutions(*residual_layers([3, 4, 6, 3], cardinality * width, cardinality, first=False))
    assert counted(net) == plus(expected, 2048 * 1000 + 1000, 2048 * 1000)


@pytest.mark.parametrize(("net", "depths"), [("plain18", [2, 2, 2, 2]), ("plain34", [3, 4, 6, 3])])
def test_plain_nets_count_as_their_convolutions(net, depths):
    layers, entering = [(7, 3, 64, 112)], 64
    for stage, depth in enumerate(depths):
        for _ in range(2 * depth):
            layers.append((3, entering, 64 * 2**stage, 56 // 2**stage))
            entering = 64 * 2**stage
    expected = plus(sum_convolutions(*layers), 512 * 1000 + 1000, 512 * 1000)
    assert counted(net) == expected
    if net == "plain34":
        assert counted("resnet34_a") == expected


def test_the_projections_of_options_b_and_c_are_what_they_add():
    growing = [(1, 64, 128, 28), (1, 128, 256, 14), (1, 256, 512, 7)]
    others = [
        (1, c, c, size)
        for c, size, n in ((64, 56, 3), (128, 28, 3), (256, 14, 5), (512, 7, 2))
        for _ in range(n)
    ]
    plain = counted("plain34")
    assert counted("resnet34") == plus(plain, *sum_convolutions(*growing))
    assert counted("resnet34_c") == plus(plain, *sum_convolutions(*growing, *others))


def test_resnet200_counts_as_its_paper():
    """A pre-activation unit normalises what enters it and its two inner maps, not what leaves."""
    layers = residual_layers([3, 24, 36, 3], 64, 1, first=False)
    params, macs = sum_convolutions(*layers)
    params += 2 * 2048  # the last units put out maps of 2048, which one batch norm reads
    for stage, depth in enumerate([3, 24, 36, 3]):
        out = 256 * 2**stage
        params -= 2 * out * (depth + 1)  # bn after the last 1x1 of each unit, and after the projection
        params += 2 * out * (depth - 1) + (
            out if stage else 0
        )  # bn before the first; a stage's first has half
    assert counted("resnet200") == (params + 2048 * 1000 + 1000, macs + 2048 * 1000)


@pytest.mark.parametrize("net", DENSENETS)
def test_densenets_count_by_growth_and_repeats(net):
    growth, depths, *_ = DENSENETS[net]
    channels, size = 2 * growth, 56
    params, macs = 49 * 3 * channels + 2 * channels, 49 * 3 * channels * 112**2
    for block, depth in enumerate(depths):
        for _ in range(depth):
            weight = 4 * growth * channels + 9 * 4 * growth * growth
            params += weight + 2 * channels + 8 * growth
            macs += weight * size**2
            channels += growth
        if block < 3:
            params += channels * channels // 2 + 2 * channels
            macs += channels * channels // 2 * size**2
            channels, size = channels // 2, size // 2
    assert counted(net) == (params + 2 * channels + channels * 1000 + 1000, macs + channels * 1000)


@pytest.mark.parametrize("alpha", [1, 0.75, 0.5, 0.25])
@pytest.mark.parametrize("size", [224, 192, 160, 128])
def test_mobilenets_count_by_the_formula_of_their_paper(alpha, size):
    widths = [64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    entering, map_size = int(32 * alpha), size // 2
    layers = [(3, 3, entering, map_size)]
    for width, stride in zip(widths, strides, strict=True):
        map_size //= stride
        layers += [(3, 1, entering, map_size), (1, entering, int(width * alpha), map_size)]
        entering = int(width * alpha)
    total = facts("mobilenet_v1", alpha=alpha, size=size).total
    expected = plus(sum_convolutions(*layers), entering * 1000 + 1000, entering * 1000)
    assert (total.params, total.macs) == expected


def test_fractalnet_counts_seven_convolutions_a_block():
    layers, entering, size = [], 3, 32
    for width in (64, 128, 256, 512, 512):
        layers += [(3, entering, width, size)] * 3 + [(3, width, width, size)] * 4
        entering, size = width, size // 2
    assert counted("fractalnet20") == plus(sum_convolutions(*layers), 512 * 10 + 10, 512 * 10)
