"""Real specs with tokens, lines and items deleted, doubled, swapped and replaced, asked about as people ask.

Whatever became of a text: no traceback, an exit code of 0 or 1, places inside the file, an answer in time,
and the same one again. These are some 5,000 examples; where `CI` is set they are the same in every run, as
those of all tests here. `make fuzz` takes as many as one likes, without hypothesis and by number.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from mutations import SPECS, Mutant, cut, draw_mutant, examine

randoms = st.randoms(use_true_random=False)
EXAMPLES = 5_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETC_TRACEBACK", "1")
        yield tmp_path_factory.mktemp("mutants")


@pytest.mark.parametrize("spec", sorted(SPECS))
@settings(max_examples=-(-EXAMPLES // len(SPECS)))
@given(random=randoms)
def test_a_mutant_is_answered(folder, spec, random):
    mutant = draw_mutant(random, spec)
    note(f"netc {' '.join(mutant.command)}\n{mutant.text}")
    answer = examine(folder, mutant)
    if random.randrange(8) == 0:
        assert examine(folder, mutant) == answer


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_a_spec_that_is_cut_down_is_still_right(folder, spec):
    """So that mutants of it go wrong where they were mutated."""
    for number in range(4):
        text = cut(Random(number), spec)
        answer = examine(folder, Mutant(spec, text, ("check", "--format", "json")))
        assert answer.code == 0, answer.out
