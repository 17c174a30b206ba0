"""What the commands that use a trained net share: their options in, nets with weights and a device out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..dsl.report import show
from ..settings import Misused, read_settings
from ..training.run import Origin
from .options import compile_or_stop, open_spec, variant
from .recipes import recipe_of
from .terminal import say, several
from .training import RUNNING, require_libraries

if TYPE_CHECKING:
    from ..training.data import BadImage
    from ..training.ensemble import How
    from ..training.scoring import Machine, Trained
    from ..training.views import Protocol, Views

Command = TypeVar("Command", bound=Callable[..., Any])

MOST_BAD = 10
"""How many images that cannot be read are named."""
EVERY = 30.0
"""Seconds between two lines of progress, where there is no terminal."""

AVERAGES = {
    "softmax": "their probabilities averaged",
    "logits": "their logits averaged",
    "vote": "a vote for each",
}

SHOWING = (
    click.option(
        "--crops",
        type=click.Choice(["1", "10", "12", "144"]),
        default="1",
        show_default=True,
        help="How many views of each image are taken.",
    ),
    click.option(
        "--scales", metavar="N,N", help="How long the shorter side of the image is made: `--scales 224,256`."
    ),
    click.option("--dense", is_flag=True, help="Evaluate whole images, at every place of them."),
    click.option("--tta", type=click.Choice(["flip"]), help="Show each view mirrored too."),
    click.option(
        "--average",
        "how",
        type=click.Choice(["softmax", "logits", "vote"]),
        default="softmax",
        show_default=True,
        help="How several views, and several nets, make one answer.",
    ),
)
MACHINE = (
    RUNNING["device"],
    click.option("--precision", type=click.Choice(["32", "bf16"]), default="32", show_default=True),
    click.option(
        "--batch",
        type=click.IntRange(min=1),
        default=64,
        show_default=True,
        metavar="N",
        help="Views that go through the net at a time.",
    ),
    RUNNING["workers"],
)
ADOPTING = (
    click.option("--net", metavar="NET", help="The net of a checkpoint that netc did not train."),
    click.option("--key", metavar="NAME", help="Which tensors of the checkpoint, where it holds several."),
    click.option("--mean", metavar="X,X,X", help="Of the channels it was trained on, pixels from 0 to 1."),
    click.option("--std", metavar="X,X,X", help="Their standard deviations."),
)


def showing(command: Command) -> Command:
    """`--crops`, `--scales`, `--dense`, `--tta`, `--average`."""
    return add(command, SHOWING)


def running(command: Command) -> Command:
    """`--device`, `--precision`, `--batch`, `--workers`; and `--net` with what belongs to it."""
    return add(variant(command), (*MACHINE, *ADOPTING))


def add(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def take_protocol(given: dict[str, Any]) -> Protocol:
    """The views that the options ask for, which are taken from `given`."""
    from ..training.views import Protocol

    scales = given.pop("scales")
    sizes = tuple(read_whole(text, scales) for text in scales.split(",")) if scales else ()
    crops: Any = int(given.pop("crops"))
    return Protocol(crops, sizes, given.pop("dense"), given.pop("tta") == "flip")


def read_whole(text: str, option: str) -> int:
    if not text.strip().isdecimal() or not 0 < int(text) <= 10_000:
        raise Misused(f"`--scales {option}` is not of the form `--scales 224,256`, in pixels")
    return int(text)


def take_machine(given: dict[str, Any]) -> Machine:
    """On what to run, taken from `given`."""
    from ..training.scoring import Machine, choose_device

    device = choose_device(given.pop("device"))
    bf16 = given.pop("precision") == "bf16"
    return Machine(device, given.pop("batch"), given.pop("workers"), bf16)


def open_net(name: str, given: dict[str, Any]) -> tuple[Trained, Origin | None]:
    """The run of that name, or with `--net` the checkpoint; its options stay in `given`."""
    require_libraries()
    from ..trained import adopt, open_trained

    if given["net"] is None:
        for option in ("key", "mean", "std", "settings", "inputs"):
            if given[option]:
                flag = {"settings": "set", "inputs": "input"}.get(option, option)
                raise Misused(f"`--{flag}` is for checkpoints: `--net` says of which net they are")
        return open_trained(name)
    rows = read_settings(given["settings"])
    if len(rows) > 1:
        raise Misused("a checkpoint is of one net, and `--set` gives several values")
    spec = open_spec(given["net"])
    compiled = compile_or_stop(spec, rows[0], given["inputs"], given["limits"])
    recipe = recipe_of(spec, rows[0], {}, given["limits"])
    mean, std = (read_numbers(option, given[option]) for option in ("mean", "std"))
    if recipe.normalize is None and not (mean and std):
        say(
            f"note: the recipe of `{given['net']}` does not normalise images; `--mean` and `--std` say"
            " what the checkpoint was trained on"
        )
    return adopt(name, given["key"], compiled, recipe, mean, std), None


def read_numbers(option: str, text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise Misused(f"`--{option} {text}` is not of the form `--{option} 0.5,0.5,0.5`") from None


@contextmanager
def watching(what: str, total: int, noun: str = "image") -> Iterator[Callable[[int], None]]:
    """A function that is told how many are done: a bar on a terminal, else a line now and then."""
    if sys.stderr.isatty():
        with click.progressbar(length=total, label=show(what), file=sys.stderr, show_pos=True) as bar:
            yield lambda done: bar.update(done - bar.pos)
        return
    said = time.monotonic()

    def tell(done: int) -> None:
        nonlocal said
        if time.monotonic() - said >= EVERY:
            said = time.monotonic()
            say(f"{what}: {done:,} of {several(total, noun)}")

    yield tell


def tell_bad(bad: Sequence[BadImage]) -> None:
    """Name the images that were left out."""
    if not bad:
        return
    left = "is" if len(bad) == 1 else "are"
    say(f"warning: {several(len(bad), 'image')} cannot be read, and {left} left out:")
    say(*(f"  {image}" for image in bad[:MOST_BAD]))
    if len(bad) > MOST_BAD:
        say(f"  and {len(bad) - MOST_BAD:,} more")


def describe_views(views: Views, how: How) -> str:
    """`10 views of each image at 256 pixels, their probabilities averaged`"""
    at = f" at {', '.join(map(str, views.scales))} pixels" if views.scales else ""
    what = "each image, whole," if views.protocol.dense else "each image"
    told = f"{several(views.count, 'view')} of {what}{at}"
    return told if views.count == 1 else f"{told.rstrip(',')}, {AVERAGES[how]}"
