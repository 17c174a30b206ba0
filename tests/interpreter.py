"""A graph in, a real `torch.nn.Module` that runs it node by node out: the oracle of the analyses.

It knows each layer's form in PyTorch and nothing of classes, names and loops, so that it shares no code with
the generator of modules.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch_forms import build, call_text, function_text, namespace, state

from netc.compiler.graph import Graph, Node
from netc.compiler.shapes import infer
from netc.compiler.weights import state_name, state_paths


class Interpreter(nn.Module):
    """Runs a graph; `values` then holds what each node gave. `overwriting` nodes work in place."""

    def __init__(self, graph: Graph, overwriting: Collection[int] = ()) -> None:
        super().__init__()
        self.graph, self.overwriting = graph, frozenset(overwriting)
        self.values: dict[int, Tensor] = {}
        shapes = infer(graph)
        self.emits = {
            node.id: node.op.torch([shapes[source] for source in graph.inputs(node.id)], shapes[node.id])
            for node in graph
        }
        self.layers = nn.ModuleDict()
        self.learned = nn.ParameterDict()
        for node in graph:
            emit = self.emits[node.id]
            if node.weights == node.id and (emit.weights or (emit.module and emit.function is None)):
                made = build(emit)
                (self.learned if isinstance(made, nn.Parameter) else self.layers)[str(node.id)] = made

    def run(self, node: Node, *inputs: Tensor) -> Tensor:
        emit = self.emits[node.id]
        owner = str(node.weights)
        made = self.layers[owner] if owner in self.layers else self.learned.get(owner)
        if made is not None:
            known = {f"x{slot}": value for slot, value in enumerate(inputs)}
            return eval(call_text(emit, "made", [*known]), {**namespace(), **known, "made": made})
        if node.op.name == "add" and node.id in self.overwriting:
            return inputs[0].add_(inputs[1])
        names = [f"x{slot}" for slot in range(len(inputs))]
        further: dict[str, Any] = {"inplace": True} if node.id in self.overwriting else {}
        if emit.training:
            further["training"] = self.training
        scope = {**namespace(), **dict(zip(names, inputs, strict=True))}
        return eval(function_text(emit, names, **further), scope)

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        """The values of all outputs, heads included."""
        entering = iter(inputs)
        self.values = {}
        for node in self.graph:
            sources = [self.values[source] for source in self.graph.inputs(node.id)]
            is_input = node.op.family == "input"
            self.values[node.id] = next(entering) if is_input else self.run(node, *sources)
        return [self.values[port.node] for port in self.graph.outputs]

    def weights(self) -> dict[str, Tensor]:
        """Parameters and buffers by their names in the `state_dict` of the generated module."""
        paths = state_paths(self.graph)
        return {
            state_name(paths[int(id_)], name): tensor
            for id_, made in (*self.layers.items(), *self.learned.items())
            for name, tensor in state(made).items()
        }


def random_inputs(graph: Graph, batch: int = 1) -> list[Tensor]:
    shapes = infer(graph)
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, 2, (batch, *shapes[node.id].dims), generator=generator)
        if shapes[node.id].dtype == "int64"
        else torch.randn(batch, *shapes[node.id].dims, generator=generator)
        for node in graph
        if node.op.family == "input"
    ]
