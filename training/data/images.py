"""A file or its bytes in, an upright image of 8-bit grey or colour out."""

from __future__ import annotations

import warnings
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..disk import reason
from .split import BadImage

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF")
"""Not all that Pillow knows: some of the others are drawn by programs that it starts (EPS by Ghostscript)."""


@cache
def formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this Pillow was built with."""
    Image.init()
    # What Pillow says of a damaged file beside reading it, one that trains need not hear in every epoch.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    return tuple(name for name in FORMATS if name in Image.OPEN)


@cache
def suffixes() -> frozenset[str]:
    """The ends of names of image files, such as `.jpg`; also of formats that this Pillow cannot read."""
    return frozenset(end for end, name in Image.registered_extensions().items() if name in FORMATS)


def read_image(source: Path | bytes, name: str) -> Image.Image:
    """The first picture of a file as mode "L" or "RGB": turned as its EXIF data say, 16 bits scaled to 8,
    what is transparent laid on white. Raises `BadImage` with that name."""
    try:
        if not isinstance(source, bytes):
            with source.open("rb") as file:
                return decode(file.read(), name)
    except OSError as error:
        raise BadImage(name, f"cannot be read: {reason(error)}") from None
    return decode(source, name)


def decode(data: bytes, name: str) -> Image.Image:
    if not data:
        raise BadImage(name, "is empty")
    try:
        with Image.open(BytesIO(data), formats=formats()) as image:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return plain(image, name)
    except BadImage:
        raise
    except UnidentifiedImageError:
        raise BadImage(name, "is of no known image format, or its first bytes are damaged") from None
    except Image.DecompressionBombError:
        raise BadImage(name, "says that it has more pixels than an image should have") from None
    except Exception as error:
        # A damaged file makes the decoders raise nearly anything: SyntaxError, IndexError, struct.error, ...
        raise BadImage(name, f"is damaged: {str(error) or type(error).__name__}") from None


def plain(image: Image.Image, name: str) -> Image.Image:
    """The image in mode "L" or "RGB". Raises `BadImage` where the range of its pixels is not known."""
    if image.mode.startswith("I"):
        pixels = np.asarray(image).astype(np.int64)
        if pixels.min() < 0 or pixels.max() > 0xFFFF:
            raise BadImage(name, "has pixels beyond 16 bits, whose range is not known")
        return Image.fromarray(((pixels + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise BadImage(name, "has pixels that are fractions, whose range is not known")
    if image.has_transparency_data:
        grey = image.mode in ("1", "L", "LA", "La")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("L" if grey else "RGB")
    if image.mode in ("L", "RGB"):
        return image.copy()
    return image.convert("L" if image.mode == "1" else "RGB")
