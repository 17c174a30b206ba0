"""`netc finetune`: a net, weights and data in, a run with a new head on these weights out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import variant
from .recipes import recipe_options
from .terminal import SPEC_WRONG, say, stop
from .together import agree, meet, say_first
from .train import begin, give_plan, prepare_run
from .training import carry_out, require_libraries, run_options, take_options
from .using import read_numbers
from .weights import tell_misfit

if TYPE_CHECKING:
    from ..runs import Prepared


@click.command(
    "finetune",
    short_help="Train a new head on a trained net, and then more of it.",
    epilog="Example: netc finetune resnet20 --from runs/resnet20 --data photos --head-epochs 3 --epochs 10",
)
@click.argument("spec", metavar="NET")
@click.option(
    "--from",
    "source",
    metavar="RUN|WEIGHTS",
    required=True,
    help="A run, or a `.pth` or `.safetensors` file.",
)
@click.option("--key", metavar="NAME", help="Which tensors of a file, where it holds several: `--key model`.")
@click.option("--mean", metavar="X,X,X", help="Of the channels FILE was trained on, pixels from 0 to 1.")
@click.option("--std", metavar="X,X,X", help="Their standard deviations.")
@click.option("--data", metavar="DATA", required=True, help="What to train on, as for `netc train`.")
@click.option("--val", metavar="DATA", help="What to validate on: other data, or a part of DATA such as 0.1.")
@click.option("--head", metavar="LABEL", help="What is new; without it the last layer with weights.")
@click.option(
    "--freeze", multiple=True, metavar="LABEL", help="What stays as it is to the end; the rest is thawed."
)
@click.option(
    "--unfreeze",
    multiple=True,
    metavar="LABEL",
    help="What is thawed once the head is trained, or `all`, or `none`; without it the last stage.",
)
@click.option(
    "--head-epochs",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="Epochs in which the head alone is trained; `--epochs` are those that follow.",
)
@click.option(
    "--low-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    metavar="PART",
    help="Of the learning rate, once more than the head is trained.",
)
@click.option("-o", "--output", metavar="FOLDER", help="The run's folder; without it `runs/NET-finetuned`.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and touch nothing.")
@recipe_options()
@run_options
@variant
def finetune_command(
    spec: str,
    source: str,
    key: str | None,
    mean: str | None,
    std: str | None,
    data: str,
    val: str | None,
    head: str | None,
    freeze: tuple[str, ...],
    unfreeze: tuple[str, ...],
    head_epochs: int,
    low_rate: float,
    output: str | None,
    dry_run: bool,
    overrides: Mapping[str, str],
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
    **given: Any,
) -> None:
    """Transfer learning: put a new head on the base of a trained net, train the head while the base is
    frozen, then thaw the last stage and train it with the head, slowly.

    A run like any other comes of it: `netc train --resume` goes on with it, `netc eval` tests it.
    """
    require_libraries()
    meet(given)
    options = take_options(given)
    pixels = read_numbers("mean", mean), read_numbers("std", std)

    def prepare_transfer() -> tuple[Prepared, str]:
        prepared = prepare_run(spec, data, val, overrides, settings, inputs, limits, options)
        return plan_transfer(prepared, source, key, pixels, head, freeze, unfreeze, head_epochs, low_rate)

    prepared, told = agree(prepare_transfer)
    if dry_run:
        give_plan(prepared, f"note: {told}")
        return
    run = agree(partial(begin, prepared, Path(output or f"runs/{prepared.origin.net}-finetuned")))
    say_first(*(f"note: {note}" for note in (*prepared.data.notes, told)))
    carry_out(run, prepared.data, prepared.compiled, resume=False)


def plan_transfer(
    prepared: Prepared,
    source: str,
    key: str | None,
    pixels: tuple[tuple[float, ...], tuple[float, ...]],
    head: str | None,
    freeze: tuple[str, ...],
    unfreeze: tuple[str, ...],
    head_epochs: int,
    low_rate: float,
) -> tuple[Prepared, str]:
    """The run with its first weights and its phases, and what is said of them."""
    from ..training.transfer import find_heads, plan_phases
    from ..transfer import Misfit, begin_with, take_base, tell_base

    facts = prepared.compiled.training
    heads = find_heads(facts, head)
    epochs = prepared.origin.recipe.epochs
    phases = plan_phases(facts, heads, freeze, unfreeze, head_epochs, epochs, low_rate)
    try:
        base = take_base(source, key, prepared.compiled, heads, head)
    except Misfit as error:
        say(f"error: `{source}` does not fit the base of {prepared.origin.net}")
        tell_misfit(error.found, error.ours, error.theirs)
        say("  = help: `--head` says what is new; `netc weights` brings a checkpoint's names in line first")
        stop(SPEC_WRONG)
    return begin_with(prepared, source, base, phases, *pixels), tell_base(base)
