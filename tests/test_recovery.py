"""Wrong text in, what is said about it out: in the user's words, once for each mistake, whatever the text."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec
import pytest
from conftest import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st

from netc.compiler.imports import resolve
from netc.compiler.lower import choose, lower
from netc.dsl import ast, tables
from netc.dsl.codes import CODES
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.lexer import tokenize
from netc.dsl.limits import DEFAULT, TextLimits
from netc.dsl.parser import parse, parse_item
from netc.dsl.report import render, render_all
from netc.dsl.report_formats import as_json
from netc.dsl.scan import scan
from netc.dsl.source import Place, Source, Unread

PROGRAMS = [case.program for case in cases("syntax/programs") + cases("syntax/trees")]
SNIPPETS = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "=",
    "->",
    ";",
    "\n",
    '"',
    '"""',
    "'",
    "#",
    "in",
    "if",
    "else",
]
SNIPPETS += [
    "for",
    "let",
    "net n {",
    "block",
    "x",
    "3",
    "3x",
    "é",
    "\0",
    "~=",
    "not",
    "...",
    "\\",
    "\t",
    "\r",
    "３ｘ３，０．５Ｋ",
    "（ａ）",
    " 3 ✕ 3 ",
    ".5",
    ":=",
    "//",
    "/* ",
    "*/",
    "\u00a0",
    "\u2028",
]
TOKEN_NAMES = re.compile(r"\$END|_NL|NoneType|Traceback|\b(?!STRING\b)[A-Z]{2,}_?[A-Z]+\b")


@pytest.mark.cases("syntax/mistakes")
def test_a_mistake_is_told_as_expected(case: Case, agrees: Callable[[Case, str, str], None]) -> None:
    agrees(case, "report", render_all(parse(Source("test.net", case.program))[1]))


@pytest.mark.cases("syntax/mistakes")
def test_a_message_is_one_sentence_in_the_words_of_the_user(case: Case) -> None:
    for found in parse(Source("test.net", case.program))[1]:
        quoted = re.compile(r"`[^`]*`")
        for text in (found.message, found.help, found.marked, *(cause.message for cause in found.causes)):
            plain = quoted.sub("", text)
            assert not TOKEN_NAMES.search(plain), text
            assert not plain.endswith("."), text
            assert text[:1] == text[:1].lower() or text[:2] == "U+", text


def check_diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """Whatever the text: nothing raises, codes are known, places lie in it, and reports can be printed."""
    file, diagnostics = parse(Source("test.net", text))
    for found in diagnostics:
        assert found.code in CODES
        for place in (found.place, *(cause.place for cause in found.causes)):
            assert 0 <= place.start <= place.end <= len(text)
        render(found).encode()
        msgspec.json.encode(as_json(found))
    for item in file.items:
        assert 0 <= item.place(item.tree).start < item.place(item.tree).end <= len(text)
    return diagnostics


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    check_diagnostics(text)


@given(st.lists(st.sampled_from([*SNIPPETS, " "]), max_size=25).map("".join))
def test_any_row_of_tokens_is_read_without_an_exception(text: str) -> None:
    check_diagnostics(text)
    check_diagnostics(f"net n {{ {text}")


@given(st.sampled_from(PROGRAMS), st.integers(0), st.integers(0, 6), st.sampled_from(["", *SNIPPETS]))
@settings(max_examples=300)
def test_a_broken_program_is_told_of_or_read(program: str, at: int, length: int, instead: str) -> None:
    at %= len(program)
    text = program[:at] + instead + program[at + length :]
    diagnostics = check_diagnostics(text)
    for chunk in scan(text):
        tree, slips = parse_item(text[chunk.start : chunk.end], DEFAULT)
        assert tree is not None or slips
        assert not slips or diagnostics


@given(st.sampled_from(PROGRAMS), st.integers(0), st.sampled_from([s for s in SNIPPETS if '"""' not in s]))
@settings(max_examples=200)
def test_a_slip_in_one_item_cannot_spoil_another(program: str, at: int, instead: str) -> None:
    before, after = "net before { relu }\n", "\nnet after {\n    relu\n}\n"
    chunk = scan(program)[at % len(scan(program))]
    item = program[chunk.start : chunk.end]
    place = 1 + at % (len(item) - 1)
    # What begins an item, or closes a docstring, may well change the items.
    if item.startswith('"""') or instead.startswith("net"):
        return
    broken = item[:place] + instead + item[place:]
    whole = before + broken + after
    file, diagnostics = parse(Source("test.net", whole))
    trees = [item.tree for item in file.items]
    assert parse_item(before.strip(), DEFAULT)[0] in trees
    assert parse_item(after.strip(), DEFAULT)[0] in trees
    inside = (len(before), len(before) + len(broken) + 1)
    assert all(inside[0] <= found.place.start <= found.place.end <= inside[1] for found in diagnostics)


