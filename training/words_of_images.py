"""The words of a recipe that say what becomes of images: one class each, its fields the arguments.

What they do stands in `crops.py`, `augment.py` and what these use.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .word import Unfit, Word, ascend, rise

Pixels = Annotated[int, Meta(ge=1)]
Size = Annotated[Pixels | None, Meta(description="pixels a side; none: the net's input")]
Part = Annotated[float, Meta(gt=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Parts = Annotated[tuple[Part, Part], Meta(description="the least and the largest part of the area")]
Aspects = Annotated[
    tuple[Positive, Positive], Meta(description="the least and the largest width over height")
]
Chance = Annotated[float, Meta(ge=0, le=1, description="the probability that an image is changed")]
Degrees = Annotated[float, Meta(ge=0, le=180, description="at most so many degrees, either way")]


class Resize(Word, frozen=True, tag="resize"):
    """The shorter side to `size`, whatever the longer becomes; without a size both to the net's input."""

    size: Size = None


class CenterCrop(Word, frozen=True, tag="center_crop"):
    """The square in the middle; an image that is smaller is enlarged first."""

    size: Size = None


class RandomResizedCrop(Word, frozen=True, tag="random_resized_crop"):
    """A part of the image, of an area and an aspect drawn at random, resized."""

    size: Size = None
    scale: Parts = (0.08, 1.0)
    ratio: Aspects = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        rise("scale", self.scale)
        rise("ratio", self.ratio)


class RandomResize(Word, frozen=True, tag="random_resize"):
    """The shorter side to a size drawn at random, whatever the longer becomes (VGG's scale jittering)."""

    low: Annotated[int, Meta(ge=1, description="the least, in pixels")]
    high: Annotated[int, Meta(ge=1, description="the largest, in pixels")]

    def __post_init__(self) -> None:
        ascend(self.low, self.high)


class RandomCrop(Word, frozen=True, tag="random_crop"):
    """A square anywhere, after `pad` pixels of zeros all round; a smaller image is enlarged before."""

    size: Size = None
    pad: Annotated[int, Meta(ge=0, description="pixels a side")] = 0


class Flip(Word, frozen=True, tag="flip"):
    """Mirrored."""

    p: Chance = 0.5
    axis: Annotated[Literal["horizontal", "vertical"], Meta(description="which way")] = "horizontal"


class ColorJitter(Word, frozen=True, tag="color_jitter"):
    """Photometric distortion: brightness, contrast and saturation times 1 - x to 1 + x; hue turned."""

    brightness: Annotated[float, Meta(ge=0, description="at most so much")] = 0.0
    contrast: Annotated[float, Meta(ge=0, description="at most so much")] = 0.0
    saturation: Annotated[float, Meta(ge=0, description="at most so much")] = 0.0
    hue: Annotated[float, Meta(ge=0, le=0.5, description="at most so much of the circle, either way")] = 0.0
    p: Chance = 1.0

    def __post_init__(self) -> None:
        if not (self.brightness or self.contrast or self.saturation or self.hue):
            message = "`color_jitter` without an amount changes nothing"
            raise Unfit("missing-argument", message, "brightness", "write `color_jitter(0.4, 0.4, 0.4)`, say")


class PCAColor(Word, frozen=True, tag="pca_color"):
    """Shifted along the principal components of ImageNet's colours, each by a normal number times the
    component's deviation (AlexNet, section 4.1)."""

    std: Annotated[float, Meta(ge=0, description="the standard deviation of these numbers")] = 0.1
    p: Chance = 1.0


class Rotate(Word, frozen=True, tag="rotate"):
    """Turned about its middle."""

    degrees: Degrees
    p: Chance = 1.0


class Shift(Word, frozen=True, tag="shift"):
    """Moved."""

    x: Annotated[float, Meta(ge=0, le=1, description="at most this part of the width, either way")]
    y: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None, Meta(description="of the height; none: as `x`")
    ] = None
    p: Chance = 1.0


class Scale(Word, frozen=True, tag="scale"):
    """Enlarged or made smaller about its middle."""

    low: Annotated[float, Meta(gt=0, description="the least")]
    high: Annotated[float, Meta(gt=0, description="the most")]
    p: Chance = 1.0

    def __post_init__(self) -> None:
        ascend(self.low, self.high)


class Shear(Word, frozen=True, tag="shear"):
    """Slanted along the width."""

    degrees: Degrees
    p: Chance = 1.0


class Noise(Word, frozen=True, tag="noise"):
    """Gaussian noise on pixels from 0 to 1."""

    std: Annotated[float, Meta(ge=0, description="its standard deviation")]
    p: Chance = 1.0


class Elastic(Word, frozen=True, tag="elastic"):
    """Displacements drawn on a coarse grid and smoothly interpolated (U-Net, section 3.1)."""

    sigma: Annotated[float, Meta(gt=0, description="the displacements' standard deviation in pixels")] = 10.0
    grid: Annotated[int, Meta(ge=2, description="points a side")] = 3
    p: Chance = 1.0


class Erase(Word, frozen=True, tag="erase"):
    """A rectangle of zeros."""

    p: Chance = 0.5
    scale: Parts = (0.02, 0.33)
    ratio: Aspects = (0.3, 3.3)

    def __post_init__(self) -> None:
        rise("scale", self.scale)
        rise("ratio", self.ratio)


class Normalize(Word, frozen=True, tag="normalize"):
    """Less the mean, over the deviation, per channel of pixels from 0 to 1. Without it both are measured on
    the training images, and kept in the run."""

    mean: Annotated[tuple[float, ...], Meta(description="of each channel")]
    std: Annotated[tuple[Positive, ...], Meta(description="of each channel")]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            message = f"`mean` is of {len(self.mean)} channels, and `std` of {len(self.std)}"
            raise Unfit("wrong-type", message, "std", "write one number for each channel")


class Mixup(Word, frozen=True, tag="mixup"):
    """Pairs of images and of their targets are averaged, with a weight from Beta(alpha, alpha)."""

    alpha: Annotated[float, Meta(gt=0, description="of the Beta distribution")] = 0.2
    p: Annotated[float, Meta(ge=0, le=1, description="the probability that a batch is mixed")] = 1.0


class CutMix(Word, frozen=True, tag="cutmix"):
    """A rectangle of another image, and as much of its target."""

    alpha: Annotated[float, Meta(gt=0, description="of the Beta distribution")] = 1.0
    p: Annotated[float, Meta(ge=0, le=1, description="the probability that a batch is mixed")] = 1.0


Crop = Resize | RandomResize | CenterCrop | RandomResizedCrop | RandomCrop
"""What makes images of one size, one image at a time, as they are read."""
Distortion = Flip | ColorJitter | PCAColor | Rotate | Shift | Scale | Shear | Noise | Elastic | Erase
"""What changes a batch, where the net is."""
Mix = Mixup | CutMix
Augmentation = Crop | Distortion | Normalize | Mix
Preparation = Resize | CenterCrop | Normalize
"""What `test` may say."""
