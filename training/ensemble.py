"""What several views, or several nets, say of the same images in; what they say together out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

How = Literal["softmax", "logits", "vote"]
"""Averages of probabilities (Szegedy et al. 2015, section 7), averages of logits, or a vote for each."""

LEAST = 1e-6
"""What an average counts beside votes: where votes are equal it decides, and else nothing."""


def combine(scores: Tensor, how: How, weights: Sequence[float] | None = None) -> Tensor:
    """(M, N, K) scores of M views or nets for N images and K classes: (N, K).

    With "vote" each of the M gives its vote to its highest class, and the result are shares of the votes;
    else scores are averaged. `weights`, one for each of the M, need not sum to 1; without them all are equal.
    """
    shares = torch.ones(len(scores)) if weights is None else torch.tensor(weights, dtype=torch.float32)
    shares = (shares / shares.sum()).to(scores)
    mean = torch.einsum("m,mnk->nk", shares, scores)
    if how != "vote":
        return mean
    votes = F.one_hot(scores.argmax(2), scores.shape[2]).to(scores)
    return (torch.einsum("m,mnk->nk", shares, votes) + LEAST * mean) / (1 + LEAST)


def begin(logits: Tensor, how: How, sigmoid: bool) -> Tensor:
    """The scores that are combined: logits or probabilities, (..., K)."""
    return logits if how == "logits" else to_probabilities(logits, sigmoid)


def finish(scores: Tensor, how: How, sigmoid: bool) -> Tensor:
    """Probabilities, or shares of votes, of what was combined."""
    return to_probabilities(scores, sigmoid) if how == "logits" else scores


def to_probabilities(logits: Tensor, sigmoid: bool) -> Tensor:
    """Over the last dimension: one class is right, or with `sigmoid` each may be."""
    return logits.sigmoid() if sigmoid else logits.softmax(-1)
