"""Claims: the programs of `cases/claims` give these outcomes; literals agree by rounding or by truncation."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lowering import read

from netc.compiler.claims import Outcome, check
from netc.compiler.evaluate import evaluate_alone
from netc.compiler.facts import Facts
from netc.compiler.faults import Fault
from netc.compiler.lower import lower
from netc.compiler.printed import agrees
from netc.compiler.program import Program
from netc.compiler.targets import NONE
from netc.compiler.values import NetValue, Value
from netc.driver import check as check_spec
from netc.driver import distinct, verify
from netc.dsl import ast
from netc.dsl.source import Source
from netc.files import Spec


def facts(
    program: Program, item: ast.Item, expr: ast.Expr, names: Mapping[str, Value] = NONE
) -> Facts | None:
    """The facts of the net that an expression names, as the driver finds them."""
    try:
        value = evaluate_alone(program.scope, item, expr, names)
    except Fault:
        return None
    graph = lower(program, value) if isinstance(value, NetValue) else None
    return Facts(graph) if graph is not None else None


def outcomes(text: str) -> list[Outcome]:
    program = read(text)
    assert not program.report.failed
    found = []
    for item in program.scope.file.items:
        if isinstance(item.tree, ast.Expect):
            net = facts(program, item, item.tree.target)
            assert net is not None
            found += check(
                item, program.scope, net, lambda expr, names, item=item: facts(program, item, expr, names)
            )
    assert not program.report.failed
    return found


def line(outcome: Outcome) -> str:
    """`yes  params ~= 3.8K  computed 3,825`, and what is said where it does not hold."""
    verdict = {True: "yes", False: "no ", None: "-  "}[outcome.holds]
    text = f"{verdict} {outcome.quantity} {outcome.operator} {outcome.printed}"
    if outcome.computed:
        text += f"  # {outcome.computed}"
    if outcome.source or outcome.reason:
        text += f"  [{outcome.source}{'; ' + outcome.reason if outcome.reason else ''}]"
    if outcome.diagnostic is not None:
        diagnostic = outcome.diagnostic
        text += f"\n    {diagnostic.code}: {diagnostic.message}"
        if diagnostic.help:
            text += f" ({diagnostic.help})"
    return text


@pytest.mark.cases("claims")
def test_expectation_gives_outcomes(case, agrees):
    found = outcomes(case.program)
    assert all((outcome.diagnostic is None) == (outcome.holds is not False) for outcome in found)
    agrees(case, "outcomes", "\n".join(map(line, found)))


UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@given(
    st.integers(0, 10**12),
    st.sampled_from(list(UNITS)),
    st.integers(0, 6),
    st.sampled_from([ROUND_DOWN, ROUND_HALF_UP]),
)
def test_what_decimal_rounds_or_truncates_to_agrees(value, unit, places, rounding):
    exact = Decimal(value) / UNITS[unit]
    printed = exact.quantize(Decimal(1).scaleb(-places), rounding)
    assert agrees(f"{printed:f}{unit}", value)
    step = Decimal(1).scaleb(-places)
    assert not agrees(f"{printed + 2 * step:f}{unit}", value)
    assert printed < 2 * step or not agrees(f"{printed - 2 * step:f}{unit}", value)


@pytest.mark.parametrize(
    ("text", "value", "agree"),
    [
        ("25.5M", 25_557_032, True),
        ("25.6M", 25_557_032, True),
        ("25.7M", 25_557_032, False),
        ("159Ki", 162_816 + 400, True),
        ("138_000_000", 138_357_544, False),
        ("138M", 138_357_544, True),
        ("4.10G", 4_089_184_256, False),
        ("4.09G", 4_089_184_256, True),
        ("4.1G", 4_089_184_256, True),
        ("4.0G", 4_089_184_256, True),
        ("2.00", 1.9999999999, True),
        ("-0.5", -0.46, True),
        ("-0.5", 0.46, False),
        ("1e3", 1499, True),
        ("0", 0, True),
        ("0.3", Fraction(1, 3), True),
    ],
)
def test_printed_figures(text, value, agree):
    assert agrees(text, value) == agree


def test_claims_of_a_net_of_which_something_could_not_be_read_stay_silent():
    text = (
        "block head(n) {\n    first: conv(1x1, 8)\n    last: fc(n\n}\n"
        "net a {\n    input: 3x8x8\n    aux side(weight=0.3): head(10)\n    conv(3x3, 4)\n}\n"
        "expect a {\n    params(side) == 3\n    side.first: width == 8\n}\n"
    )
    spec = Spec(Source("case.net", text), None, None)
    assert [found.code for found in distinct(check_spec(spec))] == ["unclosed"]
    assert [found.code for found in verify(spec).diagnostics] == ["unclosed"]


@pytest.mark.parametrize(
    ("net", "claim"),
    [
        ("net a {\n    input: 3x8x8\n    conv(3x3 4)\n}\n", "params == 3"),
        ("net a {\n    input: 3x8x8\n    conv(3x3, 4)\n}\n", "params = 3"),
        ("block c { conv(3x3 4) }\nnet a {\n    input: 3x8x8\n    c\n}\n", "params == 3"),
    ],
)
def test_claims_that_rest_on_a_mended_slip_fail_only_by_what_they_say(net, claim):
    text = f"{net}expect a {{\n    {claim}\n    shape(b) == 4x8x8\n}}\n"
    spec = Spec(Source("case.net", text), None, None)
    told = [found.code for found in distinct(check_spec(spec))]
    assert len(told) == 2
    assert told[0] == "syntax"
    verdict = verify(spec)
    outcomes = [outcome for expectation in verdict.expectations for outcome in expectation.outcomes]
    assert [outcome.diagnostic.code for outcome in outcomes] == told[1:]
    assert verdict.failed