def test_one_token_too_few_or_too_many_is_nearly_always_told_once() -> None:
    """What only follows from a mistake is silent: fewer than 1 in 50 changes give a second report."""
    counts = []
    for program in PROGRAMS:
        for token in tokenize(program)[0]:
            for changed in (
                program[: token.start] + program[token.end :],
                program[: token.end] + " " + program[token.start :],
            ):
                counts.append(len(parse(Source("test.net", changed))[1]))
    assert sum(count > 1 for count in counts) < len(counts) / 50
    assert sum(count == 1 for count in counts) > len(counts) / 2


def test_several_mistakes_are_found_in_one_run() -> None:
    bodies = ["a b", "conv(3x3 64)", "x = 3", "if a { b c }", "for i of x { d e }", "f(g(h({ i j })))"]
    text = "\n".join(
        f"net n{number} {{\n    relu\n    {body}\n    bn\n}}" for number, body in enumerate(bodies)
    )
    lines = [found.place.line for found in parse(Source("test.net", text))[1]]
    assert lines == [3, 8, 13, 18, 23, 23, 28]
    together = "net n {\n" + "\n".join(bodies) + "\n}"
    assert [found.place.line for found in parse(Source("test.net", together))[1]] == [2, 3, 4, 5, 6, 6, 7]


def test_names_of_broken_items_are_known_to_who_reads_on() -> None:
    text = (
        "use std (se, cbr\nuse resnet bottleneck\nblock f( { }\nnet n = = g\nlet x 3\nnett m { }\nlet y = 1\n"
    )
    file = parse(Source("test.net", text))[0]
    assert file.broken == {"bottleneck", "n"}
    mended = [item.tree for item in file.items if item.mended]
    defined = {tree.name.id for tree in mended if isinstance(tree, (ast.Block, ast.Net, ast.Constants))}
    taken = {name.id for tree in mended if isinstance(tree, ast.Use) for name in tree.names or ()}
    assert (defined, taken) == ({"f", "x", "m"}, {"se", "cbr"})
    assert parse(Source("test.net", "use = 3"))[0].broken == {"*"}


@pytest.mark.parametrize(
    "fix", [("3×3", "3x3"), ("=>", "->"), ("'s'", '"s"'), ("False", "false"), ("[1, 2)", "[1, 2]")]
)
def test_a_fix_makes_the_program_right(fix: tuple[str, str]) -> None:
    text = f"net n {{ conv({fix[0]}) }}" if fix[0] != "=>" else "net n { relu => bn }"
    (found,) = parse(Source("test.net", text))[1]
    (edit,) = found.fix
    fixed = text[: edit.place.start] + edit.text + text[edit.place.end :]
    assert fixed == text.replace(*fix)
    assert not parse(Source("test.net", fixed))[1]


