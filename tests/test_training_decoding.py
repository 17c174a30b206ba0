"""Files of images of every kind that is met, sound and damaged."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netc.training.data import BadImage
from netc.training.data.images import FORMATS, read_image, suffixes


def encode(image: Image.Image, format: str = "png", **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, format, **options)
    return data.getvalue()


def read(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = read_image(data, "it")
    assert image.mode in ("L", "RGB")
    pixels = np.asarray(image)
    assert pixels.dtype == np.uint8
    return pixels


def ramp(mode: str = "RGB") -> Image.Image:
    """Red grows to the right, green downwards."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[..., 0] = np.arange(6) * 40
    pixels[..., 1] = np.arange(4)[:, None] * 60
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("format", ["png", "bmp", "tiff", "ppm", "webp", "gif", "jpeg", "jpeg2000"])
def test_formats_that_are_met_are_read(format: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"webp": {"lossless": True}, "jpeg": {"quality": 100, "subsampling": 0}}.get(
        format, {}
    )
    data = encode(ramp(), format, **options)
    (tmp_path / "it").write_bytes(data)  # what it is, its bytes say
    pixels = np.asarray(read_image(tmp_path / "it", "it"))
    assert pixels.shape == (4, 6, 3)
    assert np.abs(pixels.astype(int) - np.asarray(ramp())).max() <= (6 if format == "jpeg" else 0)


def test_colours_of_all_modes_become_plain_ones() -> None:
    whole = np.asarray(ramp())
    assert (read(encode(ramp("P"), colors=256)) == np.asarray(ramp("P").convert("RGB"))).all()
    assert (read(encode(ramp("L"))) == np.asarray(ramp("L"))).all()
    assert (read(encode(ramp("1"))) == np.asarray(ramp("1").convert("L"))).all()
    cmyk = read(encode(ramp("CMYK"), "tiff"))
    assert np.abs(cmyk.astype(int) - whole).max() <= 1
    assert np.abs(read(encode(ramp("CMYK"), "jpeg", quality=100)).astype(int) - whole).max() <= 12


@pytest.mark.parametrize("format", ["png", "tiff", "ppm"])
def test_sixteen_bits_become_eight(format: str) -> None:
    numbers = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    pixels = read(encode(Image.fromarray(numbers), format))
    assert pixels.tolist() == [[round(int(n) / 257) for n in numbers[0]]]


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_of_no_known_range_are_bad(mode: str) -> None:
    image = Image.new(mode, (2, 2), 100_000)
    with pytest.raises(BadImage, match="whose range is not known"):
        read_image(encode(image, "tiff"), "it")


def test_what_is_transparent_lies_on_white() -> None:
    image = ramp("RGBA")
    image.putalpha(Image.fromarray(np.array([[0, 51, 102, 153, 204, 255]] * 4, np.uint8)))
    alpha = np.array([0, 51, 102, 153, 204, 255])[None, :, None] / 255
    expected = np.asarray(ramp()) * alpha + 255 * (1 - alpha)
    assert np.abs(read(encode(image)) - expected).max() <= 1
    grey = Image.merge("LA", [Image.new("L", (2, 1), 100), Image.fromarray(np.array([[0, 255]], np.uint8))])
    assert read(encode(grey)).tolist() == [[255, 100]]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    assert read(encode(palette, transparency=0)).tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_an_animation_is_its_first_picture() -> None:
    pictures = [Image.new("RGB", (3, 2), colour) for colour in ("red", "lime", "blue")]
    for format in ("gif", "png", "webp"):
        data = encode(pictures[0], format, save_all=True, append_images=pictures[1:], lossless=True)
        assert read(data)[0, 0].tolist() == [255, 0, 0], format


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_stands_upright(orientation: int) -> None:
    """What a camera stored turned is turned back: by the table of the EXIF standard, in NumPy."""
    upright = np.asarray(ramp())
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert (read(encode(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)) == upright).all()


def bomb() -> bytes:
    """A PNG that says it has 100,000 x 100,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8))
WHOLE = encode(NOISE)
BAD = {
    "is empty": b"",
    "is of no known image format": b"text",
    "is damaged: image file is truncated": encode(NOISE, "jpeg")[:900],
    "is damaged": WHOLE[:2000],
    "is damaged: broken": WHOLE[:60] + b"\0" * 30 + WHOLE[90:],
    "more pixels than an image should have": bomb(),
    "no known image format": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}


@pytest.mark.parametrize("why", BAD)
def test_damaged_files_are_bad_images(why: str) -> None:
    with pytest.raises(BadImage) as caught:
        read_image(BAD[why], "a/b.png")
    assert caught.value.name == "a/b.png"
    assert why in caught.value.why
    assert str(caught.value).startswith("`a/b.png` ")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_damage_is_a_bad_image_or_an_image() -> None:
    """Nothing but a `BadImage` comes out of a decoder, whatever bytes it is given."""
    draw = np.random.default_rng(1)
    bad = 0
    for format in ("png", "jpeg", "webp", "bmp", "gif", "tiff", "jpeg2000"):
        whole = encode(NOISE, format)
        for _ in range(60):
            data = bytearray(whole)
            for place in draw.integers(0, len(data), 6):
                data[place] = draw.integers(256)
            try:
                read(bytes(data[: draw.integers(1, len(data) + 1)]))
            except BadImage:
                bad += 1
    assert bad > 200


def test_files_that_cannot_be_opened_are_bad_images(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="cannot be read: no such file or directory"):
        read_image(tmp_path / "nowhere.png", "x")
    with pytest.raises(BadImage, match="cannot be read: is a directory"):
        read_image(tmp_path, "x")


def test_names_of_images_end_as_their_formats_do() -> None:
    assert {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".ppm", ".jp2"} <= suffixes()
    assert not {".eps", ".ps", ".pdf", ".txt", ".wmf"} & suffixes()
    assert "EPS" not in FORMATS
