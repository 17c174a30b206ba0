"""The README's first run: LeNet-5 learns the digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_digits

import netc
from netc.cli import run
from netc.training.data import open_data
from netc.training.history import read_rows

pytestmark = pytest.mark.xdist_group("digits")
"""What they share is made once, in one process."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "lenet5"
    assert run(["train", "lenet5", "--data", "digits", "-o", str(folder)]) == 0
    return folder


def test_lenet5_tells_the_digits_that_it_never_saw(trained: Path) -> None:
    assert read_rows(trained / "metrics.csv")[-1]["val_top1"] >= 98.5


def test_its_weights_do_so_in_plain_torch(trained: Path) -> None:
    """The accuracy is counted again, of images prepared by hand."""
    digits, rows = load_digits(), read_rows(trained / "metrics.csv")
    data = open_data("digits")
    assert data.train is not None
    assert data.val is not None
    train, held = (
        [int(split.name(number).split()[-1]) for number in range(len(split))]  # type: ignore[union-attr]
        for split in (data.train, data.val)
    )
    assert not {*train} & {*held}
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    sized = [Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR) for image in pixels]
    images = torch.from_numpy(np.stack([np.asarray(image) for image in sized])).float().unsqueeze(1) / 255
    mean, std = images[train].mean(), images[train].std(correction=0)
    module = netc.load("lenet5").module()
    module.load_state_dict(load_file(trained / "last.safetensors"), strict=True)
    module.eval()
    with torch.inference_mode():
        logits = module((images[held] - mean) / std)
    labels = torch.tensor(digits.target)[held]
    assert 100 * (logits.argmax(1) == labels).double().mean() == pytest.approx(rows[-1]["val_top1"])
    loss = torch.nn.functional.cross_entropy(logits, labels)
    assert float(loss) == pytest.approx(rows[-1]["val_loss"], rel=1e-4)