HUGE = {
    "parentheses": "let a = " + "(" * 100_000,
    "closed parentheses": "let a = " + "(" * 50_000 + "1" + ")" * 50_000,
    "braces": "net a " + "{\n" * 100_000,
    "closing": "net a { " + ")" * 100_000,
    "mixed": "net a { " + "[(" * 50_000 + ")]" * 50_000,
    "a line of a megabyte": "net a { "
    + "; ".join(["a_label_that_is_long: convolution(1)"] * 28_000)
    + " b c }",
    "broken lines": "net a {\n" + "b c\n" * 50_000 + "}",
    "broken items": "net a { b c }\n" * 10_000,
    "digits": "let a = " + "1" * 1_000_000,
    "windows": "let a = " + "1x" * 500_000,
    "quotes": "let a = " + '"' * 1_000_001,
    "apostrophes": "let a = " + "'" * 1_000_001,
    "backslashes": 'let a = "' + "\\" * 1_000_000,
    "zeros": "\0" * 1_000_000,
    "letters": "é" * 1_000_000,
    "line ends": "net a {" + "\n;" * 500_000 + "}",
    "operators": "let a = " + "not " * 100_000 + "1",
    "calls": "let a = f" + "(1)" * 100_000,
    "else": "net a { if b { }" + " else if b { }" * 100_000 + "}",
    "docstrings": '"""a"""\n' * 50_001 + '"""',
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_refused_or_read_in_time(name: str) -> None:
    """A minute is far more than a linear reader needs, and far less than a quadratic one."""
    text = HUGE[name]
    before = time.perf_counter()
    diagnostics = parse(Source("test.net", text))[1]
    assert time.perf_counter() - before < 60
    assert len(diagnostics) <= 10_000
    for found in diagnostics[:3]:
        assert len(render(found)) < 2_000


def test_the_depth_of_the_tree_is_bounded_however_it_is_nested() -> None:
    for deep in (
        "(" * 99 + "1" + ")" * 99,
        "-" * 99 + "1",
        "+".join("1" * 99),
        "f" + "(1)" * 98,
        "a" + ".b" * 99,
    ):
        assert not parse(Source("test.net", f"let a = {deep}"))[1], deep
    for deep in (
        "(" * 102 + "1" + ")" * 102,
        "-" * 102 + "1",
        "+".join("1" * 103),
        "f" + "(1)" * 102,
        "a" + ".b" * 102,
    ):
        (found,) = parse(Source("test.net", f"let a = {deep}"))[1]
        assert found.code == "nesting-limit"
    mixed = "f(" * 40 + " + ".join("1" * 70) + ")" * 40
    assert parse(Source("test.net", f"let a = {mixed}"))[1][0].code == "nesting-limit"


def test_a_program_that_was_shipped_without_tables_builds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tables.load_tables()
    changed = tables.grammar_text() + "// changed\n"
    monkeypatch.setattr(tables, "grammar_text", lambda: changed)
    tables.load_tables.cache_clear()
    try:
        rebuilt = tables.load_tables()
    finally:
        tables.load_tables.cache_clear()
    assert rebuilt.actions == shipped.actions
    assert rebuilt.grammar == changed


def test_the_place_of_a_diagnostic_prints_as_file_line_and_column() -> None:
    (found,) = parse(Source("dir/test.net", "net n {\n    a b\n}\n"))[1]
    assert str(found.place) == "dir/test.net:2:7"
    assert isinstance(found.place, Place)


def test_what_depends_on_an_item_that_could_not_be_read_stays_silent() -> None:
    body = "{\n    input: 3x8x8\n    f(3) -> cbr(3x3, 4)\n    nothing\n}"
    text = f"use std cbr\nblock f(c) {{ conv(3x3, c d) }}\nnet n {body}\n"
    found = resolve(Source("test.net", text), lambda name, user: Unread(""))
    lower(found, choose(found, "n"))
    assert [(told.code, told.place.line) for told in found.report.diagnostics] == [
        ("syntax", 1),
        ("syntax", 2),
        ("unknown-name", 6),
    ]


def test_the_limits_of_a_text_can_be_raised() -> None:
    deep = f'let a = {"(" * 150}1{")" * 150}\nlet b = "{"x" * 10_001}"\n'
    assert [found.code for found in parse(Source("test.net", deep))[1]] == ["nesting-limit", "string-limit"]
    assert not parse(Source("test.net", deep), limits=TextLimits(nesting=150, string_characters=10_001))[1]


def test_a_division_is_no_comment_wherever_its_lines_end() -> None:
    parts = ["in", ".", "c", "//", "r", "//", "2"]
    for end in ("\n", "\n    ", " # a comment\n"):
        size = end.join(["", *parts, ""])
        text = f"block b(r) {{\n    fc({size})\n    if in.c // r == 3 {{ relu }} else {{ id }}\n}}\n"
        assert not parse(Source("test.net", text))[1], text


@pytest.mark.parametrize(
    "line",
    [
        "conv(3x3, 8) // stem",
        "conv(3x3, 8) // it's 3, (or so",
        "x: relu // (as in the paper)",
        "conv( // window\n 3x3, 8)",
        "conv(3x3, // the window\n 8)",
        "// stem",
        "{ relu } // one",
        "relu; // 2",
    ],
)
def test_a_comment_of_another_language_is_told_as_one(line: str) -> None:
    text = f"net n {{\n    input: 3x8x8\n    {line}\n    bn\n}}\n"
    assert [found.message for found in parse(Source("test.net", text))[1]] == ["a comment begins with `#`"]
