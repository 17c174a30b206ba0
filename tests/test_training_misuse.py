"""What a person may ask of the commands that train, and cannot have: one sentence, help, exit code 1 or 2."""

from __future__ import annotations

import re
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from netc.cli import run
from netc.dsl.diagnostics import Unusable
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.training.data import open_test

NETS = """
net small(classes=2) {
    input image: 3x8x8
    conv(3x3, 4, bias=false); bn; relu
    gap; fc(classes)
}

net vector(classes=2) {
    input image: 3x8x8
    gap; fc(6); norm: bn; relu
    fc(classes)
}

net still {
    input image: 1x1x2
    flatten
}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with nets and sixteen images of two classes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.net").write_text(NETS)
    draw = np.random.default_rng(0)
    for name, level in (("dark", 0), ("light", 128)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(8):
            pixels = draw.integers(level, level + 100, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run(list(arguments))
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "least"),
    [(("--batch", "1"), 2), (("--batch", "3", "--accumulate", "3"), 6)],
)
def test_one_image_at_a_time_of_a_vector_that_is_normalised(
    here: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], least: int
) -> None:
    code, text = told(capsys, "train", "my.net:vector", "--data", "images", *options)
    assert code == 2
    assert "`norm` normalises one value of each channel" in text
    assert f"`--batch {least}`" in text
    assert not (here / "runs").exists()
    allowed = (*options[:1], str(least), *options[2:])
    assert run(["train", "my.net:vector", "--data", "images", "--dry-run", *allowed]) == 0


def test_one_image_at_a_time_of_a_map_has_a_variance(here: Path) -> None:
    assert run(["train", "my.net:small", "--data", "images", "--batch", "1", "--epochs", "1"]) == 0
    text = (here / "runs/small/recipe.net").read_text()
    _, slips = parse(Source("recipe.net", text))
    assert not slips
    assert not re.search(r"\n\s*\n", text), "no empty line"


def test_empty_values(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = told(capsys, "train", "my.net:small", "--data", "images", "--augment", " ")
    assert (code, text) == (2, "error: `--augment` needs a value, which is empty here\n")
    code, text = told(capsys, "train", "my.net:small", "--data", "")
    assert code == 2
    assert text.startswith("error: no data are named\n")


def test_a_net_without_parameters(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = told(capsys, "train", "my.net:still", "--data", "images", "--dry-run")
    assert (code, text) == (2, "error: the net has no parameters: there is nothing to train\n")


@pytest.mark.skipif(torch.cuda.is_available(), reason="of a machine without a GPU")
def test_half_precision_that_only_a_gpu_has(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ("train", "my.net:small", "--data", "images", "--dry-run", "--precision", "16-mixed")
    code, text = told(capsys, *wanted)
    assert code == 2
    assert text.startswith("error: `--precision 16-mixed` needs a GPU\n")


def test_bad_images_of_the_last_epoch(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That training was done before they were too many does not make them fewer."""
    (here / "images/dark/0.png").write_bytes(b"no image")
    (here / "images/dark/1.png").write_bytes(b"")
    arguments = ("train", "my.net:small", "--data", "images", "--epochs", "1")
    code, text = told(capsys, *arguments)
    assert code == 1
    assert "error: 2 images cannot be read, more than `--max-bad` allows:" in text
    assert "= help: all epochs are done without them, and the run can be used" in text
    assert (here / "runs/small/best.safetensors").exists()
    code, _ = told(capsys, *arguments, "--max-bad", "2", "-o", "runs/borne")
    assert code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("curves", "nowhere", "-o", "x.png"),
        ("eval", "nowhere", "--confusion", "x.png"),
        ("lr-find", "my.net:small", "--data", "images", "-o", "x.png"),
    ],
)
def test_a_picture_is_not_called_what_it_is_not(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert told(capsys, *arguments) == (2, "error: the picture is an SVG, and `x.png` is called otherwise\n")


def test_numbers_stand_for_classes_only_if_all_of_them_do(here: Path) -> None:
    for name in ("0", "1", "2"):
        (here / "numbers" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(here / "numbers" / name / "0.png")
    with pytest.raises(Unusable, match="has images of `0`, `1`, `2`, which are not among the 2 classes"):
        open_test("numbers", ("dark", "light"))
    named = open_test("numbers", ("dark", "dusk", "light"))
    assert named.val is not None
    assert named.val.classes[named.val.label(2)] == "light"


def test_features_are_no_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = told(capsys, "features", "nowhere", "images", "-o", "-")
    assert (code, text) == (2, "error: features are written to a file, `-o features.parquet`\n")
    assert not (here / "-").exists()


def test_a_cache_that_cannot_be_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever account: where the folder should be is a file."""
    rows = {"image": [b"no image", b"none"], "label": [0, 1]}
    pyarrow.parquet.write_table(pyarrow.table(rows), here / "some.parquet")
    (here / "taken").write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(here / "taken/cache"))
    with pytest.raises(Unusable, match=f"`{here}/taken[^`]*`: not a directory$") as caught:
        open_test("some.parquet")
    assert caught.value.help == "`HF_DATASETS_CACHE=FOLDER` keeps the tables that are read elsewhere"


def test_a_plan_says_what_is_held_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = told(capsys, "train", "my.net:small", "--data", "images", "--dry-run")
    assert (code, text) == (0, "note: `images` has no validation split: 2 of its images are held out\n")
