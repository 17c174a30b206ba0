"""What `netc check` reads from the text alone: names that no net comes to, and warnings, with their fixes."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from conftest import CASES, cases
from hypothesis import given
from hypothesis import strategies as st
from lowering import read

from netc import driver
from netc.compiler.review import review
from netc.compiler.suggestions import count_slips, suggest
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.report import render
from netc.dsl.source import Source, Unread
from netc.files import Spec, bundled_files, open_bundled

OTHER = Source("other.net", "block known(n) { conv(1x1, n) }\nblock tanh { relu }\n")


class CaseSpec(Spec, frozen=True):
    """A case's program, and `other.net` beside it."""

    def load(self, name: str, user: Source) -> Source | Unread:
        return OTHER if name == "other" else super().load(name, user)


def check(text: str) -> tuple[Diagnostic, ...]:
    return driver.distinct(driver.check(CaseSpec(Source("case.net", text), None, None)))


def show(found: tuple[Diagnostic, ...]) -> str:
    return "\n\n".join(map(render, found)) or "nothing wrong"


@pytest.mark.cases("check")
def test_what_is_told_of_a_program(case, agrees):
    agrees(case, "report", show(check(case.program)))


@pytest.mark.parametrize("name", bundled_files())
def test_bundled_specs_give_no_warning(name):
    assert show(driver.distinct(driver.check(open_bundled(name)))) == "nothing wrong"


VALID = [case for folder in ("lower", "nets") if (CASES / folder).is_dir() for case in cases(folder)]


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.id)
def test_the_text_alone_gives_no_error_where_elaboration_gives_none(case):
    told = review(read(case.program), sound=True)
    assert [diagnostic for diagnostic in told if diagnostic.severity == "error"] == []


def applied(text: str, found: tuple[Diagnostic, ...]) -> str:
    """The text with all fixes; they must not overlap."""
    edits = sorted((edit.place.start, edit.place.end, edit.text) for told in found for edit in told.fix)
    assert all(before[1] <= after[0] for before, after in pairwise(edits))
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


BODY = "net n { input x: 4x8x8; conv(3x3, 8) -> cr(3x3, 8) }"


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        (f"use std (cr, cb, se)\n{BODY}", f"use std (cr)\n{BODY}"),
        (f"use std (cb, cr, se)\n{BODY}", f"use std (cr)\n{BODY}"),
        (f"use std (cb, se, cr)\n{BODY}", f"use std (cr)\n{BODY}"),
        (f"use std (\n    cb,\n    cr,\n)\n{BODY}", f"use std (\n    cr,\n)\n{BODY}"),
        (f"use std (cr)\nuse resnet  # not needed\n{BODY}", f"use std (cr)\n  # not needed\n{BODY}"),
        (f"use std (cr)\nuse resnet\n{BODY}", f"use std (cr)\n{BODY}"),
        (f"use std (cr); use resnet; {BODY}", f"use std (cr); {BODY}"),
        (f"use std (cr)\n{BODY}\nuse resnet", f"use std (cr)\n{BODY}\n"),
        (
            f"use std (\n    cb,  # kept\n    cr,\n)\n{BODY}",
            f"use std (\n    cb,  # kept\n    cr,\n)\n{BODY}",
        ),
        ("net n { input x: 4x8x8; y: id; relu }", "net n { input x: 4x8x8; relu }"),
        ("net n {\n    input x: 4x8x8\n    y: id\n    relu\n}", "net n {\n    input x: 4x8x8\n    relu\n}"),
        ("net n { input x: 4x8x8; relu; y: id }", "net n { input x: 4x8x8; relu }"),
        ("net n { input x: 4x8x8; add { y: id; relu } }", "net n { input x: 4x8x8; add { id; relu } }"),
        ("net n { input x: 4x8x8; y: add(x, x); relu }", "net n { input x: 4x8x8; add(x, x); relu }"),
        ("block f takes (a, b) { add(a, b) }\nnet n { input x: 4x8x8; (p, q): split(2); f }",) * 2,
    ],
)
def test_a_fix_takes_out_what_nothing_reads_and_no_comment(text, fixed):
    if "(p, q)" in text:
        fixed = text.replace("(p, q): ", "")
    assert applied(text, check(text)) == fixed
    if "# kept" not in text:
        assert check(fixed) == ()


# --- suggestions ---


@cache
def slips_by_definition(one: str, other: str) -> int:
    """Letters left out, put in, changed or swapped, each at one place, counted by trying them all."""
    if not one or not other:
        return len(one) + len(other)
    ways = [
        slips_by_definition(one[1:], other) + 1,
        slips_by_definition(one, other[1:]) + 1,
        slips_by_definition(one[1:], other[1:]) + (one[0] != other[0]),
    ]
    if len(one) > 1 and len(other) > 1 and one[0] == other[1] and one[1] == other[0]:
        ways.append(slips_by_definition(one[2:], other[2:]) + 1)
    return min(ways)


WORDS = st.text("abc", max_size=6)


@given(WORDS, WORDS)
def test_slips_are_counted_as_they_are_defined(one, other):
    assert count_slips(one, other) == count_slips(other, one) == slips_by_definition(one, other)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *[("covn", "conv"), ("Relu", "relu"), ("nb", "bn"), ("maxpol", "maxpool"), ("sigmod", "sigmoid")],
        *[("foo", ""), ("x", ""), ("y2", ""), ("whatever", ""), ("c" * 1_000_000, "")],
    ],
)
def test_the_nearest_name_is_suggested_and_none_that_is_far(name, meant):
    known = ["bn", "conv", "floor", "maxpool", "n", "relu", "sigmoid", "y1", "c" * 999_999]
    assert suggest(name, known) == (f"did you mean `{meant}`?" if meant else "")
