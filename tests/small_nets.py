"""Bundled nets in, few and small ones that stand for them out: one of each form, for small maps."""

from __future__ import annotations

import torch

import netc
from netc import driver
from netc.files import open_bundled

SIDES = (32, 64, 96, 128, 188)


def forms_of(file: str, every: bool, most_nodes: float = float("inf")) -> list[str]:
    """Of nets of a file that use the same blocks and layers the smallest, where it has few enough nodes; or
    every net."""
    nets = driver.nets_of(open_bundled(file))
    if every:
        return nets
    smallest: dict[frozenset[str], tuple[float, str]] = {}
    for net in nets:
        graph = netc.load(net).graph
        form = frozenset(name for node in graph for name in (node.frame.name, node.op.name)) - {net}
        smallest[form] = min(smallest.get(form, (most_nodes, "")), (len(graph), net))
    return [net for _, net in smallest.values() if net]


def small_batch(net: str) -> tuple[netc.Model, list[torch.Tensor]]:
    """The net for maps as small as it allows, and one of these; four where it has a batch normalisation: of
    maps of one pixel two would be 1 and -1 whatever they were, and their gradients nothing but rounding."""
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
    count = 4 if any(node.op.name == "bn" for node in model.graph) else 1
    inputs = [
        torch.randint(0, 10, (count, *shape.dims))
        if shape.dtype == "int64"
        else torch.randn(count, *shape.dims)
        for shape in model.inputs.values()
    ]
    return model, inputs
