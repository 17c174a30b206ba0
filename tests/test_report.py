"""Diagnostics in, what a terminal shows out: in the form of the language's description, whatever they say."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.dsl.diagnostics import Diagnostic, Edit, Note
from netc.dsl.report import MOST_TOLD, WIDEST, render, render_all
from netc.dsl.report_formats import as_json
from netc.dsl.source import Place, Source

RESNET = """\
use std (se)



block bottleneck(width, stride=1) {
        add {
            {
                conv1: conv(1x1, width, bias=false);   bn1: bn; relu
                conv2: conv(3x3, width, bias=false);   bn2: bn; relu
                conv3: conv(1x1, 4*width, bias=false);  bn3: bn
                relu
            }
            id
        } -> relu
}












    for i in range(3) { x[i]: bottleneck(width=64) }
"""


def place(source: Source, marked: str, nth: int = 0) -> Place:
    """Where `marked` stands for the nth time."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(marked, start + 1)
    return Place(source, start, start + len(marked))


def mismatch() -> Diagnostic:
    source = Source("resnet.net", RESNET)
    return Diagnostic(
        code="shape-mismatch",
        message="`add` joins 256x56x56 with 64x56x56",
        place=place(source, "add"),
        marked="all branches must have one shape",
        causes=(
            Note(place(source, "id", nth=5), "64 channels, as the block receives them"),
            Note(place(source, "conv(1x1, 4*width, bias=false)"), "256 channels, from `4*width`"),
        ),
        calls=(Note(place(source, "bottleneck(width=64)"), "in `bottleneck(width=64)`, called at"),),
        help="project the shortcut: `conv(1x1, 256, bias=false) -> bn`",
    )


def test_the_form_is_that_of_the_language_description() -> None:
    assert render(mismatch()) == (
        "error[shape-mismatch]: `add` joins 256x56x56 with 64x56x56\n"
        "  --> resnet.net:6:9\n"
        "   |\n"
        " 6 |         add {\n"
        "   |         ^^^ all branches must have one shape\n"
        "10 |                 conv3: conv(1x1, 4*width, bias=false);  bn3: bn\n"
        "   |                        ------------------------------ 256 channels, from `4*width`\n"
        "13 |             id\n"
        "   |             -- 64 channels, as the block receives them\n"
        "   = in `bottleneck(width=64)`, called at resnet.net:28:31\n"
        "   = help: project the shortcut: `conv(1x1, 256, bias=false) -> bn`"
    )


def test_colour_adds_nothing_but_colour() -> None:
    coloured = render(mismatch(), colour=True)
    assert re.sub("\33\\[[0-9;]*m", "", coloured) == render(mismatch())
    assert coloured.count("\33[0m") == len(re.findall("\33\\[[1-9][0-9;]*m", coloured))


def simple(text: str, at: str, /, **rest: object) -> str:
    source = Source("a.net", text)
    fields = {"code": "syntax", "message": "wrong", "place": place(source, at), **rest}
    return render(Diagnostic(**fields))  # type: ignore[arg-type]


def test_a_warning_says_so() -> None:
    assert simple("net", "net", severity="warning").startswith("warning[syntax]: wrong\n --> a.net:1:1\n")


def test_tabs_are_four_columns_in_the_text_and_under_it() -> None:
    assert simple("\tx\tbad", "bad").splitlines()[-2:] == ["1 |     x   bad", "  |         ^^^"]


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    shown, marks = simple('"宽e\u0301" bad', "bad").splitlines()[-2:]
    assert shown == '1 | "宽e\u0301" bad'
    assert marks == "  | " + " " * len('"..e" ') + "^^^"


def test_control_characters_are_shown_and_not_sent() -> None:
    report = simple("a\x1b[31m\x00\x7f\x85\u202e\udc80 bad", "bad", message="it\nis \x1b[2J", marked="\x07")
    assert report.splitlines()[0] == "error[syntax]: it␊is ␛[2J"
    assert report.splitlines()[-2:] == [
        "1 | a␛[31m␀␡<U+0085><U+202E><0x80> bad",
        "  | " + " " * len("a␛[31m␀␡<U+0085><U+202E><0x80> ") + "^^^ ␇",
    ]


def test_a_long_line_is_clipped_around_the_mark() -> None:
    text = "a " * 500_000 + "bad" + " b" * 500_000
    shown, marks = simple(text, "bad", marked="here").splitlines()[-2:]
    assert len(shown) <= WIDEST + 12
    assert shown.startswith("1 | ...")
    assert shown.endswith("...")
    assert shown[marks.index("^") :].startswith("bad")
    assert marks.endswith("^^^ here")


def test_several_marks_on_one_line_stand_below_each_other_from_left_to_right() -> None:
    source = Source("a.net", "one two three")
    causes = (Note(place(source, "one"), "first"), Note(place(source, "three"), "third"))
    report = render(Diagnostic("syntax", "wrong", place(source, "two"), "second", causes))
    assert report.splitlines()[3:] == [
        "1 | one two three",
        "  | --- first",
        "  |     ^^^ second",
        "  |         ----- third",
    ]


