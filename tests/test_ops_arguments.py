"""Values of the language bound to parameters of layers: what is settled, what is refused in which words."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.ops.arguments import bind, parameters
from netc.ops.base import Reject, Shape, Window
from netc.ops.registry import LAYERS

HALVING = Window((3, 3), (2, 2))
MAP, SEQUENCE, VECTOR = Shape((8, 14, 12)), Shape((8, 20)), Shape((8,))


def settled(name: str, inputs: Any = MAP, /, **values: object) -> Any:
    """The layer, which accepts its inputs too."""
    entering = inputs if isinstance(inputs, list) else [inputs]
    op = bind(LAYERS[name], values, entering)
    op.shape(entering)
    return op


def refusal(name: str, inputs: Any = MAP, /, **values: object) -> Reject:
    with pytest.raises(Reject) as refused:
        settled(name, inputs, **values)
    return refused.value


def test_an_integer_window_has_that_size_in_every_dimension():
    assert settled("conv", MAP, window=3, out=4) == settled("conv", MAP, window=Window((3, 3)), out=4)
    assert settled("conv", SEQUENCE, window=3, out=4).window == Window((3,))
    assert settled("conv", MAP, window=[3, 5], out=4).window == Window((3, 5))


def test_a_stride_is_kept_in_one_place_however_it_was_written():
    in_window = settled("conv", MAP, window=Window((3, 3), (2, 2)), out=4)
    assert in_window == settled("conv", MAP, window=3, out=4, stride=2)
    assert in_window == settled("conv", MAP, window=3, out=4, stride=[2, 2])
    assert settled("conv", MAP, window=Window((3, 3), (2, 1)), out=4).stride == (2, 1)


def test_without_a_stride_convolutions_have_one_and_pools_their_size():
    assert settled("conv", MAP, window=3, out=4).stride == 1
    assert settled("maxpool", MAP, window=3).stride == 3
    assert settled("avgpool", MAP, window=[3, 2]).stride == (3, 2)


@pytest.mark.parametrize(
    ("pad", "expected"),
    [
        ("same", "same"),
        ("tf", "tf"),
        (1, 1),
        ([1, 1], 1),
        ([1, 0], (1, 0)),
        ([[1, 1], [1, 1]], 1),
        ([[1, 1], [0, 0]], (1, 0)),
        ([[-1, 1], [-1, 1]], ((-1, 1), (-1, 1))),
        ([[0, 1], 2], ((0, 1), (2, 2))),
        (Window((1, 0)), (1, 0)),
    ],
)
def test_padding_is_settled_to_its_shortest_form(pad, expected):
    assert settled("conv", MAP, window=3, out=4, pad=pad).pad == expected


@pytest.mark.parametrize("value", [64.0, 64 * (1 + 1e-12)])
def test_a_whole_float_is_a_count(value):
    op = settled("conv", MAP, window=3, out=value)
    assert op.out == 64
    assert type(op.out) is int


@given(st.floats(-1e6, 1e6) | st.integers(-(2**63), 2**63))
def test_a_count_is_whole_and_in_range_or_refused(value):
    whole = round(value) if abs(value - round(value)) <= 1e-9 * max(1, abs(value)) else None
    if whole is not None and whole >= 1:
        assert settled("fc", VECTOR, out=value).out == whole
    else:
        code = refusal("fc", VECTOR, out=value).code
        assert code == ("not-whole" if whole is None else "out-of-range")


class Layer:
    """Something that is no plain value."""


@pytest.mark.parametrize(
    ("name", "values", "code", "blame", "words"),
    [
        ("conv", {"out": 4}, "missing-argument", "window", "window"),
        ("conv", {"window": 3}, "missing-argument", "out", "output channels"),
        ("conv", {"window": 3, "out": 38.4}, "not-whole", "out", "38.4"),
        ("conv", {"window": 3, "out": 0}, "out-of-range", "out", "at least 1"),
        ("conv", {"window": 3, "out": "64"}, "wrong-type", "out", 'the string "64"'),
        ("conv", {"window": 3, "out": True}, "wrong-type", "out", "true"),
        ("conv", {"window": 3, "out": None}, "wrong-type", "out", "none"),
        ("conv", {"window": 3, "out": Layer()}, "wrong-type", "out", "layer"),
        ("conv", {"window": 3, "out": float("nan")}, "wrong-type", "out", "nan"),
        ("conv", {"window": 1.5, "out": 4}, "wrong-type", "window", "quotient"),
        ("conv", {"window": 2.0, "out": 4}, "wrong-type", "window", "quotient"),
        ("conv", {"window": "3x3", "out": 4}, "wrong-type", "window", "3x3"),
        ("conv", {"window": 0, "out": 4}, "out-of-range", "window", "at least 1"),
        ("conv", {"window": [3, 0], "out": 4}, "out-of-range", "window", "at least 1"),
        ("conv", {"window": Window((3,)), "out": 4}, "rank-mismatch", "window", "a map has two"),
        ("conv", {"window": Window((3, 3), (0, 1)), "out": 4}, "out-of-range", "window", "at least 1"),
        (
            "conv",
            {"window": Window((3, 3), (2, 2)), "out": 4, "stride": 2},
            "repeated-argument",
            "stride",
            "3x3/2",
        ),
        ("conv", {"window": 3, "out": 4, "pad": "sane"}, "unknown-choice", "pad", "sane"),
        ("conv", {"window": 3, "out": 4, "pad": [1, 2, 3]}, "rank-mismatch", "pad", "[1, 2, 3]"),
        ("conv", {"window": 3, "out": 4, "pad": [[1, 2, 3], 0]}, "wrong-type", "pad", "this has 3"),
        ("conv", {"window": 3, "out": 4, "bias": 1}, "wrong-type", "bias", "true or false"),
        ("conv", {"window": 3, "out": 4, "filters": 4}, "unknown-parameter", "filters", "`out`"),
        ("conv", {"window": 20, "out": 4, "pad": 0}, "window-too-large", "window", "20x20"),
        ("conv", {"window": 3, "out": 4, "groups": 3}, "indivisible", "groups", "8 input channels"),
        ("conv", {"window": 3, "out": 6, "groups": 4}, "indivisible", "groups", "6 output channels"),
        ("conv", {"window": 1, "out": 4, "pad": -7}, "crop-too-large", "pad", "14 of 14"),
        ("upconv", {"window": 2, "out": 4, "output_pad": 1}, "out-of-range", "output_pad", "less than"),
        ("maxpool", {"window": 3, "pad": 2}, "out-of-range", "pad", "half"),
        ("maxpool", {"window": 15}, "window-too-large", "window", "15x15"),
        ("adaptive", {"window": Window((7, 7), (2, 2))}, "wrong-type", "window", "no stride"),
        ("bn", {"eps": "small"}, "wrong-type", "eps", "small"),
        ("bn", {"momentum": 1.5}, "out-of-range", "momentum", "at most 1"),
        ("dropout", {"p": -0.1}, "out-of-range", "p", "at least 0"),
        ("drop_path", {"p": 1}, "out-of-range", "p", "below 1"),
        ("gn", {"groups": 3}, "indivisible", "groups", "8 channels"),
        ("maxout", {"k": 3}, "indivisible", "k", "8 channels"),
        ("pad", {"n": 1, "mode": "mirror"}, "unknown-choice", "mode", "mirror"),
        ("pad", {"n": 20, "mode": "reflect"}, "out-of-range", "n", "at most 13"),
        ("pad", {"n": -1, "mode": "reflect"}, "out-of-range", "n", "crop"),
        ("resize", {}, "missing-argument", "scale", "like="),
        ("resize", {"scale": 0}, "out-of-range", "scale", "above 0"),
        ("resize", {"scale": 0.01}, "out-of-range", "scale", "nothing"),
        ("resize", {"scale": [2, 2, 2]}, "rank-mismatch", "scale", "[2, 2, 2]"),
        ("resize", {"scale": 2, "mode": "linear"}, "rank-mismatch", "mode", "linear"),
        ("crop", {}, "missing-argument", "like", "like"),
        ("channels", {"a": 2, "b": 9}, "out-of-range", "b", "8 channels"),
        ("channels", {"a": 5, "b": 5}, "out-of-range", "a", "5"),
        ("pad_channels", {"out": 4}, "out-of-range", "out", "8 channels"),
        ("split", {"n": 3}, "indivisible", "n", "8 channels"),
        ("split", {"n": [3, 4]}, "shape-mismatch", "n", "7"),
        ("split", {"n": [3, 0, 5]}, "out-of-range", "n", "at least 1"),
        ("split", {"n": []}, "wrong-type", "n", "a list of them"),
        ("shuffle", {"groups": 3}, "indivisible", "groups", "8 channels"),
        ("reshape", {"shape": [7]}, "shape-mismatch", "shape", "1,344"),
        ("reshape", {"shape": [8, 14, 6, 2]}, "rank-mismatch", "shape", "two"),
        ("scale", {"k": [1, 2]}, "shape-mismatch", "k", "8 channels"),
        ("scale", {"k": "half"}, "wrong-type", "k", "half"),
    ],
)
def test_a_mistake_is_refused_with_its_code_at_its_parameter(name, values, code, blame, words):
    refused = refusal(name, MAP, **values)
    assert (refused.code, refused.blame) == (code, blame)
    assert words in refused.message + refused.help
    assert refused.message[0].islower() or refused.message[0] in "`0123456789"
    assert not refused.message.endswith(".")


@pytest.mark.parametrize(
    ("name", "inputs", "code", "blame"),
    [
        ("add", [MAP, Shape((4, 14, 12))], "shape-mismatch", "input[1]"),
        ("max", [MAP, MAP, VECTOR], "shape-mismatch", "input[2]"),
        ("mul", [MAP, Shape((8, 2, 1))], "shape-mismatch", "input[1]"),
        ("mul", [MAP, Shape((7,))], "shape-mismatch", "input[1]"),
        ("concat", [MAP, Shape((8, 14, 13))], "shape-mismatch", "input[1]"),
        ("concat", [VECTOR, Shape((8,), "int64")], "shape-mismatch", "input[1]"),
        ("add", [], "wrong-arity", "input"),
        ("relu", [MAP, MAP], "wrong-arity", "input"),
        ("crop", [MAP, Shape((8, 15, 12))], "crop-too-large", "like"),
        ("crop", [MAP, SEQUENCE], "rank-mismatch", "like"),
        ("gap", [VECTOR], "rank-mismatch", "input"),
        ("relu", [Shape((8,), "int64")], "dtype-mismatch", "input"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(name, inputs, code, blame):
    refused = refusal(name, inputs)
    assert (refused.code, refused.blame) == (code, blame)


number = st.integers() | st.floats() | st.booleans() | st.none()
word = st.text(max_size=5) | st.sampled_from(["same", "tf", "zero", "nearest"])
sizes = st.lists(st.integers(-3, 20), max_size=4)
window = st.builds(lambda size, stride: Window(tuple(size), tuple(stride) or None), sizes, sizes)
anything = number | word | sizes | st.lists(sizes | number, max_size=3) | window | st.builds(Layer)


@pytest.mark.parametrize("name", LAYERS)
@given(data=st.data())
def test_no_value_is_more_than_refused(name, data):
    """Whatever a person writes, `bind` and `shape` give a layer or refuse it."""
    names = [info.name for info in parameters(LAYERS[name]) if not info.tensor]
    values = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), anything, max_size=len(names)))
    inputs = data.draw(st.lists(st.sampled_from([MAP, SEQUENCE, VECTOR]), max_size=3))
    with contextlib.suppress(Reject):
        assert all(size >= 1 for size in bind(LAYERS[name], values, inputs).shape(inputs).dims)
