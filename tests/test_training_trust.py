"""What can go wrong in training, through the command: a clear message, an exit code, and nothing lost."""

from __future__ import annotations

import errno
import json
import os
import pickle
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import netc.cli.training
from netc.cli import run
from netc.training import disk, events, keeper, learner
from netc.training.diverged import find_broken, find_diverged
from netc.training.run import BEST, LAST, Run

pytestmark = pytest.mark.xdist_group("trust")
"""What they share is made once, in one process."""

torch.set_num_threads(1)

NETS = """
net small(classes=2) {
    input image: 1x8x8
    conv(3x3, 4); bn; relu
    head: fc(classes)
}

net plain(classes=2) {
    input image: 1x8x8
    conv(3x3, 4); relu
    fc(classes)
}

net fixed { input image: 1x8x8; fc(7) }

net two {
    input image: 1x8x8
    a: image -> fc(2)
    b: image -> fc(2)
    output one: a
    output two: b
}

net map { input image: 1x8x8; conv(3x3, 4) }

net sound { input wave: 1x64; fc(2) }

net pair {
    input left: 1x8x8
    input right: 1x8x8
    concat(left, right) -> fc(2)
}

train small, plain {
    optimizer sgd(lr=0.05, momentum=0.9)
    epochs 2
    batch 8
}
"""
SAVED = ("metrics.csv", LAST, BEST)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 images of two classes, in `one`, `two`."""
    folder, draw = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for label in ("one", "two"):
        (folder / "good" / label).mkdir(parents=True)
        for number in range(12):
            pixels = draw.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "good" / label / f"{number:02}.png")
    (folder / "nets.net").write_text(NETS)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path) -> Path:
    """A run of two epochs; its bytes are those of every other that begins as it did."""
    net, images, folder = (str(data / name) for name in ("nets.net:small", "good", "run"))
    assert run(["train", net, "--data", images, "-o", folder, "--workers", "0"]) == 0
    return data / "run"


@pytest.fixture
def here(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with the nets and the images."""
    shutil.copytree(data / "good", tmp_path / "good")
    shutil.copy(data / "nets.net", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


Netc = Callable[..., tuple[int, str]]


@pytest.fixture
def netc_(here: Path, capfd: pytest.CaptureFixture[str]) -> Netc:
    """A command line in; its exit code and what it says out."""

    def call(*arguments: object) -> tuple[int, str]:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, capfd.readouterr().err

    return call


def train(net: str = "small", *more: object, data: str = "good") -> tuple[object, ...]:
    workers = () if "--workers" in more else ("--workers", 0)
    return ("train", f"nets.net:{net}", "--data", data, *more, *workers)


def same(one: str, other: str) -> bool:
    return all(Path(one, file).read_bytes() == Path(other, file).read_bytes() for file in SAVED)


# --- images


def test_images_that_cannot_be_read_are_named_and_borne_up_to_a_number(netc_: Netc, here: Path) -> None:
    shutil.copytree("good", "bad")
    Path("bad/one/03.png").write_bytes(b"no image")
    Path("bad/two/05.png").write_bytes(Path("bad/two/04.png").read_bytes()[:40])
    code, told = netc_(*train("small", "-o", "r", data="bad"))
    assert code == 1
    assert "error: 1 image cannot be read, more than `--max-bad` allows:\n  two/05.png" in told
    assert "`netc train --resume r --max-bad 1` goes on without them" in told
    code, told = netc_("train", "--resume", "r", "--max-bad", "2")
    assert code == 0
    assert "note: `one/03.png` cannot be read; another image takes its place" in told
    assert netc_(*train("small", "-o", "borne", "--max-bad", "2", data="bad"))[0] == 0
    assert same("r", "borne")


def spoil(folder: Path) -> None:
    for file in folder.glob("*/*.png"):
        file.write_bytes(b"x")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (spoil, "22 images one after another cannot be read; `one/00.png`"),
        (lambda folder: (folder / "three").mkdir(), "the class folder `three` of `bad` has no images"),
        (lambda folder: shutil.rmtree(folder / "two"), "are of one class, `one`"),
    ],
    ids=["no image", "empty class", "one class"],
)
def test_data_that_cannot_be_learnt_from_are_refused(
    change: Callable[[Path], Any], says: str, netc_: Netc, here: Path
) -> None:
    shutil.copytree("good", "bad")
    change(Path("bad"))
    code, told = netc_(*train(data="bad"))
    assert (code, says in told) == (2, True), told
    assert not Path("runs").exists()


