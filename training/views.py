"""An image and a protocol in, the views that a net is shown of it out: uint8, views x C x H x W.

`crops` says which views of the net's size are taken:

1    the image as the recipe prepares it for testing; with `scales`, the middle of the image, whose shorter
     side was made so long
10   of the square in the middle the four corners and the centre, and these mirrored (Krizhevsky et al. 2012,
     section 4.1; what later papers call standard 10-crop testing)
12   those five views, the square as a whole, resized, and all six mirrored: what the 144 crops of Szegedy
     et al. 2015 take of one square. The papers that report 12 crops (Inception-v3, Inception-v4) do not say
     which they are; this is the one set of twelve that their line of papers describes
144  at four sizes, of three squares (left, centre, right, or top, centre, bottom), those twelve views
     (Szegedy et al. 2015, section 7)

Dense: the whole image, its shorter side as long as each of `scales`, for a net that is evaluated at every
place of it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from msgspec import Struct
from PIL import Image
from torch import Tensor

from ..dsl.diagnostics import Unusable
from .crops import MARGIN, Prepare, cropped, in_channels, prepare_for, resized
from .words import Recipe
from .words_of_images import CenterCrop, Resize

Crops = Literal[1, 10, 12, 144]

INPUT = 224
"""The size of input for which the papers' scales are given; for another one they grow with it."""
SCALES_OF_144 = (256, 288, 320, 352)
SCALES_OF_DENSE = (224, 256, 384, 480, 640)
"""He et al. 2016, section 3.4."""
UNDRAWN = np.random.default_rng(0)
"""Nothing is drawn at random in testing; crops want a generator all the same."""


class Protocol(Struct, frozen=True):
    """What is shown of an image."""

    crops: Crops = 1
    scales: tuple[int, ...] = ()
    """Lengths of the image's shorter side in pixels; none: the protocol's own, for the net's input."""
    dense: bool = False
    flip: bool = False
    """Whether each view is shown mirrored too; 10, 12 and 144 crops have that already."""


class Views(Struct, frozen=True):
    """An image in; its views, those of one size stacked, out. Can be pickled, for processes that read."""

    prepare: Prepare
    protocol: Protocol
    scales: tuple[int, ...]

    def __call__(self, image: Image.Image) -> tuple[Tensor, ...]:
        protocol = self.protocol
        if not self.scales:
            return (mirrored(self.prepare(image, UNDRAWN)[None], protocol.flip),)
        image = in_channels(image, self.prepare.channels)
        scaled = [scale_shorter(image, scale, self.prepare.size) for scale in self.scales]
        if protocol.dense:
            return tuple(mirrored(stack([whole]), protocol.flip) for whole in scaled)
        height, width = self.prepare.size
        views: list[Image.Image] = []
        for whole in scaled:
            if protocol.crops == 1:
                views.append(whole.crop(middle(whole.size, (width, height))))
                continue
            for square in squares(whole.size, three=protocol.crops == 144):
                part = whole.crop(square)
                views += [part.crop(box) for box in corners_and_centre(part.width, (width, height))]
                if protocol.crops != 10:
                    views.append(resized(part, self.prepare.size))
        return (mirrored(stack(views), protocol.flip or protocol.crops > 1),)

    @property
    def count(self) -> int:
        """How many views an image has."""
        each = {1: 1, 10: 10, 12: 12, 144: 36}[self.protocol.crops]
        return each * max(len(self.scales), 1) * (1 + self.protocol.flip)


def plan_views(recipe: Recipe, channels: int, size: tuple[int, int], protocol: Protocol) -> Views:
    """The views of a net that takes `channels` x H x W, `size` being (H, W). Raises `Unusable`."""
    crops, scales = protocol.crops, protocol.scales
    if crops > 1 and protocol.dense:
        raise Unusable(f"`--dense` takes whole images, and `--crops {crops}` parts of them", "leave one out")
    if crops > 1 and protocol.flip:
        raise Unusable(f"`--crops {crops}` shows mirrored views already", "leave `--tta flip` out")
    prepare = prepare_for(recipe, channels, size, training=False)
    if protocol.dense:
        scales = scales or tuple(scale_for(scale, size) for scale in SCALES_OF_DENSE)
    elif crops == 144:
        scales = scales or tuple(scale_for(scale, size) for scale in SCALES_OF_144)
    elif crops > 1:
        scales = scales or (test_scale(prepare, size),)
    for scale in scales:
        if not protocol.dense and scale < max(size):
            raise Unusable(
                f"an image of {scale} pixels a side holds no view of {size[0]}x{size[1]}",
                f"`--scales` from {max(size)} on do",
            )
    return Views(prepare, protocol, scales)


def scale_for(scale: int, size: tuple[int, int]) -> int:
    """What 256 for an input of 224 is for one of `size`."""
    return round(scale * max(size) / INPUT)


def test_scale(prepare: Prepare, size: tuple[int, int]) -> int:
    """The shorter side of which the recipe takes the middle in testing; 256 for 224 where it takes all."""
    match prepare.crops:
        case (Resize(size=int(scale)), CenterCrop()) if scale >= max(size):
            return scale
    return round(max(size) / MARGIN)


# --- geometry: sizes and boxes as Pillow has them, width first ---------------------------------------

Box = tuple[int, int, int, int]
"""Left, upper, right, lower."""


def scale_shorter(image: Image.Image, side: int, size: tuple[int, int]) -> Image.Image:
    return cropped(image, Resize(side), size, UNDRAWN)


def squares(size: tuple[int, int], three: bool) -> list[Box]:
    """The largest squares of an image: the one in its middle, or one at either end of the longer side too."""
    side = min(size)
    room = max(size) - side
    starts = [0, round(room / 2), room] if three else [round(room / 2)]
    return [
        (start, 0, start + side, side) if size[0] >= size[1] else (0, start, side, start + side)
        for start in starts
    ]


def corners_and_centre(side: int, size: tuple[int, int]) -> list[Box]:
    """Upper left, upper right, lower left, lower right, centre of a square, boxes of `size`."""
    right, lower = side - size[0], side - size[1]
    corners = [(left, top, left + size[0], top + size[1]) for top in (0, lower) for left in (0, right)]
    return [*corners, middle((side, side), size)]


def middle(whole: tuple[int, int], size: tuple[int, int]) -> Box:
    left, top = round((whole[0] - size[0]) / 2), round((whole[1] - size[1]) / 2)
    return left, top, left + size[0], top + size[1]


def stack(views: list[Image.Image]) -> Tensor:
    """Images of one size and mode as uint8, views x C x H x W."""
    pixels = np.stack([np.atleast_3d(np.asarray(view)) for view in views])
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def mirrored(views: Tensor, wanted: bool) -> Tensor:
    """The views, and after them, where that is wanted, the same with left and right exchanged."""
    return torch.cat([views, views.flip(3)]) if wanted else views
