"""Generated modules learn: LeNet-5 on real digits, and one step of every bundled net."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import netc

torch.set_num_threads(1)
ROOT = Path(__file__).parent.parent
SIDES = (32, 64, 96, 128, 188)
MOST_PARAMETERS = 250_000_000
"""Larger nets take gigabytes and half a minute; smaller ones of their form stand for them."""


def test_lenet5_reads_held_out_digits() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "examples/digits.py"], capture_output=True, text=True, timeout=300
    )
    assert told.returncode == 0, told.stdout + told.stderr
    last = told.stdout.splitlines()[-1]
    assert float(last.rpartition(" ")[2].rstrip("%")) >= 97


def small_batch(net: str) -> tuple[netc.Model, list[torch.Tensor]]:
    """The net for maps as small as it allows, and one of these; two where it has a batch normalisation."""
    model = netc.load(net)
    for side in SIDES:
        sizes = {
            name: (shape.channels, side, side)
            for name, shape in model.inputs.items()
            if shape.rank == 2 and min(shape.spatial) > side
        }
        try:
            model = netc.load(net, input=sizes)
            break
        except netc.SpecError:
            continue
    count = 2 if any(node.op.name == "bn" for node in model.graph) else 1
    inputs = [
        torch.randint(0, 10, (count, *shape.dims))
        if shape.dtype == "int64"
        else torch.randn(count, *shape.dims)
        for shape in model.inputs.values()
    ]
    return model, inputs


@pytest.mark.parametrize("net", netc.nets())
def test_a_step_gives_every_parameter_a_finite_gradient(net: str, request: pytest.FixtureRequest) -> None:
    torch.manual_seed(0)
    model, inputs = small_batch(net)
    if model.cost.params > MOST_PARAMETERS and not request.config.getoption("--all-nets"):
        pytest.skip("`make zoo` takes every net")
    module = model.module().train()
    outputs = module(*inputs)
    outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
    for output, port in zip(outputs, model.graph.outputs, strict=True):
        assert output.shape[0] == len(inputs[0]), port.name
    sum(output.square().mean() for output in outputs).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    torch.optim.SGD(module.parameters(), lr=1e-3).step()
