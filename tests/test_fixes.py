"""Fixes of a text: edits in, the text as by hand out; and `mend`, which keeps those that help."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.dsl.diagnostics import Diagnostic, Edit
from netc.dsl.differences import differ
from netc.dsl.fixes import MOST_LOOKS, Mended, apply, choose, mend
from netc.dsl.source import Place, Source


def edit(source: Source, start: int, end: int, text: str) -> Edit:
    return Edit(Place(source, start, end), text)


def mistake(source: Source, *edits: Edit, code: str = "syntax", at: int = 0) -> Diagnostic:
    return Diagnostic(code, "wrong", Place(source, at, at), fix=edits)


# --- edits ----------------------------------------------------------------------------------------


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> list[tuple[int, int, str]]:
    """Edits that do not meet, in any order."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    spans += [(at, at) for at in draw(st.sets(st.sampled_from(cuts), max_size=4))] if cuts else []
    made = [(start, end, draw(st.text("ab\n", max_size=3))) for start, end in set(spans)]
    return draw(st.permutations(made))


@given(st.data(), st.text("xyz \r\n", max_size=30))
def test_edits_put_their_texts_in_place(data: st.DataObject, text: str) -> None:
    """By another way: letter by letter, each gap and each letter looked up."""
    edits = data.draw(edits_of(text))
    inserted = {start: put for start, end, put in edits if start == end}
    begins = {start: put for start, end, put in edits if start < end}
    removed = {at for start, end, _ in edits for at in range(start, end)}
    expected = []
    for at in range(len(text) + 1):
        for put in (inserted.get(at, ""), begins.get(at, "")):
            expected.append(put.replace("\n", "\r\n") if "\r\n" in text else put)
        expected.append(text[at : at + 1] if at not in removed else "")
    source = Source("a.net", text)
    assert apply(text, [edit(source, *made) for made in edits]) == "".join(expected)


@given(st.data(), st.text("xyz", min_size=1, max_size=20))
def test_edits_that_meet_are_refused(data: st.DataObject, text: str) -> None:
    source = Source("a.net", text)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    other = data.draw(st.integers(start, end - 1))
    beyond = data.draw(st.integers(other + 1, len(text)))
    pair = [edit(source, start, end, "a"), edit(source, other, beyond, "b")]
    with pytest.raises(ValueError, match="meet"):
        apply(text, data.draw(st.permutations(pair)))
    with pytest.raises(ValueError, match="meet"):
        apply(text, [edit(source, start, start, "a"), edit(source, start, start, "b")])


# --- which fixes ----------------------------------------------------------------------------------

TEXT = "one two three"
SOURCE = Source("a.net", TEXT)


@pytest.mark.parametrize(
    ("fixes", "expected"),
    [
        ([[(0, 3, "1")], [(4, 7, "2")]], [0, 1]),
        ([[(4, 7, "2")], [(0, 3, "1")]], [0, 1]),
        ([[(0, 7, "1")], [(4, 7, "2")], [(8, 13, "3")]], [0, 2]),  # the second meets the first
        ([[(0, 3, "1"), (8, 13, "3")], [(4, 7, "2")], [(9, 9, "x")]], [0, 1]),  # all of one, or none of it
        ([[(3, 3, ",")], [(3, 3, ",")]], [0]),  # two insertions at one place
        ([[(0, 3, "one")]], []),  # changes nothing
        ([[(0, 3, "1"), (2, 4, "2")]], []),  # meets itself
        ([[]], []),
    ],
)
def test_of_two_fixes_that_meet_the_first_is_made(
    fixes: list[list[tuple[int, int, str]]], expected: list[int]
) -> None:
    found = [mistake(SOURCE, *(edit(SOURCE, *made) for made in fix)) for fix in fixes]
    assert [found.index(chosen) for chosen in choose(found, SOURCE, set())] == expected


def test_a_fix_of_another_text_is_left_alone() -> None:
    other = Source("a.net", TEXT)
    assert choose([mistake(SOURCE, edit(other, 0, 3, "1"))], SOURCE, set()) == []
    both = mistake(SOURCE, edit(SOURCE, 0, 3, "1"), edit(other, 0, 3, "1"))
    assert choose([both], SOURCE, set()) == []


# --- again and again ------------------------------------------------------------------------------


def finding(rule: Callable[[str], Sequence[tuple[int, int, str]]]) -> Callable[[Source], list[Diagnostic]]:
    """A search that finds a mistake of syntax, with its fix, for each edit of `rule`."""
    return lambda source: [mistake(source, edit(source, *made)) for made in rule(source.text)]


