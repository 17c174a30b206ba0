"""A graph and its shapes in, what each node, each module and the whole net cost out: exact integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from .graph import Graph, Module
from .shapes import Shapes


class Figures(Struct, frozen=True):
    """What a layer, a part or a net costs for one image.

    `params` are trainable numbers, each counted where its owner stands; `macs` multiply-adds of convolutions
    and fully connected layers, at each use; `elementwise` the operations of all other work; `activations` the
    elements of inputs and of what convolutions, pools and fully connected layers put out.
    """

    params: int = 0
    biases: int = 0
    macs: int = 0
    elementwise: int = 0
    activations: int = 0

    @property
    def weights(self) -> int:
        """Parameters without biases."""
        return self.params - self.biases

    @property
    def flops(self) -> int:
        return 2 * self.macs

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.params + other.params,
            self.biases + other.biases,
            self.macs + other.macs,
            self.elementwise + other.elementwise,
            self.activations + other.activations,
        )


class Costs(Struct, frozen=True):
    """A table beside the graph, counted again after a pass. The nodes' figures add up to the total;
    `modules` holds each module's sum by its path, that of the net (inputs included) under the empty one."""

    nodes: Mapping[int, Figures]
    modules: Mapping[str, Figures]
    total: Figures


def count(graph: Graph, shapes: Shapes) -> Costs:
    """The costs of the graph as it is: with its auxiliary heads where it has them."""
    nodes: dict[int, Figures] = {}
    for node in graph:
        op, output = node.op, shapes[node.id]
        inputs = [shapes[source] for source in graph.inputs(node.id)]
        cost = op.cost(inputs, output)
        owns = node.weights == node.id
        activations = op.activated(inputs, output)
        nodes[node.id] = Figures(
            cost.params if owns else 0, cost.biases if owns else 0, cost.macs, cost.elementwise, activations
        )
    total = sum_figures(nodes.values())
    return Costs(nodes, {**sum_modules(graph.modules, nodes), "": total}, total)


def sum_modules(root: Module, nodes: Mapping[int, Figures]) -> dict[str, Figures]:
    """Each module's figures: those of its own nodes and of the modules in it."""
    sums: dict[str, Figures] = {}
    for module in reversed(list(root.walk())):  # what is nested comes before what holds it
        own = [nodes[id_] for id_ in module.nodes if id_ in nodes]
        sums[module.path] = sum_figures([*own, *(sums[child.path] for child in module.children)])
    return {path: sums[path] for path in reversed(sums)}


def sum_figures(parts: Iterable[Figures]) -> Figures:
    total = Figures()
    for part in parts:
        total += part
    return total
