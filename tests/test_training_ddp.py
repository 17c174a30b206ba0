"""Several processes: together they train as one process does with the same batch, and end as one."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from netc import cli
from netc.cli.train import train_command
from netc.dsl.diagnostics import Unusable
from netc.training.launch import Launched, is_first_process, read_launch, settle_devices
from netc.training.run import BEST, LAST, Options, Run

pytestmark = pytest.mark.xdist_group("ddp")
"""What they share is made once, in one process."""

torch.set_num_threads(1)

DRIVER = Path(__file__).parent / "together.py"
EXAMPLES = Path(__file__).parents[1] / "examples"
NET = """net tiny(classes=10) {
    input x: 1x8x8
    conv(3, 8) -> relu -> maxpool(2)
    flatten -> fc(classes)
}

train tiny {
    optimizer sgd(lr=0.1, momentum=0.9)
    epochs 3
    batch 100
    loss cross_entropy
}
"""


def command(net: Path, run: Path, *more: str) -> list[str]:
    files = ["--data", "digits", "-o", str(run)]
    return ["train", str(net), *files, "--device", "cpu", "--workers", "0", *more]


class Told(NamedTuple):
    """How a run ended, in both processes."""

    codes: tuple[int, int]
    out: tuple[str, str]
    err: tuple[str, str]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("net") / "tiny.net"
    file.write_text(NET)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def alone(net: Path, folder: Path) -> Path:
    """Runs of one process, in the folder `alone`."""
    for name, more in {"plain": (), "averaged": ("--ema", "0.9", "--clip", "norm(1)")}.items():
        assert cli.run(command(net, folder / "alone" / name, *more)) == 0
    return folder / "alone"


@pytest.fixture(scope="module")
def told(net: Path, folder: Path) -> dict[str, Told]:
    """Runs of two processes, which torchrun has started once for all."""
    write_images(folder / "images")
    sharded = ("--strategy", "fsdp", "--ema", "0.9", "--clip", "norm(1)")
    runs: list[dict[str, Any]] = [
        run("plain", command(net, folder / "plain", "--strategy", "ddp")),
        run("stopped", command(net, folder / "stopped", "--resume"), "stop", 20),
        run("resumed", command(net, folder / "stopped", "--resume")),
        run("complete", command(net, folder / "stopped", "--resume")),
        run("other", command(net, folder / "stopped", "--resume", "--lr", "0.2")),
        run("taken", command(net, folder / "stopped")),
        run("sharded stopped", command(net, folder / "sharded", *sharded), "stop", 20),
        run("sharded", ["train", "--resume", str(folder / "sharded")]),
        run("spoiled", command(net, folder / "spoiled"), "spoil", 22),
        run("bad", ["train", str(net), "--data", str(folder / "images"), "--max-bad", "1", "--batch", "4"]),
        run("missing", ["train", str(net), "--data", "here", "--batch", "4"]),
        run("plan", command(net, folder / "plan", "--dry-run")),
    ]
    runs[-3]["command"] += ["-o", str(folder / "bad"), "--device", "cpu", "--epochs", "2"]
    for rank in range(2):
        (folder / f"process{rank}").mkdir()
    (folder / "process0" / "here").symlink_to(folder / "images")
    (folder / "runs.json").write_text(json.dumps(runs))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, str(DRIVER), str(folder)], capture_output=True, text=True, timeout=150, env=environment()
    )
    assert done.returncode == 0, done.stderr
    both = [json.loads((folder / f"told{rank}.json").read_text()) for rank in range(2)]
    return {name: Told(*zip(*(each[name] for each in both), strict=True)) for name in both[0]}


def run(name: str, command: list[str], happens: str = "", batch: int = 0) -> dict[str, Any]:
    return {"name": name, "command": command, "happens": happens, "batch": batch}


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def write_images(folder: Path) -> None:
    """Sixteen of two classes; of each class one is broken, and each process reads one of these first."""
    draw = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in "ab":
            (folder / split / name).mkdir(parents=True)
            for number in range(8):
                image = Image.fromarray(draw.integers(0, 256, (8, 8), np.uint8))
                image.save(folder / split / name / f"{number}.png")
    for name in "ab":
        (folder / "train" / name / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n but no more of it")


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def check_equal(one: Path, other: Path) -> None:
    """Metrics of all epochs and weights, to 1e-5."""
    assert len(rows(one)) == len(rows(other)) == 3
    for mine, its in zip(rows(one), rows(other), strict=True):
        assert its == pytest.approx(mine, rel=1e-5)
    for which in (BEST, LAST):
        weights, others = Run.open(one).weights(which), Run.open(other).weights(which)
        assert weights.keys() == others.keys()
        for name, tensor in weights.items():
            torch.testing.assert_close(others[name], tensor, rtol=0, atol=1e-5)


# --- as one process


def test_two_processes_give_what_one_gives(alone: Path, folder: Path, told: dict[str, Told]) -> None:
    """The digits leave a rest of training images, and a last batch of validation that is not full and odd."""
    assert told["plain"].codes == (0, 0)
    check_equal(alone / "plain", folder / "plain")


def test_only_the_first_process_speaks(told: dict[str, Told]) -> None:
    first, second = told["plain"].err
    *epochs, last = first.splitlines()
    assert [line.partition(":")[0] for line in epochs] == [f"epoch {n} of 3" for n in (1, 2, 3)]
    assert last.startswith("the run is in")
    assert second == ""
    first, second = told["plan"].out
    assert "steps" in first
    assert second == ""


def test_a_run_that_one_process_is_asked_to_stop_goes_on_as_if_nothing_had_been(
    alone: Path, folder: Path, told: dict[str, Told]
) -> None:
    assert told["stopped"].codes == (130, 130)
    assert said_once(told["stopped"], "stopped and saved")
    assert told["resumed"].codes == (0, 0)
    assert "epoch 1 of 3" in told["stopped"].err[0]
    assert "epoch 1 of 3" not in told["resumed"].err[0]
    check_equal(alone / "plain", folder / "stopped")


def test_weights_that_are_shared_out_end_as_those_of_one_process(
    alone: Path, folder: Path, told: dict[str, Told]
) -> None:
    """Saved within an epoch, with averages of weights and clipped gradients, and gone on with."""
    assert told["sharded stopped"].codes == (130, 130)
    assert told["sharded"].codes == (0, 0)
    check_equal(alone / "averaged", folder / "sharded")


# --- one command that begins or goes on


def test_a_run_that_is_complete_is_left_as_it_is(told: dict[str, Told]) -> None:
    assert told["complete"].codes == (0, 0)
    assert said_once(told["complete"], "is complete")


def test_another_run_is_no_run_to_go_on_with(told: dict[str, Told]) -> None:
    assert told["other"].codes == (2, 2)
    assert said_once(told["other"], "began with other `optimizer`")
    assert told["taken"].codes == (2, 2)
    assert said_once(told["taken"], "holds a run already")


# --- ends


def test_a_loss_that_is_not_finite_in_one_process_ends_all(told: dict[str, Told]) -> None:
    assert told["spoiled"].codes == (1, 1)
    assert said_once(told["spoiled"], "epoch 2, batch 4 is not a finite number")
    assert said_once(told["spoiled"], "the first layer whose output is not finite: `conv1`")


def test_images_that_cannot_be_read_are_counted_over_all_processes(told: dict[str, Told]) -> None:
    """Each has met one, which it may."""
    assert told["bad"].codes == (1, 1)
    assert said_once(told["bad"], "2 images cannot be read")
    for name in "ab":
        assert said_once(told["bad"], f"\n  train/{name}/3.png")


def test_what_one_process_cannot_find_ends_all(told: dict[str, Told]) -> None:
    assert told["missing"].codes == (2, 2)
    assert said_once(told["missing"], "process 1 of 2")
    assert said_once(told["missing"], "`here`")


def said_once(told: Told, text: str) -> bool:
    return sum(err.count(text) for err in told.err) == 1


# --- what started a process


def test_a_process_that_is_killed_ends_the_others(net: Path, alone: Path, tmp_path: Path) -> None:
    """Started as srun would, which kills nobody. One process goes on where two were."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    run = tmp_path / "run"
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "netc", *command(net, run, "--save-every", "0")],
            stderr=subprocess.PIPE,
            text=True,
            env=environment(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, **slurm(rank)),
        )
        for rank in range(2)
    ]
    try:
        until = time.monotonic() + 120
        while not (run / "state.ckpt").exists() and time.monotonic() < until:
            time.sleep(0.01)
        both[1].send_signal(signal.SIGKILL)
        _, err = both[0].communicate(timeout=60)
    finally:
        for process in both:
            process.kill()
            process.wait()
    assert both[0].returncode == 2
    assert "error: another process of this run has ended" in err
    assert cli.run(["train", "--resume", str(run), "--workers", "0"]) == 0
    check_equal(alone / "plain", run)


