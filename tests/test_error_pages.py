"""The pages of `docs/errors`: the wrong program of each gives exactly its error, the right one none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netc import driver
from netc.dsl.codes import CODES
from netc.dsl.source import Source
from netc.files import Spec

PAGES = sorted((Path(__file__).parents[1] / "docs" / "errors").glob("*.md"))
PROGRAM = re.compile(r"^(Wrong|Right):\n+```net\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Page(Spec, frozen=True):
    """A page's program, which is also the file that `use page` finds."""

    def load(self, name: str, user: Source) -> Source | str | None:
        return self.source if name == "page" else super().load(name, user)


def codes_of(text: str) -> set[str]:
    """The errors of a program: of every net that it defines, of its claims, and of the net that it means."""
    spec = Page(Source("page.net", text), None, None)
    verdict = driver.verify(spec)
    found = {*driver.distinct(driver.check(spec)), *verdict.diagnostics}
    outcomes = [outcome for expectation in verdict.expectations for outcome in expectation.outcomes]
    failed = {outcome.diagnostic.code for outcome in outcomes if outcome.diagnostic is not None}
    return {diagnostic.code for diagnostic in found or driver.compile(spec).diagnostics} | failed


def test_every_error_has_its_page():
    assert {page.stem for page in PAGES} == set(CODES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_shows_its_error(page):
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    programs = dict(PROGRAM.findall(text))
    assert set(programs) == {"Wrong", "Right"}
    assert codes_of(programs["Wrong"]) == {page.stem}
    assert codes_of(programs["Right"]) == set()
