"""The graph: layers as nodes, values as edges, over `networkx.MultiDiGraph`, which only this file touches.

An edge's key is the input slot it fills (so that `add(x, x)` keeps both). The order of `nodes` is topological
and that of the text. Tables beside the graph (shapes, costs) are computed from it, never kept in it.

The networkx object is made when something first asks for it: to import networkx alone takes 0.12 s, half of
what a whole `netc compile` may take, and what a compile reads (nodes, inputs, readers) are plain look-ups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from ..dsl import ast
from ..dsl.source import Place
from ..ops.base import Op
from .frames import Argument, Event, Frame

if TYPE_CHECKING:
    import networkx


class Node(Struct, frozen=True, eq=False):
    """One use of a layer.

    `name` is unique, the path of the module that it becomes (`layer1.0.conv1`); `event` made it, in `frame`;
    `text` is the frame whose item holds the site (it differs where a chain was passed to a block);
    `weights` is the id of the node that owns its weights: its own, but for a shared layer's further uses.
    """

    id: int
    name: str
    op: Op
    frame: Frame
    event: Event
    site: ast.Node
    item: ast.Item
    arguments: dict[str, Argument]
    weights: int

    @property
    def place(self) -> Place:
        return self.item.place(self.site)


class Port(Struct, frozen=True):
    """A named way out of the net: the node whose value leaves; `weight` is an auxiliary head's, else None."""

    name: str
    node: int
    weight: float | None = None


class Module(Struct, eq=False):
    """A part of the net as the generated code is nested: a layer, a block, or a container.

    `path` is `layer1.0.conv1`, of the net itself empty; `attribute` its last step. `kind`: `layer` for nodes
    (`nodes` holds them), `block` for a frame, `container` for a label on several steps and for what has
    children within one, `net` for the root. A layer without weights is listed too, whether or not the code
    makes a module of it. `output` is the node whose value leaves it (None where several do). `shared` is the
    path of the owner, where the weights are another module's.
    """

    path: str
    attribute: str
    kind: str
    event: Event | None
    frame: Frame | None
    children: list[Module]
    nodes: tuple[int, ...] = ()
    output: int | None = None
    shared: str | None = None

    def path_of(self, attribute: str) -> str:
        """The path of a module in this one."""
        return f"{self.path}.{attribute}" if self.path else attribute

    def walk(self) -> Iterator[Module]:
        """This module and all below it, in the order of the text."""
        pending = [self]
        while pending:
            module = pending.pop()
            yield module
            pending.extend(reversed(module.children))


class Graph:
    """A net, elaborated: nodes, edges, ways in and out, frames and modules. Passes build new ones."""

    def __init__(
        self,
        name: str,
        nodes: Iterable[Node],
        edges: Mapping[int, tuple[int, ...]],
        outputs: tuple[Port, ...],
        frame: Frame,
        modules: Module,
        labels: Mapping[str, int],
    ) -> None:
        """`edges` gives each node's inputs by slot; `nodes` come in topological order; `labels` are named
        values that are no modules (`x: id`), by path; `outputs` hold the auxiliary heads at their end."""
        self.name = name
        self.outputs = outputs
        self.frame = frame
        self.modules = modules
        self.labels = labels
        self._nodes = {node.id: node for node in nodes}
        self._inputs = {id_: edges[id_] for id_ in self._nodes}

    @cached_property
    def _net(self) -> networkx.MultiDiGraph:
        import networkx

        net = networkx.MultiDiGraph()
        net.add_nodes_from((id_, {"node": node}) for id_, node in self._nodes.items())
        net.add_edges_from(
            (source, target, slot)
            for target, sources in self._inputs.items()
            for slot, source in enumerate(sources)
            if source in self._nodes
        )
        return net

    @cached_property
    def _readers(self) -> dict[int, list[tuple[int, int]]]:
        readers: dict[int, list[tuple[int, int]]] = {id_: [] for id_ in self._nodes}
        for target, sources in self._inputs.items():
            for slot, source in enumerate(sources):
                if source in readers:
                    readers[source].append((target, slot))
        return readers

    # --- reading ---

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, id_: int) -> bool:
        return id_ in self._nodes

    def __getitem__(self, id_: int) -> Node:
        return self._nodes[id_]

    def __iter__(self) -> Iterator[Node]:
        """The nodes in topological order, which is the text's."""
        return iter(self._nodes.values())

    def inputs(self, id_: int) -> tuple[int, ...]:
        """The nodes that fill the slots of `id_`, in order."""
        return self._inputs[id_]

    def readers(self, id_: int) -> tuple[tuple[int, int], ...]:
        """The nodes that read `id_`, each with the slot, in the order of the text."""
        return tuple(self._readers[id_])

    @property
    def heads(self) -> tuple[Port, ...]:
        """The auxiliary classifiers."""
        return tuple(port for port in self.outputs if port.weight is not None)

    @property
    def results(self) -> tuple[Port, ...]:
        """The outputs proper."""
        return tuple(port for port in self.outputs if port.weight is None)

    def ancestors(self, ids: Iterable[int]) -> set[int]:
        """`ids` and all nodes whose values they depend on."""
        found: set[int] = set()
        stack = list(ids)
        while stack:
            id_ = stack.pop()
            if id_ not in found:
                found.add(id_)
                stack.extend(self._inputs[id_])
        return found

    # --- building anew ---

    def restrict(self, keep: set[int], outputs: tuple[Port, ...]) -> Graph:
        """The same net with the nodes `keep` alone, which must hold all inputs of each of them."""
        return Graph(
            self.name,
            (node for node in self if node.id in keep),
            self._inputs,
            outputs,
            self.frame,
            self.modules,
            self.labels,
        )

    def networkx(self) -> networkx.MultiDiGraph:
        """A copy for other tools: node attribute `node`, edge keys are slots."""
        return self._net.copy()