def test_a_label_out_of_range_is_refused(netc_: Netc, here: Path) -> None:
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as Pictures

    table = Dataset.from_dict(
        {"image": [str(file) for file in here.glob("good/*/*.png")], "label": [0, 1] * 12}
    )
    features = Features({"image": Pictures(), "label": ClassLabel(names=["a", "b"])})
    table = table.cast(features)
    arrow = table.with_format("arrow")[:]
    labels = arrow.schema.get_field_index("label")
    import pyarrow as pa
    import pyarrow.parquet as pq

    wrong = arrow.set_column(labels, arrow.schema.field(labels), pa.array([0, 7] * 12, pa.int64()))
    pq.write_table(wrong.replace_schema_metadata(arrow.schema.metadata), "wrong.parquet")
    code, told = netc_(*train(data="wrong.parquet"))
    assert code == 2
    assert "7" in told
    assert "2 classes" in told


# --- nets, batches and words that do not fit


@pytest.mark.parametrize(
    ("net", "says"),
    [
        ("fixed", "`fixed` puts out 7 classes, and the data have 2"),
        ("two", "`two` has 2 outputs, and a classifier has one"),
        ("map", "`map` puts out a map of 4x8x8, and a classifier a vector"),
        ("sound", "the input `wave` of `sound` is a sequence of 1x64, and images have 1 or 3 channels"),
        ("pair", "`pair` has 2 inputs, and a classifier of images has one"),
    ],
)
def test_a_net_that_is_no_classifier_of_these_images_is_refused(net: str, says: str, netc_: Netc) -> None:
    code, told = netc_(*train(net))
    assert (code, says in told) == (2, True), told
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--accumulate", 3), "a batch of 8 cannot be computed in 3 equal parts"),
        (("--batch", 24, "--accumulate", 24), "22 images are fewer than the 24 parts of a batch"),
        (
            ("--keep", 'best(monitor="val_top5")'),
            "`best` watches `val_top5`: of 2 classes `top5` is not measured",
        ),
        (("--stop", 'early(monitor="val_top5")'), "`early` watches `val_top5`"),
        (("--schedule", 'plateau(monitor="val_top5")'), "`plateau` watches `val_top5`"),
        (("--device", "gpu"), "torch finds no GPU"),
        (("--precision", "16-mixed"), "`--precision 16-mixed` needs a GPU"),
        (("--set", "classes=3"), "`small` puts out 3 classes, and the data have 2"),
        (("-o", "nets.net"), "`nets.net` is there already"),
        (("-o", "good"), "`good` is there already"),
        (("--val", "1.5"), "`1.5` is no fraction"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_options_that_do_not_fit_are_refused_before_anything_is_written(
    options: tuple[object, ...], says: str, netc_: Netc
) -> None:
    if torch.cuda.is_available() and says.endswith("GPU"):
        pytest.skip("there is one")
    code, told = netc_(*train("small", *options))
    assert (code, says in told) == (2, True), told
    assert not Path("runs").exists()


def test_a_batch_larger_than_the_data_is_all_of_them(netc_: Netc) -> None:
    assert netc_(*train("small", "--batch", 1000, "--epochs", 1))[0] == 0
    assert netc_(*train("small", "--batch", 22, "--epochs", 1, "-o", "r"))[0] == 0
    assert same("runs/small", "r")


def test_a_missing_library_is_named(netc_: Netc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netc.cli.training, "find_module", lambda name: None if name == "kornia" else object())
    assert netc_(*train()) == (2, "error: training needs kornia\n  = help: `pip install 'netc[train]'`\n")


def test_a_dry_run_touches_nothing(netc_: Netc, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here / "home"))
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    assert netc_(*train("small", "--dry-run", "-o", "r"))[0] == 0
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before
    assert netc_("train", "--resume", "r", "--dry-run")[0] == 2


