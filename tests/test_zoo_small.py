"""word2vec, residual attention, CSPDarknet: names of weights, counts added up anew, forward passes in plain
PyTorch."""

from __future__ import annotations

import pytest
import torch
from published import Weights, Work, assert_equal, conv, counted, linear, norm, randomised, run, weights
from torch import Tensor
from torch.nn import functional as F

# --- word2vec ---


@pytest.mark.parametrize(("net", "words"), [("skipgram", 1), ("cbow", 4)])
def test_word2vec_scores_every_word_by_its_product_with_the_average_vector(net, words):
    module = randomised(net, None, vocab=50, dim=6)
    held = module.weights()
    context = torch.randint(0, 50, (2, words), generator=torch.Generator().manual_seed(1))
    output = "context" if net == "skipgram" else "word"
    with torch.inference_mode():
        (scores,) = module(context)
        expected = held["projection.weight"][context].mean(1) @ held[f"{output}.weight"].T
    assert_equal(scores, expected)


# --- residual attention ---


def count_units(work: Work, width: int, size: int, units: int, entering: int | None = None) -> None:
    """Pre-activation bottlenecks. Where another width enters the first projects; past the stem it halves."""
    for _ in range(units):
        work.norm(entering or 4 * width)
        work.conv(1, entering or 4 * width, width, size * (2 if entering and entering > 64 else 1))
        work.norm(width)
        work.conv(3, width, width, size)
        work.norm(width)
        work.conv(1, width, 4 * width, size)
        if entering:
            work.conv(1, entering, 4 * width, size)
            entering = None


@pytest.mark.parametrize(("net", "modules"), [("attention56", (1, 1, 1)), ("attention92", (1, 2, 3))])
def test_attention_counts_as_its_table(net, modules):
    work, entering = Work(), 64
    work.conv(7, 3, 64, 112)
    work.norm(64)
    for stage, repeats in enumerate(modules):
        width, size, levels = 64 * 2**stage, 56 // 2**stage, 3 - stage
        count_units(work, width, size, 1, entering)
        entering = 4 * width
        for _ in range(repeats):
            count_units(work, width, size, 1 + 2 + 1)  # p, t, p
            for level in range(1, levels):  # down, the skip, up
                count_units(work, width, size // 2**level, 3)
            count_units(work, width, size // 2**levels, 2)
            for _ in range(2):
                work.norm(entering)
                work.conv(1, entering, entering, size)
    count_units(work, 512, 7, 3, entering)
    work.norm(2048)
    work.fc(2048, 1000)
    assert counted(net) == work.total


def test_attention_computes_one_plus_mask_times_trunk():
    x, net, (output,) = run("attention56", 3, 64, 64, classes=10)

    def active(x: Tensor, name: str) -> Tensor:
        return net.norm(x, name).relu()

    def unit(x: Tensor, name: str, stride: int = 1) -> Tensor:
        y = active(x, f"{name}.bn1")
        shortcut = x
        if f"{name}.downsample.weight" in net.held:
            shortcut = net.conv(y, f"{name}.downsample", stride)
        y = active(net.conv(y, f"{name}.conv1"), f"{name}.bn2")
        y = active(net.conv(y, f"{name}.conv2", stride), f"{name}.bn3")
        return net.conv(y, f"{name}.conv3") + shortcut

    def hourglass(x: Tensor, name: str, levels: int) -> Tensor:
        down = unit(F.max_pool2d(x, 3, 2, ceil_mode=True), f"{name}.down")
        if levels > 1:
            down = unit(down, f"{name}.skip") + hourglass(down, f"{name}.inner", levels - 1)
        return F.interpolate(unit(down, f"{name}.up"), size=x.shape[2:], mode="bilinear")

    x = F.max_pool2d(active(net.conv(x, "conv1", 2), "bn1"), 3, 2, ceil_mode=True)
    for stage in (1, 2, 3):
        x = unit(x, f"unit{stage}", 1 if stage == 1 else 2)
        module = f"stage{stage}.0"
        x = unit(x, f"{module}.first")
        trunk = unit(unit(x, f"{module}.trunk.0"), f"{module}.trunk.1")
        mask = hourglass(x, f"{module}.mask.0", 4 - stage)
        for step in (1, 2):
            mask = net.conv(active(mask, f"{module}.mask.{step}.0"), f"{module}.mask.{step}.2")
        x = unit((1 + mask.sigmoid()) * trunk, f"{module}.last")
    x = unit(unit(unit(x, "unit4.0", 2), "unit4.1"), "unit4.2")
    assert_equal(output, net.fc(active(x, "bn2").mean((2, 3)), "fc"))


# --- CSPDarknet ---


def test_cspdarknet53_has_the_weights_of_timm():
    def layer(name: str, out: int, entering: int, window: int) -> Weights:
        return conv(f"{name}.conv", out, entering, window) | norm(f"{name}.bn", out)

    known = layer("stem.conv1", 32, 3, 3)
    entering = 32
    for stage, (width, repeats) in enumerate([(64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)]):
        half, inner = (64, 32) if stage == 0 else (width // 2, width // 2)
        name = f"stages.{stage}"
        known |= layer(f"{name}.conv_down", width, entering, 3)
        known |= layer(f"{name}.conv_exp", 2 * half, width, 1)
        for block in range(repeats):
            known |= layer(f"{name}.blocks.{block}.conv1", inner, half, 1)
            known |= layer(f"{name}.blocks.{block}.conv2", half, inner, 3)
        known |= layer(f"{name}.conv_transition_b", half, half, 1)
        known |= layer(f"{name}.conv_transition", width, 2 * half, 1)
        entering = width
    assert weights("cspdarknet53") == known | linear("head.fc", 1000, 1024)
