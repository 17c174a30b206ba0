"""Generated modules of the bundled nets pass `torch.export` and compute the same afterwards.

Of each form of a file one net is, unless it has more than 600 nodes; `make zoo` takes every net.
"""

from __future__ import annotations

import pytest
import torch
from small_nets import forms_of, small_batch

from netc.files import bundled_files

torch.set_num_threads(1)
MOST_NODES = 600


@pytest.mark.parametrize("file", [file for file in bundled_files() if file != "std"])
def test_modules_are_exported(file, request):
    for net in forms_of(file, request.config.getoption("--all-nets"), MOST_NODES):
        torch.manual_seed(0)
        model, inputs = small_batch(net)
        module = model.module().eval()
        exported = torch.export.export(module, tuple(inputs)).module()
        with torch.no_grad():
            ours, theirs = (found(*inputs) for found in (module, exported))
        ours, theirs = ([found] if isinstance(found, torch.Tensor) else [*found] for found in (ours, theirs))
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(other, one)
