"""Generated modules of the bundled nets pass `torch.export` and compute the same afterwards.

Of nets of a file that use the same blocks and layers the smallest is taken, and none of more than 600
nodes; `make zoo` takes every net.
"""

from __future__ import annotations

import pytest
import torch
from test_trains import small_batch

import netc
from netc import driver
from netc.files import bundled_files, open_bundled

torch.set_num_threads(1)
MOST_NODES = 600


def one_of_each_form(nets: list[str]) -> list[str]:
    """The smallest net of those that use the same blocks and layers."""
    smallest: dict[frozenset[str], tuple[int, str]] = {}
    for net in nets:
        graph = netc.load(net).graph
        form = frozenset(name for node in graph for name in (node.frame.name, node.op.name)) - {net}
        smallest[form] = min(smallest.get(form, (MOST_NODES, "")), (len(graph), net))
    return [net for _, net in smallest.values() if net]


@pytest.mark.parametrize("file", [file for file in bundled_files() if file != "std"])
def test_modules_are_exported(file, request):
    nets = driver.nets_of(open_bundled(file))
    if not request.config.getoption("--all-nets"):
        nets = one_of_each_form(nets)
    for net in nets:
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
