"""Expressions are folded without changing their value, and written as the formatter leaves them."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netc.codegen.expressions import (
    Binary,
    Choice,
    Const,
    Expr,
    Function,
    Name,
    Unary,
    Unsettled,
    binary,
    choice,
    floored,
    function,
    unary,
)
from netc.codegen.readings import evaluate, free, substitute, text
from netc.codegen.terms import read_formula

NAMES = {"width": 24, "depth": 3, "in_channels": 64}
LEAVES = st.one_of(
    st.integers(-3, 9).map(Const),
    st.sampled_from([Const(0.5), Const(True)]),
    st.sampled_from(list(NAMES)).map(Name),
)
ARITHMETIC = ("+", "-", "*", "//", "%", "**", "/")
COMPARISONS = ("==", "!=", "<", ">=")


def larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(Binary, st.sampled_from((*ARITHMETIC, *COMPARISONS, "and", "or")), inner, inner),
        st.builds(Unary, st.sampled_from(("-", "not")), inner),
        st.builds(Choice, inner, inner, inner),
        st.builds(Function, st.just("max"), st.tuples(inner, inner)),
    )


EXPRESSIONS = st.recursive(LEAVES, larger, max_leaves=8)


def fold(expr: Expr) -> Expr:
    """The same, built by the functions that fold."""
    match expr:
        case Binary(op, left, right):
            return binary(op, fold(left), fold(right))
        case Unary(op, operand):
            return unary(op, fold(operand))
        case Choice(condition, then, otherwise):
            return choice(fold(condition), fold(then), fold(otherwise))
        case Function(name, arguments):
            return function(name, tuple(map(fold, arguments)))
    return expr


def value_of(expr: Expr) -> object:
    try:
        value = evaluate(expr, NAMES)
    except Unsettled:
        assume(False)
    assume(not isinstance(value, complex) and abs(value) < 1e12)
    return value


@given(EXPRESSIONS)
def test_folding_keeps_the_value(expr):
    wanted = value_of(expr)
    try:
        folded = fold(expr)
    except Unsettled:
        assume(False)
    assert evaluate(folded, NAMES) == pytest.approx(wanted)


@given(EXPRESSIONS)
def test_text_is_python_with_that_value(expr):
    wanted = value_of(expr)
    assert eval(text(expr), {"max": max}, dict(NAMES)) == wanted
    assert value_of(read_formula(text(expr))) == wanted


@given(EXPRESSIONS)
def test_substitution_of_values_is_evaluation(expr):
    wanted = value_of(expr)
    try:
        replaced = substitute(expr, {name: Const(value) for name, value in NAMES.items()})
    except Unsettled:
        assume(False)
    assert not free(replaced)
    assert evaluate(replaced, {}) == pytest.approx(wanted)


@settings(max_examples=5)
@given(st.lists(EXPRESSIONS, min_size=40, max_size=40))
def test_text_is_as_the_formatter_leaves_it(expressions):
    width = Name("width")
    expressions += [Binary("**", width, Unary("not", width)), Binary("**", width, Binary("**", width, width))]
    lines = [f"x = {text(expr)}\n" for expr in expressions if not isinstance(expr, Const)]
    source = "".join(line for line in lines if len(line) < 80)
    told = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "-"],
        input=source, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("4 * width", "4 * width"),
        ("width * 4", "4 * width"),
        ("1 * width + 0", "width"),
        ("width + width", "2 * width"),
        ("in_channels + width + width - 2 - 2", "in_channels + 2 * width - 4"),
        ("4 * width // 64", "width // 16"),
        ("4 * width // 2", "2 * width"),
        ("2 * (3 * width)", "6 * width"),
        ("width - width", "0"),
        ("in_channels != 4 * width or False", "in_channels != 4 * width"),
        ("active or False", "active"),
        ("2 if True else width", "2"),
        ("width ** 1", "width"),
        ("2 ** depth", "2**depth"),
        ("2 ** (depth + 1)", "2 ** (depth + 1)"),
        ("-(width - 3)", "3 - width"),
        ("not width == 3", "width != 3"),
    ],
)
def test_folded_form(written, folded):
    assert text(fold(read_formula(written))) == folded


@pytest.mark.parametrize(
    ("expr", "written"),
    [
        (Binary("*", Const(0.5), Name("width")), "width // 2"),
        (Binary("*", Const(0.3), Name("width")), "int(0.3 * width)"),
        (Binary("/", Name("width"), Const(5)), "width // 5"),
        (Name("width"), "width"),
        (Const(2.5), "2"),
    ],
)
def test_floors_of_counts_are_written_as_one_would(expr, written):
    floor = floored(expr)
    assert text(floor) == written
    assert evaluate(floor, NAMES) == math.floor(evaluate(expr, NAMES))
