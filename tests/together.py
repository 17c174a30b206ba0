"""One of several processes that torchrun starts: the runs of tests/test_training_ddp.py, one after the other.

Its arguments: a folder to work in. Each process writes what it said and how each run ended, as JSON."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from torch import Tensor

from netc import cli
from netc.training import learner

RANK = int(os.environ["RANK"])
as_floats = learner.as_floats


class Seen:
    """Calls `then` when so many batches of this process were seen, once."""

    def __init__(self, batches: int, then: Callable[[Tensor], Tensor]) -> None:
        self.left, self.then = batches, then

    def __call__(self, images: Tensor) -> Tensor:
        self.left -= 1
        return as_floats(images) if self.left else self.then(as_floats(images))


def ask_to_stop(images: Tensor) -> Tensor:
    """Of the second process alone."""
    if RANK == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    return images


def spoil(images: Tensor) -> Tensor:
    """Of the second process alone."""
    return images * torch.nan if RANK == 1 else images


def main(folder: Path) -> None:
    told = {}
    for number, run in enumerate(json.loads((folder / "runs.json").read_text())):
        os.environ["TORCHELASTIC_RESTART_COUNT"] = str(number)
        os.chdir(folder / f"process{RANK}")
        happens = {"": as_floats, "stop": Seen(run["batch"], ask_to_stop), "spoil": Seen(run["batch"], spoil)}
        learner.as_floats = happens[run["happens"]]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.run(run["command"])
        told[run["name"]] = [code, out.getvalue(), err.getvalue()]
    (folder / f"told{RANK}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
