"""Diagnostics in, a log in SARIF 2.1.0 out, the OASIS standard that code scanning and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from .codes import CODES
from .diagnostics import Diagnostic, Edit
from .pages import render
from .report import show
from .report_formats import Locate, place_after
from .source import Place

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""What paths are relative to, as code scanning calls it."""

Json = dict[str, Any]


def as_sarif(
    diagnostics: Sequence[Diagnostic], *, version: str, locate: Locate, page: Callable[[str], str]
) -> Json:
    """The log of one run; `page` gives the page of a code, which is the help of its rule."""
    met = {diagnostic.code: diagnostic.severity for diagnostic in diagnostics}
    codes = [code for code in CODES if code in met]
    rules = [rule(code, met[code], page(code)) for code in codes]
    run = {
        "tool": {"driver": {"name": "netc", "version": version, "semanticVersion": version, "rules": rules}},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": [result(diagnostic, codes.index(diagnostic.code), locate) for diagnostic in diagnostics],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def rule(code: str, level: str, page: str) -> Json:
    _, _, text = page.partition("\n\n")
    return {
        "id": code,
        "shortDescription": {"text": sentence(CODES[code])},
        "fullDescription": {"text": " ".join(text.partition("\n\n")[0].split())},
        "help": {"text": render(page), "markdown": page},
        "defaultConfiguration": {"level": level},
    }


def result(diagnostic: Diagnostic, rule: int, locate: Locate) -> Json:
    """Causes are related locations, the calls of blocks a stack, a fix its replacements."""
    told = [sentence(diagnostic.message), *([sentence(diagnostic.help)] if diagnostic.help else [])]
    found: Json = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": message(" ".join(told)),
        "locations": [location(diagnostic.place, diagnostic.marked, locate)],
    }
    if diagnostic.causes:
        found["relatedLocations"] = [
            {"id": number, **location(note.place, note.message, locate)}
            for number, note in enumerate(diagnostic.causes, 1)
        ]
    if diagnostic.calls:
        frames = [location(diagnostic.place, diagnostic.message, locate)]
        frames += [
            location(note.place, note.message.removesuffix(", called at"), locate)
            for note in diagnostic.calls
        ]
        found["stacks"] = [
            {"message": message("calls of blocks"), "frames": [{"location": frame} for frame in frames]}
        ]
    if diagnostic.fix:
        found["fixes"] = [fix(diagnostic, locate)]
    return found


def fix(diagnostic: Diagnostic, locate: Locate) -> Json:
    """From the end of a text to its start: a replacement moves what stands behind it."""
    files: dict[str, list[Edit]] = {}
    for edit in sorted(diagnostic.fix, key=lambda edit: (edit.place.start, edit.place.end), reverse=True):
        files.setdefault(edit.place.source.name, []).append(edit)
    return {
        "description": message(sentence(diagnostic.help or "apply the fix")),
        "artifactChanges": [
            {
                "artifactLocation": artifact(name, locate),
                "replacements": [
                    {"deletedRegion": region(edit.place), "insertedContent": {"text": edit.text}}
                    for edit in edits
                ],
            }
            for name, edits in files.items()
        ],
    }


def location(place: Place, text: str, locate: Locate) -> Json:
    found: Json = {
        "physicalLocation": {
            "artifactLocation": artifact(place.source.name, locate),
            "region": region(place),
        }
    }
    if text:
        found["message"] = message(text)
    return found


def artifact(name: str, locate: Locate) -> Json:
    path = locate(name)
    if path is not None and PurePath(path).is_absolute():
        return {"uri": PurePath(path).as_uri()}
    uri = quote(path or name, errors="surrogateescape")  # names of files are bytes
    return {"uri": uri} if path is None else {"uri": uri, "uriBaseId": ROOT}


def region(place: Place) -> Json:
    last = place_after(place)
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": last.line,
        "endColumn": last.column,
    }


def message(text: str) -> Json:
    """A plain message; there braces are placeholders unless they are doubled (3.11.5)."""
    return {"text": show(text).replace("{", "{{").replace("}", "}}")}


def sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
