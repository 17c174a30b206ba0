"""A net and how it is to be trained in; why it cannot be, if so, out. No torch here."""

from __future__ import annotations

from math import prod

from ..compiler.facts import Facts
from ..dsl.diagnostics import Unusable
from .run import Options
from .words import Recipe


def refuse_untrainable(facts: Facts, recipe: Recipe, options: Options, images: int) -> None:
    """Raises `Unusable` where a net has no parameters, or where batch normalisation would be trained on one
    image at a time, of a vector or a map of 1x1: of a single value there is no variance. `images` are those
    to train on."""
    graph, shapes = facts.graph, facts.shapes
    if not facts.total.params:
        raise Unusable("the net has no parameters: there is nothing to train")
    batch = min(recipe.batch, images)
    shares = options.devices * options.nodes * options.accumulate
    if batch // shares > 1:
        return
    for node in graph:
        if node.op.name == "bn" and prod(shapes[node.id].dims[1:]) == 1:
            raise Unusable(
                f"`{node.name}` normalises one value of each channel over the batch, and "
                + ("a batch of 1" if shares == 1 else f"a batch of {batch} in {shares} parts")
                + " has one image at a time: of one value there is no variance",
                f"take at least {2 * shares} images a batch: `--batch {2 * shares}`",
            )