# --- runs that cannot go on


def test_a_run_goes_on_only_as_it_began(netc_: Netc, here: Path) -> None:
    assert netc_(*train("small", "-o", "r", "--epochs", 1))[0] == 0
    complete = "error: the run `r` is complete\n  = help: `netc eval` tests it, `netc predict` uses it\n"
    assert netc_("train", "--resume", "r") == (2, complete)
    assert "holds a run already" in netc_(*train("small", "-o", "r"))[1]
    Path("r/state.ckpt").unlink()
    for more in (("--seed", 1), ("--epochs", 3), ("--precision", "bf16-mixed")):
        code, told = netc_("train", "--resume", "r", *more)
        assert (code, "a run goes on as it began" in told) == (2, True)
    Path("good").rename("elsewhere")
    code, told = netc_("train", "--resume", "r")
    assert (code, "`--data` says so" in told) == (2, True)
    shutil.copytree("elsewhere", "others")
    Path("others/one/00.png").unlink()
    code, told = netc_("train", "--resume", "r", "--data", "others")
    assert (code, "has other names, sizes or classes" in told) == (2, True)
    weights = Path("r", LAST).read_bytes()
    assert netc_("train", "--resume", "r", "--data", "elsewhere")[0] == 0
    assert Path("r", LAST).read_bytes() == weights


