"""`--why`: the arithmetic of each label of `cases/why`, and that its equations are true."""

from __future__ import annotations

import re
from math import ceil, floor

import pytest
from lowering import NAMES, graph_of, small_net

from netc.codegen.why import explain, find, render
from netc.compiler.facts import Facts

EQUATION = re.compile(r"^(?P<left>[0-9 ,+*/()\-]+|(?:ceil|floor)\([0-9 ,+*/()\-]+\).*) = (?P<right>[\d,]+)$")


def is_true(arithmetic: str) -> bool:
    """Whether the left side of an equation gives its right side."""
    match = EQUATION.match(arithmetic)
    assert match is not None, arithmetic
    left, right = (re.sub(r"(?<=\d),(?=\d{3})", "", side) for side in match.groups())
    return bool(eval(left, {"ceil": ceil, "floor": floor}) == int(right))


@pytest.mark.cases("why")
def test_label_is_explained(case, agrees):
    found = find(Facts(graph_of(case.program)), case.blocks["label"].strip())
    assert found is not None
    agrees(case, "text", render(explain(*found)))


@pytest.mark.parametrize("name", NAMES)
def test_every_equation_is_true_and_gives_the_figures_of_the_table(name):
    facts = Facts(small_net(name))
    costs = facts.costs
    for path, module in facts.parts.modules.items():
        found = find(facts, path)
        assert found is not None
        why = explain(facts, facts.parts.part(module))
        for layer in why.layers:
            node = next(node for node in facts.graph if node.name == layer.name)
            for line in layer.lines:
                assert line.arithmetic.startswith("0, since") or is_true(line.arithmetic), (layer.name, line)
            lines = {
                line.what: int(line.arithmetic.split(" = ")[-1].replace(",", ""))
                for line in layer.lines
                if " = " in line.arithmetic
            }
            figures = costs.nodes[node.id]
            for what in ("params", "macs", "elementwise"):
                assert lines.get(what, 0) == getattr(figures, what), (layer.name, what)
        for line in why.sums:
            assert is_true(line.arithmetic) if " = " in line.arithmetic else True
            total = int(line.arithmetic.split(" = ")[-1].split(", the")[0].replace(",", ""))
            assert total == getattr(costs.modules[module.path], line.what)


def test_nothing_is_found_for_what_names_no_part():
    facts = Facts(small_net("residual"))
    for text in ("layer[9]", "layer[i]", "", "layer[1", "net", "layer1.0.", "x\nnet y { }"):
        assert find(facts, text) is None
    assert find(facts, "layer[1][0].conv1") is not None
    assert find(facts, "image") is not None
