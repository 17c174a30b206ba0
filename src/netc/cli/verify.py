"""`netc verify`: specs in, what they claim beside what is computed out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import driver
from ..dsl.diagnostics import Diagnostic
from ..files import Spec
from ..processes import spread
from ..settings import read_limits
from .formats import formatted, write
from .options import finish, limited, open_specs
from .terminal import conclude, give, report, several

if TYPE_CHECKING:
    from ..compiler.claims import Outcome


@click.command(
    "verify",
    short_help="Hold what specs claim against what is computed.",
    epilog="Example: netc verify googlenet",
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--failed", "only_failed", is_flag=True, help="Show only the claims that do not hold.")
@formatted
@limited
def verify_command(specs: tuple[str, ...], only_failed: bool, format: str, limits: tuple[str, ...]) -> None:
    """Check the `expect` claims of each SPEC, and show each printed figure beside the computed one."""
    claims = wrong = 0
    failed = False
    found: list[Diagnostic] = []
    told: list[dict[str, Any]] = []
    opened, missed = open_specs(specs)
    given = read_limits(limits)

    def verify_one(spec: Spec) -> tuple[bool, tuple[Diagnostic, ...], list[tuple[str, tuple[Outcome, ...]]]]:
        verdict = driver.verify(spec, limits=given)
        return verdict.failed, verdict.diagnostics, [(e.title, e.outcomes) for e in verdict.expectations]

    for spec, (wrong_text, diagnostics, expectations) in zip(opened, spread(verify_one, opened), strict=True):
        failed |= wrong_text
        found += diagnostics
        if format == "text":
            report(diagnostics)
        for title, judged in expectations:
            outcomes = [outcome for outcome in judged if outcome.holds is False or not only_failed]
            claims += sum(outcome.holds is not None for outcome in judged)
            wrong += sum(outcome.holds is False for outcome in judged)
            broken = [outcome.diagnostic for outcome in outcomes if outcome.diagnostic is not None]
            found += broken
            told.append(as_json(spec.source.name, title, outcomes))
            if format == "text" and outcomes:
                give(table(title, outcomes))
                report(broken)
    if format == "text":
        conclude(found)
        give(f"{several(claims, 'claim')} checked, {wrong} wrong")
    else:
        write(found, format, {"claims": claims, "wrong": wrong, "expectations": told})
    finish(failed, missed)


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


def as_json(file: str, net: str, outcomes: list[Outcome]) -> dict[str, Any]:
    keys = ("quantity", "operator", "printed", "computed", "holds", "source")
    claims = [{key: getattr(outcome, key) for key in keys} for outcome in outcomes]
    return {"file": file, "net": net, "claims": claims}
