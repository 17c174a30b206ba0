"""Images that need no file: scikit-learn's digits, and noise of any size."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...dsl.diagnostics import Unusable
from .sets import Sets
from .split import Part, Split, digest, hold_out, packed

NOISE = re.compile(r"synthetic(?::(\d+)x(\d+)x(\d+)x(\d+)(?::(\d+))?)?")
MOST_IMAGES, MOST_PIXELS = 10**9, 2**26


class Digits(Split):
    """The 1,797 digits of 8x8 pixels that come with scikit-learn, grey, 0 to 16 scaled to 0 to 255."""

    classes = tuple("0123456789")
    light = True

    def __init__(self) -> None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        self.pixels: NDArray[np.uint8] = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        self.labels = digits.target.astype(np.int64)

    def read(self, number: int) -> Image.Image:
        return Image.fromarray(self.pixels[number])

    def name(self, number: int) -> str:
        return f"digit {number}"

    @property
    def fingerprint(self) -> str:
        return digest(["digits", self.pixels.tobytes(), packed(self.labels)])


def open_digits() -> Sets:
    """A fifth of every digit is held out, always the same."""
    digits = Digits()
    train, val = hold_out(digits.labels, 0.2, 0)
    return Sets(Part(digits, train), Part(digits, val))


class Noise(Split):
    """Images of random pixels: nothing can be learned of them, but how fast one learns."""

    light = True

    def __init__(self, count: int, channels: int, height: int, width: int, classes: int) -> None:
        self.shape = (height, width) if channels == 1 else (height, width, channels)
        self.classes = tuple(map(str, range(classes)))
        self.labels = np.arange(count, dtype=np.int64) % classes

    def read(self, number: int) -> Image.Image:
        count = int(np.prod(self.shape))
        words = np.random.PCG64(number).random_raw(-(-count // 8))
        return Image.fromarray(words.astype("<u8").view(np.uint8)[:count].reshape(self.shape))

    def name(self, number: int) -> str:
        return f"synthetic {number}"

    @property
    def fingerprint(self) -> str:
        return digest([f"synthetic {len(self)} {self.shape} {len(self.classes)}"])


def open_noise(source: str) -> Sets:
    """`synthetic:NxCxHxW:CLASSES`; 1,000 images of 3x224x224 in 10 classes where it does not say. Raises
    `Unusable`."""
    found = NOISE.fullmatch(source)
    numbers = [int(text) for text in (found.groups() if found else ()) if text] or [1000, 3, 224, 224]
    count, channels, height, width, classes = (*numbers, 10)[:5]
    right = 0 < count <= MOST_IMAGES and 0 < height * width <= MOST_PIXELS and 0 < classes <= count
    if found is None or channels not in (1, 3) or not right:
        raise Unusable(
            f"`{source}` is no size of synthetic images",
            "`synthetic:1000x3x224x224:10` is 1,000 images of 3 channels (or 1) and 224x224 in 10 classes",
        )
    return Sets(Noise(count, channels, height, width, classes))
