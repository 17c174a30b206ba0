"""The small and odd nets: what their papers' widths, written down anew, make of parameters and multiply-adds."""

from __future__ import annotations

import pytest
from published import counted, facts, weights


class Work:
    """Parameters and multiply-adds, added up layer by layer."""

    def __init__(self) -> None:
        self.params = self.macs = 0

    def conv(self, window: int, entering: int, out: int, size: int, bias: bool = False) -> None:
        """`size`: that of the map which leaves."""
        self.params += window * window * entering * out + bias * out
        self.macs += window * window * entering * out * size * size

    def norm(self, width: int) -> None:
        self.params += 2 * width

    def fc(self, entering: int, out: int) -> None:
        self.conv(1, entering, out, 1, bias=True)

    @property
    def total(self) -> tuple[int, int]:
        return self.params, self.macs


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
