"""A graph and its shapes in, bytes for one image out: of a forward pass, and of a step of training.

Numbers are float32 (an `int64` input has 8 bytes an element). A value that shares memory with another is
that memory: what is written in place, and views (`flatten`, `crop`, the parts of a `split`). Only
trainable parameters count: BatchNorm's running statistics are buffers, and no count of parameters has them.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from .cost import count
from .graph import Graph
from .inplace import inplace, shares_memory
from .shapes import Shapes

FLOAT = 4


class Forward(Struct, frozen=True):
    """Parameters, and at each node the sum of the values that are needed then or later, its own included."""

    params: int
    sums: Mapping[int, int]

    @property
    def live(self) -> int:
        """The largest of the sums."""
        return max(self.sums.values())

    @property
    def at(self) -> int:
        """The first node where the sum is largest."""
        return max(self.sums, key=self.sums.__getitem__)

    @property
    def total(self) -> int:
        return self.params + self.live


class Training(Struct, frozen=True):
    """Parameters, their gradients, the optimiser's state (one momentum a parameter, as SGD keeps), and
    `kept`, each distinct value that a layer keeps for backward."""

    params: int
    gradients: int
    optimiser: int
    kept: int

    @property
    def total(self) -> int:
        return self.params + self.gradients + self.optimiser + self.kept


def forward(graph: Graph, shapes: Shapes) -> Forward:
    """What inference needs at most: a value lives until its last reader has run, an output to the end."""
    overwriting = inplace(graph, shapes)
    memory: dict[int, int] = {}
    ends: dict[int, int] = {}
    for node in graph:
        inputs = graph.inputs(node.id)
        shared = node.id in overwriting or shares_memory(node.op)
        memory[node.id] = memory[inputs[0]] if shared else node.id
        for id_ in (node.id, *inputs):
            ends[memory[id_]] = node.id
    for port in graph.outputs:
        ends[memory[port.node]] = -1

    sums: dict[int, int] = {}
    live = 0
    for node in graph:
        if memory[node.id] == node.id:
            live += shapes[node.id].bytes
        sums[node.id] = live
        for owner in {memory[id_] for id_ in (node.id, *graph.inputs(node.id))}:
            if ends[owner] == node.id:
                live -= shapes[owner].bytes
    return Forward(FLOAT * count(graph, shapes).total.params, sums)


def train(graph: Graph, shapes: Shapes) -> Training:
    """What a step of training holds when backward begins. A layer before all parameters keeps nothing."""
    overwriting = inplace(graph, shapes)
    costs = count(graph, shapes)
    memory: dict[int, int] = {}
    learning: set[int] = set()
    kept: dict[int, int] = {}
    extra = 0
    for node in graph:
        inputs = graph.inputs(node.id)
        memory[node.id] = memory[inputs[0]] if node.id in overwriting or node.op.alias else node.id
        if not costs.nodes[node.weights].params and learning.isdisjoint(inputs):
            continue
        learning.add(node.id)
        rule = node.op.saved_inplace if node.id in overwriting else node.op.saved
        saved = rule([shapes[source] for source in inputs], shapes[node.id])
        extra += saved.extra
        values = [inputs[slot] for slot in saved.inputs] + ([node.id] if saved.output else [])
        kept.update((memory[id_], shapes[memory[id_]].bytes) for id_ in values)
    params = FLOAT * costs.total.params
    return Training(params, params, params, sum(kept.values()) + extra)
