"""The rows of a run's epochs in; its learning curves as a picture, SVG, out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .reports import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where its fonts are cached is not for who trains

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Of Okabe and Ito: told apart by the colour-blind too. A ninth run has the first's again."""
PANELS = (
    ("loss", {"train_loss": "training", "val_loss": "validation"}),
    ("top-1 accuracy, %", {"train_top1": "training", "val_top1": "validation"}),
    ("top-5 accuracy, %", {"train_top5": "training", "val_top5": "validation"}),
    ("learning rate", {"lr": "learning rate"}),
)
WIDTH, HEIGHT = 3.6, 2.4
"""Of a panel's axes, in inches."""
LEFT, RIGHT, BELOW, ABOVE = 0.6, 0.2, 0.55, 0.35
"""Around them."""
LINE = 0.25
"""Of the names of runs, in inches."""
COLUMNS = 4
STYLE: Any = {
    "svg.hashsalt": "netc",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e0e0e0",
    "axes.edgecolor": "#666666",
    "lines.linewidth": 1.5,
    "legend.frameon": False,
}


def draw_curves(rows: Sequence[Row], path: Path) -> None:
    """Losses, accuracies and learning rate over the epochs; a panel for each that is known. The same rows
    give the same bytes. Raises OSError."""
    draw({"": rows}, path)


def draw_comparison(runs: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Of several runs by name: a colour for each; training is dashed, validation is drawn through."""
    draw(runs, path)


def draw(runs: Mapping[str, Sequence[Row]], path: Path) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    panels = panels_of(runs)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        names = LINE * -(-(len(runs) + 2) // COLUMNS) if len(runs) > 1 else 0.0
        wide, tall = LEFT + WIDTH + RIGHT, BELOW + HEIGHT + ABOVE  # of a panel
        columns, stacked = min(len(panels), 2) or 1, -(-len(panels) // 2) or 1
        width, height = wide * columns, tall * stacked + names
        figure = Figure(figsize=(width, height))
        for number, (title, lines) in enumerate(panels):
            left = LEFT + wide * (number % columns)
            below = height - tall * (number // columns + 1) + BELOW
            axes = figure.add_axes((left / width, below / height, WIDTH / width, HEIGHT / height))
            for index, (run, rows) in enumerate(runs.items()):
                draw_run(axes, rows, lines, run, index)
            finish(axes, title, legend=len(lines) > 1 and len(runs) == 1)
            if "accuracy" not in title:
                most = highest(runs) if title == "loss" else inf
                axes.set_ylim(0, min(1.03 * axes.get_ylim()[1], most))
        if len(runs) > 1:
            name_runs(figure, list(runs))
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def panels_of(runs: Mapping[str, Sequence[Row]]) -> list[tuple[str, dict[str, str]]]:
    """The panels of which anything is known, with what is known of each."""
    panels = []
    for title, lines in PANELS:
        known = {name: label for name, label in lines.items() if any(curve(r, name) for r in runs.values())}
        if known:
            panels.append((title, known))
    return panels


def draw_run(axes: Axes, rows: Sequence[Row], lines: Mapping[str, str], run: str, index: int) -> None:
    """The lines of one run in one panel."""
    for place, (name, label) in enumerate(lines.items()):
        points = curve(rows, name)
        training = name.startswith("train")
        colour = COLOURS[(index if run else place) % len(COLOURS)]
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            color=colour,
            linestyle="--" if training and run else "-",
            marker="o" if len(points) == 1 else "",
            markersize=3,
            alpha=0.6 if training and run else 1.0,
            label=label,
        )


def curve(rows: Sequence[Row], name: str) -> list[tuple[float, float]]:
    """The points (epoch, value) of what was finite."""
    return [(row["epoch"], row[name]) for row in rows if name in row and isfinite(row[name])]


def highest(runs: Mapping[str, Sequence[Row]]) -> float:
    """Up to which losses are shown: what one of validation is above half as much again as any of training
    hides all others, and tells only that the statistics of batch normalisation were young."""
    return 1.5 * max((y for rows in runs.values() for _, y in curve(rows, "train_loss")), default=inf)


def finish(axes: Axes, title: str, legend: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title, loc="left", fontsize=9)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_axisbelow(True)
    axes.set_xlim(left=0)
    if legend:
        axes.legend()


def name_runs(figure: Figure, runs: Sequence[str]) -> None:
    """Below all panels the runs by their colours, and the two kinds of lines."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], label=shown(run)) for i, run in enumerate(runs)
    ]
    handles += [
        Line2D([], [], color="#666666", label="validation"),
        Line2D([], [], color="#666666", linestyle="--", alpha=0.6, label="training"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=COLUMNS)


def shown(name: str) -> str:
    """As it is: matplotlib reads formulas between dollars, and hides what begins with `_`."""
    return "\u200b" + name.replace("$", r"\$")
