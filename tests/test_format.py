"""The formatter: specs in many layouts in, one form out; nothing of what they say is changed or lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Case, cases
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layouts import laid_out, mutated, read_comments, spaced
from programs import programs

from netc.dsl import ast
from netc.dsl.format_breaks import LIMIT
from netc.dsl.formatter import format_source
from netc.dsl.parser import parse
from netc.dsl.scan import scan
from netc.dsl.source import Source

ROOT = Path(__file__).parents[1]
SPECS = sorted([*ROOT.glob("specs/*.net"), *ROOT.glob("docs/*.net")])
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
ITEM = re.compile(r"^(use|let|block|net|expect|train) ", re.MULTILINE)


def form(text: str) -> str:
    return format_source(Source("test.net", text))


def is_spec(text: str) -> bool:
    return not parse(Source("test.net", text))[1]


def plain(value: Any) -> Any:
    """A tree as nested tuples, without its places."""
    if isinstance(value, ast.Node):
        return (type(value).__name__, *[plain(getattr(value, name)) for name in value.__struct_fields__[2:]])
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def trees(text: str) -> list[Any]:
    file, diagnostics = parse(Source("test.net", text))
    assert not diagnostics, text
    return [plain(item.tree) for item in file.items]


def documented() -> list[tuple[Path, int, str]]:
    """The programs of README and docs that can be read, each with its page and line."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            kind, program = block.groups()
            if kind in ("", "net") and ITEM.search(program) and is_spec(program):
                found.append((page, text.count("\n", 0, block.start()) + 1, program))
    return found


DOCUMENTED = documented()


def assert_kept(before: str, after: str) -> None:
    assert trees(after) == trees(before)
    assert read_comments(after) == read_comments(before)
    assert form(after) == after


# --- what it gives -------------------------------------------------------------------------------


@pytest.mark.cases("format")
def test_the_form_is_as_expected(case: Case, agrees: Callable[[Case, str, str], None]) -> None:
    formatted = form(case.program)
    agrees(case, "formatted", formatted)
    assert_kept(case.program, formatted)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_is_in_the_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert form(text) == text, f"run `netc fmt {path.relative_to(ROOT)}`"


@pytest.mark.parametrize(
    ("page", "program"),
    [(page, program) for page, _, program in DOCUMENTED],
    ids=[f"{page.stem}:{line}" for page, line, _ in DOCUMENTED],
)
def test_every_documented_program_is_in_the_form(
    page: Path, program: str, request: pytest.FixtureRequest
) -> None:
    formatted = form(program)
    if formatted != program and request.config.getoption("--update"):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(f"\n{program}```", f"\n{formatted}```"), encoding="utf-8")
    else:
        assert formatted == program, "run `pytest --update tests/test_format.py tests/test_error_pages.py`"


# --- what it keeps -------------------------------------------------------------------------------

ITEMS = [
    text[chunk.start : chunk.end]
    for text in [
        *(path.read_text(encoding="utf-8") for path in SPECS),
        *(program for _, _, program in DOCUMENTED),
    ]
    for chunk in scan(text)
]
SMALL = sorted({item for item in ITEMS if len(item) < 900 and not item.startswith('"""')})
CASES = [case.program for case in cases("format") + cases("syntax/programs")]
pieces = st.sampled_from([*SMALL, *CASES])


def assert_form(text: str) -> None:
    """The form of a valid text has all that it should."""
    formatted = form(text)
    assert_kept(text, formatted)
    for line in formatted.split("\n"):
        assert len(line) <= LIMIT or re.search(r'["#]', line) or "," in line, line


@given(pieces.flatmap(laid_out))
@settings(max_examples=2000)
def test_nothing_is_lost_in_another_layout(text: str) -> None:
    assume(is_spec(text))
    assert_form(text)


@given(pieces.flatmap(lambda text: mutated(text, is_spec)))
@settings(max_examples=2000)
def test_nothing_is_lost_of_a_mutated_spec(text: str) -> None:
    assert_form(text)


@given(pieces.flatmap(lambda text: st.tuples(st.just(text), spaced(text))))
@settings(max_examples=1000)
def test_the_form_does_not_depend_on_space(texts: tuple[str, str]) -> None:
    text, disturbed = texts
    assert form(disturbed) == form(text)


@given(programs())
@settings(max_examples=100)
def test_nothing_is_lost_of_a_drawn_program(text: str) -> None:
    assert_form(text)
