"""A net's facts in, its summary out: one row for each part, down to a depth, and the totals.

`table_formats` writes it as text, CSV, Markdown or JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from msgspec import Struct

from ..compiler.cost import Figures, sum_figures
from ..compiler.facts import Facts
from ..compiler.frames import Call
from ..compiler.graph import Module
from ..ops.base import Shape
from .plain_text import block_call, call, show

ROWS = 40
"""A table whose depth nobody chose goes as deep as this many rows allow."""
DEEPEST = 12
WORDS = 48
"""Characters of the column that says what a part is."""


class Row(Struct, frozen=True):
    """A part, or `count` equal ones in a row, with their sum. `name` is its last step, `path` the whole way;
    `opened`: rows of its own parts follow. `only_training`: a part of an auxiliary head."""

    level: int
    name: str
    path: str
    layer: str
    shapes: tuple[Shape, ...]
    """Of what it gives: several for a part that gives a tuple."""
    figures: Figures
    count: int = 1
    opened: bool = False
    only_training: bool = False

    @property
    def output(self) -> str:
        return ", ".join(map(str, self.shapes))


class Summary(Struct, frozen=True):
    """What `netc compile` tells of a net: `inference` without its auxiliary heads, `training` with them;
    `forward` and `train` are bytes for one image."""

    net: str
    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape], ...]
    heads: tuple[tuple[str, Shape], ...]
    rows: tuple[Row, ...]
    inference: Figures
    training: Figures
    forward: int
    train: int
    depth: int


def summarise(facts: Facts, depth: int | None = None) -> Summary:
    """The summary of a net (`facts` of its training graph) down to `depth` levels of parts (0: totals
    alone); without one, as deep as a page allows."""
    graph, shapes = facts.graph, facts.shapes
    inference = facts.inference
    return Summary(
        net=graph.name,
        inputs=tuple(facts.inputs.items()),
        outputs=tuple((port.name, shapes[port.node]) for port in graph.results),
        heads=tuple((port.name, shapes[port.node]) for port in graph.heads),
        rows=(*input_rows(facts), *choose_rows(facts, depth)),
        inference=inference.total,
        training=facts.total,
        forward=inference.forward_memory.total,
        train=facts.training_memory.total,
        depth=inference.depths.total,
    )


def input_rows(facts: Facts) -> Iterator[Row]:
    for node in facts.graph:
        if node.op.family == "input":
            figures = facts.costs.nodes[node.id]
            yield Row(0, node.name, node.name, "input", (facts.shapes[node.id],), figures)


def choose_rows(facts: Facts, depth: int | None) -> list[Row]:
    tabulate = Tabulation(facts)
    if depth is not None:
        return tabulate.rows(depth) if depth > 0 else []
    best = tabulate.rows(1)
    for deeper in range(2, DEEPEST):
        rows = tabulate.rows(deeper)
        if len(rows) > ROWS or len(rows) == len(best):
            break
        best = rows
    return best


class Tabulation:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        graph = facts.graph
        kept = graph.ancestors(port.node for port in graph.results)
        self.keys: dict[str, Hashable] = {}
        self.empty: set[str] = set()
        self.only_training: set[str] = set()
        for module in reversed(list(graph.modules.walk())):
            self.keys[module.path] = (
                module.kind,
                self.layer(module),
                self.shapes(module),
                facts.costs.modules[module.path],
                tuple(self.keys[child.path] for child in module.children),
            )
            parts = [child for child in module.children if child.path not in self.empty]
            if not parts and not module.nodes:
                self.empty.add(module.path)
            if all(id_ not in kept for id_ in module.nodes) and all(
                part.path in self.only_training for part in parts
            ):
                self.only_training.add(module.path)

    def rows(self, depth: int) -> list[Row]:
        rows: list[Row] = []
        self.add([[child] for child in self.facts.graph.modules.children], 0, depth, rows)
        return rows

    def add(self, columns: Sequence[list[Module]], level: int, depth: int, rows: list[Row]) -> None:
        """Rows for siblings. A column holds one and its counterparts in equal parts; a row sums them."""
        for run in self.runs([column for column in columns if column[0].path not in self.empty]):
            first, last = run[0][0], run[-1][0]
            modules = [module for column in run for module in column]
            opened = bool(first.children) and level + 1 < depth
            rows.append(
                Row(
                    level,
                    show_span(first, last, lambda module: module.attribute),
                    show_span(first, last, lambda module: module.path),
                    self.layer(first),
                    self.shapes(first),
                    sum_figures(self.facts.costs.modules[module.path] for module in modules),
                    len(run),
                    opened,
                    first.path in self.only_training,
                )
            )
            if opened:
                inner = zip(*(module.children for module in modules), strict=True)
                self.add([list(column) for column in inner], level + 1, depth, rows)

    def runs(self, columns: Sequence[list[Module]]) -> Iterator[list[list[Module]]]:
        """Neighbours that are equal blocks or containers, together."""
        run: list[list[Module]] = []
        for column in columns:
            key, kind = self.keys[column[0].path], column[0].kind
            if run and (kind == "layer" or self.keys[run[0][0].path] != key):
                yield run
                run = []
            run.append(column)
        if run:
            yield run

    def layer(self, module: Module) -> str:
        """`conv(7x7/2, 64)`, `bottleneck(64)`; nothing for a container."""
        if module.nodes:
            return call(self.facts.graph[module.nodes[0]].op)
        frame = module.event.frame if isinstance(module.event, Call) else module.frame
        return block_call(frame, WORDS) if module.kind == "block" and frame is not None else ""

    def shapes(self, module: Module) -> tuple[Shape, ...]:
        """Of a tuple what the part makes, and not what it passes on."""
        made = (module.output,) if module.output is not None else self.made(module)
        return tuple(self.facts.shapes[id_] for id_ in made if id_ in self.facts.shapes)

    def made(self, module: Module) -> Iterator[int]:
        graph = self.facts.graph
        for tensor in module.event.outputs if module.event is not None else ():
            if tensor.node in graph and graph[tensor.node].name.startswith(f"{module.path}."):
                yield tensor.node


def show_span(first: Module, last: Module, name: Callable[[Module], str]) -> str:
    """`conv1`, or `1 … 5` for several in a row."""
    return show(name(first)) if first is last else f"{show(name(first))} … {show(name(last))}"
