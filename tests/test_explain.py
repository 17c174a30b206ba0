"""`netc explain`: a code in, its page as a person reads it out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from netc.cli import explain, run
from netc.dsl.codes import CODES, GROUPS
from netc.dsl.pages import WIDTH, fill, overview, render

PAGES = Path(__file__).parents[1] / "docs" / "errors"
FENCED = re.compile(r"^```\w+.*\n((?:.*\n)*?)```$", re.MULTILINE)
ESCAPES = re.compile("\33\\[[0-9;]*m")

Said = tuple[int, str, str]


@pytest.fixture
def netc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run_command(*arguments: str) -> Said:
        code = run([*arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_command


@pytest.mark.parametrize("code", CODES)
def test_a_page_is_told_whole_and_without_markdown(netc: Callable[..., Said], code: str) -> None:
    status, told, errors = netc("explain", code)
    assert (status, errors) == (0, "")
    assert told.startswith(f"{code}: {CODES[code]}\n\n")
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    for program in FENCED.findall(page):
        assert "\n".join(f"    {line}".rstrip() for line in program.rstrip("\n").split("\n")) in told
    text = FENCED.sub("", page)
    assert told.split() != page.split()
    words = [word for line in text.splitlines()[1:] for word in line.lstrip("# ").split()]
    spoken = iter(told.split())
    assert all(word in spoken for word in words)  # in their order
    assert "```" not in told
    assert "\n#" not in told


def test_what_is_pasted_from_a_report_is_understood(netc: Callable[..., Said]) -> None:
    page = netc("explain", "stray")
    for pasted in ("error[stray]", "warning[stray]", " error[stray]: this `)` closes nothing"):
        assert netc("explain", pasted) == page


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("shape_mismatch", "there is no code `shape_mismatch`; did you mean `shape-mismatch`?"),
        ("error[missmatch]", "there is no code `missmatch`"),
        ("../codes", "there is no code `../codes`; `netc explain` shows them all"),
        ("", "there is no code ``"),
    ],
)
def test_an_unknown_code_gives_2_and_the_nearest(netc: Callable[..., Said], code: str, said: str) -> None:
    status, told, errors = netc("explain", code)
    assert (status, told) == (2, "")
    assert said in errors


def test_without_a_code_all_are_listed_by_group(netc: Callable[..., Said]) -> None:
    status, told, _ = netc("explain")
    assert status == 0
    lines = [line.split(maxsplit=1) for line in told.splitlines() if line.startswith("  ")]
    assert dict(lines) == CODES
    assert [line for line in told.splitlines() if line and line[0] != " "] == list(GROUPS)


def test_colour_adds_nothing_but_colour(netc: Callable[..., Said], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = netc("explain", "stray")[1]
    monkeypatch.setattr(explain, "coloured", lambda stream: True)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    told = netc("explain", "stray")[1]
    assert "\33[" in told
    assert ESCAPES.sub("", told) == plain
    assert ESCAPES.sub("", overview(colour=True)) == overview()


def test_blocks_of_a_page_keep_their_kind() -> None:
    page = (
        "# stray\n\nOne\nparagraph " + "of many words " * 12 + "and `a b`.\n\n## A heading\n\nBeside it:\n\n"
        "```net other.net\n# stays\n\nblock f { relu }\n```\n\n- an item\n  of two lines\n- another "
        + "item "
        * 30
    )
    lines = render(page).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "A heading" in lines
    assert lines[lines.index("other.net:") : lines.index("    block f { relu }")] == [
        "other.net:",
        "",
        "    # stays",
        "",
    ]
    assert "- an item of two lines" in lines
    assert lines[-1].startswith("  item")


def test_what_is_quoted_stays_on_one_line() -> None:
    for words in range(60):
        lines = fill("word " * words + "`a b c`, and more", "").splitlines()
        assert any("`a b c`" in line for line in lines)
        assert max(map(len, lines)) <= WIDTH
