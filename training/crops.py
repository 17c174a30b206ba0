"""The crops of a recipe in; a function from an image, as it is read, to pixels of the net's size out."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import torch
from msgspec import Struct
from PIL import Image
from torch import Tensor

from ..dsl.diagnostics import Unusable
from .words import Recipe
from .words_of_images import CenterCrop, Crop, RandomCrop, RandomResize, RandomResizedCrop, Resize

TRIES = 10
MARGIN = 0.875
"""The part of a test image's shorter side that is seen: 224 of 256."""
GAP = 3.0
"""Before an image is resized to less than a third, it is made smaller in whole steps, which is quick."""


class Prepare(Struct, frozen=True):
    """An image as a split reads it (8-bit grey or colour) in, uint8 of C x H x W out. Can be pickled, for
    processes that read."""

    crops: tuple[Crop, ...]
    channels: int
    size: tuple[int, int]
    """H, W."""

    def __call__(self, image: Image.Image, random: np.random.Generator) -> Tensor:
        image = in_channels(image, self.channels)
        for crop in self.crops:
            image = cropped(image, crop, self.size, random)
        image = resized(image, self.size)
        pixels = np.array(image).reshape(*self.size, self.channels)
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def prepare_for(recipe: Recipe, channels: int, size: tuple[int, int], training: bool) -> Prepare:
    """For a net that takes `channels` x H x W, `size` being (H, W), to which is resized what the crops leave.
    Raises `Unusable` where images have no such number of channels."""
    if channels not in (1, 3):
        raise Unusable(
            f"the net takes images of {channels} channels",
            help="images are read as grey (1 channel) or in colour (3 channels)",
        )
    crops = tuple(word for word in recipe.augment if isinstance(word, Crop))
    if not training:
        crops = tuple(word for word in recipe.test if isinstance(word, Crop)) or suggested(crops, size)
    return Prepare(crops, channels, size)


def suggested(crops: tuple[Crop, ...], size: tuple[int, int]) -> tuple[Crop, ...]:
    """How images are prepared for testing, where the recipe does not say it: the middle of what training
    takes its parts of. After `random_resized_crop`, and `random_crop` of images that were not resized before,
    the shorter side is 256 for 224 and so on; of the sizes of a `random_resize` it is the mean (VGG, section
    3.2); a `random_crop` with `pad` takes nothing away, so nor does this."""
    found: list[Crop] = []
    for crop in crops:
        match crop:
            case RandomResizedCrop(size=side) | RandomCrop(size=side, pad=0):
                anew = isinstance(crop, RandomResizedCrop) or not any(isinstance(w, Resize) for w in found)
                if anew:
                    found = [Resize(round((side or min(size)) / MARGIN))]
                found.append(CenterCrop(side))
            case RandomResize(low=low, high=high):
                found.append(Resize(round((low + high) / 2)))
            case Resize() | CenterCrop():
                found.append(crop)
    return tuple(found)


def cropped(
    image: Image.Image, crop: Crop, size: tuple[int, int], random: np.random.Generator
) -> Image.Image:
    """`size` (H, W) is meant where the word has none."""
    if isinstance(crop, RandomResize):
        return resized_to(image, int(random.integers(crop.low, crop.high, endpoint=True)))
    if isinstance(crop, Resize):
        return resized(image, size) if crop.size is None else resized_to(image, crop.size)
    height, width = (crop.size, crop.size) if crop.size else size
    match crop:
        case CenterCrop():
            image = covering(image, height, width)
            left, top = round((image.width - width) / 2), round((image.height - height) / 2)
            return image.crop((left, top, left + width, top + height))
        case RandomCrop(pad=pad):
            image = covering(image, height, width)
            left = int(random.integers(-pad, image.width + pad - width, endpoint=True))
            top = int(random.integers(-pad, image.height + pad - height, endpoint=True))
            return image.crop((left, top, left + width, top + height))  # zeros outside
        case RandomResizedCrop():
            box = random_box(image.width, image.height, crop, random)
            return image.resize((width, height), Image.Resampling.BILINEAR, box=box, reducing_gap=GAP)


def resized_to(image: Image.Image, side: int) -> Image.Image:
    """The shorter side to `side`; the longer is cut off at a whole pixel, as torchvision does."""
    short, long = sorted(image.size)
    longer = int(side * long / short)
    return resized(image, (longer, side) if image.height > image.width else (side, longer))


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """To (H, W); an image that is smaller is not sharpened, one that is larger is smoothed first."""
    if image.size == size[::-1]:
        return image
    return image.resize(size[::-1], Image.Resampling.BILINEAR)


def covering(image: Image.Image, height: int, width: int) -> Image.Image:
    """Enlarged, if a crop of that size would not fit into it."""
    times = max(height / image.height, width / image.width)
    if times <= 1:
        return image
    return resized(image, (max(height, round(times * image.height)), max(width, round(times * image.width))))


def random_box(
    width: int, height: int, crop: RandomResizedCrop, random: np.random.Generator
) -> tuple[float, float, float, float]:
    """Left, upper, right, lower: of an area and a ratio (its logarithm) that are drawn uniformly until they
    fit, ten times at most; else the middle of the image, of the nearest ratio. Szegedy et al. 2015, section
    6, as torchvision draws it, but not rounded to whole pixels."""
    low, high = log(crop.ratio[0]), log(crop.ratio[1])
    for _ in range(TRIES):
        area = width * height * random.uniform(*crop.scale)
        ratio = exp(random.uniform(low, high))
        wide, tall = sqrt(area * ratio), sqrt(area / ratio)
        if wide <= width and tall <= height:
            left, top = random.uniform(0, width - wide), random.uniform(0, height - tall)
            return left, top, min(left + wide, width), min(top + tall, height)
    ratio = min(max(width / height, crop.ratio[0]), crop.ratio[1])
    wide, tall = min(width, height * ratio), min(height, width / ratio)
    left, top = (width - wide) / 2, (height - tall) / 2
    return left, top, left + wide, top + tall


def in_channels(image: Image.Image, channels: int) -> Image.Image:
    """Grey for 1 channel, else RGB."""
    return image.convert("L" if channels == 1 else "RGB")