def test_a_place_over_several_lines_is_marked_in_its_first() -> None:
    assert simple("a {\n  b\n}", "{\n  b\n}", marked="all of it").splitlines()[3:] == [
        "1 | a {",
        "  |   ^ all of it",
    ]


def test_the_end_of_the_text_can_be_marked() -> None:
    source = Source("a.net", "net a {\n")
    at_end = Diagnostic("unclosed", "wrong", Place(source, 8, 8))
    assert render(at_end).splitlines()[1:] == [" --> a.net:2:1", "  |", "2 |", "  | ^"]
    assert render(Diagnostic("missing-file", "empty", Place(Source("b.net", ""), 0, 0))).endswith(
        "1 |\n  | ^"
    )


def test_a_second_file_has_its_own_heading() -> None:
    source, other = Source("a.net", "net a { b }"), Source("lib/b.net", "\n\nblock b { }")
    found = Diagnostic(
        "syntax", "wrong", place(source, "b"), "", (Note(place(other, "b", nth=1), "defined here"),)
    )
    assert render(found).splitlines()[1:] == [
        " --> a.net:1:9",
        "  |",
        "1 | net a { b }",
        "  |         ^",
        " ::: lib/b.net:3:7",
        "  |",
        "3 | block b { }",
        "  |       - defined here",
    ]


def test_the_middle_of_a_long_chain_of_calls_is_left_out() -> None:
    source = Source("a.net", "f")
    calls = tuple(Note(Place(source, 0, 1), f"in `f({n})`, called at") for n in range(200))
    lines = render(Diagnostic("recursion-limit", "too deep", Place(source, 0, 1), calls=calls)).splitlines()
    notes = [line for line in lines if line.startswith("  =")]
    assert len(notes) == 8
    assert notes[0] == "  = in `f(0)`, called at a.net:1:1"
    assert notes[-2:] == ["  = ... 193 more calls", "  = in `f(199)`, called at a.net:1:1"]


def test_diagnostics_are_parted_by_an_empty_line() -> None:
    assert render_all([mismatch(), mismatch()]) == f"{render(mismatch())}\n\n{render(mismatch())}"
    assert render_all([]) == ""


def test_as_data_it_has_lines_and_columns() -> None:
    source = Source("a.net", "let a =\r\n  3×3")
    found = Diagnostic("syntax", "wrong", place(source, "3×3"), fix=(Edit(place(source, "3×3"), "3x3"),))
    where = {"file": "a.net", "line": 2, "column": 3, "end_line": 2, "end_column": 6}
    assert as_json(found) == {
        "code": "syntax",
        "severity": "error",
        "message": "wrong",
        **where,
        "marked": "",
        "causes": [],
        "calls": [],
        "help": "",
        "fix": [{**where, "text": "3x3"}],
    }
    assert json.loads(json.dumps(as_json(mismatch())))["calls"][0]["line"] == 28


def columns(text: str) -> int:
    """By other means than the report's own: what a terminal without combining characters would use."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(unicodedata.normalize("NFC", text)) + wide


@given(st.text(st.sampled_from("a宽\té\n{語"), min_size=1, max_size=40), st.data())
def test_a_mark_stands_under_what_it_marks(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    source = Source("a.net", text)
    lines = render(Diagnostic("syntax", "wrong", Place(source, start, end))).splitlines()
    shown, marks = lines[-2], lines[-1]
    first = text[start:end].split("\n")[0]
    before = text[:start].split("\n")[-1]
    prefix = shown.index("|") + 2
    under = len(marks) - len(marks.lstrip("0123456789 |"))
    assert marks.strip("0123456789 |") == "^" * max(1, len(marks) - under)
    if "\t" not in before + first:
        assert under - prefix == columns(before)
        assert len(marks) - under == max(1, columns(first))


@given(st.text(max_size=80), st.data())
def test_any_text_can_be_reported(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    source = Source(text[:10], text)
    cause = Note(Place(source, end, len(text)), text)
    report = render(Diagnostic("syntax", text, Place(source, start, end), text, (cause,), help=text))
    assert report.replace("\n", "").isprintable()
    report.encode()


@pytest.mark.parametrize("character", ["\u200b", "\u2066", "\ufeff", "\x9b", "\x08", "\r"])
def test_what_could_disturb_a_terminal_is_not_sent(character: str) -> None:
    assert character not in simple(f"a{character}bad", "bad", message=character, help=character)


def test_of_very_many_the_first_are_told_and_the_number_of_the_others() -> None:
    source, other = Source("a.net", "x\n" * 1_000), Source("b.net", "y")
    many = [Diagnostic("syntax", "wrong", Place(source, 2 * at, 2 * at + 1)) for at in range(1_000)]
    told = render_all([*many, Diagnostic("syntax", "wrong", Place(other, 0, 1))])
    assert told.count("error[syntax]") == MOST_TOLD + 1
    assert told.endswith(f"... and {1_000 - MOST_TOLD} more in a.net")
