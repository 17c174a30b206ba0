"""A `Picture` in, DOT text out, written by the `graphviz` package, which quotes every name and label.

Colours, sizes and weights stand here and nowhere else. Boxes are given the width of their text in a wide face
(`measure`), so that labels fit wherever the picture is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from .measure import text_width
from .picture import Box, Cluster, Edge, Picture

if TYPE_CHECKING:
    from graphviz import Digraph

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
SIZE = 10.0
INK, MUTED, LINE, SKIP = "#1c2430", "#4f5b6b", "#8b95a3", "#7a3fd0"
FILL_AND_BORDER = {
    "convolution": ("#dbe8fb", "#3d73c2"),
    "pooling": ("#d9f1e0", "#2f8a55"),
    "dense": ("#fde5c8", "#c0741a"),
    "normalisation": ("#e9e0f8", "#7852b5"),
    "activation": ("#fff2c2", "#a98707"),
    "regularisation": ("#f9dde7", "#b8436b"),
    "shape": ("#dceef1", "#3f8793"),
    "elementwise": ("#fbdbd5", "#bf4a3a"),
    "block": ("#ffffff", "#3c4655"),
    "input": ("#e9ecf0", "#5c6877"),
    "output": ("#e9ecf0", "#5c6877"),
}
MARGIN = 8
WIDEST = 280.0
"""Points to which a box is widened at most for the sake of a title."""
SHADES = ("#f6f8fa", "#eceff3", "#e3e8ee")
"""Fills of clusters, by how deep they lie."""
LEGEND = {"block": "closed block"}


def write_dot(picture: Picture) -> str:
    """The picture as DOT. The same picture gives the same text."""
    from graphviz import Digraph

    dot = Digraph("net")
    dot.attr(
        "graph",
        label=quote(
            f"{picture.name}\n{picture.facts}\n "
        ),  # no cluster round all: it would bend the main way
        labelloc="t",
        fontname=FONT,
        fontsize="13",
        fontcolor=INK,
        bgcolor="white",
        pad="0.25",
        nodesep="0.22",
        ranksep="0.07",
        splines="spline",
        # The old ranking keeps clusters compact; it puts both ends of a `like` edge on one level.
        newrank="true" if any(edge.kind == "like" for edge in picture.edges) else "false",
    )
    dot.attr(
        "node",
        shape="box",
        style="rounded,filled",
        fontname=FONT,
        fontsize=f"{SIZE:g}",
        fontcolor=INK,
        penwidth="1.1",
        margin="0.02,0.02",
        height="0.3",
        width="0.5",
    )
    dot.attr(
        "edge",
        fontname=FONT,
        fontsize="8",
        fontcolor=MUTED,
        color=LINE,
        arrowsize="0.55",
        arrowhead="normal",
        penwidth="1.1",
    )
    # Skips come first: `dot` then orders them apart from the labels of the main way, which stays straight.
    for edge in picture.edges:
        if edge.kind == "skip":
            dot.edge(edge.source, edge.target, **edge_attributes(edge))
    write_children(dot, picture.children, 0, widen(picture), straight(picture))
    write_legend(dot, picture)
    for edge in picture.edges:
        if edge.kind != "skip":
            dot.edge(edge.source, edge.target, **edge_attributes(edge))
    return str(dot.source)


def write_children(
    dot: Digraph,
    children: tuple[Box | Cluster, ...],
    depth: int,
    widths: Mapping[str, float],
    aligned: Collection[str],
) -> None:
    for child in children:
        if isinstance(child, Box):
            group = {"group": "main"} if child.id in aligned else {}  # edges within a group are straight
            dot.node(child.id, **box_attributes(child, widths.get(child.id, 0)), **group)
            continue
        with dot.subgraph(name=child.id) as inner:
            repeated = child.count > 1
            inner.attr(
                "graph",
                label=quote(child.title),
                labelloc="t",
                labeljust="l",
                style="rounded,filled",
                fillcolor=SHADES[min(depth, len(SHADES) - 1)],
                color=MUTED if repeated else "#c3cbd5",
                penwidth="1.6" if repeated else "1",
                fontname=FONT,
                fontsize=f"{SIZE:g}",
                fontcolor=INK if repeated else MUTED,
                margin=str(MARGIN),
            )
            write_children(inner, child.children, depth + 1, widths, aligned)


def straight(picture: Picture) -> set[str]:
    """The boxes of the main way but those where many ways meet, which must have room to give way."""
    leaving = Counter(edge.source for edge in picture.edges)
    entering = Counter(edge.target for edge in picture.edges)
    return {
        box
        for edge in picture.edges
        if edge.main
        for box in (edge.source, edge.target)
        if leaving[box] <= 2 and entering[box] <= 2
    }


def widen(picture: Picture) -> dict[str, float]:
    """Widths for boxes that alone receive what enters a cluster: the edge then passes beside the title."""
    clusters: dict[str, list[Cluster]] = {}

    def visit(children: tuple[Box | Cluster, ...], around: list[Cluster]) -> None:
        for child in children:
            if isinstance(child, Box):
                clusters[child.id] = around
            else:
                visit(child.children, [*around, child])

    visit(picture.children, [])
    entries: dict[str, set[str]] = {}
    for edge in picture.edges:
        if edge.kind == "flow":
            for cluster in clusters[edge.target]:
                if cluster not in clusters[edge.source]:
                    entries.setdefault(cluster.id, set()).add(edge.target)
    widths: dict[str, float] = {}
    for box, around in clusters.items():
        for position, cluster in enumerate(around):
            wanted = 2 * (text_width(cluster.title, SIZE) + 18 - MARGIN * (len(around) - position))
            if entries.get(cluster.id) == {box} and widths.get(box, 0) < wanted <= WIDEST:
                widths[box] = wanted
    return widths


def write_legend(dot: Digraph, picture: Picture) -> None:
    """The colours in a row under the net."""
    ids = [f"legend_{family}" for family in picture.legend]
    with dot.subgraph(name="cluster_legend") as inner:
        inner.attr("graph", label="", style="rounded", color="#d5dae1", penwidth="0.8", margin="7")
        with inner.subgraph() as row:
            row.attr(rank="same")
            for id_ in ids:
                row.node(id_)
        for id_, family in zip(ids, picture.legend, strict=True):
            fill, border = FILL_AND_BORDER[family]
            text = LEGEND.get(family, family)
            inner.node(
                id_,
                label=quote(text),
                fillcolor=fill,
                color=border,
                fontsize="8",
                height="0.2",
                width=inches(text_width(text, 8.0) + 14),
            )
        for left, right in pairwise(ids):
            inner.edge(left, right, style="invis")
    if ids:
        dot.edge(last_box(picture), ids[len(ids) // 2], style="invis", weight="50")


def last_box(picture: Picture) -> str:
    """The end of the longest way."""
    main = [edge for edge in picture.edges if edge.main]
    leaving = {edge.source for edge in main}
    return next((edge.target for edge in main if edge.target not in leaving), next(picture.boxes()).id)


def box_attributes(box: Box, width: float) -> dict[str, str]:
    fill, border = FILL_AND_BORDER[box.family]
    widest = max(text_width(line, SIZE) for line in box.lines)
    attributes = {
        "label": quote("\n".join(box.lines)),
        "fillcolor": fill,
        "color": border,
        "width": inches(max(widest + 16, width, 40)),
        "height": inches(12.5 * len(box.lines) + 9),
    }
    if box.kind == "block" and box.count > 1:
        attributes["peripheries"] = "2"
    return attributes


def edge_attributes(edge: Edge) -> dict[str, str]:
    attributes = {"weight": "1000" if edge.main else "10" if edge.kind == "flow" else "1"}
    if edge.label:
        attributes["label"] = quote(f" {edge.label} ")
    if edge.kind == "skip":
        attributes |= {"color": SKIP, "penwidth": "1.7", "fontcolor": SKIP}
    elif edge.kind == "like":
        attributes |= {"style": "dashed"}
    return attributes


def quote(text: str) -> str:
    """A label that means its characters: `\\N`, `&lt;` and `<b>` are shown as they stand.

    An empty line is a space: Graphviz frees memory that it never set where a label's first line is empty.
    """
    from graphviz import escape, nohtml

    lines = [escape(line.replace("&", "&amp;")) or " " for line in text.split("\n")]
    quoted: str = nohtml("\\n".join(lines))
    return quoted


def inches(points: float) -> str:
    return f"{points / 72:.3f}"
