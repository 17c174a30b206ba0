"""What a pass does to weights: for each tensor of the new graph, where it comes from in the old one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from .graph import Graph, Node
from .shapes import Shapes

T = TypeVar("T")


class Copy(Struct, frozen=True):
    """The old tensor `source`, as it is."""

    source: str


Expression = Copy
"""How a new tensor is made of old ones; a rewrite that needs more adds its kind here."""


class WeightMap(Struct, frozen=True):
    """Tensors are named as in the `state_dict`. `changed` holds the new tensors that are not simply the old
    ones of the same name, so that a pass that touches three layers writes three entries."""

    changed: Mapping[str, Expression] = {}

    def __getitem__(self, name: str) -> Expression:
        return self.changed.get(name, Copy(name))

    def after(self, earlier: WeightMap) -> WeightMap:
        """One map for two passes: `earlier`, then this one."""
        composed = {name: earlier[expression.source] for name, expression in self.changed.items()}
        return WeightMap({**earlier.changed, **composed})

    def apply(self, names: Iterable[str], old: Mapping[str, T]) -> dict[str, T]:
        """The tensors `names` of the new graph, made of the old one's."""
        return {name: old[self[name].source] for name in names}


def tensors(graph: Graph, shapes: Shapes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every parameter and buffer of the graph by its name in the `state_dict`, with its shape."""
    paths = state_paths(graph)
    for node in graph:
        if node.weights == node.id:
            for attribute, shape in tensors_of(graph, node, shapes):
                yield state_name(paths[node.id], attribute), shape


def state_name(path: str, attribute: str) -> str:
    """The name of a tensor in the `state_dict`; a learned tensor is named by its path alone."""
    return f"{path}.{attribute}" if attribute else path


def state_paths(graph: Graph) -> dict[int, str]:
    """Where each node's weights lie in the `state_dict`: at its module, or at the owner of a shared one."""
    states = {"": ""}
    paths: dict[int, str] = {}
    for module in graph.modules.walk():
        if module.shared is not None:
            states[module.path] = states.get(module.shared, module.shared)
        for child in module.children:
            outer = states[module.path]
            states[child.path] = f"{outer}.{child.attribute}" if outer else child.attribute
        paths.update((id_, states[module.path]) for id_ in module.nodes)
    return paths


def tensors_of(graph: Graph, node: Node, shapes: Shapes) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """A layer's parameters and buffers by attribute, with their shapes."""
    inputs = [shapes[source] for source in graph.inputs(node.id)]
    return node.op.torch(inputs, shapes[node.id]).weights
