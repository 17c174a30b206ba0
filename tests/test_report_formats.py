"""Diagnostics in, what other programs read out: read here as those programs read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.dsl.codes import CODES
from netc.dsl.diagnostics import Diagnostic, Edit, Note
from netc.dsl.report_formats import as_command, as_line
from netc.dsl.sarif import as_sarif
from netc.dsl.source import Place, Source

TEXT = "net ä {\r\n    input: 3x8x8\n    𝒳 conv(3×3, 4)\n}\n"
SOURCE = Source("lib/ä b.net", TEXT)
OTHER = Source("<stdin>", "block f { relu }\n")


def place(source: Source, marked: str) -> Place:
    start = source.text.index(marked)
    return Place(source, start, start + len(marked))


def mistake() -> Diagnostic:
    return Diagnostic(
        "syntax",
        "`3×3` is written `3x3`, 100 % of the time: {here}\nand there",
        place(SOURCE, "3×3"),
        "marked",
        (Note(place(SOURCE, "3x8x8"), "as the input"), Note(place(OTHER, "f"), "defined here")),
        (Note(place(SOURCE, "conv(3×3, 4)"), "in `f(3)`, called at"),),
        "write `3x3`",
        (
            Edit(place(SOURCE, "3×3"), "3x3"),
            Edit(Place(SOURCE, TEXT.index("𝒳"), TEXT.index("conv")), ""),
        ),
    )


def locate(name: str) -> str | None:
    return None if name.startswith("<") else name


def in_text(line: int, column: int) -> int:
    """The offset of a line and column, by splitting the text."""
    return sum(len(before) + 1 for before in TEXT.split("\n")[: line - 1]) + column - 1


# --- lines ----------------------------------------------------------------------------------------


def test_a_line_has_place_code_and_message() -> None:
    told = as_line(mistake())
    found = re.fullmatch(r"(.+?):(\d+):(\d+): (error|warning)\[([\w-]+)\]: (.+)", told)
    assert found is not None
    assert found[1] == SOURCE.name
    assert in_text(int(found[2]), int(found[3])) == TEXT.index("3×3")
    assert found[4], found[5] == ("error", "syntax")


# --- GitHub ---------------------------------------------------------------------------------------


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """As GitHub's runner reads a workflow command."""
    found = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert found is not None, line
    properties = {}
    for pair in found[2].split(","):
        name, _, value = pair.partition("=")
        for escaped, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(escaped, character)
        properties[name] = value
    message = found[3]
    for escaped, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        message = message.replace(escaped, character)
    return found[1], properties, message


def test_a_command_is_read_as_it_was_meant() -> None:
    severity, properties, message = read_command(as_command(mistake(), locate))
    assert severity == "error"
    assert properties == {
        "title": "netc: syntax",
        "file": "lib/ä b.net",
        "line": "3",
        "endLine": "3",
        "col": "12",
        "endColumn": "15",
    }
    assert message.splitlines() == [
        "`3×3` is written `3x3`, 100 % of the time: {here}␊and there",
        "marked",
        "lib/ä b.net:2:12: as the input",
        "<stdin>:1:7: defined here",
        "in `f(3)`, called at lib/ä b.net:3:7",
        "help: write `3x3`",
    ]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.text("a:,%\r\n =:", min_size=1))
def test_no_text_breaks_out_of_a_command(text: str, name: str) -> None:
    source = Source(name, "x")
    found = Diagnostic("syntax", text, Place(source, 0, 1), severity="warning", help=text)
    line = as_command(found, lambda name: name)
    assert "\n" not in line
    assert "\r" not in line
    severity, properties, _ = read_command(line)
    assert severity == "warning"
    assert properties["file"] == name
    assert set(properties) == {"title", "file", "line", "endLine", "col", "endColumn"}


def test_several_lines_have_no_columns_and_what_is_no_file_has_no_place() -> None:
    whole = Diagnostic("unclosed", "wrong", Place(SOURCE, 0, len(TEXT) - 1))
    _, properties, _ = read_command(as_command(whole, locate))
    assert properties == {"title": "netc: unclosed", "file": "lib/ä b.net", "line": "1", "endLine": "4"}
    nowhere = Diagnostic("stray", "wrong", Place(OTHER, 6, 7))
    _, properties, message = read_command(as_command(nowhere, locate))
    assert properties == {"title": "netc: stray"}
    assert message == "wrong\nat <stdin>:1:7"


# --- SARIF ----------------------------------------------------------------------------------------

