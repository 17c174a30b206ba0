"""`netc fmt` on the command line: what it writes, tells and leaves alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_cli import netc

from netc.dsl import formatter

LOOSE = "net a{input:3x8x8;relu}#end\n"
FORM = "net a { input: 3x8x8; relu }  # end\n"
BROKEN = "net a { relu\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loose.net").write_text(LOOSE)
    (tmp_path / "form.net").write_text(FORM)
    (tmp_path / "nets" / "inner").mkdir(parents=True)
    (tmp_path / "nets" / "inner" / "loose.net").write_text(LOOSE)
    (tmp_path / "nets" / "notes.txt").write_text(LOOSE)
    return tmp_path


def test_files_and_folders_are_rewritten() -> None:
    run = netc("fmt", "loose.net", "form.net", "nets")
    assert (run.exit_code, run.stdout) == (0, "")
    inner = os.path.join("nets", "inner", "loose.net")
    assert run.stderr == f"formatted loose.net\nformatted {inner}\n2 files formatted, 1 as it was\n"
    assert Path("loose.net").read_text() == Path(inner).read_text() == FORM
    assert Path("nets/notes.txt").read_text() == LOOSE
    assert netc("fmt", ".").stderr == "3 files as before\n"


def test_what_is_in_the_form_is_not_written() -> None:
    os.utime("form.net", (1, 1))
    netc("fmt", "form.net")
    assert Path("form.net").stat().st_mtime == 1


def test_check_names_what_is_not_in_the_form() -> None:
    run = netc("fmt", "--check", "loose.net", "form.net")
    assert (run.exit_code, run.stdout) == (1, "")
    assert run.stderr == "would format loose.net\n1 file would be formatted, 1 as it was\n"
    assert Path("loose.net").read_text() == LOOSE
    assert netc("fmt", "--check", "form.net").exit_code == 0


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
@pytest.mark.parametrize("text", [LOOSE, LOOSE.rstrip(), LOOSE + "\n\n", f"#a\n{LOOSE}"])
def test_diff_is_what_patch_takes(text: str) -> None:
    Path("loose.net").write_text(text)
    run = netc("fmt", "--diff", "loose.net", "form.net")
    assert run.exit_code == 0
    assert Path("loose.net").read_text() == text
    expected = formatter.format_source(formatter.Source("", text))
    subprocess.run(["patch", "-p0"], input=run.stdout, text=True, check=True, capture_output=True)
    assert Path("loose.net").read_text() == expected
    assert netc("fmt", "--diff", "--check", "loose.net").exit_code == 0
    Path("loose.net").write_text(text)
    run = netc("fmt", "--diff", "--check", "loose.net")
    assert run.exit_code == 1
    assert run.stdout.startswith("--- loose.net\n+++ loose.net\n")


def test_standard_input_goes_to_standard_output() -> None:
    run = netc("fmt", "-", stdin=LOOSE)
    assert (run.exit_code, run.stdout, run.stderr) == (0, FORM, "")
    assert netc("fmt", "-", stdin=FORM).stdout == FORM
    run = netc("fmt", "--check", "-", stdin=LOOSE)
    assert (run.exit_code, run.stdout, run.stderr) == (1, "", "would format <stdin>\n")


def test_a_file_with_a_syntax_error_is_left_alone_and_the_others_are_not() -> None:
    Path("broken.net").write_text(BROKEN)
    run = netc("fmt", "broken.net", "loose.net")
    assert (run.exit_code, run.stdout) == (1, "")
    assert "error[unclosed]: this `{` is never closed" in run.stderr
    assert run.stderr.endswith("1 file formatted, 1 with mistakes, left alone\n")
    assert (Path("broken.net").read_text(), Path("loose.net").read_text()) == (BROKEN, FORM)
    run = netc("fmt", "-", stdin=BROKEN)
    assert (run.exit_code, run.stdout) == (1, "")


def test_line_ends_and_marks_of_other_systems_go() -> None:
    Path("loose.net").write_bytes(b"\xef\xbb\xbf" + FORM.replace("\n", "\r\n").encode())
    assert netc("fmt", "--check", "loose.net").exit_code == 1
    assert "-\ufeff" in netc("fmt", "--diff", "loose.net").stdout
    assert netc("fmt", "loose.net").exit_code == 0
    assert Path("loose.net").read_bytes() == FORM.encode()


def test_mode_and_link_of_a_file_stay(folder: Path) -> None:
    Path("loose.net").chmod(0o640)
    Path("link.net").symlink_to("loose.net")
    run = netc("fmt", "link.net", "loose.net")
    assert run.stderr == "formatted link.net\n1 file formatted\n"
    assert Path("link.net").is_symlink()
    assert Path("loose.net").stat().st_mode & 0o777 == 0o640
    assert Path("loose.net").read_text() == FORM


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["loose.net", "missing.net"], "error: there is no file or folder `missing.net`\n"),
        (["loose.net", "empty"], "error: there is no `.net` file in `empty`\n"),
    ],
)
def test_what_cannot_be_read_is_refused(paths: list[str], message: str) -> None:
    Path("empty").mkdir()
    run = netc("fmt", *paths)
    assert (run.exit_code, run.stdout) == (2, "")
    assert run.stderr.startswith(message)
    assert Path("loose.net").read_text() == LOOSE


def test_a_change_of_what_a_spec_says_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    written = formatter.write
    for wrong in ("relu6", "relu }  # and\n#"):
        monkeypatch.setattr(
            formatter, "write", lambda file, wrong=wrong: written(file).replace("relu", wrong, 1)
        )
        run = netc("fmt", "loose.net")
        assert run.exit_code == 70
        assert "netc itself is wrong here (Altered: " in run.stderr
        assert Path("loose.net").read_text() == LOOSE


def test_a_limit_can_be_raised() -> None:
    Path("deep.net").write_text(f"let a={'(' * 150}1{')' * 150}\n")
    assert netc("fmt", "deep.net").exit_code == 1
    assert netc("fmt", "--limit", "nesting=1000", "deep.net").exit_code == 0
    assert Path("deep.net").read_text() != f"let a={'(' * 150}1{')' * 150}\n"


def test_what_is_no_text_is_left_alone() -> None:
    Path("latin.net").write_bytes(b"# caf\xe9\n")
    run = netc("fmt", "latin.net", "loose.net")
    assert run.exit_code == 1
    assert run.stderr.startswith("error[encoding]: the byte 0xe9 is not UTF-8 here\n --> latin.net:1:6\n")
    assert Path("latin.net").read_bytes() == b"# caf\xe9\n"
    assert Path("loose.net").read_text() == FORM
