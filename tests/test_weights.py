"""`netc weights`: foreign checkpoints under the names of a net, or refused; and files that are none."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import netc
from netc.checkpoints import read_checkpoint
from netc.cli import run
from netc.dsl.diagnostics import Unusable


class Foreign(nn.Module):
    """LeNet-5 with other names, made in the same order."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5))
        self.last = nn.Conv2d(16, 120, 5)
        self.head = nn.ModuleList([nn.Linear(120, 84), nn.Linear(84, 10)])

    def forward(self, images: Tensor) -> Tensor:
        for conv in self.stem:
            images = nn.functional.avg_pool2d(conv(images).tanh(), 2)
        hidden = self.head[0](self.last(images).tanh().flatten(1)).tanh()
        return self.head[1](hidden)


@pytest.fixture
def foreign() -> Foreign:
    torch.manual_seed(0)
    return Foreign().eval()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_module_computes_what_the_foreign_one_does(tmp_path, foreign, suffix, capsys):
    torch.save({"epoch": 3, "state_dict": foreign.state_dict()}, tmp_path / "foreign.pth")
    written = tmp_path / f"lenet5{suffix}"
    assert run(["weights", "lenet5", "--from", str(tmp_path / "foreign.pth"), "-o", str(written)]) == 0
    assert "10 tensors, 61,706 numbers; 10 names changed, 0 kept" in capsys.readouterr().err
    module = netc.load("lenet5").module().eval()
    tensors = load_file(written) if suffix == ".safetensors" else torch.load(written, weights_only=True)
    module.load_state_dict(tensors, strict=True)
    images = torch.randn(2, 1, 32, 32)
    assert torch.equal(module(images), foreign(images))


def test_without_an_output_the_names_are_shown(tmp_path, foreign, capsys):
    torch.save(foreign.state_dict(), tmp_path / "foreign.pth")
    assert run(["weights", "lenet5", "--from", str(tmp_path / "foreign.pth")]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()][:3] == [
        ["stem.0.weight", "c1.weight"],
        ["stem.0.bias", "c1.bias"],
        ["stem.1.weight", "c3.weight"],
    ]


def test_values_and_types_stay(tmp_path):
    state = {name: tensor.half() for name, tensor in Foreign().state_dict().items()}
    state["stem.0.bias"][0] = float("nan")
    torch.save(state, tmp_path / "half.pth")
    assert (
        run(["weights", "lenet5", "--from", str(tmp_path / "half.pth"), "-o", str(tmp_path / "o.pth")]) == 0
    )
    written = torch.load(tmp_path / "o.pth", weights_only=True)
    for (ours, tensor), (theirs, published) in zip(written.items(), state.items(), strict=True):
        assert tensor.dtype == torch.float16, (ours, theirs)
        assert torch.equal(tensor.view(torch.int16), published.view(torch.int16)), (ours, theirs)


def test_a_missing_counter_of_batches_is_0_and_told(tmp_path, capsys):
    state = netc.load("resnet18").module().state_dict()
    old = {f"module.{name}": tensor for name, tensor in state.items() if "num_batches" not in name}
    torch.save(old, tmp_path / "old.pth")
    assert (
        run(["weights", "resnet18", "--from", str(tmp_path / "old.pth"), "-o", str(tmp_path / "o.pth")]) == 0
    )
    assert "the checkpoint lacks 20 counters of batches: 0" in capsys.readouterr().err
    written = torch.load(tmp_path / "o.pth", weights_only=True)
    assert [*written] == [*state]
    assert written["bn1.num_batches_tracked"].dtype == torch.int64
    netc.load("resnet18").module().load_state_dict(written, strict=True)


def test_what_does_not_fit_is_told_and_nothing_is_written(tmp_path, foreign, capsys):
    state = foreign.state_dict()
    state["head.1.weight"], state["head.1.bias"] = torch.zeros(7, 84), torch.zeros(7)
    torch.save(state, tmp_path / "foreign.pth")
    arguments = ["weights", "lenet5", "--from", str(tmp_path / "foreign.pth"), "-o", str(tmp_path / "o.pth")]
    assert run(arguments) == 1
    told = capsys.readouterr().err
    assert "the net has, and the checkpoint has not (2):\n    f7.weight  10x84\n    f7.bias  10\n" in told
    assert (
        "the checkpoint has, and the net has not (2):\n    head.1.weight  7x84\n    head.1.bias  7\n" in told
    )
    assert not (tmp_path / "o.pth").exists()
    assert run([*arguments, "--set", "classes=7"]) == 0