REQUIRED_AND_ALLOWED: dict[str, tuple[set[str], dict[str, Any]]] = {
    "sarifLog": ({"version", "runs"}, {"$schema": str, "version": str, "runs": ["run"]}),
    "run": (
        {"tool"},
        {"tool": "tool", "invocations": ["invocation"], "columnKind": str, "results": ["result"]},
    ),
    "tool": ({"driver"}, {"driver": "toolComponent"}),
    "toolComponent": (
        {"name"},
        {"name": str, "version": str, "semanticVersion": str, "rules": ["reportingDescriptor"]},
    ),
    "reportingDescriptor": (
        {"id"},
        {
            "id": str,
            "shortDescription": "multiformatMessageString",
            "fullDescription": "multiformatMessageString",
            "help": "multiformatMessageString",
            "defaultConfiguration": "reportingConfiguration",
        },
    ),
    "multiformatMessageString": ({"text"}, {"text": str, "markdown": str}),
    "reportingConfiguration": (set(), {"level": str}),
    "invocation": ({"executionSuccessful"}, {"executionSuccessful": bool}),
    "result": (
        {"message"},
        {
            "ruleId": str,
            "ruleIndex": int,
            "level": str,
            "message": "message",
            "locations": ["location"],
            "relatedLocations": ["location"],
            "stacks": ["stack"],
            "fixes": ["fix"],
        },
    ),
    "message": ({"text"}, {"text": str}),
    "location": (set(), {"id": int, "physicalLocation": "physicalLocation", "message": "message"}),
    "physicalLocation": (
        {"artifactLocation"},
        {"artifactLocation": "artifactLocation", "region": "region"},
    ),
    "artifactLocation": ({"uri"}, {"uri": str, "uriBaseId": str}),
    "region": (
        {"startLine"},
        {"startLine": int, "startColumn": int, "endLine": int, "endColumn": int},
    ),
    "stack": ({"frames"}, {"message": "message", "frames": ["stackFrame"]}),
    "stackFrame": (set(), {"location": "location"}),
    "fix": ({"artifactChanges"}, {"description": "message", "artifactChanges": ["artifactChange"]}),
    "artifactChange": (
        {"artifactLocation", "replacements"},
        {"artifactLocation": "artifactLocation", "replacements": ["replacement"]},
    ),
    "replacement": (
        {"deletedRegion"},
        {"deletedRegion": "region", "insertedContent": "artifactContent"},
    ),
    "artifactContent": (set(), {"text": str}),
}
"""Of each object of the standard that is used: what it must have, and what else of it is used, with types."""


def check_object(found: Any, kind: str) -> None:
    required, allowed = REQUIRED_AND_ALLOWED[kind]
    assert isinstance(found, dict), kind
    assert required <= found.keys() <= allowed.keys(), (kind, found.keys())
    for key, value in found.items():
        want = allowed[key]
        if isinstance(want, list):
            assert isinstance(value, list), key
            for item in value:
                check_object(item, want[0])
        elif isinstance(want, str):
            check_object(value, want)
        else:
            assert type(value) is want, key
    if kind == "artifactLocation":
        assert re.fullmatch(r"[A-Za-z0-9\-._~:/%<>]+", found["uri"])
        assert "%SRCROOT%" in found.get("uriBaseId", "%SRCROOT%")
    if kind == "region":
        start, end = (found["startLine"], found["startColumn"]), (found["endLine"], found["endColumn"])
        assert (1, 1) <= start <= end


def log_of(*diagnostics: Diagnostic) -> dict[str, Any]:
    log = as_sarif(diagnostics, version="1.2.3", locate=locate, page=lambda code: f"# {code}\n\nWhy.\n")
    check_object(log, "sarifLog")
    assert json.loads(json.dumps(log)) == log
    return log


def test_a_log_has_the_form_of_the_standard_and_points_into_the_text() -> None:
    (run,) = log_of(mistake())["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    (rule,) = run["tool"]["driver"]["rules"]
    assert (rule["id"], rule["help"]["markdown"]) == ("syntax", "# syntax\n\nWhy.\n")
    assert rule["fullDescription"]["text"] == "Why."
    (result,) = run["results"]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("syntax", 0, "error")
    # braces are placeholders unless they are doubled
    assert "{{here}}" in result["message"]["text"]
    assert result["message"]["text"].endswith(" write `3x3`.")
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    assert unquote(physical["artifactLocation"]["uri"]) == SOURCE.name
    assert physical["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    assert text_of(physical["region"]) == "3×3"
    related = result["relatedLocations"]
    assert [entry["id"] for entry in related] == [1, 2]
    assert text_of(related[0]["physicalLocation"]["region"]) == "3x8x8"
    assert related[1]["physicalLocation"]["artifactLocation"] == {"uri": "%3Cstdin%3E"}
    (stack,) = result["stacks"]
    regions = [frame["location"]["physicalLocation"]["region"] for frame in stack["frames"]]
    assert [text_of(region) for region in regions] == ["3×3", "conv(3×3, 4)"]
    assert stack["frames"][1]["location"]["message"]["text"] == "in `f(3)`"


def text_of(region: dict[str, int]) -> str:
    start = in_text(region["startLine"], region["startColumn"])
    return TEXT[start : in_text(region["endLine"], region["endColumn"])]


def test_replacements_one_after_the_other_fix_the_text() -> None:
    (run,) = log_of(mistake())["runs"]
    (fix,) = run["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    text = TEXT
    for replacement in change["replacements"]:
        region = replacement["deletedRegion"]
        start = in_text(region["startLine"], region["startColumn"])
        end = in_text(region["endLine"], region["endColumn"])
        text = text[:start] + replacement["insertedContent"]["text"] + text[end:]
    assert text == TEXT.replace("𝒳 conv(3×3", "conv(3x3")


def test_each_code_is_one_rule_in_the_order_of_the_codes() -> None:
    at = Place(SOURCE, 0, 3)
    codes = ["shape-mismatch", "syntax", "shape-mismatch", "unknown-name"]
    (run,) = log_of(*(Diagnostic(code, "wrong", at) for code in codes))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [code for code in CODES if code in codes]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == codes
    assert log_of()["runs"][0]["results"] == []


def test_a_file_outside_has_a_whole_address(tmp_path: Path) -> None:
    source = Source(str(tmp_path / "a b.net"), "x")
    (run,) = log_of(Diagnostic("syntax", "wrong", Place(source, 0, 1)))["runs"]
    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": (tmp_path / "a b.net").as_uri()}


@pytest.mark.parametrize("name", ["a:b.net", "ä%20.net", "#?.net", "deep/down/a.net"])
def test_a_path_is_escaped(name: str) -> None:
    (run,) = log_of(Diagnostic("syntax", "wrong", Place(Source(name, "x"), 0, 1)))["runs"]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri) == name
    assert not set(uri) & set(":#? ")
