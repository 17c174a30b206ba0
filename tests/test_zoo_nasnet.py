"""NASNet-A, cell by cell from figure 4 of the paper: its weights by the names of timm, its multiply-adds."""

from __future__ import annotations

import pytest
from published import Work, counted, weights

LARGE = {"n": 6, "filters": 4032, "stem": 96, "size": 331, "skip": True}
MOBILE = {"n": 4, "filters": 1056, "stem": 32, "size": 224, "skip": False}
NETS = {"nasnet_a_large": LARGE, "nasnet_a_mobile": MOBILE}
NORMAL = [
    ("0_left", 5, "h"),
    ("0_right", 3, "p"),
    ("1_left", 5, "p"),
    ("1_right", 3, "p"),
    ("4_left", 3, "h"),
]
REDUCTION = [
    ("0_left", 5, "h"),
    ("0_right", 7, "p"),
    ("1_right", 7, "p"),
    ("2_right", 5, "p"),
    ("4_left", 3, "a"),
]
"""The separable convolutions: their windows, and which hidden state they read."""


class Cells(Work):
    """What cells, and their convolutions with batch norm, add."""

    def squeeze(self, name: str, out: int, entering: int, size: int) -> None:
        self.conv(1, entering, out, size, name=f"{name}.conv")
        self.norm(out, f"{name}.bn")

    def separable(self, name: str, out: int, entering: int, window: int, size: int) -> None:
        for number, channels in ((1, entering), (2, out)):
            part = f"{name}.separable_{number}"
            self.conv(window, 1, channels, size, name=f"{part}.depthwise_conv2d")
            self.conv(1, channels, out, size, name=f"{part}.pointwise_conv2d")
            self.norm(out, f"{name}.bn_sep_{number}")

    def cell(self, name, f, older, newer, reduces, fit=True):
        """What leaves a cell: its channels and size. `older` and `newer` are those of its inputs."""
        channels = {"h": f, "a": f, "p": f if fit else older[0]}
        size = newer[1]
        if older[1] > size:
            for path in ("path_1", "path_2"):
                self.conv(1, older[0], f // 2, size, name=f"{name}.{path}.conv")
            self.norm(f, f"{name}.final_path_bn")
        elif fit:
            self.squeeze(f"{name}.conv_prev_1x1", f, older[0], size)
        self.squeeze(f"{name}.conv_1x1", f, newer[0], size)
        size = (size + 1) // 2 if reduces else size
        for part, window, state in REDUCTION if reduces else NORMAL:
            self.separable(f"{name}.comb_iter_{part}", f, channels[state], window, size)
        return (4 if reduces else 6) * f, size


def count(n: int, filters: int, stem: int, size: int, skip: bool) -> Work:
    f = filters // 24
    found = Cells()
    size = (size - 1) // 2
    found.conv(3, 3, stem, size, name="conv0.conv")
    found.norm(stem, "conv0.bn")
    states = [(stem, size)] * 2
    for number, share in enumerate((4, 2)):
        name = f"cell_stem_{number}"
        states.append(found.cell(name, f // share, *states[-2:], reduces=True, fit=number > 0))
    for stage in range(3):
        if stage:
            older, newer = states[-2:]
            reduced = found.cell(f"reduction_cell_{stage - 1}", f << stage, older, newer, reduces=True)
            states += [older if skip else newer, reduced]
        for number in range(stage * n, stage * n + n):
            states.append(found.cell(f"cell_{number}", f << stage, *states[-2:], reduces=False))
    found.fc(states[-1][0], 1000, "last_linear")
    assert states[-1][0] == filters
    return found


@pytest.mark.parametrize("net", NETS)
def test_weights_and_multiply_adds_are_those_of_the_cells(net):
    expected = count(**NETS[net])
    assert weights(net) == expected.weights
    assert counted(net) == expected.total
