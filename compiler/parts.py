"""A graph and a path of labels in, the part of the net that it names out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from msgspec import Struct

from ..dsl import ast
from ..dsl.parser import parse_item
from .frames import Member
from .graph import Graph, Module
from .names import suffix
from .nesting import alone, children


class Part(Struct, frozen=True):
    """A module with its nodes in the graph's order, an input, or a value with a name, which has no nodes of
    its own. `output` is the node whose value it gives; None where there are several."""

    path: str
    nodes: tuple[int, ...]
    output: int | None


Indices = Callable[[tuple[ast.Expr, ...]], tuple[int | str, ...]]
"""Gives the values of a label's indices."""


class Parts:
    """The names of a graph's modules and values."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def modules(self) -> dict[str, Module]:
        """By path; a shared layer that its `let` names also by that name, which is its first use."""
        found = {module.path: module for module in self.graph.modules.walk() if module.path}
        for module in list(found.values()):
            if module.shared is not None:
                found.setdefault(module.shared, module)
        return found

    @cached_property
    def values(self) -> dict[str, int]:
        """Named values that are no modules: labels, inputs, outputs."""
        inputs = {node.name: node.id for node in self.graph if node.op.family == "input"}
        return {**{port.name: port.node for port in self.graph.outputs}, **inputs, **self.graph.labels}

    @cached_property
    def positions(self) -> dict[int, int]:
        """Where each node stands in the graph's order."""
        return {node.id: position for position, node in enumerate(self.graph)}

    def find(self, expr: ast.Expr, indices: Indices) -> Part | None:
        """The part at `layer[1][0].conv1`; None where there is none."""
        for path in self.paths(expr, indices):
            if path in self.modules:
                return self.part(self.modules[path])
            if path in self.values:
                node = self.graph[self.values[path]]
                return Part(path, (node.id,) if node.op.family == "input" else (), node.id)
        return None

    def named(self, text: str) -> Part | None:
        """The part at a path given as text: `layer[1][0].conv1`, or `layer1.0.conv1`."""
        if text in self.modules:
            return self.part(self.modules[text])
        tree, slips = parse_item(f"let part = {text}")
        if slips or not isinstance(tree, ast.Constants):
            return None
        try:
            return self.find(tree.value, read_indices)
        except LookupError:
            return None

    def paths(self, expr: ast.Expr, indices: Indices) -> list[str]:
        """Where the path may lead: `layer[1]` is the label `layer1`, or child 1 of the label `layer`."""
        match expr:
            case ast.Name(id=name):
                return [name]
            case ast.Attribute(target=target, name=name):
                return [f"{outer}.{name}" for outer in self.paths(target, indices)]
            case ast.Index(target=target, items=items):
                keys = indices(items)
                outers = self.paths(target, indices)
                labels = [] if isinstance(target, ast.Index) else [outer + suffix(keys) for outer in outers]
                return labels + [self.child(outer, keys[0]) for outer in outers if len(keys) == 1]
        return []

    def child(self, path: str, number: int | str) -> str:
        """The path of a container's child by number, which a label may have replaced."""
        module = self.modules.get(path)
        event = module.event if module is not None else None
        if module is None or event is None or not isinstance(number, int):
            return f"{path}.{number}"
        events = children(event)
        if 0 <= number < len(events):
            wanted = events[number]
            only = alone(wanted) if isinstance(wanted, Member) else None
            for child in module.children:
                if child.event in (wanted, only):
                    return child.path
        return f"{path}.{number}"

    def list_children(self, expr: ast.Expr, indices: Indices) -> str:
        """How many children there are, where `expr` (`stem[4]`) asks for one that is not."""
        if not isinstance(expr, ast.Index):
            return ""
        outer = next((path for path in self.paths(expr.target, indices) if path in self.modules), None)
        event = self.modules[outer].event if outer is not None else None
        count = len(children(event)) if event is not None else 0
        if not count:
            return ""
        return f"`{outer}` has {count} {'child' if count == 1 else 'children'}, from 0 on"

    def list_labels(self) -> str:
        """The first names, where there is none like the one that was asked for."""
        names = [name for name in self.known() if "." not in name]
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        return f"its parts are {', '.join(names[:8])}{more}"

    def part(self, module: Module) -> Part:
        held = {id_ for inner in module.walk() for id_ in inner.nodes}
        nodes = sorted((id_ for id_ in held if id_ in self.graph), key=self.positions.__getitem__)
        return Part(module.path, tuple(nodes), module.output)

    def known(self) -> list[str]:
        """All names, for suggestions."""
        return [*self.modules, *self.values]


def read_indices(items: tuple[ast.Expr, ...]) -> tuple[int | str, ...]:
    """Indices that are written out; `LookupError` for others."""
    keys: list[int | str] = []
    for item in items:
        if not isinstance(item, ast.Number | ast.String) or isinstance(item.value, float):
            raise LookupError("an index that is no literal")
        keys.append(item.value)
    return tuple(keys)
