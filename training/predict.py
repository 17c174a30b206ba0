"""Scores of images in; the likeliest classes of each, with their probabilities, out."""

from __future__ import annotations

from msgspec import Struct

from .scoring import Scores


class Guess(Struct, frozen=True):
    """A class, and its probability or its share of the votes."""

    name: str
    probability: float


class Prediction(Struct, frozen=True):
    """What an image is taken for, the likeliest class first."""

    image: str
    classes: tuple[Guess, ...]


def predict(found: Scores, classes: tuple[str, ...], top: int) -> list[Prediction]:
    """The `top` likeliest classes of each image that could be read; of equal ones the earlier first."""
    order = found.scores.argsort(dim=1, descending=True, stable=True)[:, :top]
    return [
        Prediction(name, tuple(Guess(classes[place], float(row[place])) for place in places))
        for name, row, places in zip(found.names, found.scores, order.tolist(), strict=True)
    ]
