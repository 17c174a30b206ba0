"""`netc eval`: trained nets and data in, how well they tell the classes apart out."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct, json
from msgspec.structs import replace

from ..dsl.report import show
from ..settings import Misused
from .options import picture
from .terminal import give, say, several
from .using import (
    describe_views,
    open_net,
    read_numbers,
    running,
    showing,
    take_machine,
    take_protocol,
    tell_bad,
    watching,
)

if TYPE_CHECKING:
    from ..training.data import BadImage
    from ..training.evaluate import ClassResult, Evaluation

MOST_CLASSES = 25
"""So many classes are told of; of more, the worst."""
WORST = 10


@click.command(
    "eval",
    short_help="Measure how well a trained net classifies.",
    epilog="Example: netc eval runs/resnet20 --crops 10 --confusion confusion.svg",
)
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--data", metavar="DATA", help="Images with classes; without it, those held out when the run was trained."
)
@click.option("--ensemble", is_flag=True, help="Several runs answer together: `--ensemble RUN RUN`.")
@click.option("--weights", metavar="X,X", help="What each of them counts; without it all count the same.")
@showing
@click.option(
    "--confusion", metavar="FILE", callback=picture, help="Write the confusion matrix as a picture (SVG)."
)
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@running
def eval_command(
    names: tuple[str, ...],
    data: str | None,
    ensemble: bool,
    weights: str | None,
    how: Any,
    confusion: str | None,
    format: str,
    **given: Any,
) -> None:
    """Top-1 and top-5 accuracy of a run, of each class too.

    RUN is a run's folder, a file of weights in one, or with `--net` a checkpoint of others."""
    if len(names) > 1 and not ensemble:
        raise Misused(f"{len(names)} runs are named; `--ensemble` lets them answer together")
    shares = read_weights(weights, len(names))
    opened = [open_net(name, given) for name in names]
    from ..trained import open_tested
    from ..training.evaluate import measure, order_of, together
    from ..training.scoring import make_member, score

    protocol, machine = take_protocol(given), take_machine(given)
    first, origin = opened[0]
    orders = [order_of(net, first) for net, _ in opened]
    members = [make_member(net, protocol) for net, _ in opened]
    images, what = open_tested(data, first, origin)
    found = []
    for member, order in zip(members, orders, strict=True):
        with watching(member.name, len(images)) as progress:
            mine = score(member, images, how, machine, progress)
        found.append(replace(mine, scores=mine.scores[:, order]))
    result = measure(together(members, found, how, shares), images.classes)
    pairs = zip(members, found, strict=True) if len(members) > 1 else ()
    alone = [measure(together([m], [f], how), images.classes) for m, f in pairs]
    views = ", or ".join(dict.fromkeys(describe_views(member.views, how) for member in members))
    report = Report(names, what, views, result, alone, found[0].bad)
    give(report.as_text() if format == "text" else report.as_json())
    tell_bad(report.bad)
    if confusion is not None:
        from ..training.confusion import draw_confusion

        title = f"{' and '.join(names)}: {accuracies(result)}"
        give(draw_confusion(result.confusion, images.classes, title), confusion)
        say(f"wrote {confusion}")


class Report(Struct, frozen=True, eq=False):
    """What is told of an evaluation; `alone` are the results of the nets of an ensemble by themselves."""

    names: tuple[str, ...]
    data: str
    views: str
    result: Evaluation
    alone: list[Evaluation]
    bad: tuple[BadImage, ...]

    def as_text(self) -> str:
        count = several(self.result.images, "image")
        alone = zip(self.names, self.alone, strict=False)
        lines = [
            f"{' and '.join(self.names)} on {self.data}: {count}",
            self.views,
            *(f"{name} alone: {accuracies(each)}" for name, each in alone),
            accuracies(self.result),
            "",
            *tabulate(self.result.classes),
        ]
        return "\n".join(map(show, lines))

    def as_json(self) -> str:
        """Accuracies are parts of 1; a row of `confusion` for each class of images, a column for what they
        were taken for."""
        told = {
            "nets": self.names,
            "data": self.data,
            "views": self.views,
            **summarise(self.result),
            "classes": self.result.classes,
            "confusion": self.result.confusion.tolist(),
            "alone": list(map(summarise, self.alone)),
            "bad": [{"name": image.name, "why": image.why} for image in self.bad],
        }
        return json.encode(told).decode()


def summarise(result: Evaluation) -> dict[str, Any]:
    return {"images": result.images, "top1": result.top1, "top5": result.top5}


def read_weights(text: str | None, nets: int) -> list[float] | None:
    if text is None:
        return None
    numbers = read_numbers("weights", text)
    if len(numbers) != nets:
        raise Misused(f"`--weights {text}` are {several(len(numbers), 'number')} for {several(nets, 'net')}")
    if min(numbers) < 0 or not 0 < sum(numbers) < inf:
        raise Misused(f"`--weights {text}`: no weight is below 0, and one is above")
    return list(numbers)


def accuracies(result: Evaluation) -> str:
    """`top-1 98.33 %, top-5 100.00 %`"""
    top5 = "" if result.top5 is None else f", top-5 {percent(result.top5)}"
    return f"top-1 {percent(result.top1)}{top5}"


def percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.2f} %"


def tabulate(classes: Sequence[ClassResult]) -> list[str]:
    """A line for each class that has images; of many classes, for those that are known worst."""
    told = [each for each in classes if each.images]
    heading = ["class", "images", "top-1", "top-5", "precision"]
    note = []
    if len(told) > MOST_CLASSES:
        note = [f"these are the worst {WORST} of {len(told):,} classes; `--format json` has all"]
        told = sorted(told, key=lambda each: each.top1 or 0)[:WORST]
    rows = [heading, *([e.name, f"{e.images:,}", *map(percent, (e.top1, e.top5, e.precision))] for e in told)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [name.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=True))]
        )
        for name, *cells in rows
    ]
    return [*lines, *note]
