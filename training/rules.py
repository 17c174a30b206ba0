"""A recipe in; what in it does not go together out, with the entry, and the step of its chain, to blame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from msgspec import Struct

from .word import Word
from .words import Milestones, Recipe, Steps, Warmup
from .words_of_images import Crop, Distortion, Mix, Normalize

LAST = -1
"""The last step of a chain."""


class Flaw(Struct, frozen=True):
    """`step` counts the words of a chain from 0."""

    entry: str
    step: int
    code: str
    message: str
    help: str


KINDS: tuple[tuple[str, tuple[type[Word], ...]], ...] = (
    ("crops", get_args(Crop)),
    ("distortions", get_args(Distortion)),
    ("`normalize`", (Normalize,)),
    ("mixes", get_args(Mix)),
)
"""What `augment` and `test` hold, in the order in which it acts."""


def find_flaws(recipe: Recipe) -> Iterator[Flaw]:
    """What makes a recipe wrong: none can be carried out that has one."""
    yield from judge_schedule(recipe)
    yield from judge_images("augment", recipe.augment)
    yield from judge_images("test", recipe.test)
    yield from judge_normalizing(recipe)


def judge_schedule(recipe: Recipe) -> Iterator[Flaw]:
    first: Word | None = None
    for step, word in enumerate(recipe.schedule):
        name = word.word()
        if isinstance(word, Warmup):
            if step > 0:
                help = "leave one of them out" if isinstance(recipe.schedule[0], Warmup) else "put it first"
                message = "a warm-up is the first part of a schedule"
                yield Flaw("schedule", step, "misplaced", message, help)
        elif first is not None:
            message = f"a schedule is one word beside `warmup`: `{first.word()}` and `{name}` are two"
            yield Flaw("schedule", step, "misplaced", message, "leave one of them out")
        else:
            first = word
    if first is None:
        message = "nothing says what follows the warm-up"
        help = "`warmup(...) -> constant` keeps the rate that it reaches, `-> cosine` lets it fall"
        yield Flaw("schedule", LAST, "missing-argument", message, help)


def judge_images(entry: str, words: tuple[Word, ...]) -> Iterator[Flaw]:
    furthest, before = 0, ""
    for step, word in enumerate(words):
        kind = next(number for number, (_, classes) in enumerate(KINDS) if isinstance(word, classes))
        if kind < furthest:
            message = f"`{word.word()}` stands after `{before}`, and acts before it"
            here = f"{KINDS[kind][0]} before {KINDS[furthest][0]}"
            yield Flaw(entry, step, "misplaced", message, f"write {here}")
        elif isinstance(word, Normalize) and any(isinstance(other, Normalize) for other in words[:step]):
            message = "images are normalized once"
            yield Flaw(entry, step, "repeated-argument", message, "leave one of them out")
        else:
            furthest, before = kind, word.word()


def judge_normalizing(recipe: Recipe) -> Iterator[Flaw]:
    for step, word in enumerate(recipe.test):
        if isinstance(word, Normalize) and word != recipe.normalize:
            message = "images are normalized otherwise in `augment`: a net knows what it was trained on"
            yield Flaw("test", step, "misplaced", message, "leave one of them out: it holds for both")


def find_unreached(recipe: Recipe) -> Iterator[Flaw]:
    """What the training ends before: no mistake, but hardly meant."""
    ends = f"training ends after {recipe.epochs} epoch{'s'[: recipe.epochs != 1]}"
    for step, word in enumerate(recipe.schedule):
        match word:
            case Warmup(epochs=epochs) if epochs >= recipe.epochs:
                message = f"{ends}, and the warm-up takes {epochs:g}"
            case Steps(every=every) if every >= recipe.epochs:
                message = f"{ends}, and the learning rate first falls after {every:g}"
            case Milestones(at=at) if at[LAST] >= recipe.epochs:
                message = f"{ends}, and the learning rate would fall after {at[LAST]}"
            case _:
                continue
        help = "`epochs N` says how many there are; where nothing does, 30"
        yield Flaw("schedule", step, "unreached", message, help)
