"""`docs/checking.md` says what is so: its lines, its pattern, its keys and its commands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from netc.cli import run
from netc.driver import check, distinct
from netc.dsl.report_formats import as_json, as_line
from netc.dsl.source import Source
from netc.files import Spec

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/checking.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(FOUND,) = distinct(
    check(Spec(Source("a.net", "net a {\n    input: 3x8x8\n    conv(3x3, 4) => bn\n}\n"), None, None))
)


def test_the_line_and_the_pattern_are_those_of_a_mistake() -> None:
    line = as_line(FOUND)
    assert FENCES[0] == ("", f"{line}\n")
    pattern = json.loads(FENCES[1][1])["problemMatcher"]["pattern"]
    found = re.search(pattern.pop("regexp"), line)
    assert found is not None
    told = {name: found[number] for name, number in pattern.items()}
    expected = as_json(FOUND)
    assert told == {name: str(expected[name]) for name in told}


def test_the_keys_of_the_data_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    words = set(re.findall(r"`([a-z_]+)`", PAGE[PAGE.index("`--format json`") :]))
    assert as_json(FOUND).keys() <= words
    for command in ("check", "verify"):
        assert run([command, "lenet5", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out).keys() <= words


@pytest.mark.parametrize("line", re.findall(r"^\| `netc (.+?)` \|", PAGE, re.MULTILINE))
def test_the_commands_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs/tiny.net").read_text()
    (tmp_path / "my.net").write_text(text)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/tiny.net").write_text(text)
    assert run(shlex.split(line)) == 0
    assert (tmp_path / "my.net").read_text() == text
