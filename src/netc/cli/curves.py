"""`netc curves`: runs in, their learning curves in one picture out."""

from __future__ import annotations

from pathlib import Path

import click

from ..training.disk import writing
from ..training.history import read_rows
from ..training.run import Run
from .options import picture
from .terminal import say


@click.command(
    "curves",
    short_help="Draw the learning curves of runs in one picture.",
    epilog="Example: netc curves runs/resnet56 runs/plain56 -o residual.svg",
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="curves.svg",
    show_default=True,
    callback=picture,
    help="Where to write.",
)
def curves_command(runs: tuple[str, ...], output: str) -> None:
    """Draw losses, accuracies and learning rates of several runs over their epochs, as SVG."""
    from ..training.curves import draw_comparison, draw_curves

    rows = {path: read_rows(Run.open(Path(path)).metrics_file) for path in runs}
    names = shorten(list(rows))
    with writing(output) as file:
        if len(rows) == 1:
            draw_curves(rows[runs[0]], file)
        else:
            draw_comparison(dict(zip(names, rows.values(), strict=True)), file)
    say(f"wrote {output}")


def shorten(paths: list[str]) -> list[str]:
    """The folders' own names, where these tell them apart."""
    names = [Path(path).resolve().name for path in paths]
    return names if len(set(names)) == len(names) else paths
