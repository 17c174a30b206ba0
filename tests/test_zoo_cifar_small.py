"""Small nets for CIFAR: what their papers' widths make of parameters and multiply-adds, added up anew, and
what their modules compute, against forward passes in plain PyTorch."""

from __future__ import annotations

import pytest
import torch
from published import Work, assert_equal, counted, facts, run
from torch import Tensor
from torch.nn import functional as F

# --- DenseNet for CIFAR ---

DENSE = {
    "densenet40_k12": (12, 12, False, 1_019_722),
    "densenet100_k12": (32, 12, False, 6_979_642),
    "densenet100_k24": (32, 24, False, 27_249_082),
    "densenet_bc100_k12": (16, 12, True, 769_162),
    "densenet_bc250_k24": (41, 24, True, 15_324_406),
    "densenet_bc190_k40": (31, 40, True, 25_624_430),
}
"""Layers of a block, growth rate, with bottleneck and compression; the parameters."""


@pytest.mark.parametrize("net", DENSE)
def test_densenet_counts_as_its_section_says(net):
    layers, growth, compressed, params = DENSE[net]
    work = Work()
    width = 2 * growth if compressed else 16
    work.conv(3, 3, width, 32)
    for block, size in enumerate((32, 16, 8)):
        if block:
            leaving = width // 2 if compressed else width
            work.norm(width)
            work.conv(1, width, leaving, 2 * size)
            width = leaving
        for _ in range(layers):
            entering = width
            work.norm(entering)
            if compressed:
                work.conv(1, entering, 4 * growth, size)
                work.norm(4 * growth)
                entering = 4 * growth
            work.conv(3, entering, growth, size)
            width += growth
    work.norm(width)
    work.fc(width, 10)
    assert counted(net) == work.total
    assert work.params == params


def test_densenet_has_dropout_behind_each_convolution_but_the_first():
    names = [node.op.name for node in facts("densenet_bc100_k12").graph]
    assert "dropout" not in names
    dropped = [node.op.name for node in facts("densenet_bc100_k12", drop=0.2).graph]
    assert [name for name in dropped if name != "dropout"] == names
    assert dropped.count("dropout") == names.count("conv") - 1


# --- maxout ---


def largest(x: Tensor, pieces: int) -> Tensor:
    return torch.stack([x[:, piece::pieces] for piece in range(pieces)]).amax(0)


def test_maxout_counts_as_the_authors_configuration():
    """pylearn2's pools count windows that reach over the border: 33 gives 16, 15 gives 7, 9 gives 5."""
    work = Work()
    work.conv(8, 3, 2 * 96, 32 + 2 * 4 - 8 + 1, bias=True)
    work.conv(8, 96, 2 * 192, 16 + 2 * 3 - 8 + 1, bias=True)
    work.conv(5, 192, 2 * 192, 7 + 2 * 3 - 5 + 1, bias=True)
    work.fc(192 * 5 * 5, 5 * 500)
    work.fc(500, 10)
    assert counted("maxout_cifar") == work.total


def test_maxout_computes_what_the_authors_configuration_says():
    """There the pool comes before the maximum over the pieces, which changes nothing."""
    x, net, (output,) = run("maxout_cifar", 3, 32, 32)
    for name, pad, window in (("h0", 4, 4), ("h1", 3, 4), ("h2", 3, 2)):
        x = F.max_pool2d(net.conv(x, f"{name}.0", pad=pad), window, 2, ceil_mode=True)
        x = largest(x, 2)
    x = largest(net.fc(x, "h3.0"), 5)
    assert_equal(output, net.fc(x, "y"))


FITNETS = {
    "fitnet1": [(16, 16, 16), (32, 32, 32), (48, 48, 64)],
    "fitnet2": [(16, 32, 32), (48, 64, 80), (96, 96, 128)],
    "fitnet19": [(32, 32, 32, 48, 48), (80, 80, 80, 80, 80, 80), (128, 128, 128, 128, 128, 128)],
}


@pytest.mark.parametrize("net", FITNETS)
def test_fitnets_count_as_their_table(net):
    work, entering = Work(), 3
    for size, widths in zip((32, 16, 8), FITNETS[net], strict=True):
        for width in widths:
            work.conv(3, entering, 2 * width, size, bias=True)
            entering = width
    work.fc(128 if net != "fitnet1" else 64, 2 * 500)
    work.fc(500, 10)
    assert counted(net) == work.total


# --- Network In Network with companions ---


def test_dsn_is_network_in_network_but_for_a_pool_the_last_relu_and_three_heads():
    (theirs, ours), trained = (counted(net) for net in ("nin_cifar10", "dsn_cifar")), facts("dsn_cifar")
    assert ours == theirs
    heads = [port for port in trained.graph.outputs if port.weight is not None]
    assert [port.name for port in heads] == ["svm1", "svm2", "svm3"]
    read = [trained.graph[trained.graph.inputs(port.node)[0]] for port in heads]
    assert [node.name for node in read] == ["conv1", "conv2", "conv3"]  # before the ReLU, as the authors' are
    assert trained.total.params - ours[0] == sum(192 * size * size * 10 + 10 for size in (32, 16, 8))


# --- highway ---

HIGHWAYS = {
    "highway19": [(32, [3] * 4, 32), (80, [3] * 5, 16), (128, [3] * 5, 8)],
    "highway32": [
        (width, [1, 3, 1, 3, 1, 3, 1, 3, 1], size) for width, size in [(48, 32), (64, 16), (88, 8)]
    ],
}
"""Width, windows of the highway layers and size of each stage."""


@pytest.mark.parametrize("net", HIGHWAYS)
def test_highway_layers_have_two_convolutions_each(net):
    work, entering = Work(), 3
    for width, windows, size in HIGHWAYS[net]:
        work.conv(3, entering, width, size, bias=True)
        for window in [*windows, *windows]:
            work.conv(window, width, width, size, bias=True)
        entering = width
    work.conv(1, entering, 100, 8, bias=True)
    work.fc(100, 10)
    assert counted(net) == work.total


def test_highway_computes_equation_3():
    x, net, (output,) = run("highway19", 3, 32, 32)
    for stage, (_, windows, _) in enumerate(HIGHWAYS["highway19"], 1):
        x = net.conv(x, f"stage{stage}.0").relu()
        for child in range(2, 2 + len(windows)):
            name = f"stage{stage}.{child}"
            gate = (net.conv(x, f"{name}.t.0") - 2).sigmoid()
            x = net.conv(x, f"{name}.h.0").relu() * gate + x * (1 - gate)
        x = F.max_pool2d(x, 2) if stage < 3 else x
    x = net.conv(x, "head").relu().mean((2, 3))
    assert_equal(output, net.fc(x, "fc"))


# --- All-CNN ---


def test_all_cnn_c_counts_as_table_2():
    work, entering = Work(), 3
    rows = [(3, 96, 32), (3, 96, 32), (3, 96, 16), (3, 192, 16), (3, 192, 16), (3, 192, 8)]
    for window, width, size in [*rows, (3, 192, 6), (1, 192, 6), (1, 10, 6)]:
        work.conv(window, entering, width, size, bias=True)
        entering = width
    assert counted("all_cnn_c") == work.total