def test_what_comes_to_light_is_fixed_too() -> None:
    """Each fix shows the next mistake: `a` is to be `b`, `b` `c`, `c` `d`."""
    step = {"a": "b", "b": "c", "c": "d"}
    mended = mend(
        Source("a.net", "abcd"),
        finding(lambda text: [(at, at + 1, step[c]) for at, c in enumerate(text) if c in step]),
    )
    assert (mended.source.text, mended.fixed, mended.diagnostics) == ("dddd", 3 + 2 + 1, [])


def test_a_fix_that_makes_it_worse_is_left_out_and_the_others_are_made() -> None:
    def rule(text: str) -> list[tuple[int, int, str]]:
        """Every `a` is to be `b`; the last one would bring three mistakes instead."""
        return [
            (at, at + 1, "aaa!" if text[at + 1 :] == "" else "b")
            for at, character in enumerate(text)
            if character == "a"
        ]

    mended = mend(Source("a.net", "aaaaaaaa"), finding(rule))
    assert mended.source.text == "bbbbbbba"
    assert mended.fixed == 7
    assert len(mended.diagnostics) == 1


def test_a_fix_that_changes_nothing_for_its_mistake_is_left_out() -> None:
    """As what would close a brace lands in a docstring without an end: the same is told of it again."""

    def rule(text: str) -> list[tuple[int, int, str]]:
        return [(len(text), len(text), "}")]

    mended = mend(Source("a.net", "{"), finding(rule))
    assert (mended.source.text, mended.fixed) == ("{", 0)
    assert len(mended.diagnostics) == 1


def test_a_fix_that_another_one_has_to_precede_is_made_after_it() -> None:
    """As `|` to `->` where a character that means nothing follows: alone it brings more than it takes."""
    mistakes: dict[str, list[tuple[int, int, str]]] = {
        "|B": [(0, 1, "->"), (1, 2, "")],
        "->": [(0, 0, "")],
        "->B": [(0, 0, "")] * 4,
        "|": [(0, 1, "->")],
    }
    mended = mend(Source("a.net", "|B"), finding(lambda text: mistakes[text]))
    assert (mended.source.text, mended.fixed) == ("->", 2)


def test_fixes_that_undo_each_other_come_to_an_end() -> None:
    tries = []

    def rule(text: str) -> list[tuple[int, int, str]]:
        tries.append(text)
        return [(0, 1, "b" if text[0] == "a" else "a")]

    mended = mend(Source("a.net", "a"), finding(rule))
    assert (mended.source.text, mended.fixed) == ("b", 1)
    assert len(tries) == 2


def test_fixes_without_end_are_bounded() -> None:
    mended = mend(Source("a.net", ""), finding(lambda text: [(0, 0, "x")]))
    assert len(mended.source.text) == mended.fixed == MOST_LOOKS


def test_other_mistakes_may_come_to_light() -> None:
    """A text that can be read has mistakes of other kinds; that is no reason to leave it unreadable."""

    def find(source: Source) -> list[Diagnostic]:
        if source.text == "bad":
            return [mistake(source, edit(source, 0, 3, "good"))]
        return [mistake(source, code="unknown-name"), mistake(source, code="shape-mismatch")]

    mended = mend(Source("a.net", "bad"), find)
    assert isinstance(mended, Mended)
    assert (mended.source.text, mended.fixed, len(mended.diagnostics)) == ("good", 1, 2)


# --- differences ----------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("patch") is None, reason="the oracle is `patch`")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\nb", "a\nb\n"),
        ("a\nb\n", "a\nb"),
        ("a\u2028b\fc\n", "a\u2028B\fc\n"),
        ("one\r\ntwo\r\n", "one\r\n2\r\n"),
        ("", "a\n"),
    ],
)
def test_patch_takes_the_differences(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "a.net"
    path.write_bytes(before.encode())
    hunks = differ("a.net", before, after).encode()
    subprocess.run(["patch", "--binary", "-s", "-p0"], input=hunks, cwd=tmp_path, check=True)
    assert path.read_bytes() == after.encode()


def test_equal_texts_have_no_differences_and_colour_shows_what_would_steer() -> None:
    assert differ("a.net", "a\n", "a\n") == ""
    told = differ("a.net", "a\n", "\33[2J\n", colour=True)
    assert "\33[2J" not in told
    assert "␛[2J" in told
