"""Images in; the same, bent along displacements drawn on a coarse grid, out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RandomElastic(nn.Module):
    """Each image is bent on its own: displacements from Normal(0, `sigma` pixels) at `grid` x `grid` points,
    the corners among them, are interpolated bicubically (U-Net, section 3.1: 3 x 3 and 10 pixels).
    What enters from outside is mirrored, as U-Net's tiles are. kornia's elastic transform is another one: it
    smooths a displacement of every pixel, as Simard et al. 2003."""

    def __init__(self, sigma: float, grid: int, p: float) -> None:
        super().__init__()
        self.sigma, self.grid, self.p = sigma, grid, p

    def forward(self, images: Tensor) -> Tensor:
        """Of N x C x H x W."""
        number, _, height, width = images.shape
        moves = displacements(number, self.grid, height, width) * self.sigma
        moves *= (torch.rand(number) < self.p).reshape(-1, 1, 1, 1)
        return bent(images, moves.to(images.device, non_blocking=True))


def displacements(number: int, grid: int, height: int, width: int) -> Tensor:
    """`number` x 2 x H x W (x, then y) of deviation 1 at the grid's points."""
    coarse = torch.randn(number, 2, grid, grid)
    return F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)


def bent(images: Tensor, moves: Tensor) -> Tensor:
    """Each pixel is taken from where `moves` (N x 2 x H x W, in pixels) point, from there."""
    _, _, height, width = images.shape
    xs = torch.arange(width, device=images.device) + moves[:, 0]
    ys = torch.arange(height, device=images.device)[:, None] + moves[:, 1]
    places = torch.stack(((2 * xs + 1) / width - 1, (2 * ys + 1) / height - 1), -1)
    return F.grid_sample(images, places, padding_mode="reflection", align_corners=False)
