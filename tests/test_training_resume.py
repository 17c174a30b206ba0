"""Runs are exact: the same seed gives the same bytes, and a run that is killed at any moment and gone on with
ends as one that never stopped.

A child is a fork of this process, which has imported what takes seconds to import.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import netc
from netc.dsl.diagnostics import Unusable
from netc.training import disk, keeper
from netc.training.data import Data, Split, open_data
from netc.training.data.split import Part
from netc.training.reports import Silent
from netc.training.run import BEST, LAST, Options, Origin, Phase, Run
from netc.training.trainer import fit
from netc.training.words import SGD, Adam, Best, ClipNorm, Cosine, Early, Plateau, Recipe, Warmup
from netc.training.words_of_images import Mixup, Noise, RandomCrop, Shift

torch.set_num_threads(1)

NET = """
net small(classes=10) {
    input image: 1x8x8
    conv(3x3, 8); bn; relu; maxpool(2x2); dropout(0.2)
    head: fc(classes)
}
"""
"""Dropout draws, and batch normalisation keeps statistics."""
RECIPE = Recipe(
    optimizer=Adam(lr=0.01),
    schedule=(Warmup(epochs=0.5), Cosine()),
    epochs=3,
    batch=64,
    augment=(RandomCrop(pad=1), Shift(x=0.1), Noise(std=0.05), Mixup()),
    ema=0.9,
    clip=ClipNorm(most=1.0),
    stop=Early(monitor="val_top1", patience=1, restore_best=True),
    keep=Best(monitor="val_loss", every=2),
)
"""All that has a state: moments, an average, the best so far, epochs waited."""
PLAIN = Options()
PLATEAU = Recipe(
    optimizer=SGD(lr=0.1, momentum=0.9), schedule=(Plateau(patience=0, min_delta=1.0),), epochs=3, batch=64
)
PHASES = (Phase("head", 2, trained=("head",)), Phase("all", 1, rate=0.1))


@cache
def data() -> Data:
    """256 digits to train on, in four batches, and 64 to validate with."""
    whole = open_data("digits")
    assert isinstance(whole.train, Split)
    train, val = Part(whole.train, np.arange(256)), Part(whole.train, np.arange(256, 320))
    return replace(whole, train=train, val=val)


@cache
def net() -> netc.Model:
    return netc.loads(NET)


def origin(recipe: Recipe, options: Options = PLAIN, phases: tuple[Phase, ...] = ()) -> Origin:
    return Origin(
        net="small",
        spec="small.net",
        settings={},
        inputs={},
        input=(1, 8, 8),
        recipe=recipe,
        options=options,
        data="digits",
        val=None,
        fingerprint="",
        classes=data().classes,
        mean=(0.3,),
        std=(0.4,),
        versions={},
        phases=phases,
    )


def train(run: Run, resume: bool = False) -> None:
    assert data().train is not None
    fit(net().module, data().train, data().val, run, lambda first: Silent(), resume)


def begin(folder: Path, origin: Origin) -> Run:
    return Run.create(folder, origin, {"spec/small.net": NET})


def whole(folder: Path, recipe: Recipe, options: Options = PLAIN, phases: tuple[Phase, ...] = ()) -> Run:
    run = begin(folder, origin(recipe, options, phases))
    train(run)
    return run


def differing(one: Run, other: Run, files: tuple[str, ...] = ("metrics.csv", LAST, BEST)) -> list[str]:
    return [file for file in files if (one.folder / file).read_bytes() != (other.folder / file).read_bytes()]


# --- children that die


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def die_at(step: int) -> None:
    """Die at that step of all that are taken from here on to write files: before a file beside the other is
    made, filled, safe on the disk and in the other's place, and after that."""
    taken = 0

    def counted(work: Callable[..., object]) -> Callable[..., object]:
        def count(*arguments: object, **named: object) -> object:
            nonlocal taken
            taken += 1
            if taken == step:
                die()
            return work(*arguments, **named)

        return count

    for name in ("touch", "chmod", "replace", "unlink", "mkdir", "write_bytes"):
        setattr(Path, name, counted(getattr(Path, name)))
    disk.os.fsync = counted(os.fsync)  # type: ignore[assignment]


def start(work: Callable[[], object]) -> int:
    """The number of a child that does it."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def end(child: int, within: float | None = None) -> bool:
    """Whether it did its work; otherwise it was killed: by itself, or after so many seconds."""
    until = None if within is None else time.monotonic() + within
    while True:
        done, status = os.waitpid(child, 0 if until is None else os.WNOHANG)
        if done:
            break
        if until is not None and time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            until = None
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL)
    return code == 0


def go_on(folder: Path, workers: int = 0) -> None:
    run = Run.open(folder)
    options = replace(run.origin.options, workers=workers)
    train(replace(run, origin=replace(run.origin, options=options)), resume=True)


# --- the same seed


def test_a_seed_decides_all_and_nothing_else_does(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    one = whole(tmp_path / "one", recipe)
    torch.manual_seed(17)
    np.random.seed(17)
    random.seed(17)
    again = whole(tmp_path / "again", recipe, Options(workers=2, save_every=0, max_bad=3))
    assert differing(one, again) == []
    other = whole(tmp_path / "other", recipe, Options(seed=1))
    assert differing(one, other) == ["metrics.csv", LAST, BEST]


# --- kills


@pytest.mark.parametrize(
    ("recipe", "phases"),
    [(RECIPE, ()), (PLATEAU, ()), (replace(RECIPE, batch=128), PHASES)],
    ids=["states", "plateau", "phases"],
)
def test_a_run_that_is_killed_at_any_step_of_its_writing_ends_as_one_that_was_not(
    recipe: Recipe, phases: tuple[Phase, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at the first step, then at the third of those since it went on, and so on: each time later in
    an epoch, at its end, or between two epochs."""
    monkeypatch.setattr(keeper, "draw_curves", lambda rows, file: file.write_text(str(rows)))  # it takes long
    options = Options(save_every=0)
    calm = whole(tmp_path / "calm", recipe, options, phases)
    run, kills = begin(tmp_path / "killed", origin(recipe, options, phases)), 0

    def go_on_until(step: int) -> None:
        die_at(step)
        go_on(run.folder)

    while not end(start(partial(go_on_until, 2 * kills + 1))):
        kills += 1
    assert kills >= 10
    check_ends_alike(calm, run)


