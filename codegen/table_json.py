"""A net's facts in, one JSON object out, for programs: every layer of the training graph."""

from __future__ import annotations

import json
from typing import Any

from ..compiler.facts import Facts
from ..compiler.frames import Frame
from ..compiler.graph import Node
from .plain_text import arguments


def write_json(facts: Facts) -> str:
    """One object: the net with its totals, and a line for each layer. `params` and `macs` are those of the
    net without its auxiliary heads, the `_train` ones with them; `memory` is bytes for one image.

    All text is ASCII: other characters stand as escapes.
    """
    inference = facts.inference
    graph, shapes = facts.graph, facts.shapes
    kept = graph.ancestors(port.node for port in graph.results)
    head = {
        "net": graph.name,
        "input": {name: list(shape.dims) for name, shape in facts.inputs.items()},
        "outputs": {port.name: list(shapes[port.node].dims) for port in graph.results},
        "params": inference.total.params,
        "macs": inference.total.macs,
        "params_train": facts.total.params,
        "macs_train": facts.total.macs,
        "activations": inference.total.activations,
        "memory": {"forward": inference.forward_memory.total, "train": facts.training_memory.total},
    }
    fields = [f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()]
    layers = [f"    {json.dumps(describe_layer(facts, node, node.id not in kept))}" for node in graph]
    return "{\n" + "".join(fields) + '  "layers": [\n' + ",\n".join(layers) + "\n  ]\n}\n"


def describe_layer(facts: Facts, node: Node, only_training: bool) -> dict[str, Any]:
    """`block` is the name of the block in which the layer stands, null straight in the net; `inputs` are
    names of layers; `weights` is the layer that owns them, where that is another."""
    figures = facts.costs.nodes[node.id]
    graph = facts.graph
    layer: dict[str, Any] = {
        "name": node.name,
        "op": node.op.name,
        "family": node.op.family,
        "arguments": arguments(node.op),
        "block": block_name(node.frame),
        "inputs": [graph[source].name for source in graph.inputs(node.id)],
        "shape": list(facts.shapes[node.id].dims),
        "dtype": facts.shapes[node.id].dtype,
        "params": figures.params,
        "macs": figures.macs,
        "elementwise": figures.elementwise,
        "activations": figures.activations,
        "only_training": only_training,
        "line": node.place.line,
    }
    if node.weights != node.id:
        layer["weights"] = graph[node.weights].name
    return layer


def block_name(frame: Frame) -> str | None:
    return frame.name if frame.parent is not None else None
