"""A graph in; what its forward pass in training leaves for backward, in bytes for one image, out.

In mixed precision autocast decides each layer's width (`Op.autocast`), and convolutions and fully connected
layers compute with 16-bit copies of their weights, which live until their backward.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Literal

from msgspec import Struct

from .cost import count
from .graph import Graph, Node
from .inplace import inplace
from .shapes import Shapes
from .weights import tensors

HALF, FLOAT, LONG = 2, 4, 8

How = Literal["same", "part", "new"]
"""The gradient of an input: the very one that came, a part of its memory, or one of its own."""


class Way(Struct, frozen=True):
    """That a layer's backward gives a gradient to the node `source`: `size` bytes for one image."""

    source: int
    how: How
    size: int


class Entry(Struct, frozen=True):
    """What backward finds of a layer: bytes for one image, but `once`, `params` (a number) and `copy`.

    `kept` are the nodes whose memory the layer keeps, `own` and `once` what it keeps besides; `passing` is
    needed for a moment. `weights` is the owner of its parameters, of which `copy` is the 16-bit copy.
    """

    node: int
    ways: tuple[Way, ...]
    kept: frozenset[int]
    own: int
    once: int
    passing: int
    weights: int
    params: int
    copy: int


class Tape(Struct, frozen=True):
    """The entries in the order of forward and, in bytes for one image, each value's gradient and what the
    caller holds on to (`held`); `weights` and `params` are there once. `outputs` are those that learn, with
    their elements."""

    entries: tuple[Entry, ...]
    sizes: Mapping[int, int]
    held: Mapping[int, int]
    outputs: Mapping[int, int]
    weights: int
    params: int


def record(graph: Graph, shapes: Shapes, mixed: bool, gpu: bool) -> Tape:
    """A forward pass in training."""
    overwriting = inplace(graph, shapes)
    costs = count(graph, shapes)
    width: dict[int, int] = {}
    memory: dict[int, int] = {}
    entries: dict[int, Entry] = {}
    results = graph.ancestors(port.node for port in graph.results)
    for node in sorted(graph, key=lambda node: node.id not in results):  # auxiliary heads run at the end
        inputs = graph.inputs(node.id)
        over = node.id in overwriting
        width[node.id] = width[inputs[0]] if over else widen(node, [width[i] for i in inputs], shapes, mixed)
        memory[node.id] = memory[inputs[0]] if over or node.op.alias else node.id
        params = costs.nodes[node.weights].params
        if not params and entries.keys().isdisjoint(inputs):
            continue  # before all parameters

        kept, own, once = keep(node, graph, shapes, width, over, gpu)
        learning = [source for source in inputs if source in entries]
        entries[node.id] = Entry(
            node.id,
            tuple(hand_on(graph, node, source, shapes, width) for source in learning),
            frozenset(memory[id_] for id_ in kept),
            own,
            once,
            pass_through(node, learning, shapes, width, params),
            node.weights,
            params,
            HALF * params if mixed and node.op.autocast == "half" else 0,
        )

    outputs = {port.node: shapes[port.node].elements for port in graph.outputs if port.node in entries}
    held = {memory[id_] for id_ in outputs} | {node.id for node in graph if node.op.family == "input"}
    sizes = {id_: wide * shapes[id_].elements for id_, wide in width.items()}
    return Tape(
        tuple(entries.values()),
        sizes,
        {id_: sizes[id_] for id_ in held},
        outputs,
        FLOAT * sum(prod(shape) for _, shape in tensors(graph, shapes)),
        costs.total.params,
    )


def widen(node: Node, inputs: list[int], shapes: Shapes, mixed: bool) -> int:
    """The bytes of a number of the layer's output."""
    if shapes[node.id].dtype == "int64":
        return LONG
    if not mixed or node.op.family == "input" or node.op.autocast == "full":
        return FLOAT
    return HALF if node.op.autocast == "half" else max(inputs)


def keep(
    node: Node, graph: Graph, shapes: Shapes, width: Mapping[int, int], over: bool, gpu: bool
) -> tuple[list[int], int, int]:
    """Of what a layer keeps: the nodes of the values, and bytes of its own, for an image and once."""
    inputs, wide = graph.inputs(node.id), width[node.id]
    rule = node.op.saved_inplace if over else node.op.saved
    saved = rule([shapes[source] for source in inputs], shapes[node.id])
    mask = saved.mask if gpu else 0
    own = (saved.extra - saved.indices - saved.once - mask) * wide // FLOAT + saved.indices + mask // FLOAT
    kept = [node.id] if saved.output else []
    for source in (inputs[slot] for slot in saved.inputs):
        if node.op.autocast == "widest" or width[source] in (wide, LONG):
            kept.append(source)
        else:
            own += wide * shapes[source].elements  # what autocast made of it
    return kept, own, saved.once


def hand_on(graph: Graph, node: Node, source: int, shapes: Shapes, width: Mapping[int, int]) -> Way:
    """How the gradient of an input comes from that of the output."""
    size = width[source] * shapes[source].elements
    how: How = "new"
    if width[source] == width[node.id]:
        if node.op.name == "concat":
            how = "part"
        elif node.op.name == "add" or (node.op.alias and shapes[source].elements == shapes[node.id].elements):
            how = "same"
    if node.op.parts > 1 and any(reader > node.id for reader, _ in graph.readers(source)):
        size = 0  # the gradients of the parts are joined once
    return Way(source, how, size)


def pass_through(
    node: Node, learning: list[int], shapes: Shapes, width: Mapping[int, int], params: int
) -> int:
    """What the layer's backward needs for a moment: gradients before they are cast or summed up, and those of
    a maximum that several share (a mask, the shares, and the gradient before it has the input's shape)."""
    wide, output = width[node.id], shapes[node.id]
    cast = max((wide * shapes[i].elements for i in learning if width[i] != wide), default=0)
    spread = node.op.name == "mul" and any(shapes[i].elements < output.elements for i in learning)
    summed = spread or (params and node.op.family == "elementwise")
    shared = 7 * wide * sum(shapes[i].elements for i in learning) // 4 if node.op.name == "maxout" else 0
    return cast + (wide * output.elements if summed else 0) + shared
