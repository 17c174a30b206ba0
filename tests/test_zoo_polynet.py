"""Very Deep PolyNet: its parameters counted in two ways, and what a poly-3 module computes."""

from __future__ import annotations

from pathlib import Path

import torch
from interpreter import Interpreter
from published import Layers, assert_equal, counted, image
from torch import Tensor

from netc import driver
from netc.dsl.source import Source
from netc.files import Spec

A = ([(384, 32, 1), (32, 48, 9), (48, 64, 9)], [(384, 32, 1), (32, 32, 9)], [(384, 32, 1)], [(128, 384, 1)])
B = ([(1152, 128, 1), (128, 160, 7), (160, 192, 7)], [(1152, 192, 1)], [(384, 1152, 1)])
C = ([(2048, 192, 1), (192, 224, 3), (224, 256, 3)], [(2048, 192, 1)], [(448, 2048, 1)])
"""The paths of the residual blocks, the last one behind them: channels in and out, places of the window."""
STEM = [
    (3, 32, 9),
    (32, 32, 9),
    (32, 64, 9),
    (64, 96, 9),
    (160, 64, 1),
    (64, 96, 9),
    (160, 64, 1),
    (64, 64, 7),
]
STEM += [(64, 64, 7), (64, 96, 9), (192, 192, 9)]
REDUCTION_A = [(384, 256, 1), (256, 256, 9), (256, 384, 9), (384, 384, 9)]
REDUCTION_B = [(1152, 256, 1), (256, 256, 9), (256, 256, 9), (1152, 256, 1), (256, 256, 9), (1152, 256, 1)]
REDUCTION_B += [(256, 384, 9)]


def convolutions(layers):
    return sum(entering * out * places for entering, out, places in layers)


def norms(layers):
    return sum(2 * out for _, out, _ in layers)


def test_parameters_layer_by_layer():
    total = convolutions(STEM + REDUCTION_A + REDUCTION_B) + norms(STEM + REDUCTION_A + REDUCTION_B)
    total += 2048 * 1000 + 1000
    for block, pairs, polys in ((A, 10, 0), (B, 10, 10), (C, 5, 5)):
        shared = [layer for path in block[:-1] for layer in path]
        total += 2 * pairs * (convolutions(shared + block[-1]) + norms(shared + block[-1]))
        total += polys * (
            convolutions(shared) + 3 * (norms(shared) + convolutions(block[-1]) + norms(block[-1]))
        )
    assert counted("polynet")[0] == total


def test_parameters_as_an_inception_resnet_without_what_is_shared():
    """Every term of every module as a block of its own, less two sets of convolutions in each poly-3."""
    everywhere = STEM + REDUCTION_A + REDUCTION_B
    for block, terms in ((A, 20), (B, 50), (C, 25)):
        everywhere += terms * [layer for path in block for layer in path]
    saved = 2 * (10 * (1152 * 320 + 7 * 160 * 320) + 5 * (2048 * 384 + 3 * 224 * 448))
    assert counted("polynet")[0] == convolutions(everywhere) + norms(everywhere) + 2049 * 1000 - saved


def test_poly_3_is_the_sum_of_the_powers_of_one_block():
    source = Source(
        "main.net", "use polynet (poly_3)\nnet main { input: 6x5x7; unit: poly_3(4, 3, 3, 2, 0.9) }"
    )
    compiled = driver.compile(Spec(source, "main", Path())).compiled
    assert compiled is not None
    module = Interpreter(compiled.training.graph).double().eval()
    held = {name.removeprefix("unit."): tensor for name, tensor in module.weights().items()}
    generator = torch.Generator().manual_seed(0)
    for tensor in held.values():
        if tensor.is_floating_point():
            tensor.uniform_(0.2, 0.8, generator=generator)
    layers = Layers(held)

    def block(x: Tensor, power: int) -> Tensor:
        """The block F, with the batch norms of its `power`."""
        path = x
        for number, name in enumerate(("conv_1x1", "conv_1xn", "conv_nx1"), 4 * power - 3):
            path = layers.norm(layers.conv(path, name), f"bn{number}").relu()
        beside = layers.norm(layers.conv(x, "beside"), f"bn{4 * power}").relu()
        joined = torch.cat([path, beside], 1)
        return layers.norm(layers.conv(joined, f"power{power}.0"), f"power{power}.1")

    x = image(6, 5, 7)
    first = block(x, 1)
    second = block(first.relu(), 2)
    third = block(second.relu(), 3)
    (ours,) = module(x)
    assert_equal(ours, (x + 0.9 * (first + second + third)).relu())
