"""A graph and a loss in; what of the graph alone keeps a net from learning, in words, out. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, inf, log1p

from ..compiler.graph import Graph, Node
from .words import BinaryCrossEntropy, Loss

RANGES = {
    "softmax": (0.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "hsigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, inf),
    "relu6": (0.0, 6.0),
}
"""What an activation can put out."""

PASSING = ("shape", "regularisation", "pooling")


def find_suspects(graph: Graph, loss: Loss, classes: int, most: float) -> Iterator[str]:
    """What makes a loss of `most` impossible, or hard to reach: activations behind the logits."""
    for port in graph.results:
        last = last_of(graph, port.node)
        if last is None or last.op.name not in RANGES:
            continue
        low, high = RANGES[last.op.name]
        where = f"`{last.name}`, a `{last.op.name}`, stands between the classifier and the loss"
        least = least_loss(loss, classes, low, high)
        if least > most:
            yield f"{where}: with {classes:,} classes no loss below {least:.3g} is possible"
        elif low == 0:
            yield f"{where}: a class that it makes 0 gets no gradient"


def last_of(graph: Graph, id_: int) -> Node | None:
    """The last node before an output that decides between which numbers its values are: pooling does not."""
    while graph[id_].op.family in PASSING or graph[id_].op.name == "flatten":
        inputs = graph.inputs(id_)
        if len(inputs) != 1:
            return None
        (id_,) = inputs
    return graph[id_]


def least_loss(loss: Loss, classes: int, low: float, high: float) -> float:
    """Of one image whose logits are from `low` to `high`: the right class has the highest, others the
    lowest."""
    if isinstance(loss, BinaryCrossEntropy):
        return (log1p(exp(-high)) + (classes - 1) * log1p(exp(low))) / classes
    return log1p((classes - 1) * exp(low - high))
