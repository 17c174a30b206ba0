"""`netc check` as people and their CI use it: what it fixes, in which form it tells, with which exit code."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netc import driver
from netc.cli import run, terminal
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.fixes import count_slips, mend
from netc.dsl.source import Source
from netc.files import Spec, open_bundled

SLIPS = "net a {\n    input: 3x8x8\n    conv(3×3, 4) => bn\n    pool: maxpool(2X2)\n    fc(pool.c)\n}\n"
FIXED = "net a {\n    input: 3x8x8\n    conv(3x3, 4) -> bn\n    pool: maxpool(2x2)\n    fc(pool.c)\n}\n"
WRONG = "net w {\n    input: 3x8x8\n    add { conv(3x3, 4); conv(3x3, 5) }\n    fc(oops)\n}\n"
USED = "block unit { conv(3×3, 4) => bn }\n"
USER = "use used (unit)\nnet user { input: 3x8x8; unit }\n"

Said = tuple[int, str, str]
Netc = Callable[..., Said]


@pytest.fixture
def netc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Netc:
    """Run a command in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str, stdin: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([*arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_command


def write(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.net").write_bytes(text.encode())


# --- fixing ---------------------------------------------------------------------------------------


def test_fix_writes_the_file_and_tells_what_remains(netc: Netc) -> None:
    write(a=SLIPS, w=WRONG)
    os.chmod("a.net", 0o640)
    code, out, err = netc("check", "a.net", "w.net", "--fix")
    assert Path("a.net").read_text() == FIXED
    assert Path("a.net").stat().st_mode & 0o777 == 0o640
    assert Path("w.net").read_text() == WRONG
    assert (code, out) == (1, "")
    assert err.startswith("fixed 3 mistakes in a.net\nerror[shape-mismatch]")
    assert "2 errors in w.net\n" in err
    assert netc("check", "a.net", "--fix") == (0, "1 net checked, nothing wrong\n", "")
    assert sorted(os.listdir()) == ["a.net", "w.net"]


def test_fix_leaves_alone_what_was_not_named(netc: Netc) -> None:
    write(used=USED, user=USER)
    code, _, err = netc("check", "user.net", "--fix")
    assert (code, Path("used.net").read_text()) == (1, USED)
    assert "used.net:1" in err
    assert "fixed" not in err
    assert netc("check", "user.net", "used.net", "--fix")[0] == 0
    assert "conv(3x3, 4) -> bn" in Path("used.net").read_text()


def test_one_file_by_several_names_is_fixed_once(netc: Netc) -> None:
    write(a=f"{SLIPS}net b {{ input: 3x8x8; conv(1×1, 2) }}\n")
    Path("link.net").symlink_to("a.net")
    code, _, err = netc("check", "--fix", "a.net:a", "link.net", "./a.net:b")
    assert (code, Path("a.net").read_text()) == (0, f"{FIXED}net b {{ input: 3x8x8; conv(1x1, 2) }}\n")
    assert err == "fixed 4 mistakes in a.net\n"


def test_what_comes_to_light_in_another_file_is_fixed_too(netc: Netc) -> None:
    """That `user.net` uses `spare` for nothing is told once `used.net` can be read."""
    write(used=f"{USED}block spare {{ relu }}\n", user=USER.replace("(unit)", "(unit, spare)"))
    code, out, err = netc("check", "--fix", "user.net", "used.net")
    assert (code, out) == (0, "1 net checked, nothing wrong\n")
    assert sorted(err.splitlines()) == ["fixed 1 mistake in user.net", "fixed 2 mistakes in used.net"]
    assert Path("user.net").read_text() == USER


def test_fix_of_standard_input_is_a_filter(netc: Netc) -> None:
    told = netc("check", "--fix", "-", stdin=SLIPS.encode())
    assert told == (0, FIXED, "fixed 3 mistakes in <stdin>\n")
    code, out, err = netc("check", "--fix", "-", stdin=WRONG.encode())
    assert (code, out) == (1, WRONG)
    assert "2 errors in <stdin>" in err


def test_fix_changes_nothing_else_and_follows_links(netc: Netc) -> None:
    """Line ends, a byte-order mark, and what would steer a terminal in a comment stay."""

    def dress(text: str) -> str:
        return "\ufeff# \33[31m ä\n{text}".replace("\n", "\r\n").format(text=text.replace("\n", "\r\n"))

    write(a=dress(SLIPS))
    Path("link.net").symlink_to("a.net")
    hunks = netc("check", "--diff", "link.net")[1]
    assert netc("check", "--fix", "link.net")[0] == 0
    assert Path("link.net").is_symlink()
    assert Path("a.net").read_bytes() == dress(FIXED).encode()
    assert "\33[31m ä\r\n" in hunks
    assert netc("check", "--fix", "-", stdin=dress(SLIPS)[1:].encode())[1] == dress(FIXED)[1:]


def test_diff_shows_what_fix_writes_and_writes_nothing(netc: Netc) -> None:
    write(a=SLIPS, w=WRONG)
    code, out, err = netc("check", "--fix", "--diff", ".")
    assert (code, Path("a.net").read_text()) == (1, SLIPS)
    assert err == "would fix 3 mistakes in a.net\n2 errors would remain\n"
    assert netc("check", "--diff", "a.net") == (1, out, "would fix 3 mistakes in a.net\n")
    removed = [line[1:] for line in out.splitlines() if re.match("-[^-]", line)]
    added = [line[1:] for line in out.splitlines() if re.match(r"\+[^+]", line)]
    assert removed == [line for line in SLIPS.splitlines() if line not in FIXED.splitlines()]
    assert added == [line for line in FIXED.splitlines() if line not in SLIPS.splitlines()]
    write(a=FIXED)
    assert netc("check", "--diff", "a.net") == (0, "", "")


def test_what_cannot_be_written_is_told(netc: Netc) -> None:
    Path("there").mkdir()
    Path("there/a.net").write_text(SLIPS)
    os.chmod("there", 0o555)
    try:
        if os.access("there", os.W_OK):
            pytest.skip("this user may write everywhere")
        code, _, err = netc("check", "--fix", "there/a.net")
    finally:
        os.chmod("there", 0o755)
    assert code == 2
    assert "`there/a.net` cannot be written" in err


def test_a_bundled_spec_is_not_fixed(netc: Netc) -> None:
    assert netc("check", "--fix", "lenet5") == (0, "1 net checked, nothing wrong\n", "")
    assert netc("check", "--diff", "lenet5") == (0, "", "")


TEXTS = [open_bundled(name).source.text for name in ("lenet5", "nin", "textcnn", "std")]
PIECES = [
    "×",
    "=>",
    "|",
    "*",
    "'",
    '"',
    "def ",
    "True",
    "{",
    "}",
    "(",
    ")",
    ",",
    ":",
    "=",
    "\t",
    "X",
    "elif ",
]


@settings(max_examples=40)
@given(st.data())
def test_fixes_never_make_a_spec_worse_and_leave_nothing_to_fix(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from(PIECES)) + text[at + data.draw(st.integers(0, 2)) :]

    def find(source: Source) -> list[Diagnostic]:
        return [*driver.distinct(driver.check(Spec(source, None, None)))]

    source = Source("a.net", text)
    before = find(source)
    mended = mend(source, find)
    after = find(mended.source)
    assert count_slips(after) <= count_slips(before)
    assert (mended.fixed == 0) == (mended.source.text == text)
    again = mend(mended.source, find)
    assert (again.source.text, again.fixed) == (mended.source.text, 0)


# --- telling --------------------------------------------------------------------------------------


def test_the_end_of_a_report_counts_and_points_on(netc: Netc) -> None:
    write(a=SLIPS, w=WRONG)
    assert netc("check", "w.net")[2].endswith(
        "\n\n2 errors in w.net\n`netc explain CODE` says more of shape-mismatch, unknown-name\n"
    )
    assert netc("check", "a.net")[2].endswith(
        "\n\n3 errors in a.net, 3 fixable with `netc check --fix`\n`netc explain syntax` says more\n"
    )
    assert "\n\n5 errors in 2 files, 3 fixable" in netc("check", ".")[2]
    assert netc("compile", "a.net")[2].endswith("\n`netc explain syntax` says more\n")


def test_the_end_is_coloured_for_eyes(netc: Netc, monkeypatch: pytest.MonkeyPatch) -> None:
    write(a=f"use std (cbr)\n{FIXED}", w=WRONG)
    plain = netc("check", ".")[2]
    monkeypatch.setattr(terminal, "coloured", lambda stream: True)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    told = netc("check", ".")[2]
    assert re.sub("\33\\[[0-9;]*m", "", told) == plain
    assert "\n\33[1;31m2 errors\33[0m, \33[1;33m1 warning\33[0m in 2 files" in told


def test_each_mistake_is_told_once(netc: Netc) -> None:
    write(used=WRONG.replace("net w", "net used"), user="use used\nnet user = used()\n")
    told = netc("check", "used.net", "user.net", "--format", "concise")[1]
    assert len(told.splitlines()) == len(set(told.splitlines())) == 2


def test_concise_is_a_line_for_each(netc: Netc) -> None:
    write(w=WRONG)
    assert netc("check", "w.net", "--format", "concise") == (
        1,
        "w.net:3:5: error[shape-mismatch]: `add` joins 4x8x8 with 5x8x8\n"
        "w.net:4:8: error[unknown-name]: there is no `oops` here\n",
        "",
    )
    write(a=FIXED)
    assert netc("check", "a.net", "--format", "concise") == (0, "", "")


def test_paths_for_other_programs_are_relative_and_have_slashes(netc: Netc, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w.net").write_text(WRONG)
    names = ["deep/w.net", "./deep/w.net", str(tmp_path / "deep" / "w.net"), "deep/../deep/w.net"]
    for name in names:
        told = netc("check", name, "--format", "github")[1]
        assert told.count(",file=deep/w.net,") == 2, name
        run_ = json.loads(netc("check", name, "--format", "sarif")[1])["runs"][0]
        location = run_["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location == {"uri": "deep/w.net", "uriBaseId": "%SRCROOT%"}
    told = netc("check", "-", "--format", "github", stdin=WRONG.encode())[1]
    assert "file=" not in told
    assert "at <stdin>:3:5" in told


def test_names_of_files_are_bytes(netc: Netc) -> None:
    name = os.fsdecode(b"a\xff b.net")
    try:
        Path(name).write_text(WRONG)
    except OSError:
        pytest.skip("names of files are text here")
    log = json.loads(netc("check", name, "--format", "sarif")[1])
    assert (
        log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "a%FF%20b.net"
    )
    assert json.loads(netc("check", name, "--format", "json")[1])["diagnostics"][0]["file"] == name


def test_json_holds_everything(netc: Netc) -> None:
    write(a=SLIPS, w=WRONG)
    told = json.loads(netc("check", "a.net", "w.net", "--fix", "--max-params", "10", "--format", "json")[1])
    assert told["nets"] == 1
    assert told["fixed"] == {"a.net": 3}
    codes = [found["code"] for found in told["diagnostics"]]
    assert codes == ["shape-mismatch", "unknown-name", "over-budget"]
    excess = told["diagnostics"][-1]
    assert (excess["file"], excess["line"], excess["column"], excess["end_column"]) == ("a.net", 1, 5, 6)


def test_the_same_run_gives_the_same_bytes(netc: Netc) -> None:
    write(a=SLIPS, w=WRONG)
    for format in ("text", "sarif"):
        program = [sys.executable, "-m", "netc", "check", ".", "--format", format]
        runs = [
            subprocess.run(program, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
            for seed in ("1", "2")
        ]
        assert len({(told.returncode, told.stdout, told.stderr) for told in runs}) == 1


def test_verify_tells_claims_in_every_form(netc: Netc) -> None:
    write(
        a=f'{FIXED}expect a "by hand" {{\n    params == 3\n    shape(output) == 4\n    reported top1 1\n}}\n'
    )
    told: dict[str, Any] = json.loads(netc("verify", "a.net", "--format", "json")[1])
    assert (told["claims"], told["wrong"]) == (2, 1)
    (expectation,) = told["expectations"]
    assert (expectation["file"], expectation["net"]) == ("a.net", "a")
    assert [claim["holds"] for claim in expectation["claims"]] == [False, True, None]
    assert [found["code"] for found in told["diagnostics"]] == ["failed-claim"]
    assert netc("verify", "a.net", "--format", "concise")[1].startswith("a.net:8:5: error[failed-claim]: ")
    code, told_, err = netc("verify", "a.net", "--format", "github")
    assert (code, err) == (1, "")
    assert told_.startswith("::error title=netc%3A failed-claim,file=a.net,line=8,")
    assert netc("verify", "a.net")[2].endswith("1 error in a.net\n`netc explain failed-claim` says more\n")


# --- exit codes -----------------------------------------------------------------------------------


def test_what_cannot_be_had_does_not_hide_what_is_wrong_with_the_others(netc: Netc) -> None:
    write(w=f'{WRONG}expect w "nobody" {{ params == 1 }}\n')
    Path("empty").mkdir()
    for command in (["check"], ["verify"], ["check", "--fix"]):
        code, _, err = netc(*command, "nowhere.net", "w.net", "empty")
        assert code == 2
        assert "error[shape-mismatch]" in err
        assert "error: there is no file `nowhere.net`" in err
        assert "error: there is no `.net` file in `empty`" in err


def test_warnings_fail_only_where_that_is_asked_for(netc: Netc) -> None:
    write(a=f"use std (cbr)\n{FIXED}", b=FIXED.replace("net a", "net b"))
    code, out, err = netc("check", "a.net", "b.net")
    assert (code, out) == (0, "2 nets checked, 1 warning\n")
    assert err.startswith("warning[unused-import]: ")
    assert "\n1 warning in a.net" in err
    assert netc("check", "a.net", "b.net", "--strict") == (1, "", err)
    assert netc("check", "b.net", "--strict") == (0, "1 net checked, nothing wrong\n", "")
    for format in ("concise", "json", "github", "sarif"):
        plain, strict = (netc("check", "a.net", "--format", format, *rest) for rest in ([], ["--strict"]))
        assert (plain[0], strict[0]) == (0, 1)
        assert plain[1:] == strict[1:]
    assert netc("check", "a.net", "--format", "github")[1].startswith(
        "::warning title=netc%3A unused-import,"
    )


def test_closed_standard_input_is_no_fault_of_netc() -> None:
    program = f"{shlex.quote(sys.executable)} -m netc check - <&-"
    told = subprocess.run(program, shell=True, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (2, "error: standard input is closed\n")


def test_budgets_are_mistakes_at_the_net(netc: Netc) -> None:
    write(a=FIXED, b=f"{FIXED.replace('net a', 'net t')}net b = t()\n")
    code, _, err = netc("check", "b.net:b", "--max-params", "10", "--max-macs", "1K")
    assert code == 1
    assert "error[over-budget]: `b` has " in err
    assert err.count("--> b.net:7:5") == 2
    assert netc("check", "a.net", "--max-params", "1M") == (0, "1 net checked, nothing wrong\n", "")
