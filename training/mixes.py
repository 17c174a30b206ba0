"""A batch in; the same, each image and its target mixed with another's, out."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor
from torch.nn import functional as F

from .words_of_images import Mix, Mixup


def mixed(images: Tensor, targets: Tensor, mixes: Sequence[Mix], classes: int) -> tuple[Tensor, Tensor]:
    """Images N x C x H x W, and targets N x K that are parts of classes: those given (int64 of N, or N x K)
    mixed. One of `mixes` is drawn for the batch, and its `p` decides; everything from torch's generator."""
    if not targets.is_floating_point():
        targets = F.one_hot(targets, classes).to(images.dtype)
    mix = mixes[int(torch.randint(len(mixes), ()))]
    if torch.rand(()) >= mix.p:
        return images, targets
    own = float(torch.distributions.Beta(mix.alpha, mix.alpha).sample())
    partner = torch.randperm(len(images)).to(images.device)
    if isinstance(mix, Mixup):
        images = own * images + (1 - own) * images[partner]
    else:
        images, own = cut(images, partner, own)
    return images, own * targets + (1 - own) * targets[partner]


def cut(images: Tensor, partner: Tensor, own: float) -> tuple[Tensor, float]:
    """A rectangle of the image's aspect and of 1 - `own` of its area, centred anywhere, comes from the
    partner; and what part is the image's own after it was cut off at the border (Yun et al. 2019)."""
    height, width = images.shape[-2:]
    tall, wide = int(height * sqrt(1 - own)), int(width * sqrt(1 - own))
    top = int(torch.randint(height, ())) - tall // 2
    left = int(torch.randint(width, ())) - wide // 2
    rows = slice(max(top, 0), min(top + tall, height))
    columns = slice(max(left, 0), min(left + wide, width))
    images = images.clone()
    images[:, :, rows, columns] = images[partner][:, :, rows, columns]
    taken = (rows.stop - rows.start) * (columns.stop - columns.start)
    return images, 1 - taken / (height * width)
