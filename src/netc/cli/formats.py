"""All diagnostics of a run in; what was asked for with `--format` out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ..dsl.diagnostics import Diagnostic
from ..files import read_page
from .terminal import conclude, give, report

Command = TypeVar("Command", bound=Callable[..., Any])


def formatted(command: Command) -> Command:
    """`--format`."""
    option = click.option(
        "--format",
        type=click.Choice(["text", "concise", "json", "github", "sarif"]),
        default="text",
        help="How to write it: `concise` is a line each, `github` annotations of a workflow.",
    )
    return option(command)


def write(diagnostics: Sequence[Diagnostic], format: str, facts: dict[str, Any]) -> None:
    """Tell the diagnostics: as text on standard error, in the other formats on standard output. JSON holds
    `facts` too."""
    if format == "text":
        report(diagnostics)
        conclude(diagnostics)
        return
    from ..dsl.report_formats import as_command, as_json, as_line

    if format == "json":
        give_json({**facts, "diagnostics": list(map(as_json, diagnostics))})
    elif format == "sarif":
        from importlib.metadata import version

        from ..dsl.sarif import as_sarif

        give_json(as_sarif(diagnostics, version=version("netc"), locate=locate, page=read_page))
    else:
        lines = [as_line(d) if format == "concise" else as_command(d, locate) for d in diagnostics]
        if lines:
            give("\n".join(lines))


def give_json(told: dict[str, Any]) -> None:
    import json

    give(json.dumps(told, indent=2))


def locate(name: str) -> str | None:
    """The path of a source for other programs: relative to this folder, where it is below it."""
    if not os.path.exists(name):  # standard input, an option, a bundled spec
        return None
    path, here = Path(os.path.abspath(name)), Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
