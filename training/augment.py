"""A recipe in; the module that changes a batch of images in training, and normalises it always, out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ..dsl.diagnostics import Unusable
from .elastic import RandomElastic
from .mixes import mixed
from .noise import RandomNoise
from .pca_color import RandomPCAColor
from .words import Recipe
from .words_of_images import (
    ColorJitter,
    Distortion,
    Elastic,
    Erase,
    Flip,
    Mix,
    Noise,
    PCAColor,
    Rotate,
    Scale,
    Shear,
    Shift,
)


class Augment(nn.Module):
    """Images are float32 of N x C x H x W from 0 to 1, on any device. What is random is drawn for each image
    on its own, from torch's generators: from that of the CPU wherever the images are (but for noise), so that
    nothing waits for a GPU."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, recipe: Recipe, channels: int, classes: int, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        """`mean` and `std` are of each channel, or one for all; they are no part of the weights. Raises
        `Unusable` where they are of another number of channels."""
        super().__init__()
        refuse_channels(channels, mean, std)
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values).reshape(1, -1, 1, 1), persistent=False)
        words = recipe.augment
        self.distortions = tuple(distortion(w, channels) for w in words if isinstance(w, Distortion))
        """No submodules: kornia draws on the device to which a module is moved."""
        self.mixes: tuple[Mix, ...] = tuple(word for word in words if isinstance(word, Mix))
        self.classes = classes

    @torch.no_grad()
    def train_batch(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Distorted in the recipe's order, cut off at 0 and 1, normalised, and mixed. Targets are classes
        (int64 of N) or parts of them (N x K); those of a recipe that mixes come back as parts."""
        with torch.autocast(images.device.type, enabled=False):
            images = images.float()
            for distort in self.distortions:
                images = distort(images)
            images = self.normalize(images.clamp(0, 1))
            return mixed(images, targets, self.mixes, self.classes) if self.mixes else (images, targets)

    @torch.no_grad()
    def test_batch(self, images: Tensor) -> Tensor:
        """Normalised."""
        with torch.autocast(images.device.type, enabled=False):
            return self.normalize(images.float())

    def normalize(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


def refuse_channels(channels: int, mean: Sequence[float], std: Sequence[float]) -> None:
    """Raises `Unusable` where these are of neither as many channels as the net has, nor one for all."""
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, channels):
            several = "s" if channels != 1 else ""
            raise Unusable(
                f"`normalize` has {len(values)} numbers in `{name}`, the net {channels} channel{several}",
                help=f"give {channels}, or one for all" if several else "give one",
            )


def distortion(word: Distortion, channels: int) -> nn.Module:
    """What it does, by kornia where kornia does it; what enters from outside the image is zeros."""
    import kornia.augmentation as kornia  # takes seconds

    made: nn.Module
    match word:
        case Flip(p=p, axis=axis):
            made = (kornia.RandomHorizontalFlip if axis == "horizontal" else kornia.RandomVerticalFlip)(p=p)
        case ColorJitter(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue, p=p):
            if channels == 1:  # grey has neither
                saturation = hue = 0.0
            made = kornia.ColorJitter(around(brightness), around(contrast), around(saturation), hue, p=p)
        case PCAColor(std=std, p=p):
            made = RandomPCAColor(std, p)
        case Rotate(degrees=degrees, p=p):
            made = kornia.RandomAffine(degrees, p=p)
        case Shift(x=x, y=y, p=p):
            made = kornia.RandomAffine(0.0, translate=(x, x if y is None else y), p=p)
        case Scale(low=low, high=high, p=p):
            made = kornia.RandomAffine(0.0, scale=(low, high), p=p)
        case Shear(degrees=degrees, p=p):
            made = kornia.RandomAffine(0.0, shear=degrees, p=p)
        case Noise(std=std, p=p):
            made = RandomNoise(std, p)
        case Erase(p=p, scale=scale, ratio=ratio):
            made = kornia.RandomErasing(scale, (1 / ratio[1], 1 / ratio[0]), p=p)
        case Elastic(sigma=sigma, grid=grid, p=p):
            made = RandomElastic(sigma, grid, p)
    return made


def around(most: float) -> tuple[float, float]:
    """From 1 - most, but never below 0, to 1 + most."""
    return max(0.0, 1 - most), 1 + most


def measure(batches: Iterable[Tensor]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and the standard deviation of each channel, of pixels from 0 to 1, over batches of uint8
    N x C x H x W: from counts of the 256 values, so that the order of the batches does not matter. A channel
    that never changes gets the deviation 1. Raises `Unusable` where there is no image."""
    counts: Tensor | None = None
    for batch in batches:
        seen = torch.stack([torch.bincount(c.flatten(), minlength=256) for c in batch.unbind(1)])
        counts = seen if counts is None else counts + seen
    if counts is None or not counts.any():
        raise Unusable("there is no image to measure a mean on")
    values = torch.arange(256, dtype=torch.float64) / 255
    parts = counts / counts.sum(1, keepdim=True, dtype=torch.float64)
    means = parts @ values
    deviations = (parts * (values - means[:, None]) ** 2).sum(1).sqrt()
    return tuple(means.tolist()), tuple(d or 1.0 for d in deviations.tolist())
