"""Options in place of the entries of a recipe: their texts in, the recipe out, or the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from .. import driver
from ..files import Spec
from ..settings import Setting, read_limits
from ..training.entries import ENTRIES, OF_OPTIMIZERS, Entry
from ..training.words import Recipe
from .options import is_misuse
from .terminal import SPEC_WRONG, USED_WRONGLY, point_on, report, stop

OPTIONS = (*ENTRIES, *OF_OPTIMIZERS)


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def recipe_options(*names: str) -> Decorator:
    """`--epochs`, `--optimizer` and one for every other entry; `--lr`, `--momentum`, `--weight-decay`. With
    `names` only these. The command receives what was given as `overrides`, by the names of the entries."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def collect(**options: Any) -> Any:
            overrides = {name: options.pop(name) for name in names or OPTIONS}
            given = {name: text for name, text in overrides.items() if text is not None}
            return command(overrides=given, **options)

        for name in reversed(names or OPTIONS):
            collect = click.option(flag_of(name), name, metavar=metavar_of(name), help=help_of(name))(collect)
        return collect

    return decorate


def flag_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def metavar_of(name: str) -> str:
    entry = ENTRIES.get(name)
    if entry is None or entry.number is not None:
        return "N"
    return "CHAIN" if entry.chain else "WORD"


EXAMPLES = {
    "optimizer": "adamw(lr=1e-3)",
    "schedule": "warmup(5) -> cosine",
    "augment": "flip -> mixup",
    "loss": "cross_entropy(smoothing=0.1)",
    "test": "resize(256) -> center_crop",
    "init": "he",
    "clip": "norm(1)",
    "stop": "early(patience=10)",
    "keep": 'best(monitor="val_top1")',
}


def help_of(name: str) -> str:
    if name in OF_OPTIMIZERS:
        return f"`{name}` of the optimizer."
    entry: Entry = ENTRIES[name]
    description = entry.description.split(";")[0]
    example = f": `{EXAMPLES[name]}`" if name in EXAMPLES else ""
    return f"{description[0].upper()}{description[1:]}{example}."


def recipe_of(
    spec: Spec, settings: Mapping[str, Setting], overrides: Mapping[str, str], limits: tuple[str, ...]
) -> Recipe:
    """The recipe of the net; what is wrong with it is told, and errors end the run."""
    reading = driver.recipe(spec, settings=settings, overrides=overrides, limits=read_limits(limits))
    report(reading.diagnostics)
    if reading.recipe is None:
        point_on(reading.diagnostics)
        wrong = [diagnostic for diagnostic in reading.diagnostics if diagnostic.is_error]
        stop(USED_WRONGLY if all(map(is_misuse, wrong)) else SPEC_WRONG)
    return reading.recipe
