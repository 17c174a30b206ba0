"""Every bundled spec: its nets compile without a remark, its claims hold and name their sources."""

from __future__ import annotations

import pytest

from netc import driver
from netc.dsl.report import render
from netc.files import bundled_files, open_bundled


@pytest.mark.parametrize("file", bundled_files())
def test_nets_compile_without_a_remark(file):
    for result in driver.check(open_bundled(file)):
        assert not result.diagnostics, "\n".join(render(diagnostic) for diagnostic in result.diagnostics)


@pytest.mark.parametrize("file", bundled_files())
def test_claims_hold_and_have_sources(file):
    verdict = driver.verify(open_bundled(file))
    assert not verdict.diagnostics, "\n".join(render(diagnostic) for diagnostic in verdict.diagnostics)
    for expectation in verdict.expectations:
        for outcome in expectation.outcomes:
            assert outcome.holds is not False, f"{outcome.quantity} is {outcome.computed}"
            assert outcome.source, outcome.quantity


def test_all_files_but_the_prelude_claim_something():
    silent = {file for file in bundled_files() if "\nexpect " not in open_bundled(file).source.text}
    assert silent == {"std"}
