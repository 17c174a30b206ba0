"""ShuffleNet: torchvision's weights of the second version; the first, which no package has, written again
from its paper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from published import Layers, Weights, assert_equal, conv, counted, linear, norm, run, weights
from torch import Tensor
from torch.nn import functional as F

WIDTHS = {
    "shufflenet_v2_x0_5": (48, 96, 192, 1024),
    "shufflenet_v2_x1_0": (116, 232, 464, 1024),
    "shufflenet_v2_x1_5": (176, 352, 704, 1024),
    "shufflenet_v2_x2_0": (244, 488, 976, 2048),
}
"""Ma et al. 2018, Table 5: the channels of stages 2 to 4 and of the last convolution."""

STAGE2 = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Zhang et al. 2018, Table 1: the channels of stage 2 by the number of groups."""


# --- the second version ---


def conv_norm(name: str, index: int, out: int, entering: int, window: int = 1) -> Weights:
    """A convolution and its batch norm, which follows it in a sequence."""
    return conv(f"{name}.{index}", out, entering, window) | norm(f"{name}.{index + 1}", out)


@pytest.mark.parametrize("net", WIDTHS)
def test_the_second_version_has_the_weights_of_torchvision(net):
    *stages, last = WIDTHS[net]
    known, entering = conv_norm("conv1", 0, 24, 3, 3), 24
    for stage, (width, depth) in enumerate(zip(stages, (4, 8, 4), strict=True), 2):
        half = width // 2
        for unit in range(depth):
            name = f"stage{stage}.{unit}"
            if unit == 0:
                known |= conv_norm(f"{name}.branch1", 0, entering, 1, 3)
                known |= conv_norm(f"{name}.branch1", 2, half, entering)
            known |= conv_norm(f"{name}.branch2", 0, half, half if unit else entering)
            known |= conv_norm(f"{name}.branch2", 3, half, 1, 3)
            known |= conv_norm(f"{name}.branch2", 5, half, half)
        entering = width
    known |= conv_norm("conv5", 0, last, entering)
    assert weights(net) == known | linear("fc", 1000, last)


@pytest.mark.parametrize("net", WIDTHS)
def test_the_second_version_counts_by_its_table(net):
    *stages, last = WIDTHS[net]
    params, macs, entering, size = 27 * 24 + 48, 27 * 24 * 112**2, 24, 28
    for width, depth in zip(stages, (4, 8, 4), strict=True):
        half = width // 2
        # at the larger map, a 1x1; at the smaller one, two depthwise convolutions and two 1x1
        large, small = entering * half, 9 * entering + entering * half + 9 * half + half**2
        params += large + small + 2 * (entering + 4 * half)
        macs += 4 * size**2 * large + size**2 * small
        unit = 2 * half**2 + 9 * half
        params += (depth - 1) * (unit + 6 * half)
        macs += (depth - 1) * size**2 * unit
        entering, size = width, size // 2
    params += entering * last + 2 * last + last * 1000 + 1000
    assert counted(net) == (params, macs + entering * last * 7**2 + last * 1000)


# --- the first version ---


def units(width: int) -> Iterator[tuple[str, bool, int, int, int]]:
    """Of each unit: its name, whether it halves the map, channels that enter and leave, the map's size."""
    entering, size = 24, 28
    for stage, depth in enumerate((4, 8, 4)):
        out = width * 2**stage
        for unit in range(depth):
            yield f"stage{stage + 2}.{unit}", unit == 0, entering, out, size
            entering = out
        size //= 2


@pytest.mark.parametrize("groups", STAGE2)
def test_the_first_version_counts_by_the_formula_of_its_paper(groups):
    """h*w*(2cm/g + 9m) for a unit (section 3.2); its first 1x1 works at the size of what enters."""
    params, macs = 27 * 24 + 48, 27 * 24 * 112**2
    for name, halves, entering, out, size in units(STAGE2[groups]):
        inner, given = out // 4, out - entering if halves else out
        first = entering * inner // (1 if name == "stage2.0" else groups)
        rest = 9 * inner + inner * given // groups
        params += first + rest + 2 * (2 * inner + given)
        macs += (2 * size if halves else size) ** 2 * first + size**2 * rest
    last = 4 * STAGE2[groups]
    expected = (params + last * 1000 + 1000, macs + last * 1000)
    assert counted(f"shufflenet_v1_g{groups}") == expected


@pytest.mark.parametrize("net", ["shufflenet_v1_g3", "se_shufflenet_v1"])
def test_the_first_version_computes_what_its_paper_describes(net):
    x, held, (output,) = run(net, 3, 64, 64, classes=10)
    expected = held.norm(held.conv(x, "conv1.0", 2), "conv1.1").relu()
    expected = F.max_pool2d(expected, 3, 2, 1)
    for name, halves, *_ in units(240):
        expected = shuffle_unit(held, expected, name, halves)
    assert_equal(output, held.fc(expected.mean((2, 3)), "fc"))


def shuffle_unit(net: Layers, x: Tensor, name: str, halves: bool) -> Tensor:
    path = f"{name}.residual"
    y = net.conv(x, f"{path}.reduce.0", groups=1 if name == "stage2.0" else 3)
    y = net.norm(y, f"{path}.reduce.1").relu()
    # the channels in three rows, read by columns
    n, channels, height, width = y.shape
    y = y.reshape(n, 3, channels // 3, height, width).transpose(1, 2).reshape(n, channels, height, width)
    y = net.norm(net.conv(y, f"{path}.dw.0", 2 if halves else 1, groups=channels), f"{path}.dw.1")
    y = net.norm(net.conv(y, f"{path}.expand.0", groups=3), f"{path}.expand.1")
    y = net.excited(y, f"{path}.gate")
    return (torch.cat([F.avg_pool2d(x, 3, 2, 1), y], 1) if halves else x + y).relu()
