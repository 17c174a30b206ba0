"""Generated modules learn: LeNet-5 on real digits, and one step of the bundled nets.

Of each form of a file one net takes it; `make zoo` has every net take it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_nets import forms_of, small_batch

from netc.files import bundled_files

torch.set_num_threads(1)
ROOT = Path(__file__).parent.parent


def test_lenet5_reads_held_out_digits() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "examples/digits.py"], capture_output=True, text=True, timeout=300
    )
    assert told.returncode == 0, told.stdout + told.stderr
    last = told.stdout.splitlines()[-1]
    assert float(last.rpartition(" ")[2].rstrip("%")) >= 97


@pytest.mark.parametrize("file", [file for file in bundled_files() if file != "std"])
def test_a_step_gives_every_parameter_a_finite_gradient(file: str, request: pytest.FixtureRequest) -> None:
    for net in forms_of(file, every=request.config.getoption("--all-nets")):
        torch.manual_seed(0)
        model, inputs = small_batch(net)
        module = model.module().train()
        outputs = module(*inputs)
        outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
        for output, port in zip(outputs, model.graph.outputs, strict=True):
            assert output.shape[0] == len(inputs[0]), (net, port.name)
        sum(output.square().mean() for output in outputs).backward()
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, (net, name)
            assert torch.isfinite(parameter.grad).all(), (net, name)
        torch.optim.SGD(module.parameters(), lr=1e-3).step()
