"""Nets in, warnings on even windows that `pad="same"` cannot centre out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..dsl.diagnostics import Diagnostic
from ..dsl.source import Source
from ..ops.arithmetic import each
from ..ops.base import Shape, Window
from ..ops.windowed import name_window
from .facts import Facts
from .graph import Node
from .provenance import place_of, root


def find_uneven(nets: Iterable[Facts], source: Source) -> Iterator[Diagnostic]:
    """A warning for each window of `source` whose padding is not the one that `same` promises: of even ones,
    those that halve the size (4x4/2) or are their own stride (2x2/2) have it."""
    for net in nets:
        for node in net.graph:
            if getattr(node.op, "pad", None) == "same" and node.op.name != "upconv":
                before = net.shapes[net.graph.inputs(node.id)[0]]
                found = warn(node, before, net.shapes[node.id], source)
                if found is not None:
                    yield found


def warn(node: Node, before: Shape, after: Shape, source: Source) -> Diagnostic | None:
    op = node.op
    window: Window = op.window  # type: ignore[attr-defined]
    rank = len(window.size)
    strides = each(op.stride, rank)  # type: ignore[attr-defined]
    dilations = each(getattr(op, "dilation", 1), rank)
    extents = [d * (k - 1) + 1 for d, k in zip(dilations, window.size, strict=True)]
    if all(
        extent % 2 or (-(-size // stride) == made and (stride < extent or extent == 2))
        for extent, stride, size, made in zip(extents, strides, before.spatial, after.spatial, strict=True)
    ):
        return None
    argument = node.arguments.get("window")
    place = place_of(root(argument)) if argument is not None else None
    place = place or node.place
    if place.source is not source:
        return None
    sizes = "x".join(map(str, before.spatial)), "x".join(map(str, after.spatial))
    change = f": {sizes[0]} becomes {sizes[1]}" if sizes[0] != sizes[1] else ""
    return Diagnostic(
        "even-window",
        f'{name_window(window.size)} has no centre, so `pad="same"` is a row short{change}',
        place,
        "even",
        help='write `pad="tf"`, which pads the end more, or `pad=0`, or an odd window',
        severity="warning",
    )
