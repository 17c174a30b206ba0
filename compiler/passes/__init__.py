"""A graph and its passes in, the graph that they make out, with where its weights come from.

A pass is one file here: a function `(graph, shapes) -> (graph, weight map)` whose docstring is its rewrite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..graph import Graph
from ..shapes import Shapes
from ..verify import verify
from ..weights import WeightMap
from .inference import drop_heads

Pass = Callable[[Graph, Shapes], tuple[Graph, WeightMap]]

PASSES: tuple[Pass, ...] = (drop_heads,)
"""From the graph that is trained to the one that is deployed, in order."""


def run(graph: Graph, shapes: Shapes, passes: Sequence[Pass] = PASSES) -> tuple[Graph, Shapes, WeightMap]:
    """The graph after the passes, verified after each, with its shapes."""
    weights = WeightMap()
    for step in passes:
        changed, moved = step(graph, shapes)
        if changed is not graph:
            graph, shapes, weights = changed, verify(changed), moved.after(weights)
    return graph, shapes, weights
