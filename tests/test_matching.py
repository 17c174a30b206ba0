"""Which tensor of a foreign checkpoint is which of a net's: by shapes, names and order, never guessed."""

from __future__ import annotations

import random
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import netc
from netc.compiler.matching import match

NETS = [
    "lenet5",
    "resnet18",
    "resnet50",
    "googlenet_tv",
    "densenet121",
    "resnext50_concat",
    "se_resnet50",
    "unet",
]
WORDS = [
    "alpha",
    "beta",
    "stem",
    "head",
    "trunk",
    "unit",
    "gate",
    "left",
    "proj",
    "expand",
    "reduce",
    "shortcut",
]


def shapes_of(net: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = netc.load(net).module().state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


SHAPES = {net: shapes_of(net) for net in NETS}


def renamed(name: str, draw: random.Random, words: dict[str, str]) -> str:
    """Another name for a tensor: each word of its path is another one everywhere, and numbers stay."""
    *path, role = name.split(".")
    return ".".join(
        [*("".join(word(part, draw, words) for part in re.split(r"(\d+)", step)) for step in path), role]
    )


def word(part: str, draw: random.Random, words: dict[str, str]) -> str:
    if not part or part.isdigit():
        return part
    return words.setdefault(part, f"{draw.choice(WORDS)}{chr(97 + len(words))}_")


@pytest.mark.parametrize("net", NETS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_other_names_in_the_same_order_are_found(net, seed):
    draw, words = random.Random(seed), {}
    truth = {name: "module." + renamed(name, draw, words) for name in SHAPES[net]}
    found = match(SHAPES[net], {truth[name]: shape for name, shape in SHAPES[net].items()})
    assert found.fits
    assert found.pairs == truth


@pytest.mark.parametrize("net", NETS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_of_sorted_names_none_is_guessed(net, seed):
    """Safetensors files are sorted: what the order of the modules was is lost. What is found is true, and
    where it does not fit, it is told what is open."""
    draw, words = random.Random(seed), {}
    truth = {name: renamed(name, draw, words) for name in SHAPES[net]}
    found = match(SHAPES[net], dict(sorted((truth[name], shape) for name, shape in SHAPES[net].items())))
    assert all(truth[ours] == theirs for ours, theirs in found.pairs.items())
    assert found.fits == (found.pairs == truth)
    assert not found.ours
    assert not found.theirs


@pytest.mark.parametrize("net", NETS)
def test_names_under_a_prefix_are_found_in_any_order(net):
    names = sorted(SHAPES[net])
    found = match(SHAPES[net], {f"model.{name}": SHAPES[net][name] for name in names})
    assert found.fits
    assert found.pairs == {name: f"model.{name}" for name in SHAPES[net]}


def test_names_and_order_that_disagree_leave_it_open():
    ours = {"conv3.weight": (256, 64, 1, 1), "downsample.weight": (256, 64, 1, 1)}
    theirs = {"down.downsample.weight": (256, 64, 1, 1), "down.conv3.weight": (256, 64, 1, 1)}
    found = match(ours, theirs)
    assert [(one.ours, one.theirs) for one in found.open] == [
        (("conv3.weight", "downsample.weight"), ("down.downsample.weight", "down.conv3.weight"))
    ]


def test_sorted_names_without_numbers_leave_it_open():
    ours = {"query.weight": (8, 8), "key.weight": (8, 8)}
    assert match(ours, {"a.weight": (8, 8), "b.weight": (8, 8)}).open
    assert match(ours, {"b.weight": (8, 8), "a.weight": (8, 8)}).pairs == {
        "query.weight": "b.weight",
        "key.weight": "a.weight",
    }


def test_numbers_are_counted_not_spelled():
    ours = {f"block{i}.weight": (4, 4) for i in range(12)}
    theirs = dict(sorted((f"blocks.{i}.fc.weight", (4, 4)) for i in range(12)))
    assert match(ours, theirs).pairs == {f"block{i}.weight": f"blocks.{i}.fc.weight" for i in range(12)}


def test_a_1x1_convolution_and_one_over_the_whole_map_are_fully_connected_layers():
    ours = {"fc1.weight": (16, 8 * 5 * 5), "fc1.bias": (16,), "fc2.weight": (10, 16), "fc2.bias": (10,)}
    theirs = {"a.weight": (16, 8, 5, 5), "a.bias": (16,), "b.weight": (10, 16, 1, 1), "b.bias": (10,)}
    assert match(ours, theirs).pairs == dict(zip(ours, theirs, strict=True))


def test_what_one_side_lacks_is_told():
    known = SHAPES["resnet18"]
    other = {name: shape if name != "fc.weight" else (10, 512) for name, shape in known.items()}
    other["extra.weight"] = (3, 3)
    found = match(known, other)
    assert (found.pairs, found.open) == ({}, ())
    assert found.ours == ("fc.weight", "fc.bias")
    assert {*found.theirs} == {"fc.weight", "fc.bias", "extra.weight"}
