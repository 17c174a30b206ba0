"""`netc train`: a net and data in, a run out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from ..dsl.diagnostics import Unusable
from ..settings import Misused, read_inputs, read_settings
from ..training.run import Options, Run
from .options import compile_or_stop, open_spec, variant
from .recipes import recipe_of, recipe_options
from .terminal import give, say
from .training import carry_out, is_first_process, require_libraries, run_options, take_options

if TYPE_CHECKING:
    from ..runs import Prepared

RESUMED = ("device", "workers", "max_bad", "save_every")
"""What may be another when a run goes on: it changes no result."""


@click.command(
    "train",
    short_help="Train a net by its recipe.",
    epilog="Example: netc train lenet5 --data digits --epochs 3",
)
@click.argument("spec", metavar="NET", required=False)
@click.option(
    "--data",
    metavar="DATA",
    help="`digits`, a folder of class folders, `FILE.parquet`, `shards-{00..99}.tar`, `hf:NAME`.",
)
@click.option("--val", metavar="DATA", help="What to validate on: other data, or a part of DATA such as 0.1.")
@click.option("-o", "--output", metavar="FOLDER", help="The run's folder; without it `runs/NET`.")
@click.option(
    "--resume", metavar="[FOLDER]", is_flag=False, flag_value="", help="Go on with a run that stopped."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and touch nothing.")
@recipe_options
@run_options
@variant
def train_command(
    spec: str | None,
    data: str | None,
    val: str | None,
    output: str | None,
    resume: str | None,
    dry_run: bool,
    overrides: Mapping[str, str],
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
    **given: Any,
) -> None:
    """Train the module of NET on DATA, as the recipe in its file says (`train NET { }`), or the options.

    The run's folder holds all that is needed to do it again, to go on with it, and to use it.
    """
    require_libraries()
    if resume is not None:
        stopped = resume or output or (spec and f"runs/{spec}")
        if not stopped:
            raise Misused("which run goes on? `netc train --resume runs/NAME`")
        if overrides or settings or inputs or val:
            raise Misused("a run goes on as it began: its recipe, net and data cannot be others now")
        resume_run(Path(stopped), data, given)
        return
    if spec is None or data is None:
        raise Misused("what is trained, and on what? `netc train NET --data DATA`")
    prepared = prepare_run(spec, data, val, overrides, settings, inputs, limits, take_options(given))
    if dry_run:
        from ..plan import describe_plan

        give(describe_plan(prepared))
        return
    folder = Path(output or f"runs/{prepared.origin.net}")
    run = prepared.create(folder) if is_first_process() else Run(folder, prepared.origin)
    for note in prepared.data.notes:
        say(f"note: {note}")
    carry_out(run, prepared.data, prepared.compiled, resume=False)


def prepare_run(
    spec: str,
    data: str,
    val: str | None,
    overrides: Mapping[str, str],
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
    options: Options,
) -> Prepared:
    """What the options of a command that trains mean together."""
    from ..runs import prepare, record

    rows = read_settings(settings)
    if len(rows) > 1:
        raise Misused("one net is trained at a time, and `--set` gives several values")
    opened = record(open_spec(spec))
    recipe = recipe_of(opened, rows[0], overrides, limits)
    compile = partial(compile_or_stop, opened, inputs=inputs, limits=limits)
    return prepare(opened, compile, rows[0], read_inputs(inputs), recipe, options, data, val)


def resume_run(folder: Path, data: str | None, given: dict[str, Any]) -> None:
    """Go on with the run in a folder, as it began."""
    from ..runs import compile_run, reopen

    run = Run.open(folder)
    context = click.get_current_context()
    changed = {name for name in given if is_given(context, name)}
    if others := sorted(changed - {*RESUMED}):
        raise Misused(f"a run goes on as it began: `--{others[0].replace('_', '-')}` cannot be another now")
    options = replace(run.origin.options, **{name: given[name] for name in changed})
    run = replace(run, origin=replace(run.origin, options=options))
    if is_done(run):
        raise Unusable(f"the run `{folder}` is complete", "`netc eval` tests it, `netc predict` uses it")
    carry_out(run, reopen(run, data), compile_run(run), resume=True)


def is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) not in (None, click.core.ParameterSource.DEFAULT)


def is_done(run: Run) -> bool:
    """Whether all epochs were trained, or the run stopped by its recipe."""
    state = run.state()
    if state is None:
        return False
    kept = state["callbacks"]["Keeper"]
    stopped = kept["stop"] is not None and kept["stop"]["stopped"]
    return stopped or len(kept["rows"]) >= run.origin.epochs
