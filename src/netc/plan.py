"""A prepared run in; what it would do, and the memory that it needs, as text, out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .codegen.plain_text import shorten_count
from .codegen.table_formats import show_bytes
from .dsl.diagnostics import Unusable
from .training.room import largest_that_fits, predict_step
from .training.transfer import describe_phase
from .training.writing import write_recipe

if TYPE_CHECKING:
    from .compiler.budget import Budget
    from .driver import Compiled
    from .runs import Prepared
    from .training.run import Options, Origin

SPARE = 0.9
"""Of the free memory, what a batch should take: workspaces and gaps between tensors take the rest."""


def describe_plan(prepared: Prepared) -> str:
    """The net, its counts and memory, the data and the recipe as it was resolved."""
    origin, data, compiled = prepared.origin, prepared.data, prepared.compiled
    recipe, options = origin.recipe, origin.options
    assert data.train is not None
    steps = max(1, len(data.train) // recipe.batch)
    size = "x".join(map(str, origin.input))
    total = compiled.training.total
    rows = {
        "net": f"{origin.net}, {size} to {len(origin.classes):,} classes"
        + "".join(f", {name}={text}" for name, text in origin.settings.items()),
        "parameters": f"{total.params:,}",
        "multiply-adds": f"{shorten_count(total.macs)} for one image",
        "data": f"{data.source}: {len(data.train):,} images to train on"
        + (f", {len(data.val):,} to validate with" if data.val is not None else ""),
        "pixels": f"mean {spell(origin.mean)}, deviation {spell(origin.std)}",
        "steps": f"{steps:,} an epoch, {steps * origin.epochs:,} in all",
        "precision": options.precision,
        "memory": ("at most " if origin.phases else "") + describe_memory(predict(origin, compiled)),
        "seed": str(options.seed),
        **({"begins with": origin.initial} if origin.initial else {}),
        **dict(describe_phases(prepared)),
    }
    width = max(map(len, rows)) + 2
    table = "\n".join(f"{name:{width}}{text}" for name, text in rows.items())
    notes = "".join(f"\nnote: {note}" for note in data.notes)
    return f"{table}{notes}\n\n{write_recipe(recipe)}"


def describe_phases(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """What is trained in each of several phases, for how long and how fast."""
    origin = prepared.origin
    for number, phase in enumerate(origin.phases):
        epochs = f"{phase.epochs:,} epoch{'s'[: phase.epochs != 1]}"
        rate = f"lr {origin.recipe_of(number).optimizer.lr:g}"
        yield (
            f"phase {number + 1}",
            f"{phase.name}, {epochs}, {rate}: {describe_phase(phase, prepared.compiled.training)}",
        )


def spell(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers)


def predict(origin: Origin, compiled: Compiled) -> Budget:
    facts = compiled.training
    return predict_step(facts.graph, facts.shapes, origin.recipe, origin.options)


def describe_memory(budget: Budget) -> str:
    """`2.8 GiB for a step, predicted: 195.2 MiB of weights and optimizer, 2.6 GiB of the images`"""
    resting = budget.weights + budget.state + budget.average
    return (
        f"{show_bytes(budget.total)} for a step, predicted: {show_bytes(resting)} of weights and optimizer, "
        f"{show_bytes(budget.total - resting)} of gradients and what layers keep"
    )


def describe_shortage(origin: Origin, compiled: Compiled, free: int | None) -> Unusable:
    """Of a run that ran out of memory, where `free` bytes could be had; None where that is not known."""
    batch, needed = origin.recipe.batch, predict(origin, compiled).total
    told = f"out of memory: a step of {batch:,} images needs {show_bytes(needed)}, predicted"
    if free is None:
        return Unusable(told, f"try `--batch {batch // 2 or 1}`")
    told += f", and {show_bytes(free)} can be had"
    room = int(SPARE * free)
    largest = batch // 2 if needed <= room else largest_batch(origin, compiled, origin.options, room)
    if not largest:
        return Unusable(
            told, "not even one image should fit: try smaller images, or `--precision bf16-mixed`"
        )
    help = f"the largest batch that should fit is {largest:,}: `--batch {largest}`"
    parts = -(-batch // largest) * origin.options.accumulate
    if largest_batch(origin, compiled, replace(origin.options, accumulate=parts), room) >= batch:
        help += f"; `--accumulate {parts}` computes the same batch in parts"
    return Unusable(told, help)


def largest_batch(origin: Origin, compiled: Compiled, options: Options, free: int) -> int:
    facts = compiled.training
    return largest_that_fits(facts.graph, facts.shapes, origin.recipe, options, free)
