"""Where images and their classes come from: a source's name in, labelled images by number out."""

from .sources import Data, open_data, open_test
from .split import BadImage, Split

__all__ = ["BadImage", "Data", "Split", "open_data", "open_test"]
