"""Options that several commands share: their texts in, a compiled net out, or the end of the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeVar

import click

from .. import driver
from ..dsl.diagnostics import Diagnostic, Unusable
from ..files import Spec, find_spec, find_specs
from ..settings import Misused, Setting, read_inputs, read_limits
from .terminal import SPEC_WRONG, USED_WRONGLY, point_on, report, say, stop, tell

Command = TypeVar("Command", bound=Callable[..., Any])


def limited(command: Command) -> Command:
    """`--limit`."""
    option = click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=N",
        help="Another limit: `--limit nodes=2_000_000`.",
    )
    return option(command)


def variant(command: Command) -> Command:
    """`--set`, `--input`, `--limit`."""
    sizes = click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="[NAME=]CxHxW",
        help="Another size for an input: the first one, where no name is given.",
    )
    settings = click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Another value for a parameter of the net: `--set alpha=0.5`.",
    )
    return settings(sizes(limited(command)))


def picture(_: click.Context, option: click.Parameter, file: str | None) -> str | None:
    """The value of an option that names the file of a picture. Raises `Misused` where it says another format
    than SVG, which is written."""
    if file is not None and PurePath(file).suffix.lower() not in ("", ".svg"):
        raise Misused(f"the picture is an SVG, and `{file}` is called otherwise")
    return file


def open_spec(name: str) -> Spec:
    """The spec of that name; how it was found, where that may surprise, is said."""
    spec = find_spec(name)
    if spec.note:
        say(f"note: {spec.note}")
    return spec


def open_specs(names: Iterable[str]) -> tuple[list[Spec], list[Unusable]]:
    """The specs of these names; of a folder, all `.net` files in it and below. And what cannot be had: that
    is no reason to leave the others alone."""
    specs: list[Spec] = []
    missed: list[Unusable] = []
    for name in names:
        paths = find_specs(name) if os.path.isdir(name) else [name]
        if not paths:
            missed.append(Unusable(f"there is no `.net` file in `{name}`"))
        for path in paths:
            try:
                specs.append(open_spec(path))
            except Unusable as error:
                missed.append(error)
    return specs, missed


def finish(failed: bool, missed: Sequence[Unusable]) -> None:
    """End a run over several specs: tell what could not be had, and stop where something is wrong."""
    for error in missed:
        tell(error)
    if missed:
        stop(USED_WRONGLY)
    if failed:
        stop(SPEC_WRONG)


def compile_or_stop(
    spec: Spec, settings: Mapping[str, Setting], inputs: tuple[str, ...], limits: tuple[str, ...]
) -> driver.Compiled:
    """The net; its diagnostics are told, and errors end the run."""
    result = driver.compile(spec, settings=settings, inputs=read_inputs(inputs), limits=read_limits(limits))
    report(result.diagnostics)
    if result.compiled is None or result.failed:
        point_on(result.diagnostics)
        stop(USED_WRONGLY if all(map(is_misuse, result.diagnostics)) else SPEC_WRONG)
    return result.compiled


def is_misuse(diagnostic: Diagnostic) -> bool:
    """Whether a mistake is one of the command line: in an option, or in what it asks of a file that may be
    right (`netc check` has nothing against it). A net that the file itself names is told of where it does."""
    of_the_file = diagnostic.place.end == 0
    return (
        diagnostic.place.source.name.startswith("--")
        or diagnostic.code == "template"
        or (diagnostic.code == "unknown-net" and of_the_file)
    )
