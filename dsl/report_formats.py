"""Diagnostics in; lines for editors, commands for GitHub's workflows and plain data for programs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .diagnostics import Diagnostic
from .report import describe_calls, show
from .source import Place

Locate = Callable[[str], str | None]
"""The name of a source in; its path out, with forward slashes, relative where it can be; None where it is no
file of the user's (standard input, what netc brings)."""


def as_line(diagnostic: Diagnostic) -> str:
    """`file:line:column: error[code]: message`, the form that editors and `grep` know."""
    title = f"{diagnostic.severity}[{diagnostic.code}]"
    return show(f"{diagnostic.place}: {title}: {diagnostic.message}")


# --- GitHub ---------------------------------------------------------------------------------------


def as_command(diagnostic: Diagnostic, locate: Locate) -> str:
    """The workflow command that marks the place in a pull request. What a report says beside the message
    follows it, a line each."""
    place = diagnostic.place
    path = locate(place.source.name)
    lines = [diagnostic.message, *([diagnostic.marked] if diagnostic.marked else [])]
    if path is None:
        lines.append(f"at {place}")
    lines += [f"{note.place}: {note.message}" for note in diagnostic.causes]
    lines += describe_calls(diagnostic.calls)
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    properties = {"title": f"netc: {diagnostic.code}"}
    if path is not None:
        first, last = place.line, place_after(place).line
        properties |= {"file": path, "line": str(first), "endLine": str(last)}
        if first == last:  # columns of several lines are refused
            properties |= {"col": str(place.column), "endColumn": str(place_after(place).column)}
    named = ",".join(f"{name}={escape_property(value)}" for name, value in properties.items())
    return f"::{diagnostic.severity} {named}::{escape_data(chr(10).join(map(show, lines)))}"


def escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


# --- data -----------------------------------------------------------------------------------------


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Plain data; lines and columns count from 1, in characters."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **place_as_json(diagnostic.place),
        "marked": diagnostic.marked,
        "causes": [{**place_as_json(note.place), "message": note.message} for note in diagnostic.causes],
        "calls": [{**place_as_json(note.place), "message": note.message} for note in diagnostic.calls],
        "help": diagnostic.help,
        "fix": [{**place_as_json(edit.place), "text": edit.text} for edit in diagnostic.fix],
    }


def place_as_json(place: Place) -> dict[str, Any]:
    last = place_after(place)
    return {
        "file": place.source.name,
        "line": place.line,
        "column": place.column,
        "end_line": last.line,
        "end_column": last.column,
    }


def place_after(place: Place) -> Place:
    """The end of a place, after its last character."""
    return Place(place.source, place.end, place.end)
