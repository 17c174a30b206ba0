"""One slip put into a correct text: it is told once, on its line, and what is offered as its fix mends it."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from conftest import cases
from slips import KINDS, MISTAKES, Program, Slip, programs, slips

from netc.driver import check as check_spec
from netc.driver import distinct
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.files import Spec

ROOT = Path(__file__).parents[1]
DRAWN = 40
"""Places at which a slip of each kind is put in."""
GUESSED = {
    # Of a pair the other one may be told, where it stands alone.
    "no `{`",
    "no `}`",
    "no `[`",
    "no `]`",
    "`(` for `{`",
    # The value after it may stand on the next line, where it is told.
    "no comma in brackets",
    "no comma in a list",
}
"""The mistake is often told on another line than the one where it was made."""
ALSO_CORRECT = {
    # These compare, and may stand between values.
    "`>` for `->`",
    "`==` for `=`",
    # A line may begin with the next layer; braces may start from a tensor: `x { relu; id }`.
    "no `->`",
    # What follows a name may be its call or its index: `x (a)`, `x [1]`, `a -b`.
    "no colon after a label",
    "no `=` of an argument",
    "no comma in brackets",
    "no comma in a list",
    # Inside parentheses a line end means nothing.
    "`{` on the next line",
    # The words for items are names where nothing begins, and so are these.
    "def",
    "function",
    "class",
    "import",
    # A name twice is a name and another, where `reported` or `use` take two.
    "a value twice",
}
"""What such a slip leaves may have another meaning."""
UNMENDED = {
    # A value, or what makes two of one, may stand between them.
    "no `->`",
    "a value twice",
    "`++`",
    # A layer may follow, or an argument be named.
    "no colon after a label",
    "no `=` of an argument",
    # Nobody knows where it was to end.
    "a string without its end",
    "a docstring without its end",
    # A `class` may be a net or a block; `while` and `of` are for no loop of ours.
    "class",
    "while",
    "of",
    # The other one of the pair may be missing instead.
    "`)` twice",
    "`[` twice",
    "`]` twice",
}
"""What is nearly always told alone: how it was meant is no more than likely, so nothing else is said of the
item."""
RATE = 0.05
"""Of the slips of one kind, how many at most may be told of more than once, be told on another line, or be
fixed to something else."""


def texts() -> list[str]:
    files = [*sorted((ROOT / "specs").glob("*.net")), *sorted((ROOT / "tests/cases/nets").glob("*.net"))]
    documented = [case.program for case in cases("syntax/programs") + cases("syntax/trees")]
    page = (ROOT / "docs/language.md").read_text(encoding="utf-8")
    return [path.read_text(encoding="utf-8") for path in files] + documented + programs(page)


@functools.cache
def corpus() -> list[Program]:
    return [Program(text) for text in texts()]


def read_file(text: str) -> tuple[ast.File, tuple[Diagnostic, ...]]:
    return parse(Source("test.net", text))


def read(text: str) -> tuple[list[Any], tuple[Diagnostic, ...]]:
    file, diagnostics = read_file(text)
    return [shape(item.tree) for item in file.items], diagnostics


def shape(node: Any) -> Any:
    """A tree without its places."""
    if isinstance(node, ast.Node):
        fields = (field for field in node.__struct_fields__ if field not in ("start", "end"))
        return type(node).__name__, *(shape(getattr(node, field)) for field in fields)
    return tuple(map(shape, node)) if isinstance(node, tuple) else node


def fixed(text: str, diagnostic: Diagnostic) -> str:
    for edit in sorted(diagnostic.fix, key=lambda edit: -edit.place.start):
        text = text[: edit.place.start] + edit.text + text[edit.place.end :]
    return text


def draw(kind: str, number: int, among: Sequence[Program] = ()) -> list[tuple[Program, Slip]]:
    """Places drawn by a hash of the text around them: one more text changes a few of them, not all."""

    def rank(place: tuple[Program, Slip]) -> int:
        program, slip = place
        return crc32(program.text[max(slip.start - 40, 0) : slip.start + 40].encode())

    places = [(program, slip) for program in among or corpus() for slip in slips(program, kind)]
    return sorted(places, key=rank)[:number]


def test_the_programs_are_correct() -> None:
    assert not [program.text for program in corpus() if read(program.text)[1]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_slip_is_told_once_and_its_fix_mends_it(kind: str) -> None:
    drawn = draw(kind, DRAWN)
    assert drawn, "no program has a place for it"
    several, amiss, misfixed, silent = [], [], [], []
    for program, slip in drawn:
        text = slip.put(program.text)
        _, told = read(text)
        if not told:
            silent.append(text)
            continue
        if len(told) > 1:
            several.append(text)
        elif told[0].place.line != told[0].place.source.line_of(slip.at):
            amiss.append(text)
        if len(told) == 1 and told[0].fix and read(fixed(text, told[0])) != read(program.text):
            misfixed.append(text)
    assert len(several) <= RATE * len(drawn)
    assert len(misfixed) <= RATE * len(drawn)
    assert kind in ALSO_CORRECT or not silent
    assert kind in GUESSED or len(amiss) <= RATE * len(drawn)


def test_of_two_slips_both_are_told_and_nothing_else() -> None:
    chance = random.Random(1)
    tried = 0
    wrong = []
    for first_kind in KINDS:
        for program, first in draw(first_kind, 6):
            second_kind = chance.choice(list(KINDS))
            others = list(slips(program, second_kind))
            if not others:
                continue
            before, after = sorted([first, chance.choice(others)], key=lambda slip: slip.start)
            line = Source("", program.text).line_of
            alone = [read(slip.put(program.text))[1] for slip in (before, after)]
            if abs(line(before.at) - line(after.at)) < 2 or [len(told) for told in alone] != [1, 1]:
                continue
            tried += 1
            told = read(before.put(after.put(program.text)))[1]
            if sorted(found.code for found in told) != sorted(one.code for (one,) in alone):
                wrong.append((first_kind, second_kind, [found.message for found in told]))
    assert tried > 150
    assert len(wrong) <= tried / 50, wrong


def check(text: str) -> tuple[Diagnostic, ...]:
    return distinct(check_spec(Spec(Source("test.net", text), None, None)))


@functools.cache
def sound() -> list[Program]:
    """The small programs with which nothing is wrong."""
    return [program for program in corpus() if len(program.text) < 2_500 and not check(program.text)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_slip_is_told_beside_another_mistake_and_brings_no_false_one(kind: str) -> None:
    chance = random.Random(3)
    mended = 0
    drawn = draw(kind, 12, sound())
    for program, slip in drawn:
        text = slip.put(program.text)
        file, told = read_file(text)
        if len(told) != 1:
            continue
        assert [(one.code, one.place.start) for one in check(text)] == [(told[0].code, told[0].place.start)]
        if not any(item.mended for item in file.items):
            continue
        mended += 1
        line = Source("", program.text).line_of
        places = [
            place
            for mistake in MISTAKES
            for place in slips(program, mistake)
            if abs(line(place.at) - line(slip.at)) > 1
        ]
        for place in chance.sample(places, min(3, len(places))):
            alone = check(place.put(program.text))
            if len(alone) == 1 and not read_file(place.put(program.text))[1]:
                first, last = sorted((slip, place), key=lambda one: one.start)
                both = first.put(last.put(program.text))
                found = sorted((one.code, one.message) for one in check(both))
                assert found == sorted((one.code, one.message) for one in (*told, *alone)), both
    assert mended <= len(drawn) / 4 if kind in UNMENDED else mended or not drawn


def test_a_slip_in_arguments_on_lines_of_their_own_is_told_once() -> None:
    chance = random.Random(2)
    lines = [
        "net n {",
        "    conv(",
        "        3x3,",
        "        64,",
        "        bias=false,",
        "    )",
        "    bn -> relu",
    ]
    lines += [
        "    concat {",
        "        gap",
        "        pool([",
        "            3,",
        "            5,",
        "        ])",
    ]
    lines += ["    }", "    relu", "}", "net m { relu }", ""]
    program = Program("\n".join(lines))
    assert not read(program.text)[1]
    for kind in ("no `(`", "no `)`", "no `[`", "no `]`", "`)` twice", "`]` twice", "no `=` of an argument"):
        places = list(slips(program, kind))
        for slip in chance.sample(places, len(places)):
            told = read(slip.put(program.text))[1]
            assert len(told) == 1, (kind, slip.put(program.text), [found.message for found in told])
