"""The vocabulary against the language's own table, and the rules that need no PyTorch to be checked."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest
from equations import check_equations
from msgspec import UNSET

from netc.dsl.codes import CODES
from netc.ops.arguments import bind, parameters
from netc.ops.base import Op, Reject, Shape
from netc.ops.entry import Input
from netc.ops.registry import LAYERS

ROOT = Path(__file__).parent.parent
TABLE = tomllib.loads((ROOT / "tests" / "data" / "layers.toml").read_text())
WORDS = {"true": True, "false": False, "none": None}
RULES = ("shape", "cost", "saved", "reach", "torch", "why")
CLASSES = [*LAYERS.values(), Input]


def written(text: str) -> tuple[str, object]:
    """A parameter of the table: its name, and its default or UNSET."""
    name, given, default = text.partition("=")
    if not given:
        return name, UNSET
    if default.startswith('"'):
        return name, default.strip('"')
    return name, WORDS[default] if default in WORDS else float(default)


def test_every_layer_of_the_language_is_there_under_its_family():
    listed = {name: family for family, layers in TABLE.items() for name in layers}
    assert {name: cls.family for name, cls in LAYERS.items()} == listed


@pytest.mark.parametrize("name", LAYERS)
def test_parameters_and_defaults_are_those_of_the_language(name):
    (listed,) = (layers[name] for layers in TABLE.values() if name in layers)
    found = [(info.name, info.default) for info in parameters(LAYERS[name])]
    expected = [written(text) for text in listed]
    assert found[: len(expected)] == expected
    assert all(default is not UNSET for _, default in found[len(expected) :])


@pytest.mark.parametrize("name", LAYERS)
def test_every_parameter_is_described(name):
    assert LAYERS[name].__doc__
    for info in parameters(LAYERS[name]):
        assert info.type
        assert info.description


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_no_rule_is_missing(cls):
    """Each rule is the layer's own or its family's, never the one that only refuses."""
    for rule in RULES:
        assert getattr(cls, rule) is not getattr(Op, rule), rule


def test_a_rule_that_is_missing_raises():
    class Bare(Op, frozen=True):
        name = "bare"

    shape = Shape((1,))
    for rule in RULES:
        with pytest.raises(NotImplementedError, match="bare"):
            getattr(Bare(), rule)(*[[shape], shape][: 1 + (rule != "shape")])


@pytest.mark.parametrize("name", LAYERS)
def test_every_rank_that_a_layer_accepts_has_an_example(name):
    layer = LAYERS[name]
    assert {example.inputs[0].rank for example in layer.examples} == set(layer.ranks)
    if layer.layouts == ("last",):
        assert {e.inputs[0].layout for e in layer.examples if e.inputs[0].rank} == {"last"}


@pytest.mark.parametrize("name", LAYERS)
def test_other_ranks_and_dtypes_are_refused(name):
    layer = LAYERS[name]
    for rank, dtype, layout in product(range(4), ("float32", "int64"), ("first", "last")):
        inputs = [Shape((4,) * (rank + 1), dtype, layout if rank else "first")] * (layer.arity or 1)
        suits = rank in layer.ranks and (not rank or layout in layer.layouts)
        if suits and dtype in layer.dtypes:
            layer.admit(inputs)
        else:
            with pytest.raises(Reject) as refusal:
                layer.admit(inputs)
            assert refusal.value.code in ("rank-mismatch", "dtype-mismatch")


def test_rules_are_exact_integers(example):
    cost = example.op.cost(example.inputs, example.output)
    saved = example.op.saved(example.inputs, example.output)
    for count in (cost.params, cost.biases, cost.macs, cost.elementwise, saved.extra):
        assert type(count) is int
        assert count >= 0
    assert all(slot < len(example.inputs) for slot in saved.inputs)


def test_arithmetic_holds(example):
    check_equations(example.op, example.inputs)


def test_a_large_layer_is_counted_without_overflow():
    op = bind(LAYERS["fc"], {"out": 10**12}, [Shape((10**6, 10**3))])
    assert op.cost([Shape((10**6, 10**3))], Shape((10**12,))).macs == 10**21


REFUSALS = sorted(
    {
        code
        for path in (ROOT / "ops").glob("*.py")
        for code in re.findall(r'Reject\(\s*"([a-z-]+)"', path.read_text())
    }
)


def test_every_code_of_a_refusal_is_known():
    assert len(REFUSALS) > 8
    assert set(REFUSALS) <= CODES.keys()


def test_nothing_in_the_vocabulary_imports_torch():
    program = "import sys, netc.ops.registry, netc.ops.arguments; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