def test_a_run_that_is_killed_at_ten_random_moments_ends_as_one_that_was_not(tmp_path: Path) -> None:
    began = time.monotonic()
    options = Options(save_every=0.05)
    calm = begin(tmp_path / "calm", origin(RECIPE, options))
    assert end(start(partial(go_on, calm.folder)))
    long, drawn = time.monotonic() - began, random.Random(5)
    kills = rounds = 0
    while kills < 10:
        rounds += 1
        run = begin(tmp_path / f"killed{rounds}", origin(RECIPE, options))
        while not end(start(partial(go_on, run.folder)), within=drawn.uniform(0, 0.6 * long)):
            kills += 1
        check_ends_alike(calm, run)


def check_ends_alike(calm: Run, killed: Run) -> None:
    names = sorted(file.name for file in calm.folder.iterdir())
    assert names == sorted(file.name for file in killed.folder.iterdir())
    files = tuple(name for name in names if name.endswith((".safetensors", ".csv", ".svg")))
    assert differing(calm, killed, files) == []
    assert scalars(calm) == scalars(killed)


def scalars(run: Run) -> dict[str, list[tuple[int, float]]]:
    """The epochs and values of TensorBoard."""
    events = EventAccumulator(str(run.folder / "events"))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


def test_events_and_metrics_hold_each_epoch_once(tmp_path: Path) -> None:
    run = whole(tmp_path / "run", replace(PLATEAU, epochs=2))
    rows = (run.folder / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "1", "2"]
    shown = scalars(run)
    assert {tag: [epoch for epoch, _ in values] for tag, values in shown.items()} == {
        tag: [1, 2]
        for tag in ("loss/train", "loss/val", "lr", "top1/train", "top1/val", "top5/train", "top5/val")
    }


# --- the folder


def test_a_kill_while_a_folder_is_made_leaves_one_that_can_be_begun_again(tmp_path: Path) -> None:
    folder, kills = tmp_path / "runs" / "run", 0

    def make(step: int) -> None:
        die_at(step)
        begin(folder, origin(RECIPE))

    while not end(start(partial(make, kills + 1))):
        kills += 1
        if not (folder / "run.json").exists():
            with pytest.raises(Unusable):
                Run.open(folder)
        else:  # the last step but one, or the last
            assert Run.open(folder).origin == origin(RECIPE)
            break
    assert kills >= 10
    with pytest.raises(Unusable, match="holds a run already"):
        begin(folder, origin(RECIPE))


def test_a_folder_of_another_is_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("mine")
    with pytest.raises(Unusable, match="is there already"):
        begin(tmp_path, origin(RECIPE))
    assert [file.name for file in tmp_path.iterdir()] == ["model.py"]
    (tmp_path / "empty").mkdir()
    assert Run.open(begin(tmp_path / "empty", origin(RECIPE)).folder).origin == origin(RECIPE)


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path: Path) -> None:
    run = begin(tmp_path / "run", origin(RECIPE))
    ready, go = os.pipe(), os.pipe()

    def hold() -> None:
        with run.held():
            os.write(ready[1], b".")
            os.read(go[0], 1)

    child = start(hold)
    os.read(ready[0], 1)
    with pytest.raises(Unusable, match="another process is training the run"):
        train(run, resume=True)
    os.kill(child, signal.SIGKILL)
    assert not end(child)
    with run.held():  # a kill frees it at once
        pass


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path) -> None:
    run = begin(tmp_path / "run", origin(RECIPE))
    (run.folder / ".netc-0123456789abcdef").write_bytes(b"half")
    with run.held():
        assert not list(run.folder.glob(".netc-*"))


# --- what is not resumed


def test_other_processes_that_read_change_nothing(tmp_path: Path) -> None:
    calm = whole(tmp_path / "calm", RECIPE)
    run = begin(tmp_path / "run", origin(RECIPE, Options(save_every=0)))

    def go_on_until(step: int) -> None:
        die_at(step)
        go_on(run.folder, workers=2)

    assert not end(start(partial(go_on_until, 40)))
    go_on(run.folder, workers=1)
    assert differing(calm, run) == []


def test_a_state_of_another_net_is_refused(tmp_path: Path) -> None:
    recipe = replace(PLATEAU, epochs=1)
    run = whole(tmp_path / "run", recipe)
    torch.save({"state_dict": {}, "callbacks": {"Keeper": {"phase": 0}}}, run.state_file)
    with pytest.raises(Unusable, match="is of another net"):
        train(run, resume=True)
