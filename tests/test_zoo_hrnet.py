"""HRNet-W18 against timm: the names and shapes of its weights, resolution by resolution."""

from __future__ import annotations

from published import Weights, conv, linear, norm, weights

WIDTHS = (18, 36, 72, 144)


def conv_norm(name: str, out: int, entering: int, window: int, bias: bool = False) -> Weights:
    return {**conv(f"{name}.0", out, entering, window, bias), **norm(f"{name}.1", out)}


def basic(name: str, width: int) -> Weights:
    found = {**conv(f"{name}.conv1", width, width, 3), **norm(f"{name}.bn1", width)}
    return {**found, **conv(f"{name}.conv2", width, width, 3), **norm(f"{name}.bn2", width)}


def bottleneck(name: str, entering: int, width: int) -> Weights:
    found: Weights = {}
    for number, (source, out, window) in enumerate(
        ((entering, width, 1), (width, width, 3), (width, 4 * width, 1)), 1
    ):
        found |= {**conv(f"{name}.conv{number}", out, source, window), **norm(f"{name}.bn{number}", out)}
    return {
        **found,
        **(conv_norm(f"{name}.downsample", 4 * width, entering, 1) if entering != 4 * width else {}),
    }


def exchange(name: str, count: int) -> Weights:
    """A block with `count` resolutions: what each sends to each."""
    found: Weights = {}
    for i in range(count):
        for unit in range(4):
            found |= basic(f"{name}.branches.{i}.{unit}", WIDTHS[i])
        for j in range(count):
            path = f"{name}.fuse_layers.{i}.{j}"
            if j > i:
                found |= conv_norm(path, WIDTHS[i], WIDTHS[j], 1)
            for step in range(i - j):
                out = WIDTHS[i] if step == i - j - 1 else WIDTHS[j]
                found |= conv_norm(f"{path}.{step}", out, WIDTHS[j], 3)
    return found


def test_weights_are_the_published_ones():
    expected = {**conv("conv1", 64, 3, 3), **norm("bn1", 64), **conv("conv2", 64, 64, 3), **norm("bn2", 64)}
    for unit in range(4):
        expected |= bottleneck(f"layer1.{unit}", 256 if unit else 64, 64)
    expected |= conv_norm("transition1.0", 18, 256, 3) | conv_norm("transition1.1.0", 36, 256, 3)
    expected |= conv_norm("transition2", 72, 36, 3) | conv_norm("transition3", 144, 72, 3)
    for stage, blocks in ((2, 1), (3, 4), (4, 3)):
        for block in range(blocks):
            expected |= exchange(f"stage{stage}.{block}", stage)
    for i, width in enumerate(WIDTHS):
        expected |= bottleneck(f"incre_modules.{i}.0", width, 32 << i)
        if i:
            expected |= conv_norm(f"downsamp_modules{i - 1}", 128 << i, 64 << i, 3, bias=True)
    expected |= conv_norm("final_layer", 2048, 1024, 1, bias=True) | linear("classifier", 1000, 2048)
    assert weights("hrnet_w18") == expected
