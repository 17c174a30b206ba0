"""The counts of a confusion matrix in, its picture as SVG out: the same counts give the same bytes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING
from warnings import catch_warnings, filterwarnings

import numpy as np
from numpy.typing import NDArray

from ..dsl.report import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COUNTS = 25
"""Classes up to which the counts stand in the picture."""
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # as in curves.py

MOST_NAMES = 120
"""Classes up to which each is named, and cells a side that can be told apart."""
LONGEST_NAME = 24
STYLE = {"svg.hashsalt": "netc", "svg.fonttype": "none", "font.size": 8, "axes.titlesize": 9}
"""Letters stay text, of whatever script: the viewer's fonts have to know them, not ours. The salt takes the
chance out of identifiers."""


def draw_confusion(counts: NDArray[np.int64], classes: Sequence[str], title: str) -> str:
    """A row for each class of the images, a column for each that they were taken for; the darker, the larger
    the part of the row's images. Of very many classes neighbours share a row and a column. `counts` is K x K.
    """
    from matplotlib import rc_context
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    width = -(-len(classes) // MOST_NAMES)
    counts = add_neighbours(counts, width)
    with rc_context(STYLE), catch_warnings():  # type: ignore[arg-type]
        filterwarnings("ignore", "Glyph .* missing from font")
        side = picture_side(len(counts))
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        axes = figure.subplots()
        totals = counts.sum(1, keepdims=True)
        parts = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
        # Where no counts stand in the cells, few images have to be seen too: the root of their part is shown.
        norm = PowerNorm(1 if len(counts) <= MOST_COUNTS else 0.5, vmin=0, vmax=1)
        image = axes.imshow(parts, cmap="Blues", norm=norm, interpolation="nearest", aspect="auto")
        figure.colorbar(image, shrink=0.8, label="part of the images in the row")
        axes.set(xlabel="taken for", ylabel="class")
        axes.set_title(show(title), parse_math=False)
        if width > 1:
            number_ticks(axes, len(classes), width)
        else:
            name_ticks(axes, classes)
        if len(counts) <= MOST_COUNTS:
            write_counts(axes, counts, parts)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def add_neighbours(counts: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The sums of squares of `width` x `width` cells; what is left at the end is a smaller one."""
    starts = np.arange(0, len(counts), width)
    return np.add.reduceat(np.add.reduceat(counts, starts, axis=0), starts, axis=1)


def picture_side(cells: int) -> float:
    """In inches: of what is written in the cells, or of the names beside them."""
    return max(3.5, 1.5 + 0.36 * cells) if cells <= MOST_COUNTS else 2 + 0.14 * cells


def name_ticks(axes: Axes, classes: Sequence[str]) -> None:
    names = [shorten(show(name)) for name in classes]
    places = range(len(classes))
    upright = max(map(len, names)) > 3 or len(classes) > MOST_COUNTS
    axes.set_xticks(places, names, rotation=90 if upright else 0, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)


def number_ticks(axes: Axes, classes: int, width: int) -> None:
    """Some numbers of classes, counted from 0, at the cells that begin with them."""
    places = range(0, -(-classes // width), 10)
    for axis, what in ((axes.xaxis, "taken for"), (axes.yaxis, "class")):
        axis.set_ticks(places, [str(place * width) for place in places])
        axis.set_label_text(f"{what}: by number, {width} neighbours in a cell")


def write_counts(axes: Axes, counts: NDArray[np.int64], parts: NDArray[np.float64]) -> None:
    size = 8 if counts.max(initial=0) < 1000 else 6
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if parts[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=size)


def shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
