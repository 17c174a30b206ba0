"""The pages of `docs/errors`: a wrong program gives exactly the report that stands there, a right one none.

A page is `# code`, a few sentences and a case, or several cases under `## what the mistake is`. A case is
`Wrong:`, a `net` block, a `report` block (`pytest --update` writes it), `Right:`, a `net` block. The program
is `page.net`; a block with a name (```` ```net other.net ````) is a file beside it, for both programs where
it stands before `Right:`. A block `bytes` in place of `net` has escapes (`\\xff`, `\\r`). The command is
`netc check page.net`, unless the text before `Right:` has another in backquotes: `netc verify page.net`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct

from netc.cli import run
from netc.dsl.codes import CODES

PAGES = sorted((Path(__file__).parents[1] / "docs" / "errors").glob("*.md"))
HEADING = re.compile(r"^## (?P<title>.+)\n", re.MULTILINE)
FENCE = re.compile(
    r"^```(?P<kind>net|bytes|report)(?: (?P<name>\S+\.net))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
COMMAND = re.compile(r"`netc (\w+ page\.net[^`]*)`")
TITLE = re.compile(r"^(?:error|warning)\[([\w-]+)\]: ", re.MULTILINE)
END = re.compile(r"(?:\n\d+ (?:error|warning)[^\n]* in [^\n]*\n|(?<=\n))`netc explain [^\n]*\n\Z")


class Case(Struct, frozen=True):
    """One mistake of a page: what stands under its heading (all but the title, where there is none)."""

    path: Path
    title: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.path.stem}: {self.title}" if self.title else self.path.stem

    def halves(self) -> tuple[str, str]:
        """What stands before and after `Right:`."""
        assert self.text.count("\nWrong:\n") == self.text.count("\nRight:\n") == 1, self.id
        wrong, right = self.text.split("\nRight:\n")
        return wrong, right

    def arguments(self) -> list[str]:
        """The command line that meets the mistake."""
        found = COMMAND.search(self.halves()[0])
        return shlex.split(found[1]) if found else ["check", "page.net"]

    def reported(self) -> str | None:
        return next((fence["body"] for fence in FENCE.finditer(self.text) if fence["kind"] == "report"), None)

    def files(self, right: bool) -> dict[str, bytes]:
        """The right program or the wrong one, and what stands beside it."""
        found: dict[str, bytes] = {}
        for half in self.halves()[: 1 + right]:
            programs = [fence for fence in FENCE.finditer(half) if fence["kind"] != "report"]
            own = {fence["name"] or "page.net": read(fence) for fence in programs}
            assert "page.net" in own, f"{self.id}: no program"
            assert len(own) == len(programs), f"{self.id}: two programs of one name"
            found |= own
        return found

    def update(self, report: str) -> None:
        """Put the report into the page: in place of the one there, or before `Right:`."""
        whole = self.path.read_text(encoding="utf-8")
        start = whole.index(f"\n## {self.title}\n") if self.title else 0
        wrong = whole.index("\nWrong:\n", start)
        end = whole.index("\nRight:\n", wrong)
        block = f"```report\n{report}```"
        fences = FENCE.finditer(whole, wrong, end)
        old = next((fence for fence in fences if fence["kind"] == "report"), None)
        if old is not None:
            whole = whole[: old.start()] + block + whole[old.end() :]
        else:
            whole = f"{whole[:end]}\n{block}\n{whole[end:]}"
        self.path.write_text(whole, encoding="utf-8")


def read(fence: re.Match[str]) -> bytes:
    body: str = fence["body"]
    if fence["kind"] == "bytes":
        return body.encode("ascii").decode("unicode_escape").encode("latin-1")
    return body.encode()


def write(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        Path(name).write_bytes(data)


def cases_of(path: Path) -> list[Case]:
    text = path.read_text(encoding="utf-8")
    _, *parts = HEADING.split(text)
    if not parts:
        return [Case(path, "", text)]
    return [Case(path, title, body) for title, body in zip(parts[::2], parts[1::2], strict=True)]


CASES = [case for path in PAGES for case in cases_of(path)]


@pytest.fixture
def netc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run a command in an empty folder: its exit code, and what it says on standard error."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str) -> tuple[int, str]:
        return run([*arguments]), capsys.readouterr().err

    return run_command


def test_every_error_has_its_page() -> None:
    assert {page.stem for page in PAGES} == set(CODES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_starts_with_its_code_and_some_sentences(page: Path) -> None:
    heading, empty, sentence, *_ = page.read_text(encoding="utf-8").split("\n")
    assert (heading, empty) == (f"# {page.stem}", "")
    assert sentence[0].isupper() or sentence[0] == "`"
    titles = [case.title for case in cases_of(page)]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_wrong_program_gives_its_report(
    case: Case, netc: Callable[..., tuple[int, str]], request: pytest.FixtureRequest
) -> None:
    write(case.files(right=False))
    code, told = netc(*case.arguments())
    told = END.sub("", told)
    if request.config.getoption("--update") and told != case.reported():
        case.update(told)
    else:
        assert case.reported() == told
    assert set(TITLE.findall(told)) == {case.path.stem}
    assert (code == 0) == told.startswith("warning")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_right_program_gives_nothing(case: Case, netc: Callable[..., tuple[int, str]]) -> None:
    write(case.files(right=True))
    for arguments in (case.arguments(), ["check", "page.net"], ["verify", "page.net"]):
        assert netc(*arguments) == (0, "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_wrong_program_of_which_all_can_be_fixed_is_right_then(
    case: Case, netc: Callable[..., tuple[int, str]]
) -> None:
    write(case.files(right=False))
    _, told = netc(*case.arguments())
    end = re.search(r"^(.+) in page\.net, (\d+) fixable with `netc check --fix`$", told, re.MULTILINE)
    if end is not None:
        _, told = netc("check", "--fix", "page.net")
        assert re.match(r"fixed \d+ mistakes? in page\.net\n", told)
        assert "fixable" not in told
        if int(end[2]) == sum(map(int, re.findall(r"\d+", end[1]))):
            assert netc("check", "page.net") == (0, "")
