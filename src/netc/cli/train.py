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
from ..training.launch import is_first_process
from ..training.run import Options, Run, refuse_taken
from .options import compile_or_stop, open_spec, variant
from .recipes import recipe_of, recipe_options
from .terminal import give
from .together import agree, meet, say_first
from .training import carry_out, require_libraries, run_options, take_options

if TYPE_CHECKING:
    from ..driver import Compiled
    from ..runs import Prepared
    from ..training.data import Data


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
    "--resume",
    metavar="[FOLDER]",
    is_flag=False,
    flag_value="",
    help="Go on with a run that stopped; with NET and DATA, begin it where there is none.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and touch nothing.")
@recipe_options()
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
    meet(given)
    if resume is not None and (spec is None or data is None):
        stopped = resume or output or (spec and f"runs/{spec}")
        if not stopped:
            raise Misused("which run goes on? `netc train --resume runs/NAME`")
        if dry_run:
            raise Misused("`--dry-run` shows a run that begins, not one that goes on")
        if overrides or settings or inputs or val:
            raise Misused("a run goes on as it began: its recipe, net and data cannot be others now")
        run, opened, compiled = agree(partial(reopen_run, Path(stopped), data, given))
        carry_out(run, opened, compiled, resume=True)
        return
    if spec is None or data is None:
        raise Misused("what is trained, and on what? `netc train NET --data DATA`")
    if output is not None and resume is None and not dry_run:
        agree(partial(refuse_taken_first, Path(output)))  # before all images are looked for
    work = partial(prepare_run, spec, data, val, overrides, settings, inputs, limits, take_options(given))
    prepared = agree(work)
    if dry_run:
        give_plan(prepared)
        return
    folder = Path(resume or output or f"runs/{prepared.origin.net}")
    run = agree(partial(begin, prepared, folder, goes_on=resume is not None))
    if resume is not None and is_done(run):
        say_first(f"the run `{folder}` is complete")
        return
    say_first(*(f"note: {note}" for note in prepared.data.notes))
    carry_out(run, prepared.data, prepared.compiled, resume=resume is not None)


def refuse_taken_first(folder: Path) -> None:
    """Only the first process knows what there was before it made the folder."""
    if is_first_process():
        refuse_taken(folder)


def begin(prepared: Prepared, folder: Path, goes_on: bool = False) -> Run:
    """The run in its folder, which the first process makes; the one that is there already, where it `goes_on`
    and began as this one would."""
    run = Run(folder, prepared.origin)
    if not is_first_process():
        return run
    if goes_on and run.origin_file.exists():
        prepared.refuse_other(Run.open(folder))
        return run
    return prepared.create(folder)


def give_plan(prepared: Prepared, *notes: str) -> None:
    from ..plan import describe_plan

    if is_first_process():
        give(describe_plan(prepared))
    say_first(*(f"note: {note}" for note in prepared.data.notes), *notes)


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
    return prepare(opened, compile, rows[0], read_inputs(inputs), limits, recipe, options, data, val)


def reopen_run(folder: Path, data: str | None, given: dict[str, Any]) -> tuple[Run, Data, Compiled]:
    """The run in a folder, which goes on as it began, with its data and its net."""
    from ..runs import RESUMED, compile_run, reopen

    run = Run.open(folder)
    context = click.get_current_context()
    changed = {name for name in given if is_given(context, name)}
    if others := sorted(changed - {*RESUMED}):
        other = others[0].replace("_", "-")
        raise Misused(f"a run goes on as it began: `--{other}` cannot be another now")
    options = replace(run.origin.options, **{name: given[name] for name in changed})
    run = replace(run, origin=replace(run.origin, options=options))
    if is_done(run):
        raise Unusable(f"the run `{run.folder}` is complete", "`netc eval` tests it, `netc predict` uses it")
    return run, reopen(run, data), compile_run(run)


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
