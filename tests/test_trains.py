"""Generated modules learn: one step of the bundled nets.

Of each form of a file one net takes it; `make zoo` has every net take it.
"""

from __future__ import annotations

import pytest
import torch
from small_nets import forms_of, small_batch

from netc.files import bundled_files

torch.set_num_threads(1)


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
