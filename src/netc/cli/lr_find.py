"""`netc lr-find`: a net and data in, the learning rate at which its loss falls fastest out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..dsl.diagnostics import Unusable
from .options import picture, variant
from .recipes import recipe_options
from .terminal import SPEC_WRONG, give, say, several, stop
from .together import be_alone
from .train import prepare_run
from .training import require_libraries, take_options, trial_options
from .trying import try_out
from .using import watching

FEWEST = 10
"""Steps that say anything."""


@click.command(
    "lr-find",
    short_help="Find a learning rate: the range test.",
    epilog="Example: netc lr-find lenet5 --data digits -o rates.svg",
)
@click.argument("spec", metavar="NET")
@click.option("--data", metavar="DATA", required=True, help="What to train on, as for `netc train`.")
@click.option(
    "--low", type=click.FloatRange(min=0, min_open=True), default=1e-6, show_default=True, metavar="RATE"
)
@click.option(
    "--high", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True, metavar="RATE"
)
@click.option(
    "--steps",
    type=click.IntRange(min=FEWEST),
    default=100,
    show_default=True,
    metavar="N",
    help="From low to high.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    callback=picture,
    help="Where to draw the losses over the rates, as SVG.",
)
@recipe_options("optimizer", "batch", "loss", "augment", "test", "init", "clip", "momentum", "weight_decay")
@trial_options
@variant
def lr_find_command(
    spec: str,
    data: str,
    low: float,
    high: float,
    steps: int,
    output: str | None,
    overrides: Mapping[str, str],
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
    **given: Any,
) -> None:
    """Train NET for some steps by its recipe, at a learning rate that rises with every step until the loss
    diverges, and print the rate at which the loss falls fastest. Nothing of it is kept."""
    require_libraries()
    be_alone()
    if low >= high:
        raise Unusable(f"`--low {low:g}` is not below `--high {high:g}`")
    prepared = prepare_run(spec, data, None, overrides, settings, inputs, limits, take_options(given))
    from ..training.rates import advise, draw_rates, try_rates

    with watching(prepared.origin.net, steps, "step") as progress:
        tried = try_out(prepared, try_rates, low, high, steps, progress)
    if len(tried) < FEWEST:
        rate = tried[-1].rate if tried else low
        raise Unusable(
            f"the loss diverges after {several(len(tried), 'step')}, at a rate of {rate:.2g}",
            "`--low` begins with a lower rate",
        )
    advice = advise(tried)
    if output is not None:
        draw_rates(tried, advice, output)
        say(f"wrote {output}")
    name = prepared.origin.net
    if advice.steepest is None:
        say(
            f"error: the loss of {name} falls at no rate from {low:g} to {tried[-1].rate:.2g}",
            f"  = help: `netc overfit {spec} --data {data}` says whether the net can learn",
        )
        stop(SPEC_WRONG)
    give(f"{advice.steepest:.2g}")
    say(
        f"the loss falls fastest at {advice.steepest:.2g} and is least at {advice.least:.2g}:"
        f" `netc train {spec} --data {data} --lr {advice.steepest:.2g}`"
    )
