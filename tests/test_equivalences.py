"""Forms that the papers call equal: the weights of one bundled net, mapped onto another, and the same outputs."""

from __future__ import annotations

import pytest
import torch
from interpreter import Interpreter
from published import Layers, assert_equal, image, randomised
from torch import Tensor


def load(net: Interpreter, held: dict[str, Tensor]) -> None:
    """`held`, which has each weight of the net in its shape, becomes the net's weights."""
    own = net.weights()
    assert {name: tensor.shape for name, tensor in own.items()} == {
        name: tensor.shape for name, tensor in held.items()
    }
    for name, tensor in own.items():
        tensor.copy_(held[name])


# --- Xception, figures 2 to 4 ---


def join_towers(held: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of towers of a 1x1 and a 3x3, as those of one 1x1 and one grouped 3x3: filters side by side."""
    gathered: dict[str, list[Tensor]] = {}
    for name, tensor in held.items():
        module, _, step, rest = name.split(".", 3)
        gathered.setdefault(f"{module}.{('pointwise', 'spatial')[int(step)]}.{rest}", []).append(tensor)
    return {name: torch.cat(parts) if parts[0].dim() else parts[0] for name, parts in gathered.items()}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("n", "width"), [(1, 8), (3, 4), (4, 3), (12, 1)])
def test_inception_towers_are_a_wide_1x1_and_a_3x3_on_segments(n, width, training):
    towers = randomised("xception_towers", None, n=n, width=width)
    segments = randomised("xception_segments", None, n=n, width=width)
    x = image(64, 19, 19)
    load(segments, join_towers(towers.weights()))
    with torch.no_grad():
        assert_equal(segments.train(training)(x)[0], towers.train(training)(x)[0])


def test_the_extreme_form_is_a_separable_convolution_with_its_1x1_first():
    """A tower for each channel; on the other side the 1x1, then one filter for each of its channels alone."""
    towers = randomised("xception_towers", None, n=12, width=1)
    extreme = randomised("xception_extreme", None, n=4, width=3)
    x = image(64, 19, 19)
    load(extreme, join_towers(towers.weights()))
    net = Layers(extreme.weights())
    with torch.no_grad():
        assert_equal(extreme(x)[0], towers(x)[0])
        y = net.norm(net.conv(x, "module.pointwise.0"), "module.pointwise.1").relu()
        y = net.norm(net.conv(y, "module.spatial.0", groups=12), "module.spatial.1").relu()
        assert_equal(y, towers(x)[0])