class Malice:
    """What a pickle may do: run anything."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("touched"),)


def damage(run: Path, how: str) -> None:
    state = run / "state.ckpt"
    match how:
        case "json":
            (run / "run.json").write_text("{")
        case "value":
            origin = json.loads((run / "run.json").read_text())
            origin["recipe"]["batch"] = 0
            (run / "run.json").write_text(json.dumps(origin))
        case "half":
            state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
        case "empty":
            state.write_bytes(b"")
        case "pickle":
            state.write_bytes(pickle.dumps(Malice()))
        case "torch":
            torch.save({"state_dict": {}, "callbacks": {"Keeper": {"phase": Malice()}}}, state)
        case "none":
            (run / "run.json").unlink()
        case "lost":
            state.unlink()


SAID = {"none": "is no run", "lost": "has lost its `state.ckpt`"}


@pytest.mark.parametrize("how", ["json", "value", "half", "empty", "pickle", "torch", "none", "lost"])
def test_a_damaged_run_is_told_and_nothing_of_it_is_executed(how: str, netc_: Netc, trained: Path) -> None:
    shutil.copytree(trained, "r")
    damage(Path("r"), how)
    code, told = netc_("train", "--resume", "r")
    assert (code, told.startswith("error: `r")) == (2, True), told
    assert SAID.get(how, "is damaged") in told
    assert not Path("touched").exists()
    assert netc_("train", "--resume", "nowhere")[0] == 2


# --- the disk


def fail_at(call: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when that file has been written: it may tell at the end."""
    calls = 0

    def sync(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(disk.os, "fsync", sync)


def test_a_full_disk_loses_nothing(netc_: Netc, trained: Path, here: Path) -> None:
    """At each file of the second epoch: the last weights, the best, metrics, curves, the state."""
    for call in range(8, 13):
        with pytest.MonkeyPatch.context() as patch:
            fail_at(call, errno.ENOSPC, patch)
            code, told = netc_(*train("small", "-o", f"r{call}"))
        assert code == 2
        assert f"error: the run `r{call}` cannot be written: no space left on device" in told
        assert f"`netc train --resume r{call}`" in told
        assert not list(here.rglob(".netc-*"))
        assert netc_("train", "--resume", f"r{call}")[0] == 0
        assert same(trained, f"r{call}")


def test_events_that_cannot_be_written_are_told(
    netc_: Netc, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(events.RecordWriter):  # type: ignore[misc]
        def write(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "RecordWriter", Full)
        code, told = netc_(*train("small", "-o", "r"))
    assert (code, "no space left on device" in told) == (2, True)
    assert netc_("train", "--resume", "r")[0] == 0
    assert same(trained, "r")


Child = Callable[[Callable[[], object]], tuple[int, str]]


@pytest.fixture
def child(here: Path) -> Child:
    """What a child does, which has imported all that this process has; its exit code and what it says."""

    def fork(work: Callable[[], object]) -> tuple[int, str]:
        number = os.fork()
        if number == 0:
            for stream in (1, 2):
                os.dup2(os.open("told", os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            code = work()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 0)
        _, status = os.waitpid(number, 0)
        return os.waitstatus_to_exitcode(status), Path("told").read_text()

    return fork


@pytest.mark.parametrize("most", [2_000, 12_000], ids=["weights", "state"])
def test_a_file_that_cannot_be_written_to_its_end_is_told(
    most: int, child: Child, netc_: Netc, trained: Path, here: Path
) -> None:
    """As torch and safetensors tell of it: no file may be larger than this."""

    def work() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        return run([*map(str, train("small", "-o", "r"))])

    keeper.draw_curves = lambda rows, file: file.write_text("")  # larger than all others
    try:
        code, told = child(work)
    finally:
        keeper.draw_curves = DRAW
    assert (code, "error: the run `r` cannot be written: file too large" in told) == (2, True), told
    assert not list(here.rglob(".netc-*"))
    assert netc_("train", "--resume", "r")[0] == 0
    assert same(trained, "r")


DRAW = keeper.draw_curves


def test_a_folder_that_may_not_be_written_to_is_told(netc_: Netc, trained: Path, here: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    shutil.copytree(trained, "r")
    for file in ("state.ckpt", "metrics.csv"):
        Path("r", file).unlink()
    with pytest.MonkeyPatch.context() as patch:  # of root's processes no folder is safe
        patch.setattr(Path, "mkdir", refuse)
        code, told = netc_(*train("small", "-o", "new"))
    assert (code, told.splitlines()[-1]) == (2, "error: the run `new` cannot be written: permission denied")
    open_ = Path.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Path,
            "open",
            lambda path, mode="r", *a, **b: refuse() if "+" in mode else open_(path, mode, *a, **b),
        )
        code, told = netc_("train", "--resume", "r")
    assert (code, "error: the run `r` cannot be written: permission denied" in told) == (2, True), told


# --- numbers that are none


def test_a_loss_that_is_no_number_stops_and_names_the_layer(netc_: Netc) -> None:
    code, told = netc_(*train("small", "--lr", 1e30, "-o", "r"))
    assert code == 1
    assert "error: the loss of epoch 1, batch 2 is not a finite number" in told
    assert "the first layer whose output is not finite: `head`" in told
    assert "--lr" in told


def test_weights_that_break_at_the_end_of_an_epoch_are_not_kept(
    netc_: Netc, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = learner.Learner.optimizer_step

    def broken(self: learner.Learner, *arguments: Any, **named: Any) -> None:
        step(self, *arguments, **named)
        if self.current_epoch == 1:
            with torch.no_grad():
                next(self.module.head.parameters())[0] = torch.nan  # type: ignore[union-attr, arg-type]

    monkeypatch.setattr(learner.Learner, "optimizer_step", broken)
    code, told = netc_(*train("small", "--batch", 22, "-o", "r"))  # a step an epoch
    assert (code, "whose output is not finite: `head.weight`" in told) == (1, True), told
    assert Path("r/metrics.csv").read_text().count("\n") == 2
    assert all(value.isfinite().all() for value in Run.open(Path("r")).weights(LAST).values())


def test_the_first_layer_that_breaks_is_found() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Identity(), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            one = self.one(x)
            return self.two(one + one)

    module = nn.Sequential(nn.Linear(4, 4), Sum()).half()
    large = torch.full((2, 4), 6e4, dtype=torch.float16)
    nn.init.eye_(module[0].weight)
    nn.init.zeros_(module[0].bias)
    assert find_diverged(module, large) == "1.two"  # one + one overflows, and no layer before it
    assert find_diverged(module, large / 1e4) == ""
    with torch.no_grad():
        module[1].two.bias[0] = torch.inf
    assert find_diverged(module, large / 1e4) == "1.two"
    assert find_broken(module) == "1.two.bias"


# --- memory


def test_out_of_memory_says_what_is_needed_and_what_should_fit(
    netc_: Netc, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(learner.Learner, "training_step", exhausted)
    code, told = netc_(*train("small", "--batch", 16))
    assert code == 2
    assert re.search(
        r"error: out of memory: a step of 16 images needs [\d.]+ KiB, predicted, and [\d.]+ \wiB can", told
    )
    assert "the largest batch that should fit is 8: `--batch 8`" in told


# --- signals


def at(name: str, moment: int, act: Callable[[], object]) -> None:
    """Do it when that step of the learner is made for that time."""
    made, step = 0, getattr(learner.Learner, name)

    def counted(self: learner.Learner, *arguments: Any) -> Any:
        nonlocal made
        made += 1
        if made == moment:
            act()
        return step(self, *arguments)

    setattr(learner.Learner, name, counted)


def send(number: signal.Signals) -> Callable[[], None]:
    """To all processes of the run, as a terminal and a scheduler do."""
    return lambda: os.killpg(0, number)


GOES_ON = "stopped and saved: `netc train --resume r` goes on"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("name", "moment", "workers"),
    [("training_step", 1, 0), ("training_step", 3, 0), ("training_step", 3, 2), ("validation_step", 1, 0)],
)
def test_a_signal_saves_and_says_how_to_go_on(
    name: str, moment: int, number: signal.Signals, workers: int, child: Child, netc_: Netc, trained: Path
) -> None:
    def work() -> int:
        os.setpgid(0, 0)
        at(name, moment, send(number))
        return run([*map(str, train("small", "-o", "r", "--workers", workers))])

    code, told = child(work)
    assert (code, told.splitlines()[-1]) == (130, GOES_ON)
    assert "Traceback" not in told
    assert ("note: it stops after this validation" in told) == (name == "validation_step")
    code, told = netc_("train", "--resume", "r")
    assert code == 0
    assert same(trained, "r")


def test_ctrl_c_again_ends_at_once(
    child: Child, netc_: Netc, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netc.training.signals.APART", 0.0)

    def work() -> int:
        os.setpgid(0, 0)
        at("validation_step", 2, send(signal.SIGINT))
        at("validation_step", 2, send(signal.SIGINT))
        return run([*map(str, train("small", "-o", "r", "--val", "0.5", "--batch", 2, "--save-every", 0))])

    code, told = child(work)
    assert code == 130
    assert told.splitlines()[-1] == "ended: `netc train --resume r` goes on from what was saved last"
    assert "Traceback" not in told
    assert netc_("train", "--resume", "r")[0] == 0
    assert netc_(*train("small", "-o", "calm", "--val", "0.5", "--batch", 2))[0] == 0
    assert same("calm", "r")


def test_ctrl_c_before_training_begins_says_how_to_go_on(child: Child, netc_: Netc, trained: Path) -> None:
    def work() -> int:
        os.setpgid(0, 0)
        monkey = pytest.MonkeyPatch()
        monkey.setattr("netc.training.trainer.make_learner", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        return run([*map(str, train("small", "-o", "r"))])

    code, told = child(work)
    assert (code, told.splitlines()[-1]) == (
        130,
        "ended: `netc train --resume r` goes on from what was saved last",
    )
    assert netc_("train", "--resume", "r")[0] == 0
    assert same(trained, "r")


# --- what is said


LINE = re.compile(
    r"epoch \d of 2: loss [\d.]+, top-1 [\d.]+ %, val loss [\d.]+, val top-1 [\d.]+ %, "
    r"lr [\d.e-]+, [\d.]+ s(, best)?"
)
LAST_LINE = "the run is in `r`: `netc eval` tests it, `netc predict` uses it"


def test_a_pipe_gets_plain_lines_and_no_warning_of_a_library(here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netc", *map(str, train("small", "-o", "r", "--workers", 1))],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert (done.returncode, done.stdout) == (0, "")
    note, *epochs, last = done.stderr.splitlines()
    assert note == "note: `good` has no validation split: 2 of its images are held out"
    assert len(epochs) == 2
    assert all(map(LINE.fullmatch, epochs)), done.stderr
    assert last == LAST_LINE


def test_a_terminal_gets_bars_with_pace_and_time_left(here: Path) -> None:
    number, terminal = pty.fork()
    if number == 0:
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ.update(TERM="xterm", COLUMNS="120")
        at("training_step", 2, lambda: time.sleep(0.3))  # a bar is drawn ten times in a second
        os._exit(run([*map(str, train("small", "-o", "r"))]))
    told = b""
    try:
        while more := os.read(terminal, 65536):
            told += more
    except OSError:  # as a terminal ends
        pass
    _, status = os.waitpid(number, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    text = told.decode()
    assert re.search(r"epoch 1 of 2 .*loss [\d.]+, [\d,]+ images/s, [\d.]+ s left", text)
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is there again
    lines = [re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", line).split("\r")[-1] for line in text.splitlines()]
    assert len([line for line in lines if LINE.fullmatch(line)]) == 2, lines
    assert lines[-1] == LAST_LINE


def test_the_help_needs_no_library_that_takes_long_to_import() -> None:
    script = (
        "import sys; from netc.cli import run; code = run(['train', '--help']);"
        "heavy = {'torch', 'lightning', 'numpy', 'datasets', 'matplotlib'} & {*sys.modules};"
        "sys.exit(code or (str(heavy) if heavy else 0))"
    )
    assert subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL).returncode == 0


# --- how it is computed


def weights(run: str) -> dict[str, torch.Tensor]:
    return Run.open(Path(run)).weights(LAST)


def farthest(one: str, other: str) -> float:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    return max(
        float((ours[name] - theirs[name]).abs().max()) for name in ours if ours[name].is_floating_point()
    )


def test_a_batch_in_parts_is_the_batch(netc_: Netc) -> None:
    """Also where an epoch does not end with a whole batch; a net without batch normalisation."""
    for folder, more in (("whole", ()), ("parts", ("--accumulate", 4, "--save-every", 0))):
        assert netc_(*train("plain", "-o", folder, *more))[0] == 0
    assert farthest("whole", "parts") < 1e-5
    rows = [Path(folder, "metrics.csv").read_text().splitlines() for folder in ("whole", "parts")]
    for ours, theirs in zip(*rows, strict=True):
        if not ours.startswith("epoch"):
            assert [*map(float, ours.split(","))] == pytest.approx([*map(float, theirs.split(","))], abs=1e-5)


def test_a_clipped_gradient_is_no_longer_than_it_may_be(netc_: Netc) -> None:
    most, rate, steps = 1e-3, 0.5, 4
    assert netc_(*train("plain", "-o", "still", "--lr", 1e-30))[0] == 0
    given = ("--optimizer", f"sgd(lr={rate})", "--schedule", "constant", "--clip", f"norm({most})")
    assert netc_(*train("plain", "-o", "clipped", *given))[0] == 0
    moved = farthest("still", "clipped")
    assert 0 < moved <= rate * most * steps


@pytest.mark.parametrize(
    "options", [("--channels-last",), ("--deterministic",), ("--precision", "bf16-mixed")]
)
def test_how_it_is_computed_changes_little(options: tuple[str, ...], netc_: Netc, trained: Path) -> None:
    assert netc_(*train("small", "-o", "r", *options))[0] == 0
    far = farthest("r", str(trained))
    assert far < 1e-5 if options[0] != "--precision" else 0 < far < 0.05
    assert all(value.dtype in (torch.float32, torch.int64) for value in weights("r").values())
    torch.use_deterministic_algorithms(False)


def test_a_compiled_module_learns_the_same(
    netc_: Netc, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced, and run without the compiler of C++, which takes most of a minute."""
    traced, compile = [], torch.compile

    def trace(module: nn.Module) -> Any:
        traced.append(module)
        return compile(module, backend="aot_eager")

    monkeypatch.setattr(torch, "compile", trace)
    assert netc_(*train("small", "-o", "r", "--compile"))[0] == 0
    assert len(traced) == 1
    assert farthest("r", str(trained)) < 1e-5
