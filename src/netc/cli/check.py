"""`netc check` and `netc verify`: specs in, what is wrong with them out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from .. import driver
from ..dsl.diagnostics import Diagnostic
from ..files import Spec, Unusable, find_specs
from ..settings import read_count, read_limits
from .options import limited, open_spec
from .terminal import SPEC_WRONG, give, report, say, stop

if TYPE_CHECKING:
    from ..compiler.claims import Outcome


def open_all(names: tuple[str, ...]) -> Iterator[tuple[str, Spec]]:
    """The specs of these names, each with its name; of a folder, all `.net` files in it and below."""
    for name in names:
        if not os.path.isdir(name):
            yield name, open_spec(name)
            continue
        paths = find_specs(name)
        if not paths:
            raise Unusable(f"there is no `.net` file in `{name}`")
        for path in paths:
            yield path, open_spec(path)


@click.command(
    "check",
    short_help="Find what is wrong with specs.",
    epilog="Example: netc check specs/ --max-params 30M",
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--max-params", metavar="N", help="Fail where a net has more parameters: `5M`.")
@click.option("--max-macs", metavar="N", help="Fail where a net has more multiply-adds: `600M`.")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", help="How to write it.")
@limited
def check_command(
    specs: tuple[str, ...], max_params: str | None, max_macs: str | None, format: str, limits: tuple[str, ...]
) -> None:
    """Check every net of each SPEC: a file, a folder, a bundled net, or `-` for standard input."""
    budgets = {
        what: read_count(text)
        for what, text in (("params", max_params), ("macs", max_macs))
        if text is not None
    }
    found: list[Diagnostic] = []
    excesses: list[str] = []
    nets = 0
    for name, spec in open_all(specs):
        results = driver.check(spec, limits=read_limits(limits))
        found += driver.distinct(results)
        for compiled in (result.compiled for result in results if result.compiled is not None):
            nets += 1
            excesses += [f"{name}: {excess}" for excess in over_budget(compiled, budgets)]
    failed = bool(excesses) or any(diagnostic.severity == "error" for diagnostic in found)
    if format == "json":
        import json

        from ..dsl.report import as_json

        told = {"nets": nets, "diagnostics": list(map(as_json, found)), "excesses": excesses}
        give(json.dumps(told, indent=2))
    else:
        report(found)
        for excess in excesses:
            say(f"error: {excess}")
        if not failed:
            give(f"{several(nets, 'net')} checked, nothing wrong")
    if failed:
        stop(SPEC_WRONG)


def over_budget(compiled: driver.Compiled, budgets: Mapping[str, int]) -> Iterator[str]:
    """The budgets (of `params`, of `macs`) that the net does not keep."""
    for what, most in budgets.items():
        count = getattr(compiled.inference.total, what)
        if count > most:
            yield f"`{compiled.name}` has {count:,} {what}, over the budget of {most:,}"


def several(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@click.command(
    "verify",
    short_help="Hold what specs claim against what is computed.",
    epilog="Example: netc verify googlenet",
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--failed", "only_failed", is_flag=True, help="Show only the claims that do not hold.")
@limited
def verify_command(specs: tuple[str, ...], only_failed: bool, limits: tuple[str, ...]) -> None:
    """Check the `expect` claims of each SPEC, and show each printed figure beside the computed one."""
    claims = wrong = 0
    failed = False
    for _, spec in open_all(specs):
        verdict = driver.verify(spec, limits=read_limits(limits))
        failed |= verdict.failed
        report(verdict.diagnostics)
        for expectation in verdict.expectations:
            outcomes = [o for o in expectation.outcomes if o.holds is False or not only_failed]
            claims += sum(outcome.holds is not None for outcome in expectation.outcomes)
            wrong += sum(outcome.holds is False for outcome in expectation.outcomes)
            if outcomes:
                give(table(expectation.title, outcomes))
            report(outcome.diagnostic for outcome in outcomes if outcome.diagnostic is not None)
    give(f"{several(claims, 'claim')} checked, {wrong} wrong")
    if failed:
        stop(SPEC_WRONG)


MARKS = {True: "ok", False: "FAIL", None: ""}


def table(title: str, outcomes: list[Outcome]) -> str:
    """The claims of one expectation: printed against computed, with the source."""
    from ..codegen.plain_text import show

    rows = [
        (
            show(outcome.quantity, 48),
            f"{outcome.operator} {show(outcome.printed, 24)}",
            show(outcome.computed, 24),
            MARKS[outcome.holds],
            show(outcome.source, 60),
        )
        for outcome in outcomes
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([show(title), *lines, ""])
