"""`bench/gpu.py` in its smallest form, without peers and without a GPU: it runs, and says what it cannot."""

from __future__ import annotations

import json

import pytest
import torch
from live_memory import gpu


@pytest.mark.skipif(torch.cuda.is_available(), reason="what it measures then is its own business")
def test_runs_on_prepared_modules(tmp_path, capsys):
    folder, output = tmp_path / "models", tmp_path / "gpu.json"
    assert gpu.main(["--prepare", str(folder), "--nets", "mobilenet_v2"]) == 0
    assert {path.name for path in folder.iterdir()} == {"mobilenet_v2.py", gpu.LISTED}
    assert gpu.main(["--models", str(folder), "--nets", "mobilenet_v2", "-o", str(output)]) == 0
    written = json.loads(output.read_text())
    assert written["machine"]["device"] == "CPU"
    rows = {row["what"]: row for row in written["rows"]}
    assert [*rows] == [
        "training, float32, 2",
        "training, float32, eager, 2",
        *(f"inference, float32, {batch}" for batch in (1, 2, 4)),
        "memory, float32, 64, predicted",
        "memory, float32, 64",
        "memory, bf16, 64, predicted",
        "memory, bf16, 64",
    ]
    for what, row in rows.items():
        assert row["ours"] > 0
        if "predicted" in what:
            assert row["holds"] is True
            assert row["ratio"] == pytest.approx(1, abs=0.01)
        else:
            assert "No module named 'torchvision'" in row["trouble"]
    told = capsys.readouterr().out
    assert "torchvision absent" in told
    assert told.count("| mobilenet_v2 |") == len(rows)


def test_a_net_that_fails_is_told(tmp_path, capsys):
    assert gpu.main(["--models", str(tmp_path), "--nets", "vgg16", "--parts", "train"]) == 0
    assert "FileNotFoundError" in capsys.readouterr().out


def test_options_that_are_wrong(capsys):
    with pytest.raises(SystemExit) as stopped:
        gpu.main(["--nets", "resnet51"])
    assert stopped.value.code == 2
    assert "there is no net resnet51; there are resnet50," in capsys.readouterr().err
