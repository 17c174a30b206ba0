"""`netc check`: specs in, what is wrong with them out; with `--fix`, what can be fixed mechanically is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from .. import driver
from ..compiler.limits import Limits
from ..dsl import ast
from ..dsl.diagnostics import Diagnostic
from ..dsl.parser import parse
from ..dsl.source import Place, Source
from ..files import STDIN, Spec
from ..processes import spread
from ..settings import Misused, read_count, read_limits
from .formats import formatted, write
from .options import finish, limited, open_specs
from .terminal import count, give, several


@click.command(
    "check",
    short_help="Find what is wrong with specs, and fix what can be.",
    epilog="Example: netc check specs/ --max-params 30M",
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--fix", is_flag=True, help="Fix what can be fixed mechanically, in the files named here.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and write nothing.")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--max-params", metavar="N", help="Fail where a net has more parameters: `5M`.")
@click.option("--max-macs", metavar="N", help="Fail where a net has more multiply-adds: `600M`.")
@formatted
@limited
def check_command(
    specs: tuple[str, ...],
    fix: bool,
    diff: bool,
    strict: bool,
    max_params: str | None,
    max_macs: str | None,
    format: str,
    limits: tuple[str, ...],
) -> None:
    """Check every net of each SPEC: a file, a folder, a bundled net, or `-` for standard input."""
    given = read_limits(limits)
    budgets = {
        what: read_count(text)
        for what, text in (("params", max_params), ("macs", max_macs))
        if text is not None
    }
    opened, missed = open_specs(specs)
    filtering = fix and not diff and any(spec.source.name == STDIN for spec in opened)
    if format != "text" and (diff or filtering):
        what = "the differences" if diff else "the fixed text"
        raise Misused(f"`--format {format}` and {what} cannot both go to standard output")
    fixed: dict[str, int] = {}
    if diff:
        from .fixing import show_fixes

        finish(show_fixes(opened, given, strict), missed)
        return
    if fix:
        from .fixing import fix_specs

        opened, fixed = fix_specs(opened, given)
    nets, found = check_all(opened, budgets, given)
    failed = any(diagnostic.is_error or strict for diagnostic in found)
    write(found, format, {"nets": nets, "fixed": fixed})
    if format == "text" and not (failed or missed or filtering):
        give(f"{several(nets, 'net')} checked, {count(found) or 'nothing wrong'}")
    finish(failed, missed)


def check_all(
    specs: Sequence[Spec], budgets: Mapping[str, int], limits: Limits
) -> tuple[int, list[Diagnostic]]:
    """How many nets there are, and all that is wrong, each mistake once."""
    found: list[Diagnostic] = []
    excesses: list[Diagnostic] = []
    nets = 0

    def check_one(spec: Spec) -> tuple[int, tuple[Diagnostic, ...], list[Diagnostic]]:
        results = driver.check(spec, limits=limits)
        compiled = [result.compiled for result in results if result.compiled is not None]
        over = [excess for net in compiled for excess in over_budget(spec.source, net, budgets)]
        return len(compiled), driver.distinct(results), over

    for checked, wrong, over in spread(check_one, specs):
        nets += checked
        found += wrong
        excesses += over
    return nets, [*driver.in_order(found), *excesses]


def over_budget(
    source: Source, compiled: driver.Compiled, budgets: Mapping[str, int]
) -> Iterator[Diagnostic]:
    """The budgets (of `params`, of `macs`) that the net does not keep."""
    for what, most in budgets.items():
        amount = getattr(compiled.inference.total, what)
        if amount > most:
            yield Diagnostic(
                "over-budget",
                f"`{compiled.name}` has {amount:,} {what}, over the budget of {most:,}",
                place_of(source, compiled.name),
                help="`netc compile` shows which parts they are in",
            )


def place_of(source: Source, net: str) -> Place:
    """Where the text defines the net."""
    for item in parse(source)[0].items:
        if isinstance(item.tree, (ast.Net, ast.NetAlias)) and item.tree.name.id == net:
            return item.place(item.tree.name)
    raise KeyError(net)
