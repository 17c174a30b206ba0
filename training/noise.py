"""Images in; the same with noise out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RandomNoise(nn.Module):
    """Normal noise of deviation `std` is added to an image. It is drawn where the images are; kornia's would
    be drawn on the CPU and copied, as many numbers as the batch has."""

    def __init__(self, std: float, p: float) -> None:
        super().__init__()
        self.std, self.p = std, p

    def forward(self, images: Tensor) -> Tensor:
        """Of N x C x H x W."""
        chosen = (torch.rand(len(images)) < self.p).to(images.device, images.dtype, non_blocking=True)
        return images + self.std * chosen.reshape(-1, 1, 1, 1) * torch.randn_like(images)
