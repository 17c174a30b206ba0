"""Names of files and folders in, their images out: without labels, as a person who asks has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL.Image import Image

from ...dsl.diagnostics import Unusable
from .folders import entries, folders_in, images_below, is_image
from .images import read_image
from .split import Split, clean, digest


class Loose(Split):
    """Image files in the order in which they were named. Their labels are -1: nobody knows them."""

    classes = ()

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self.labels = np.full(len(self.paths), -1, dtype=np.int64)

    def name(self, number: int) -> str:
        return clean(str(self.paths[number]))

    def read(self, number: int) -> Image:
        return read_image(self.paths[number], self.name(number))

    @property
    def fingerprint(self) -> str:
        return digest([self.name(number) for number in range(len(self))])


def open_loose(names: Iterable[str]) -> Loose:
    """The files of these names; of a folder all images in it and below, in the order of their names. Raises
    `Unusable` where one is not there, or a folder has no images."""
    paths: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(inner.partition("/")[2] for inner, _ in images_below(path))
            if not inside:
                raise Unusable(f"there are no images in the folder `{clean(name)}`")
            paths += [path / inner for inner in inside]
        elif path.exists():
            paths.append(path)
        else:
            raise Unusable(f"there is no file `{clean(name)}`")
    return Loose(paths)


def is_loose(path: Path) -> bool:
    """Whether it is an image, or a folder that holds images and no folders."""
    if not path.is_dir():
        return path.is_file() and is_image(path.name)
    return not folders_in(path) and any(is_image(entry.name) for entry in entries(path))
