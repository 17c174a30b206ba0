"""`netc features`: a trained net and images in, what one of its layers makes of each out, as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..settings import Misused
from .terminal import say, several
from .using import open_net, running, take_machine, tell_bad, watching


@click.command(
    "features",
    short_help="Write what a layer makes of images.",
    epilog="Example: netc features runs/resnet20 photos -o features.parquet",
)
@click.argument("name", metavar="RUN")
@click.argument("data")
@click.option("-o", "--output", metavar="FILE", required=True, help="The Parquet file to write.")
@click.option(
    "--layer", metavar="LABEL", help="The layer whose output is taken; else what enters the classifier."
)
@click.option("--whole", is_flag=True, help="All numbers of maps; else their averages over the places.")
@running
def features_command(name: str, data: str, output: str, layer: str | None, whole: bool, **given: Any) -> None:
    """Write a row for each image of DATA: its name, its class, and its features. DATA is as for `netc train`,
    or a folder of images without classes; of data with a validation split that one is taken."""
    if output == "-":
        raise Misused("features are written to a file, `-o features.parquet`")
    trained, _ = open_net(name, given)
    from ..trained import open_shown
    from ..training.features import tap, write_features

    machine = take_machine(given)
    tapped = tap(trained, layer, whole)
    images = open_shown(data)
    about = {"net": name, "layer": layer or "what enters the classifier", "data": data}
    with watching(name, len(images)) as progress:
        rows, width, bad = write_features(tapped, trained, images, Path(output), machine, progress, about)
    say(f"wrote {output}: {several(rows, 'image')}, {several(width, 'feature')} each")
    tell_bad(bad)