def slurm(rank: int) -> dict[str, str]:
    """What srun tells the tasks of `sbatch --nodes=1 --ntasks-per-node=2`."""
    return {
        "SLURM_JOB_ID": "205500",
        "SLURM_JOB_NAME": "train",
        "SLURM_NODELIST": "gpu[01-02]",
        "SLURM_NNODES": "1",
        "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "2",
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NUM_NODES": "1",
        "SLURM_PROCID": str(rank),
        "SLURM_LOCALID": str(rank),
        "SLURM_NODEID": "0",
    }


def test_what_launchers_say_is_read() -> None:
    torchrun = {"TORCHELASTIC_RUN_ID": "x", "RANK": "5", "WORLD_SIZE": "8", "GROUP_WORLD_SIZE": "2"}
    assert read_launch(torchrun) == Launched("torchrun", 5, 8, 2)
    assert read_launch({**slurm(1), **torchrun}) == Launched("torchrun", 5, 8, 2)
    assert read_launch(slurm(1)) == Launched("srun", 1, 2, 1)
    script = {name: value for name, value in slurm(0).items() if "STEP" not in name}
    assert read_launch(script) is None
    assert read_launch({**slurm(0), "SLURM_STEP_NUM_TASKS": "1"}) is None
    assert read_launch({}) is None
    with pytest.raises(Unusable, match="srun should say `SLURM_PROCID`"):
        read_launch({name: value for name, value in slurm(0).items() if name != "SLURM_PROCID"})
    assert is_first_process({})
    assert is_first_process(slurm(0))
    assert not is_first_process(slurm(1))
    assert not is_first_process({"LOCAL_RANK": "1"})
    assert not is_first_process({**torchrun, "LOCAL_RANK": "0"})


