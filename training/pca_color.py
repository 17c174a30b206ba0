"""Images in; the same, shifted along the principal components of colours, out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

COMPONENTS = (
    (-0.5675, -0.5808, -0.5836),
    (0.7192, -0.0045, -0.6948),
    (0.4009, -0.8140, 0.4203),
)
DEVIATIONS = (0.2175, 0.0188, 0.0045)
"""Of ImageNet's pixels from 0 to 1, as published with fb.resnet.torch (`datasets/imagenet.lua`): red, green
and blue of each component, and its standard deviation."""
GREY = (0.299, 0.587, 0.114)
"""ITU-R 601, as images are made grey when they are read."""


class RandomPCAColor(nn.Module):
    """To all pixels of an image the components are added, each times its deviation and times a number from
    Normal(0, `std`) (AlexNet, section 4.1). Grey is shifted as the grey of the shifted colours."""

    def __init__(self, std: float, p: float) -> None:
        super().__init__()
        self.std, self.p = std, p
        self.steps = torch.tensor(COMPONENTS) * torch.tensor(DEVIATIONS)[:, None]

    def forward(self, images: Tensor) -> Tensor:
        """Of N x C x H x W, C being 1 or 3."""
        number, channels = images.shape[:2]
        shifts = (torch.randn(number, 3) * self.std) @ self.steps
        shifts *= torch.rand(number, 1) < self.p
        if channels == 1:
            shifts = shifts @ torch.tensor(GREY)[:, None]
        return images + shifts.to(images.device, non_blocking=True)[:, :, None, None]
