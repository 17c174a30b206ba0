"""The command line as people use and misuse it: what it prints where, and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from netc import cli, files
from netc.cli import COMMANDS, commands, run, terminal

SMALL = """net small(width=8, classes=10) {
    input image: 3x32x32
    stem: conv(3x3, width) -> relu
    for i in range(2) { stage[i]: conv(3x3/2, width * 2) -> relu }
    aux head(weight=0.3): gap -> fc(classes)
    gap
    fc: fc(classes)
}
expect small "by hand" {
    params == 3_882
    shape(output) == 10
}
"""
WRONG = "net wrong {\n    input: 3x8x8\n    add { conv(3x3, 4); conv(3x3, 5) }\n    fc(oops)\n}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "small.net").write_text(SMALL)
    (tmp_path / "wrong.net").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def netc(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """One run in this process; `exit_code` is what the shell would see."""
    runner = CliRunner()
    codes: list[int] = []

    @click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    def front(rest: tuple[str, ...]) -> None:
        codes.append(run([*rest]))

    result = runner.invoke(front, ["--", *arguments], input=stdin, catch_exceptions=False)
    result.exit_code = codes[0]
    return result


# --- each command, as it is meant -----------------------------------------------------------------


def test_compile_prints_a_table_on_standard_output_and_nothing_else() -> None:
    result = netc("compile", "small.net")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "stage" in result.stdout
    assert "3,882" in result.stdout


def test_compile_as_json_is_one_object_with_counts_of_inference_and_of_training() -> None:
    told = json.loads(netc("compile", "small.net", "--format", "json").stdout)
    stem, stage0, stage1, head = 3 * 9 * 8 + 8, 8 * 9 * 16 + 16, 16 * 9 * 16 + 16, 16 * 10 + 10
    assert told["net"] == "small"
    assert told["params"] == stem + stage0 + stage1 + head
    assert told["params_train"] == told["params"] + head
    assert told["macs"] == 27 * 8 * 32**2 + 72 * 16 * 16**2 + 144 * 16 * 8**2 + 160
    assert told["macs_train"] == told["macs"] + 160
    assert sum(layer["params"] for layer in told["layers"] if not layer["only_training"]) == told["params"]
    assert {"name", "op", "block", "inputs", "shape", "params", "macs"} <= told["layers"][0].keys()


def test_compile_writes_csv_and_markdown() -> None:
    rows = list(csv.DictReader(io.StringIO(netc("compile", "small.net", "--format", "csv").stdout)))
    assert sum(int(row["params"] or 0) for row in rows if row["name"] == "fc" and row["level"] == "0") == 170
    markdown = netc("compile", "small.net", "--format", "markdown").stdout
    assert "| --- |" in markdown.replace("---:", "---").replace("-|", " |") or "---" in markdown


def test_depth_opens_or_closes_blocks() -> None:
    tables = [netc("compile", "resnet50", "--depth", str(depth)).stdout for depth in (1, 2, 3)]
    lines = [len(table.splitlines()) for table in tables]
    assert lines == sorted(set(lines))


def test_set_and_input_change_the_net() -> None:
    told = json.loads(netc("compile", "small.net", "--set", "classes=5", "--format", "json").stdout)
    assert told["outputs"] == {"output": [5]}
    told = json.loads(netc("compile", "small.net", "--input", "image=1x20x24", "--format", "json").stdout)
    assert told["layers"][0]["shape"] == [1, 20, 24]
    same = json.loads(netc("compile", "small.net", "--input", "1x20x24", "--format", "json").stdout)
    assert same == told


def test_set_takes_expressions_among_the_names_of_the_file() -> None:
    net = "net acts(act=relu, n=1) { input: 4x4x4; conv(3x3, n) -> act }\n"
    Path("acts.net").write_text(f"{net}let wide = 12\n")
    settings = ("--set", "act=sigmoid", "--set", "n=2 * wide")
    told = json.loads(netc("compile", "acts.net", *settings, "--format", "json").stdout)
    assert [layer["op"] for layer in told["layers"]] == ["input", "conv", "sigmoid"]
    assert told["outputs"]["output"] == [24, 4, 4]


def test_several_values_print_one_row_each() -> None:
    told = json.loads(
        netc(
            "compile", "small.net", "--set", "width=4,8", "--set", "classes=2,3,5", "--format", "json"
        ).stdout
    )
    assert [entry["set"] for entry in told] == [
        {"width": str(width), "classes": str(classes)} for width in (4, 8) for classes in (2, 3, 5)
    ]
    assert len({entry["params"] for entry in told}) == 6
    table = netc("compile", "mobilenet_v1", "--set", "alpha=0.25,0.5,0.75,1").stdout
    assert "4,231,976" in table
    assert "470,072" in table


def test_a_template_becomes_a_net_with_set() -> None:
    Path("family.net").write_text(
        "net family(n) { input: 3x8x8; conv(3x3, n) }\nnet a = family(1)\nnet b = family(2)\n"
    )
    assert netc("compile", "family.net", "--set", "n=7").exit_code == 0
    assert "a, b" in netc("compile", "family.net").stderr


def test_render_writes_a_picture_named_like_the_net(folder: Path) -> None:
    result = netc("compile", "small.net", "--render", "svg")
    assert (result.exit_code, result.stderr) == (0, "wrote small.svg\n")
    assert (folder / "small.svg").read_text().startswith("<svg")
    for format, start in [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph"), ("mermaid", b"---\n")]:
        assert netc("compile", "small.net", "--render", format, "-o", f"out.{format}").exit_code == 0
        head = (folder / f"out.{format}").read_bytes()
        assert head.startswith(start) or b"flowchart" in head


def test_a_picture_on_standard_output_stands_alone() -> None:
    result = netc("compile", "small.net", "--render", "dot", "-o", "-")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("digraph")


def test_why_shows_the_arithmetic_with_its_numbers() -> None:
    told = netc("compile", "small.net", "--why", "stage[0]").stdout
    assert "(32 + 2*1 - 3) // 2 + 1 = 16" in told
    assert "small.net:4" in told


def test_build_writes_a_module_that_python_can_read(folder: Path) -> None:
    result = netc("build", "small.net", "-o", "model.py")
    assert (result.exit_code, result.stderr, result.stdout) == (0, "wrote model.py\n", "")
    compile((folder / "model.py").read_text(), "model.py", "exec")
    assert "self.head" in (folder / "model.py").read_text()
    without = netc("build", "small.net", "--no-aux").stdout
    assert "self.head" not in without
    assert "class Small(nn.Module)" in without


def test_check_says_that_nothing_is_wrong_and_takes_folders(folder: Path) -> None:
    (folder / "wrong.net").unlink()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "wrong.net").write_text(WRONG)
    assert netc("check", ".").stdout == "1 net checked, nothing wrong\n"
    assert netc("check", ".hidden").exit_code == 1
    assert netc("check", "small.net", "lenet5", "vgg").stdout == "12 nets checked, nothing wrong\n"


def test_check_keeps_budgets() -> None:
    assert netc("check", "small.net", "--max-params", "3_882", "--max-macs", "5M").exit_code == 0
    result = netc("check", "small.net", "--max-params", "3.8K")
    assert result.exit_code == 1
    assert "`small` has 3,882 params, over the budget of 3,800" in result.stderr


def test_check_as_json_gives_places(folder: Path) -> None:
    result = netc("check", "wrong.net", "--format", "json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)["diagnostics"]
    assert {(entry["code"], entry["line"]) for entry in told} == {("shape-mismatch", 3), ("unknown-name", 4)}


def test_verify_shows_printed_against_computed() -> None:
    result = netc("verify", "small.net")
    assert result.exit_code == 0
    assert "2 claims checked, 0 wrong" in result.stdout
    Path("small.net").write_text(SMALL.replace("3_882", "3_883"))
    result = netc("verify", "small.net", "--failed")
    assert result.exit_code == 1
    assert "3_883" in result.stdout
    assert "FAIL" in result.stdout
    assert "shape(output)" not in result.stdout
    assert "failed-claim" in result.stderr


def test_verify_of_one_net_leaves_the_others_alone() -> None:
    Path("two.net").write_text(
        "net a { input: 3x8x8; relu }\nnet b { input: 3x8x8; relu }\n"
        'expect a "x" { params == 0 }\nexpect b "x" { params == 1 }\n'
    )
    assert netc("verify", "two.net:a").exit_code == 0
    assert netc("verify", "two.net:b").exit_code == 1


def test_list_shows_every_complete_bundled_net() -> None:
    told = json.loads(netc("list", "--format", "json").stdout)
    counts = {entry["net"]: (entry["params"], entry["macs"]) for entry in told}
    assert counts["resnet50"] == (25_557_032, 4_089_184_256)
    assert counts["lenet5"][0] == 61_706
    assert "vgg" not in counts  # a template
    table = netc("list").stdout
    assert all(name in table for name in counts)


def test_layers_explains_them() -> None:
    assert "lrn(size" in netc("layers").stdout
    conv = netc("layers", "conv").stdout
    assert "output channels" in conv
    told = json.loads(netc("layers", "--json").stdout)
    assert {"conv", "maxpool", "fc", "concat"} <= {entry["name"] for entry in told}
    assert all({"shape", "cost", "torch", "why"} <= set(entry["rules"]) for entry in told)


def test_every_command_has_help_with_an_example() -> None:
    for command in COMMANDS:
        told = netc(command, "--help")
        assert told.exit_code == 0
        assert f"Example: netc {command} " in told.stdout


# --- misuse ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compile"], "Missing argument"),
        (["compile", "nowhere.net"], "there is no file `nowhere.net`"),
        (["compile", "resnet5"], "did you mean `resnet"),
        (["compile", "."], "is a folder"),
        (["compile", "small.net", "--set", "width"], "`--set name=value`"),
        (["compile", "small.net", "--set", "width=1", "--set", "width=2"], "set twice"),
        (["compile", "small.net", "--set", "width=(1"], "cannot be read"),
        (["compile", "small.net", "--set", "width="], "cannot be read"),
        (["compile", "small.net", "--set", "width=1,2", "--render", "svg"], "several values"),
        (["compile", "small.net", "--set", "widht=3"], "did you mean `width`?"),
        (["build", "small.net", "--set", "n=3"], "it has width, classes"),
        (["compile", "small.net", "--set", "width=oops"], "there is no `oops`"),
        (["compile", "vgg:vgg", "--set", "depth=3"], "did you mean"),
        (["compile", "vgg:vgg"], "is a template"),
        (["compile", "vgg"], "name one after a colon"),
        (["build", "small.net", "--set", "width=1,2"], "several values"),
        (["compile", "small.net", "--input", "3x0x4"], "is not a size"),
        (["compile", "small.net", "--input", "big"], "is not a size"),
        (["compile", "small.net", "--input", "iamge=3x8x8"], "did you mean `image`?"),
        (["compile", "small.net", "--limit", "memory=3"], "there is no limit `memory`"),
        (["compile", "small.net", "--limit", "nodes=many"], "is not a whole number"),
        (["compile", "small.net", "--depth", "-1"], "--depth"),
        (["compile", "small.net", "--render", "gif"], "gif"),
        (["compile", "small.net", "--why", "steam"], "did you mean `stem`?"),
        (["compile", "small.net", "--render", "dot", "-o", "no/where.dot"], "there is no folder"),
        (["build", "small.net", "-o", "."], "is a directory"),
        (["check", "small.net", "--max-params", "few"], "is not a whole number"),
        (["check"], "Missing argument"),
        (["check", "small.net", "nowhere.net"], "there is no file `nowhere.net`"),
        (["check", "small.net", "--format", "xml"], "'sarif'"),
        (["check", "small.net", "--diff", "--format", "json"], "cannot both go to standard output"),
        (["check", "-", "--fix", "--format", "json"], "cannot both go to standard output"),
        (["verify"], "Missing argument"),
        (["verify", "small.net", "nowhere.net"], "there is no file `nowhere.net`"),
        (["explain", "shape-missmatch"], "did you mean `shape-mismatch`?"),
        (["explain", "stray", "syntax"], "unexpected extra argument"),
        (["layers", "cnov"], "did you mean `conv`?"),
        (["brew"], "No such command"),
        (["chek"], "Did you mean `check`?"),
    ],
)
def test_wrong_use_is_told_and_gives_2(arguments: list[str], said: str) -> None:
    result = netc(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["compile", "build", "check", "verify"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("small.net:smal", "there is no net `smal` in small.net\n  = help: did you mean `small`?"),
        ("lenet5:big", "its nets are lenet5"),
        ("empty.net:a", "it defines no net"),
    ],
)
def test_a_net_that_a_file_has_not_is_no_mistake_of_the_file(command: str, name: str, said: str) -> None:
    Path("empty.net").write_text("# nothing\n")
    result = netc(command, name)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compile", "wrong.net"], "shape-mismatch"),
        (["compile", "wrong.net"], "unknown-name"),  # both in one run
        (["build", "wrong.net", "-o", "kept.py"], "shape-mismatch"),
        (["check", "."], "shape-mismatch"),
        (["compile", "small.net", "--set", "width=-1"], "out-of-range"),
        (["compile", "small.net", "--limit", "nodes=3"], "--limit nodes=N"),
    ],
)
def test_a_wrong_spec_is_told_and_gives_1(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "kept.py").write_text("kept")
    result = netc(*arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""
    assert (folder / "kept.py").read_text() == "kept"


def test_a_net_that_only_the_file_names_is_a_mistake_of_the_file(folder: Path) -> None:
    (folder / "called.net").write_text("net called = missing(3)\n")
    assert [netc(command, "called.net").exit_code for command in ("compile", "build", "check")] == [1, 1, 1]
    assert netc("compile", "called.net:missing").exit_code == 2


def test_places_of_an_option_are_marked_in_the_option() -> None:
    told = netc("compile", "small.net", "--set", "width=oops").stderr
    assert "width=oops\n" in told
    assert "      ^^^^" in told


def test_what_would_steer_a_terminal_is_shown_and_not_sent(folder: Path) -> None:
    for name in ("a\33[2J.net", "a\n::error::b.net"):
        told = netc("check", name)
        assert told.exit_code == 2
        assert "\33" not in told.stderr
        assert "\n::" not in told.stderr
        (folder / name).write_text(WRONG)
        assert "\33" not in netc("check", name).stderr
        assert "\n::" not in netc("check", name).stderr


def test_standard_input_is_a_spec() -> None:
    assert netc("compile", "-", stdin=SMALL).exit_code == 0
    assert "<stdin>:3" in netc("check", "-", stdin=WRONG).stderr


@pytest.mark.parametrize("command", ["check", "compile", "build", "verify", "fmt"])
def test_bytes_that_are_no_text_are_a_mistake_of_the_spec(command: str) -> None:
    result = netc(command, "-", stdin=b"net a { relu } # \xff")
    assert (result.exit_code, result.stderr.count("error[")) == (1, 1)
    assert result.stderr.startswith("error[encoding]: the byte 0xff is not UTF-8 here\n --> <stdin>:1:18\n")


def test_bytes_that_are_no_text_are_not_fixed() -> None:
    result = netc("check", "--fix", "-", stdin=b"net a { relu bn } # \xff")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[encoding]" in result.stderr


def test_a_file_that_defines_nothing_is_warned_of() -> None:
    for text in ("", "# a\n# b", "\ufeff", '"""a"""\n'):
        result = netc("check", "-", stdin=text)
        assert result.exit_code == 0
        assert result.stderr.startswith("warning[empty]: this file defines nothing\n --> <stdin>:1:1\n")
        assert netc("check", "--strict", "-", stdin=text).exit_code == 1
        assert "this file defines no net" in netc("compile", "-", stdin=text).stderr
    assert "empty" not in netc("check", "-", stdin="block a() { relu }").stderr


def test_a_path_that_is_not_there_falls_back_and_says_so() -> None:
    result = netc("compile", "specs/lenet5.net")
    assert result.exit_code == 0
    assert result.stderr == "note: specs/lenet5.net is not there; this is the bundled netc/specs/lenet5.net\n"
    assert netc("compile", "lenet5").stderr == ""


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\33[" not in netc("check", "wrong.net").stderr

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.coloured(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.coloured(Terminal())


# --- when things go wrong -------------------------------------------------------------------------


def test_a_fault_of_netc_itself_gives_70_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(files, "read_path", break_down)
    result = netc("compile", "small.net")
    assert result.exit_code == 70
    assert "please report" in result.stderr
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("NETC_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        netc("compile", "small.net")


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "read_path", interrupt)
    result = netc("compile", "small.net")
    assert (result.exit_code, result.stderr.strip()) == (130, "interrupted")


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`netc list | head -0`: the pipe closes before anything is written."""
    program = [sys.executable, "-m", "netc", "layers", "--json"]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert errors == b""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_while_reading_standard_input_leaves_no_traceback() -> None:
    program = [sys.executable, "-m", "netc", "check", "-"]
    process = subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs in the background of a script is started with interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    process.stdin.write("net a {")
    process.stdin.flush()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_the_commands_are_imported_one_at_a_time() -> None:
    program = "import sys, netc.cli; print('netc.driver' in sys.modules, 'networkx' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]


def test_version_and_help_work() -> None:
    assert "netc, version " in netc("--version").stdout
    told = netc("--help").stdout
    assert all(command in told for command in COMMANDS)
    assert isinstance(commands, cli.Commands)
