"""`netc fmt`: specs in, the same in the canonical form out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from ..driver import quiet_machine
from ..dsl.diagnostics import Unusable
from ..dsl.encoding import decode
from ..dsl.formatter import Broken, format_source
from ..files import STDIN, find_specs, read_data, write_file
from ..settings import read_limits
from .options import limited
from .terminal import SPEC_WRONG, give, give_differences, report, say, stop


@click.command(
    "fmt",
    short_help="Write specs in the canonical form.",
    epilog="Example: netc fmt --diff specs/",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--check", is_flag=True, help="Write nothing; fail where a file is not in that form.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@limited
def fmt_command(paths: tuple[str, ...], check: bool, diff: bool, limits: tuple[str, ...]) -> None:
    """Write each PATH anew in the one canonical form: a file, the `.net` files of a folder, or `-` for
    standard input to standard output. A spec says what it said before, and its comments stay; one with a
    syntax error is left alone."""
    text_limits = read_limits(limits)
    changed = same = broken = 0
    for path in find_files(paths):
        data = read_data(Path(path))
        source = decode(data, STDIN if path == "-" else path)
        try:
            with quiet_machine():
                formatted = format_source(source, text_limits)
        except Broken as error:
            report(error.diagnostics)
            broken += 1
            continue
        changes = formatted.encode() != data
        changed, same = changed + changes, same + (not changes)
        if diff and changes:
            give_differences(source.name, data.decode(), formatted)
        if check and changes:
            say(f"would format {source.name}")
        if check or diff:
            continue
        if path == "-":
            give(formatted.encode())
        elif changes:
            write_file(path, formatted)
            say(f"formatted {path}")
    if paths != ("-",):
        say(count(changed, same, broken, only_told=check or diff))
    if broken or (check and changed):
        stop(SPEC_WRONG)


def find_files(paths: Iterable[str]) -> list[str]:
    """The files at those paths, each once, in order. Raises `Unusable` before any is written."""
    found: dict[str, str] = {}
    for path in paths:
        if path != "-" and not os.path.lexists(path):
            raise Unusable(f"there is no file or folder `{path}`")
        inside = find_specs(path) if os.path.isdir(path) else [path]
        if not inside:
            raise Unusable(f"there is no `.net` file in `{path}`")
        for file in inside:
            found.setdefault("-" if file == "-" else os.path.realpath(file), file)
    return list(found.values())


def count(changed: int, same: int, broken: int, only_told: bool) -> str:
    """How many files changed, stayed, and could not be read."""
    told = []
    if changed:
        told.append(f"{files(changed)} {'would be formatted' if only_told else 'formatted'}")
    if same:
        told.append(
            f"{same:,} as {'it was' if same == 1 else 'they were'}" if changed else f"{files(same)} as before"
        )
    if broken:
        told.append(f"{broken:,} with mistakes, left alone")
    return ", ".join(told)


def files(number: int) -> str:
    return f"{number:,} file" if number == 1 else f"{number:,} files"
