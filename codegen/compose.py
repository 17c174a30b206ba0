"""A graph with its shapes and costs in, a `Picture` out."""

from __future__ import annotations

from collections.abc import Iterator

from ..compiler.cost import Costs
from ..compiler.depth import measure_part
from ..compiler.frames import Apply
from ..compiler.graph import Graph, Port
from ..compiler.shapes import Shapes
from .captions import WIDE, describe_shapes, label, name_of, name_within, span_names, stack
from .drafts import (
    EVERY,
    READABLE,
    SHOWN_BEFORE,
    ClusterDraft,
    Draft,
    Piece,
    count_boxes,
    draft,
    is_light,
)
from .folding import fold, unroll
from .outline import Outline, outline
from .picture import MOST_BOXES, Box, Cluster, Edge, Picture, too_deep, too_many
from .plain_text import arguments, block_call, call, shorten_count, show, span_arguments, span_counts
from .ways import kinds_of_edges

FAMILIES = (
    "convolution",
    "pooling",
    "dense",
    "normalisation",
    "activation",
    "regularisation",
    "shape",
    "elementwise",
    "block",
)
SHORT = 26
"""Characters of a cluster's title, beside which the edges into its boxes must pass."""
COUNTING = "0123456789_.–"
"""What a name ends with that only tells it from others of its kind."""
JOINS = {"": "", "series": "", "parallel": " side by side", "dense": " dense"}


def draw(graph: Graph, shapes: Shapes, costs: Costs, expand: bool = False) -> Picture:
    """The picture of a net; raises `TooLarge`. `expand` draws each repeat and each block in full."""
    try:
        if expand:
            plan = unroll(outline(graph, expand=True))
            pieces = draft(plan, graph, shapes, 0)
        else:
            plan = fold(outline(graph), graph, shapes)
            pieces = draft(plan, graph, shapes, SHOWN_BEFORE)
            if count_boxes(pieces) > READABLE[SHOWN_BEFORE]:
                plan = fold(outline(graph), graph, shapes, loose=True)
                pieces = draft(plan, graph, shapes, EVERY)
        boxes = count_boxes(pieces) + len(graph.outputs)
        if boxes > MOST_BOXES:
            raise too_many(boxes, expand)
        return Composer(graph, shapes, costs, plan).compose(pieces)
    except RecursionError:
        raise too_deep() from None