def test_what_is_open_can_be_settled_by_names(tmp_path, capsys):
    spec = tmp_path / "twins.net"
    spec.write_text("net twins { input: 8x4x4; add { left: conv(1x1, 8); right: conv(1x1, 8) } }\n")
    one, other = nn.Conv2d(8, 8, 1).state_dict(), nn.Conv2d(8, 8, 1).state_dict()
    tensors = {f"a.{k}": v for k, v in other.items()} | {f"b.{k}": v for k, v in one.items()}
    save_file(tensors, tmp_path / "twins.safetensors")
    arguments = [
        "weights",
        str(spec),
        "--from",
        str(tmp_path / "twins.safetensors"),
        "-o",
        str(tmp_path / "o.pth"),
    ]
    assert run(arguments) == 1
    told = capsys.readouterr().err
    assert "it is open which of these is which (8x8):\n    ours: left.weight, right.weight\n" in told
    assert "    theirs: a.weight, b.weight\n" in told
    assert "--rename" in told
    assert run([*arguments, "--rename", "^a=right", "--rename", "^b=left"]) == 0
    written = torch.load(tmp_path / "o.pth", weights_only=True)
    assert torch.equal(written["left.weight"], one["weight"])
    assert torch.equal(written["right.weight"], other["weight"])


def test_a_head_that_only_training_uses_may_be_left_out(tmp_path, capsys):
    with torch.device("meta"):
        names = netc.load("googlenet").module(aux=False).state_dict()
    torch.save({name: torch.zeros(tensor.shape) for name, tensor in names.items()}, tmp_path / "plain.pth")
    assert run(["weights", "googlenet", "--from", str(tmp_path / "plain.pth")]) == 1
    assert "`--no-aux` is for checkpoints without the auxiliary classifiers" in capsys.readouterr().err
    assert run(["weights", "googlenet", "--no-aux", "--from", str(tmp_path / "plain.pth")]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rename", "stem"], "is not of the form"),
        (["--rename", "(=a"], "is no regular expression"),
        (["--rename", "(stem)=\\2"], "cannot stand for"),
        (["--rename", "trunk=a"], "no name of the checkpoint has `trunk`"),
        (["--rename", "stem.1=stem.0"], "two tensors have one name"),
        (["--key", "model"], "there are no tensors under `model`"),
        (["--set", "classes=1,2"], "several values"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, foreign, options, message, capsys):
    torch.save(foreign.state_dict(), tmp_path / "foreign.pth")
    assert run(["weights", "lenet5", "--from", str(tmp_path / "foreign.pth"), *options]) == 2
    assert message in capsys.readouterr().err


# --- files ----------------------------------------------------------------------------------------


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_file_does_not_run(tmp_path):
    trap = tmp_path / "sprung"
    torch.save({"weight": torch.zeros(1), "trap": Trap(trap)}, tmp_path / "zip.pth")
    torch.save({"trap": Trap(trap)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"trap": Trap(trap)}, protocol=2))
    torch.save(nn.Linear(1, 1), tmp_path / "module.pth")
    for name in ("zip", "old", "plain", "module"):
        with pytest.raises(Unusable, match="holds more than tensors and plain data"):
            read_checkpoint(str(tmp_path / f"{name}.pth"))
    assert not trap.exists()
    pickle.loads((tmp_path / "plain.pth").read_bytes())
    assert trap.exists()  # the trap works


@pytest.mark.parametrize("content", [b"", b"words\n", b"\x80\x02", b"PK\x03\x04" + bytes(100), bytes(64)])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_that_are_no_checkpoint_are_told(tmp_path, content, suffix):
    (tmp_path / f"x{suffix}").write_bytes(content)
    with pytest.raises(Unusable, match="is no "):
        read_checkpoint(str(tmp_path / f"x{suffix}"))


def test_tensors_inside_are_found(tmp_path):
    tensor = {"a.weight": torch.zeros(2)}
    optimizer = {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}
    torch.save({"epoch": 1, "model": {"state_dict": tensor}, "optimizer": optimizer}, tmp_path / "one.pth")
    assert [*read_checkpoint(str(tmp_path / "one.pth"))] == ["a.weight"]
    torch.save({"model": tensor, "ema": tensor}, tmp_path / "two.pth")
    with pytest.raises(Unusable, match="holds tensors in model, ema"):
        read_checkpoint(str(tmp_path / "two.pth"))
    assert [*read_checkpoint(str(tmp_path / "two.pth"), "ema")] == ["a.weight"]
    torch.save({"epoch": 1}, tmp_path / "none.pth")
    with pytest.raises(Unusable, match="no tensors by name"):
        read_checkpoint(str(tmp_path / "none.pth"))


def test_without_safetensors_its_files_are_refused_to_be_read_and_written(
    tmp_path, foreign, monkeypatch, capsys
):
    torch.save(foreign.state_dict(), tmp_path / "foreign.pth")
    save_file(foreign.state_dict(), tmp_path / "foreign.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for source, output in (("foreign.pth", "o.safetensors"), ("foreign.safetensors", "o.pth")):
        files = ["--from", str(tmp_path / source), "-o", str(tmp_path / output)]
        assert run(["weights", "lenet5", *files]) == 2
        assert "needs safetensors\n  = help: `pip install 'netc[train]'`" in capsys.readouterr().err
        assert not (tmp_path / output).exists()