def test_launchers_decide_how_many_devices_there_are() -> None:
    launched = Launched("torchrun", 0, 8, 2)
    settled = settle_devices(Options(seed=3), launched)
    assert (settled.devices, settled.nodes, settled.seed) == (4, 2, 3)
    assert settle_devices(Options(devices=4, nodes=2), launched) == Options(devices=4, nodes=2)
    assert settle_devices(Options(devices=3), None) == Options(devices=3)
    with pytest.raises(Unusable, match="`--devices 2` is asked for, and torchrun has started 4"):
        settle_devices(Options(devices=2), launched)
    with pytest.raises(Unusable, match="2 machines are asked for"):
        settle_devices(Options(nodes=2), None)
    with pytest.raises(Unusable, match="3 processes on 2 machines"):
        settle_devices(Options(), Launched("srun", 0, 3, 2))


# --- the examples for clusters


@pytest.mark.parametrize(
    ("code", "restarts", "queued"),
    [(0, 0, False), (2, 0, False), (130, 3, True), (137, 0, True), (130, 100, False)],
)
def test_the_script_for_slurm_puts_a_job_back_that_was_stopped(
    code: int, restarts: int, queued: bool, tmp_path: Path
) -> None:
    """With commands in the places of SLURM's, which write down how they were called."""
    for name, end in {"srun": code, "scontrol": 0}.items():
        stub = tmp_path / name
        stub.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/{name}.txt\nexit {end}\n")
        stub.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    more = {"PATH": path, "SLURM_JOB_ID": "205500", "SLURM_RESTART_COUNT": str(restarts)}
    done = subprocess.run(
        ["bash", EXAMPLES / "slurm.sh", "resnet50", "/data", "runs/a b", "--lr", "0.2"],
        env={**os.environ, **more},
        timeout=30,
    )
    assert done.returncode == code
    assert (tmp_path / "scontrol.txt").exists() == queued
    called = (tmp_path / "srun.txt").read_text().splitlines()
    check_command(called[called.index("netc") + 1 :], "runs/a b")


def test_the_manifest_for_kubernetes_starts_what_torchrun_and_netc_know() -> None:
    from torch.distributed.run import get_args_parser

    service, job = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text())
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    told = get_args_parser().parse_args(container["args"])
    assert (told.module, told.training_script) == (True, "netc")
    assert int(told.nnodes) == job["spec"]["completions"] == job["spec"]["parallelism"]
    assert int(told.nproc_per_node) == container["resources"]["limits"]["nvidia.com/gpu"]
    assert told.shutdown_timeout < pod["terminationGracePeriodSeconds"]
    first, _, _ = told.rdzv_endpoint.partition(":")
    assert first == f"{job['metadata']['name']}-0.{service['metadata']['name']}"
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    check_command(told.training_script_args, "/runs/resnet50")


def check_command(arguments: list[str], run: str) -> None:
    """It begins a run or goes on with it."""
    assert arguments[0] == "train"
    given = train_command.make_context("train", arguments[1:]).params
    assert (given["spec"], given["output"], given["resume"], given["strategy"]) == (
        "resnet50",
        run,
        "",
        "ddp",
    )