class Composer:
    def __init__(self, graph: Graph, shapes: Shapes, costs: Costs, plan: Outline) -> None:
        self.graph, self.shapes, self.costs, self.plan = graph, shapes, costs, plan
        self.boxes: dict[str, Box] = {}
        self.heads: dict[str, list[int]] = {}
        self.depths: dict[str, int] = {}
        self.box_of: dict[int, str] = {}
        self.repeats: list[dict[int, int]] = []
        """Of each cluster that stands for several: which of them a node is in."""
        self.clusters = 0

    def compose(self, pieces: list[Piece]) -> Picture:
        children = self.children(pieces, "")
        outputs = [self.output(number, port) for number, port in enumerate(self.graph.outputs)]
        families = {box.family for box in self.boxes.values()}
        return Picture(
            show(self.graph.name),
            self.facts(),
            (*children, *outputs),
            self.edges(),
            tuple(family for family in FAMILIES if family in families),
        )

    def facts(self) -> str:
        """The line under the title: the net as the papers count it, without auxiliary heads."""
        needed = self.graph.ancestors(port.node for port in self.graph.results)
        params = sum(self.costs.nodes[id_].params for id_ in needed)
        macs = sum(self.costs.nodes[id_].macs for id_ in needed)
        inputs = ", ".join(str(self.shapes[node.id]) for node in self.graph if node.op.family == "input")
        return f"input {inputs} · {shorten_count(params)} parameters · {shorten_count(macs)} multiply-adds"

    # --- boxes and clusters ---

    def children(self, pieces: list[Piece], prefix: str) -> tuple[Box | Cluster, ...]:
        return tuple(
            self.box(piece, prefix) if isinstance(piece, Draft) else self.cluster(piece, prefix)
            for piece in pieces
        )

    def cluster(self, piece: ClusterDraft, prefix: str) -> Cluster:
        self.clusters += 1
        number = self.clusters
        group = piece.group
        if len(piece.uses) > 1:
            self.repeats.append({id_: use for use, ids in enumerate(piece.uses) for id_ in ids})
        children = self.children(piece.pieces, group.path or prefix)
        times = "training only" if group.kind == "aux" else ""
        if group.count > 1:
            times = f"x{group.count}{JOINS[group.join]}"
        name = name_of(group, prefix)
        title = label(name, self.contents(piece, SHORT - len(label(name, "", times)) - len(": ")), times)
        if name and len(title) > SHORT:
            title = label(name, "", times)
        return Cluster(f"cluster_{number}", title, group.count, children, show(group.path))

    def contents(self, piece: Draft | ClusterDraft, limit: int) -> str:
        """What a group is: the block with its arguments, where these are short enough, and the same in all
        uses."""
        if piece.group is None or piece.group.frame is None:
            return ""
        varies = any(len({self.graph[id_].op for id_ in column}) > 1 for column in columns(piece))
        return block_call(piece.group.frame, 0 if varies else limit)

    def box(self, piece: Draft, prefix: str) -> Box:
        id_ = f"n{len(self.boxes) + 1}"
        for column in zip(*piece.uses, strict=True):
            for node in column:
                self.box_of[node] = id_
        self.heads[id_] = piece.heads
        self.depths[id_] = measure_part(self.graph, piece.uses[0])
        first = self.graph[piece.uses[0][0]]
        lines = self.closed(piece, prefix) if not piece.heads else self.layers(piece, prefix)
        family = self.family(piece)
        kind = "input" if family == "input" else "layer" if piece.heads else "block"
        hint = [f"{node.name}: {call(node.op)}" for node in map(self.graph.__getitem__, piece.heads)]
        box = Box(id_, kind, family, tuple(lines), piece.count, show("; ".join(hint) or first.name, 400))  # type: ignore[arg-type]
        self.boxes[id_] = box
        return box

    def family(self, piece: Draft) -> str:
        if not piece.heads:
            return "block"
        ops = [self.graph[id_].op for id_ in piece.heads]
        return next((op.family for op in ops if not is_light(op)), ops[0].family)

    def closed(self, piece: Draft, prefix: str) -> list[str]:
        """The text of a group that is not opened."""
        assert piece.group is not None
        contents = self.contents(piece, 2 * WIDE) or f"{len(piece.uses[0])} layers"
        return stack(name_of(piece.group, prefix), contents, piece.count) + self.counts(piece)

    def layers(self, piece: Draft, prefix: str) -> list[str]:
        """The text of layers: `conv1 7x7/2, 64 · bn · relu`, and their counts."""
        nodes = [self.graph[id_] for id_ in dict.fromkeys(piece.heads)]
        seen = set()
        named = next((node for node in nodes if not is_light(node.op)), nodes[0])
        if piece.group is not None and piece.group.path:
            name = name_of(piece.group, prefix)
        elif (
            self.costs.nodes[named.weights].params
            or named.op.family == "input"
            or (named.event.label is not None and isinstance(named.event, Apply))
        ):
            last = self.graph[piece.uses[piece.count - 1][piece.uses[0].index(named.id)]]
            name = span_names(name_within(named.name, prefix), name_within(last.name, prefix))
        else:
            name = ""
        if named.op.family == "input":
            return [name or "input"]
        texts: list[str] = []
        for node in nodes:
            if node.event in seen:
                continue
            seen.add(node.event)
            alike = [self.graph[ids[piece.uses[0].index(node.id)]].op for ids in piece.uses]
            written = ", ".join(span_arguments([arguments(op, brief=True) for op in alike]))
            silent = node is nodes[0] and written and name.rstrip(COUNTING) == node.op.name
            texts.append(written if silent else f"{node.op.name} {written}".rstrip())
        if name.rstrip(COUNTING) == nodes[0].op.name and texts[0] == nodes[0].op.name:
            name = ""
        return stack(name, " · ".join(texts), piece.count) + self.counts(piece)

    def counts(self, piece: Draft) -> list[str]:
        """Parameters and multiply-adds of one of the equal uses; a span where they differ."""
        nodes = self.costs.nodes
        params = [sum(nodes[id_].params for id_ in ids) for ids in piece.uses]
        macs = [sum(nodes[id_].macs for id_ in ids) for ids in piece.uses]
        words = [f"{span_counts(params)} params"] if any(params) else []
        if any(self.graph[id_].weights not in piece.uses[0] for id_ in piece.uses[0]):
            words = ["shared weights"]
        if any(macs):
            words.append(f"{span_counts(macs)} macs")
        return [" · ".join(words) + (" each" if piece.count > 1 else "")] if words else []

    def output(self, number: int, port: Port) -> Box:
        id_ = f"out{number + 1}"
        lines = [show(port.name or "output", 40)]
        if port.weight is not None:
            lines.append(f"training only, loss x{port.weight:g}")
        box = Box(id_, "output", "output", tuple(lines))
        self.boxes[id_] = box
        return box

    # --- edges ---

    def edges(self) -> tuple[Edge, ...]:
        found: dict[tuple[str, str], str] = {}
        carried: dict[tuple[str, str], set[int]] = {}
        for source, target, like in self.links():
            key = (self.box_of[source], self.box_of[target])
            if key[0] == key[1] or any(
                source in turn and target in turn and turn[source] != turn[target] for turn in self.repeats
            ):
                continue
            found[key] = "like" if like and found.get(key, "like") == "like" else "flow"
            carried.setdefault(key, set()).add(source)
        for number, port in enumerate(self.graph.outputs):
            key = (self.box_of[port.node], f"out{number + 1}")
            found[key] = "flow"
            carried[key] = {port.node}
        adds = {id_ for id_, heads in self.heads.items() if heads and self.graph[heads[0]].op.name == "add"}
        kinds = kinds_of_edges(found, self.depths, adds)
        said: set[tuple[str, str]] = set()
        edges: list[Edge] = []
        for key in sorted(found, key=lambda key: (not kinds[key][1], kinds[key][0] != "flow")):
            kind, main = kinds[key]
            shapes = [self.shapes[id_] for id_ in sorted(carried[key])]
            text = "" if kind == "like" else describe_shapes(shapes)
            label = "" if (key[0], text) in said else text
            said.add((key[0], text))
            edges.append(Edge(key[0], key[1], kind, label, main))  # type: ignore[arg-type]
        rank = {id_: position for position, id_ in enumerate(self.boxes)}
        return tuple(sorted(edges, key=lambda edge: (rank[edge.source], rank[edge.target])))

    def links(self) -> Iterator[tuple[int, int, bool]]:
        """The edges of the graph, through the wires; whether the target reads only the source's size.

        A concatenation of what an earlier one joins and one value more reads the earlier one: in a long
        `dense` group there are then as many arrows as members, not as pairs of members.
        """
        through: dict[int, tuple[int, ...]] = {}
        joined: dict[tuple[int, ...], int] = {}
        for node in self.graph:
            sources = self.graph.inputs(node.id)
            if node.op.name == "concat" and node.id not in self.plan.wires:
                earlier = joined.get(sources[:-1])
                joined[sources] = node.id
                sources = sources if earlier is None else (earlier, sources[-1])
            if node.id in self.plan.wires:
                through[node.id] = tuple(
                    dict.fromkeys(behind for source in sources for behind in through.get(source, (source,)))
                )
                continue
            values = node.op.arity - len(node.op.tensors) if node.op.arity is not None else len(sources)
            for slot, source in enumerate(sources):
                for behind in through.get(source, (source,)):
                    yield behind, node.id, slot >= values


def columns(piece: Draft | ClusterDraft) -> Iterator[tuple[int, ...]]:
    """The nodes in one place of all uses."""
    return zip(*piece.uses, strict=True)
