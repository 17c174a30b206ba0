"""`netc predict`: a trained net and images in, the likeliest classes of each out."""

from __future__ import annotations

from typing import Any

import click
from msgspec import to_builtins

from ..dsl.report import show
from .formats import give_json
from .terminal import USED_WRONGLY, give, stop
from .using import open_net, running, showing, take_machine, take_protocol, tell_bad, watching


@click.command(
    "predict",
    short_help="Name the classes of images.",
    epilog="Example: netc predict runs/resnet20 photo.jpg --top 3",
)
@click.argument("name", metavar="RUN")
@click.argument("files", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="How many classes are told of each image.",
)
@showing
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@running
def predict_command(name: str, files: tuple[str, ...], top: int, how: Any, format: str, **given: Any) -> None:
    """The likeliest classes of each image, with their probabilities (with `--average vote`, their shares of
    the votes).

    IMAGE is a file, or a folder of images. RUN is a run's folder, a file of weights in one, or with `--net` a
    checkpoint of others, whose classes are numbers."""
    trained, _ = open_net(name, given)
    from ..training.data.loose import open_loose
    from ..training.evaluate import together
    from ..training.predict import predict
    from ..training.scoring import make_member, score

    protocol, machine = take_protocol(given), take_machine(given)
    images = open_loose(files)
    member = make_member(trained, protocol)
    with watching(name, len(images)) as progress:
        found = score(member, images, how, machine, progress)
    predictions = predict(together([member], [found], how), trained.classes, top)
    if format == "json":
        told = [to_builtins(each) for each in predictions]
        give_json({"images": told, "bad": [{"name": bad.name, "why": bad.why} for bad in found.bad]})
    else:
        for each in predictions:
            classes = ", ".join(f"{guess.name} {guess.probability:.1%}" for guess in each.classes)
            give(show(f"{each.image}: {classes}"))
    tell_bad(found.bad)
    if found.bad:
        stop(USED_WRONGLY)
