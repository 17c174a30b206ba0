"""`netc overfit`: a net and data in, whether the net can learn one batch by heart out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from .options import variant
from .recipes import recipe_options
from .terminal import SPEC_WRONG, give, say, several, stop
from .together import be_alone
from .train import prepare_run
from .training import require_libraries, take_options, trial_options
from .trying import try_out
from .using import watching

if TYPE_CHECKING:
    from ..runs import Prepared
    from ..training.overfit import Outcome

ENTRIES = {"batch": "16", "optimizer": "adam(lr=1e-3)"}
"""In place of the recipe's, whose rate is tuned for other batches: a net that can learn should not fail by
that."""
MOST = 4
"""How many layers of a kind are named."""


@click.command(
    "overfit",
    short_help="Learn one batch by heart: the first thing to try with a new net.",
    epilog="Example: netc overfit lenet5 --data digits",
)
@click.argument("spec", metavar="NET")
@click.option("--data", metavar="DATA", required=True, help="What to train on, as for `netc train`.")
@click.option(
    "--loss-below",
    "most",
    type=click.FloatRange(min=0, min_open=True),
    default=0.01,
    show_default=True,
    metavar="LOSS",
    help="When the batch is learned, every image of it being right.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    metavar="N",
    help="After how many steps to give up.",
)
@recipe_options("optimizer", "batch", "loss", "test", "init", "clip", "lr", "momentum")
@trial_options
@variant
def overfit_command(
    spec: str,
    data: str,
    most: float,
    steps: int,
    overrides: Mapping[str, str],
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
    **given: Any,
) -> None:
    """Train NET on one batch of 16 images, or of `--batch`, until it knows them by heart. A net that cannot
    is wrong in itself: it is told what of it gets no gradient, is the same for every image, or is not finite.

    What would keep the loss up is off: augmentation, dropout, weight decay, label smoothing. The optimizer is
    `adam(lr=1e-3)` where no option says another, the rest is the recipe's.
    """
    require_libraries()
    be_alone()
    options = take_options(given)
    prepared = prepare_run(spec, data, None, {**ENTRIES, **overrides}, settings, inputs, limits, options)
    from ..training.overfit import overfit

    with watching(prepared.origin.net, steps, "step") as progress:
        outcome = try_out(prepared, overfit, most, steps, lambda step, loss, top1: progress(step))
    name = prepared.origin.net
    reached = f"loss {outcome.loss:.3g}, top-1 {outcome.top1:.0f} %"
    if outcome.learned:
        learned = f"{several(outcome.images, 'image')} by heart in {several(outcome.steps, 'step')}"
        give(f"yes: {name} learns {learned} ({reached})")
        return
    give(f"no: after {several(outcome.steps, 'step')} {name} is at {reached}")
    say(*(f"  {line}" for line in explain(prepared, outcome, most)))
    stop(SPEC_WRONG)


def explain(prepared: Prepared, outcome: Outcome, most: float) -> Iterator[str]:
    """What was seen that keeps the net from learning, and what to try."""
    from ..training.suspects import find_suspects

    origin, graph = prepared.origin, prepared.compiled.inference.graph
    suspects = list(find_suspects(graph, origin.recipe.loss, len(origin.classes), most))
    yield from suspects
    if outcome.broken:
        yield f"the first layer whose output is not finite: `{outcome.broken}`"
    if outcome.doubles:
        yield f"{several(outcome.doubles, 'image')} of the batch are there again with another label"
    if outcome.classes == 1:
        yield "all images of the batch are of one class"
    for layers, what in (
        (outcome.silent, "no gradient reaches"),
        (outcome.constant, "the same for every image is the output of"),
    ):
        if layers:
            more = f" and {len(layers) - MOST:,} more" if len(layers) > MOST else ""
            yield f"{what} {', '.join(f'`{layer}`' for layer in layers[:MOST])}{more}"
    rate = origin.recipe.optimizer.lr
    if outcome.broken:
        yield f"= help: a lower learning rate than {rate:g}: `--lr {rate / 10:g}`"
    elif not (suspects or outcome.silent or outcome.constant):
        plain = not any(node.op.family == "normalisation" for node in graph)
        init = "`--init he`, " if plain and origin.recipe.init is None else ""
        yield f"= help: gradients reach every layer: try {init}another rate than {rate:g}, or more `--steps`"
