"""Forms that the papers call equal: the weights of one net, mapped onto another, and the same outputs."""

from __future__ import annotations

import re

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
    """The weights of towers of 1x1 and 3x3, as those of one 1x1 and one grouped 3x3: filters side by side."""
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


# --- 1x1 convolutions over what is joined; fully connected layers ---

JOINED = """
net joined {
    input maps: 6x9x9
    concat { for i in range(3) { tower[i]: conv(3x3, 4 + i) -> relu } }
    joint: conv(1x1, 10)
}

net summed {
    input maps: 6x9x9
    add { for i in range(3) { tower[i]: { conv(3x3, 4 + i); relu; joint: conv(1x1, 10, bias=i == 0) } } }
}
"""


def test_a_1x1_over_a_concatenation_is_a_sum_of_1x1s(tmp_path):
    """Each member has as many of its columns as channels."""
    path = tmp_path / "joined.net"
    path.write_text(JOINED, encoding="utf-8")
    joined, summed = (randomised(f"{path}:{net}", None) for net in ("joined", "summed"))
    held = joined.weights()
    columns = held.pop("joint.weight").split([4, 5, 6], 1)
    held |= {f"tower{i}.joint.weight": part for i, part in enumerate(columns)}
    held["tower0.joint.bias"] = held.pop("joint.bias")
    load(summed, held)
    x = image(6, 9, 9)
    with torch.no_grad():
        assert_equal(summed(x)[0], joined(x)[0])


LENETS = """
net dense {
    input image: 1x32x32
    c1: conv(5x5, 6, pad=0);  tanh; avgpool(2x2)
    c3: conv(5x5, 16, pad=0); tanh; avgpool(2x2)
    c5: fc(120); tanh
    f6: fc(84);  tanh
    f7: fc(10)
}

net convolved {
    input image: 1x32x32
    c1: conv(5x5, 6, pad=0);   tanh; avgpool(2x2)
    c3: conv(5x5, 16, pad=0);  tanh; avgpool(2x2)
    c5: conv(5x5, 120, pad=0); tanh
    f6: conv(1x1, 84);         tanh
    f7: conv(1x1, 10)
}
"""


@pytest.fixture
def lenets(tmp_path):
    """LeNet-5, with a convolution on its last map and fully connected layers; and with one kind alone."""
    path = tmp_path / "lenets.net"
    path.write_text(LENETS, encoding="utf-8")
    bundled = randomised("lenet5", None)
    dense, convolved = (randomised(f"{path}:{net}", None) for net in ("dense", "convolved"))
    for net in (dense, convolved):
        own = net.weights()
        load(net, {name: tensor.reshape(own[name].shape) for name, tensor in bundled.weights().items()})
    return bundled, dense, convolved


def test_a_fully_connected_layer_is_a_convolution_on_the_last_map(lenets):
    bundled, dense, convolved = lenets
    x = image(1, 32, 32)
    with torch.no_grad():
        assert_equal(dense(x)[0], bundled(x)[0])
        assert_equal(convolved(x)[0].flatten(1), bundled(x)[0])


def test_a_net_of_convolutions_does_at_every_place_of_a_larger_image_what_it_does_to_a_window(lenets):
    bundled, _, convolved = lenets
    x = image(1, 40, 36)
    with torch.no_grad():
        scores = convolved(x)[0]
        assert scores.shape[2:] == (3, 2)
        for row in range(3):
            for column in range(2):
                window = x[:, :, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
                assert_equal(scores[:, :, row, column], bundled(window)[0])


# --- AlexNet, figure 2 ---


def test_two_towers_are_two_groups_of_filters():
    """The upper tower's filters and maps come first. Where a tower reads only its own, they are a group."""
    groups = randomised("alexnet_2012", (3, 83, 67), classes=10)
    towers = randomised("alexnet_towers", (3, 83, 67), classes=10)
    halves: dict[str, list[Tensor]] = {}
    for name, tensor in towers.weights().items():
        halves.setdefault(re.sub(r"\.(top|bottom)\.", ".", name), []).append(tensor)
    assert sorted(map(len, halves.values())) == [1] * 2 + [2] * 14  # all layers but the last
    load(groups, {name: torch.cat(parts) for name, parts in halves.items()})
    x = image(3, 83, 67)
    with torch.no_grad():
        assert_equal(groups(x)[0], towers(x)[0])


# --- ResNeXt, figure 3 ---

PATHS = 32


def part(held: dict[str, Tensor], form: str) -> dict[str, Tensor]:
    """The weights of figure 3(c), a grouped convolution, as those of 32 paths: the filters of a group are a
    path's. In 3(a) a path also has the columns of the last 1x1 that read it, in 3(b) these stay together."""
    found: dict[str, Tensor] = {}
    for name, tensor in held.items():
        inner = re.fullmatch(r"(layer\d\.\d+)\.(conv[12]|bn[12])\.(\w+)", name)
        last = re.fullmatch(r"(layer\d\.\d+)\.conv3\.weight", name)
        if inner is not None:
            place = "0." if form == "branches" else ""
            pieces = tensor.chunk(PATHS) if tensor.dim() else [tensor] * PATHS
            found |= {f"{inner[1]}.paths.{j}.{place}{inner[2]}.{inner[3]}": p for j, p in enumerate(pieces)}
        elif last is not None and form == "branches":
            found |= {f"{last[1]}.paths.{j}.1.weight": p for j, p in enumerate(tensor.chunk(PATHS, 1))}
        else:
            found[name] = tensor
    return found


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("form", ["concat", "branches"])
def test_the_three_forms_of_resnext_are_one_function(form, training):
    """Blocks with and without a projection, with the stride and without it."""
    size, settings = (3, 64, 64), {"depths": [2, 1, 1, 1], "classes": 10}
    grouped = randomised("resnext50", size, **settings)
    paths = randomised(f"resnext50_{form}", size, **settings)
    load(paths, part(grouped.weights(), form))
    x = image(*size)
    with torch.no_grad():
        assert_equal(paths.train(training)(x)[0], grouped.train(training)(x)[0])
