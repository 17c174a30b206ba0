"""A folder of class folders in, its labelled images out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL.Image import Image

from ...dsl.diagnostics import Unusable
from ..disk import reason
from .images import read_image, suffixes
from .sets import TRAIN, VALIDATION, Sets
from .split import Names, Split, clean, digest, packed


class Folder(Split):
    """The images of class folders, in the order of their names. `sizes` are the files' in bytes."""

    def __init__(self, root: Path, classes: tuple[str, ...], found: list[tuple[str, int, int]]) -> None:
        self.root, self.classes = root, classes
        self.names = Names(path for path, _, _ in found)
        self.sizes = np.array([size for _, size, _ in found], dtype=np.int64)
        self.labels = np.array([label for _, _, label in found], dtype=np.int64)

    def read(self, number: int) -> Image:
        return read_image(self.root / self.names[number], self.name(number))

    def name(self, number: int) -> str:
        return clean(self.names[number])

    @property
    def fingerprint(self) -> str:
        """Of the files' names, sizes and classes; their bytes are not read."""
        parts = (self.names.text, packed(self.names.ends), packed(self.sizes), packed(self.labels))
        return digest([*self.classes, *parts])


def open_folder(root: Path) -> Sets:
    """The class folders in `train/` and in the first of `VALIDATION` that is there, where they have any, else
    all class folders of the folder itself. Raises `Unusable`."""
    inner = {name.lower(): name for name in folders_in(root)}
    train, held = (
        next((inner[name] for name in names if name in inner and folders_in(root / inner[name])), None)
        for names in (TRAIN, VALIDATION)
    )
    if train is None and (held is None or set(inner) - set(VALIDATION)):
        return Sets(read_classes(root, root))
    parts = [name and read_classes(root, root / name) for name in (train, held)]
    return Sets(parts[0] or None, parts[1] or None)


def read_classes(root: Path, folder: Path) -> Folder:
    """The images below a folder, by the class folders in it; named from `root`. Raises `Unusable`."""
    folders = folders_in(folder)
    if not folders:
        loose = any(is_image(entry.name) for entry in entries(folder))
        what = "images, but no class folders" if loose else "no class folders"
        raise Unusable(f"`{folder}` holds {what}", "put the images of each class into a folder named like it")
    found, empty = [], []
    for label, name in enumerate(folders):
        images = sorted(images_below(folder / name))
        found += [(path, size, label) for path, size in images]
        if not images:
            empty.append(name)
    if not found:
        raise Unusable(f"there are no images in the folders of `{folder}`", known_suffixes())
    if empty:
        raise Unusable(
            f"the class folder `{clean(empty[0])}` of `{folder}` has no images"
            + (f", nor have {len(empty) - 1} more" if len(empty) > 1 else ""),
            "remove it, or put images into it",
        )
    start = folder.relative_to(root).as_posix()
    prefix = "" if start == "." else f"{start}/"
    relative = [(prefix + path, size, label) for path, size, label in found]
    return Folder(root, tuple(map(clean, folders)), relative)


def has_images(root: Path) -> bool:
    """Whether there is an image file anywhere below the folders of a folder."""
    return any(True for name in folders_in(root) for _ in images_below(root / name))


def known_suffixes() -> str:
    return f"image files end in {', '.join(sorted(suffixes()))}"


def is_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in suffixes()


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What stands in a folder, hidden things left out, by name. Raises `Unusable`."""
    try:
        with os.scandir(folder) as found:
            return sorted(
                (entry for entry in found if not entry.name.startswith((".", "__MACOSX"))),
                key=lambda entry: entry.name,
            )
    except OSError as error:
        raise Unusable(f"`{clean(str(folder))}` cannot be read: {reason(error)}") from None


def folders_in(folder: Path) -> list[str]:
    """The names of the folders in a folder, links to folders too, sorted."""
    return [entry.name for entry in entries(folder) if entry.is_dir()]


def images_below(folder: Path) -> Iterator[tuple[str, int]]:
    """The image files in a folder and below, from the folder that holds it on (`cats/a/1.jpg`), each with its
    size in bytes. Links are followed, but for those to a folder that they are in."""
    yield from walk(folder, folder.name, frozenset())


def walk(folder: Path, name: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    try:
        status = folder.stat()
    except OSError as error:
        raise Unusable(f"`{clean(str(folder))}` cannot be read: {reason(error)}") from None
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in entries(folder):
        if entry.is_dir():
            yield from walk(folder / entry.name, f"{name}/{entry.name}", above | {here})
        elif is_image(entry.name) and (entry.is_file() or entry.is_symlink()):
            # A link that leads nowhere is an image that cannot be read: it is told, not passed over.
            yield f"{name}/{entry.name}", entry.stat().st_size if entry.is_file() else 0
