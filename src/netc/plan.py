"""A prepared run in; what it would do, as text, out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .codegen.plain_text import shorten_count
from .training.writing import write_recipe

if TYPE_CHECKING:
    from .runs import Prepared


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
        "steps": f"{steps:,} an epoch, {steps * recipe.epochs:,} in all",
        "precision": options.precision,
        "seed": str(options.seed),
    }
    width = max(map(len, rows)) + 2
    table = "\n".join(f"{name:{width}}{text}" for name, text in rows.items())
    notes = "".join(f"\nnote: {note}" for note in data.notes)
    return f"{table}{notes}\n\n{write_recipe(recipe)}"


def spell(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers)
