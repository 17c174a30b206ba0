"""`docs/language.md`: its programs compile, their claims hold, and no word of the language is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netc import driver
from netc.compiler.metrics import METRICS
from netc.compiler.program import BUILTINS
from netc.dsl.report import render
from netc.dsl.source import Source
from netc.files import Spec

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
GRAMMAR = (ROOT / "grammar" / "net.lark").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```net\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAMES = [re.search(r"^net (\w+)", program, re.MULTILINE)[1] for program in PROGRAMS]


def spec(program: str) -> Spec:
    return Spec(Source("language.net", program), None, None)


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_program_compiles(program):
    for result in driver.check(spec(program)):
        assert not result.diagnostics, "\n".join(render(diagnostic) for diagnostic in result.diagnostics)
        assert result.compiled is not None


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_claims_hold(program):
    verdict = driver.verify(spec(program))
    outcomes = [outcome for expectation in verdict.expectations for outcome in expectation.outcomes]
    assert not verdict.diagnostics
    assert not [outcome.quantity for outcome in outcomes if outcome.holds is False]
    assert len(verdict.expectations) == program.count("\nexpect ")


def test_page_leaves_out_no_word():
    """Every layer, group, function and figure, and every word of the grammar, stands in the page's code."""
    code = PROGRAMS + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", PAGE)
    words = {word for text in code for word in re.findall(r"[A-Za-z_]\w*", text)}
    assert set(BUILTINS) | set(METRICS) | set(re.findall(r'"([a-z]+)"', GRAMMAR)) <= words
