"""Scores and labels in; top-1, top-5, what is so for each class, and who is taken for whom, out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from ..dsl.diagnostics import Unusable
from .ensemble import How, combine, finish
from .scoring import Member, Scores, Trained

TOP = 5
Counts = NDArray[np.int64]


class ClassResult(Struct, frozen=True):
    """What is so for the images of one class; parts of 1, None where there is nothing to be a part of."""

    name: str
    images: int
    top1: float | None
    top5: float | None
    precision: float | None
    """Of the images that the net takes for the class, the part that is of it."""


class Evaluation(Struct, frozen=True, eq=False):
    """`top5` is None where there are five classes or fewer: it would be 1 whatever the net says."""

    images: int
    top1: float
    top5: float | None
    classes: tuple[ClassResult, ...]
    confusion: Counts
    """Row: the image's class; column: the class that it was taken for."""


def measure(found: Scores, classes: tuple[str, ...]) -> Evaluation:
    """The highest score is the answer; top-k: whether the label is among the k highest."""
    from torchmetrics.functional.classification import multiclass_accuracy, multiclass_confusion_matrix

    scores, labels, count = found.scores, torch.tensor(found.labels), len(classes)
    confusion = multiclass_confusion_matrix(scores, labels, count).cpu().numpy().astype(np.int64)
    top5 = each5 = None
    if count > TOP:
        top5 = float(multiclass_accuracy(scores, labels, count, top_k=TOP, average="micro"))
        each5 = multiclass_accuracy(scores, labels, count, top_k=TOP, average="none").tolist()
    images, taken, right = confusion.sum(1), confusion.sum(0), confusion.diagonal()
    results = tuple(
        ClassResult(
            name,
            int(images[i]),
            float(right[i] / images[i]) if images[i] else None,
            each5[i] if each5 and images[i] else None,
            float(right[i] / taken[i]) if taken[i] else None,
        )
        for i, name in enumerate(classes)
    )
    return Evaluation(len(labels), int(right.sum()) / len(labels), top5, results, confusion)


def order_of(net: Trained, first: Trained) -> list[int]:
    """Where the outputs of `net` stand for the classes of `first`. Raises `Unusable` where it has others."""
    place = {name: number for number, name in enumerate(net.classes)}
    if place.keys() != set(first.classes):
        lacking = [name for name in first.classes if name not in place]
        further = [name for name in net.classes if name not in set(first.classes)]
        what = f"`{lacking[0]}` is not among its" if lacking else f"`{further[0]}` is one of its"
        raise Unusable(
            f"`{net.name}` does not tell the same classes apart as `{first.name}`: {what} classes",
            "nets of an ensemble are trained on the same classes",
        )
    return [place[name] for name in first.classes]


def together(
    members: Sequence[Member], found: Sequence[Scores], how: How, weights: Sequence[float] | None = None
) -> Scores:
    """What several nets say of the same images, as probabilities or shares of votes. Raises `Unusable`."""
    if how == "logits" and len({member.sigmoid for member in members}) > 1:
        raise Unusable(
            "logits of a softmax and of a sigmoid cannot be averaged",
            "`--average softmax` takes probabilities",
        )
    scores = found[0].scores
    if len(found) > 1:
        scores = combine(torch.stack([each.scores for each in found]), how, weights)
    return replace(found[0], scores=finish(scores, how, members[0].sigmoid))
