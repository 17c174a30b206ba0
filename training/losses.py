"""A recipe in; the function from what a module returns, and the targets, to the loss out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional as F

from .words import BinaryCrossEntropy, Loss, Recipe

Output = Tensor | tuple[Tensor, ...]
"""Logits; of a net with auxiliary heads in training its logits, then theirs."""


def make_loss(recipe: Recipe, aux_weights: Sequence[float] = ()) -> Callable[[Output, Tensor], Tensor]:
    """The mean over images (and pixels): of logits N x K (or N x K x H x W) in any float type, and of targets
    that are classes, int64 of N (or N x H x W), or parts of classes, of the logits' shape.

    `aux_weights` are those of the auxiliary heads (`module.aux_weights`): where the heads come with the
    logits, as in training, their losses are added, each times its weight (GoogLeNet, section 5)."""

    def whole(output: Output, targets: Tensor) -> Tensor:
        if isinstance(output, Tensor):
            return loss_of(recipe.loss, output, targets)
        logits, *heads = output
        total = loss_of(recipe.loss, logits, targets)
        for weight, head in zip(aux_weights, heads, strict=True):
            total = total + weight * loss_of(recipe.loss, head, targets)
        return total

    return whole


def loss_of(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    """In float32, whatever the logits are. Smoothed targets are (1 - s) target + s / K, of K classes
    (Inception-v3, section 7)."""
    logits = logits.float()
    if isinstance(loss, BinaryCrossEntropy):
        whole = spread(targets, logits) if not targets.is_floating_point() else targets.float()
        smooth = (1 - loss.smoothing) * whole + loss.smoothing / logits.shape[1]
        return F.binary_cross_entropy_with_logits(logits, smooth)
    if targets.is_floating_point():
        targets = targets.float()
    return F.cross_entropy(logits, targets, label_smoothing=loss.smoothing)


def spread(classes: Tensor, logits: Tensor) -> Tensor:
    """Classes N (or N x H x W) as ones among zeros, of the logits' shape."""
    return F.one_hot(classes, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
