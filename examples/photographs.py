"""Makes a small data set of the photographs that come inside scikit-image and scikit-learn: which one is it?

    python examples/photographs.py FOLDER [--size 40] [--train 400] [--val 100] [--side 320] [--seed 0]

Writes crops as FOLDER/train/CLASS/*.png and FOLDER/val/CLASS/*.png. Each photograph is made `side` pixels on
its shorter side and divided into square tiles; of every four tiles one is for validation, so that no pixel is
in both. The same arguments give the same crops. Nothing is fetched from anywhere.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from PIL import Image

PHOTOGRAPHS = {
    "skimage.data": (
        "astronaut.png brick.png camera.png chelsea.png coffee.png coins.png grass.png gravel.png "
        "hubble_deep_field.jpg ihc.png motorcycle_left.png page.png retina.jpg rocket.jpg"
    ),
    "sklearn.datasets.images": "china.jpg flower.jpg",
}
EVERY = 4
"""One of so many tiles is for validation."""

Box = tuple[int, int, int, int]


def photographs() -> dict[str, Image.Image]:
    """The photographs by name, in colour or grey as they are."""
    found = {}
    for package, names in PHOTOGRAPHS.items():
        for name in names.split():
            with (files(package) / name).open("rb") as file, Image.open(file) as image:
                found[name.partition(".")[0]] = image.convert("L" if image.mode == "L" else "RGB")
    return dict(sorted(found.items()))


def enlarge(image: Image.Image, side: int) -> Image.Image:
    """The image with so many pixels on its shorter side."""
    scale = side / min(image.size)
    width, height = (round(length * scale) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def divide(width: int, height: int, tile: int, draw: random.Random) -> tuple[list[Box], list[Box]]:
    """The tiles to train on and those to validate with, at random places of the image."""
    columns, rows = width // tile, height // tile
    tiles = [
        (tile * x, tile * y, tile * (x + 1), tile * (y + 1)) for y in range(rows) for x in range(columns)
    ]
    draw.shuffle(tiles)
    held = max(len(tiles) // EVERY, 1)
    return tiles[held:], tiles[:held]


def crop(image: Image.Image, tiles: Sequence[Box], size: int, draw: random.Random) -> Image.Image:
    """A square anywhere in one of the tiles."""
    left, top, right, bottom = tiles[draw.randrange(len(tiles))]
    x, y = draw.randint(left, right - size), draw.randint(top, bottom - size)
    return image.crop((x, y, x + size, y + size))


def write(folder: Path, size: int, train: int, val: int, side: int, seed: int) -> None:
    """All crops of all photographs, so many of each, of `size` pixels a side."""
    for name, photograph in photographs().items():
        draw = random.Random(f"{seed} {name}")
        image = enlarge(photograph, side)
        parts = divide(*image.size, 2 * size, draw)
        for part, tiles, count in zip(("train", "val"), parts, (train, val), strict=True):
            place = folder / part / name
            place.mkdir(parents=True)
            for number in range(count):
                crop(image, tiles, size, draw).save(place / f"{number:04}.png", compress_level=1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=40, help="pixels a side of a crop")
    parser.add_argument("--train", type=int, default=400, help="crops of each photograph to train on")
    parser.add_argument("--val", type=int, default=100, help="crops of each photograph to validate with")
    parser.add_argument("--side", type=int, default=320, help="pixels of a photograph's shorter side")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.folder.exists() and any(options.folder.iterdir()):
        parser.error(f"{options.folder} is not empty")
    if not 0 < 4 * options.size <= options.side:
        parser.error("a side has room for two tiles at least: 4 * size must not be more than side")
    if min(options.train, options.val) < 1:
        parser.error("there must be crops to train on and to validate with")
    write(**vars(options))
    print(f"wrote {options.folder}: {len(photographs())} classes, {options.train} + {options.val} crops each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
