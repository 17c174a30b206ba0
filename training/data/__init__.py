"""Where images and their classes come from: a source's name in, labelled images by number out."""

from .sets import Images
from .sources import Data, absolute, open_data, open_test, read_fraction
from .split import BadImage, Split
from .streams import Stream, few

__all__ = [
    "BadImage",
    "Data",
    "Images",
    "Split",
    "Stream",
    "absolute",
    "few",
    "open_data",
    "open_test",
    "read_fraction",
]
