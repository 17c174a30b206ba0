"""What the commands that train share: options in, a run carried out, or its end in a person's words, out."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec as find_module
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
import msgspec

from ..dsl.diagnostics import Unusable
from ..training.run import Options, Run
from ..training.signals import Ended
from .progress import report_to
from .terminal import INTERRUPTED, SPEC_WRONG, say, several, stop
from .together import name_process, say_first, told_once

if TYPE_CHECKING:
    from ..driver import Compiled
    from ..training.data import Data
    from ..training.reports import Row

Command = TypeVar("Command", bound=Callable[..., Any])

NEEDED = (
    "torch",
    "lightning",
    "kornia",
    "torchmetrics",
    "datasets",
    "PIL",
    "safetensors",
    "matplotlib",
    "tensorboard",
    "sklearn",
)
RUNNING = {
    "seed": click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help="Decides all that is random.",
    ),
    "precision": click.option(
        "--precision",
        type=click.Choice(["32", "bf16-mixed", "16-mixed"]),
        default="32",
        show_default=True,
        help="Of the arithmetic; weights stay in float32.",
    ),
    "compile": click.option("--compile", is_flag=True, help="Let torch compile the module first."),
    "channels_last": click.option(
        "--channels-last/--channels-first",
        default=None,
        help="How maps lie in memory; last on a GPU, where no one says.",
    ),
    "accumulate": click.option(
        "--accumulate",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="Compute each batch in N parts, one after the other, to use less memory.",
    ),
    "device": click.option(
        "--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto", show_default=True
    ),
    "devices": click.option(
        "--devices", type=click.IntRange(min=1), default=1, metavar="N", help="Devices of a machine."
    ),
    "nodes": click.option("--nodes", type=click.IntRange(min=1), default=1, metavar="N", help="Machines."),
    "strategy": click.option(
        "--strategy",
        type=click.Choice(["auto", "ddp", "fsdp"]),
        default="auto",
        help="How several devices share the work.",
    ),
    "deterministic": click.option(
        "--deterministic", is_flag=True, help="Only algorithms that give the same on a GPU each time."
    ),
    "workers": click.option(
        "--workers", type=click.IntRange(min=0), metavar="N", help="Processes that read images."
    ),
    "max_bad": click.option(
        "--max-bad",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Go on as long as no more images than these cannot be read.",
    ),
    "save_every": click.option(
        "--save-every",
        type=click.FloatRange(min=0),
        default=300.0,
        metavar="SECONDS",
        help="Save within an epoch too, at least this far apart.",
    ),
}
TRIED = ("seed", "precision", "channels_last", "device", "workers")
"""Of these what a trial of a few steps has."""


def run_options(command: Command) -> Command:
    """`--seed` to `--save-every`: the fields of `Options`."""
    for option in reversed(RUNNING.values()):
        command = option(command)
    return command


def trial_options(command: Command) -> Command:
    """Those of them that matter to a few steps on one device."""
    for name in reversed(TRIED):
        command = RUNNING[name](command)
    return command


def take_options(given: dict[str, Any]) -> Options:
    """The `Options` among the values of a command line, which are taken from `given`."""
    from ..training.room import has_gpu

    values = {name: given.pop(name) for name in msgspec.structs.asdict(Options()) if name in given}
    if values["channels_last"] is None:
        values["channels_last"] = values["device"] != "cpu" and has_gpu()
    return Options(**values)


def require_libraries() -> None:
    missing = [name for name in NEEDED if find_module(name) is None]
    if missing:
        raise Unusable(f"training needs {', '.join(missing)}", "`pip install 'netc[train]'`")


def carry_out(run: Run, data: Data, compiled: Compiled, resume: bool) -> list[Row]:
    """Train, and say how it ended; where it did not end well, stop."""
    assert data.train is not None
    try:
        from ..live import instantiate
        from ..training.trainer import fit

        make = partial(instantiate, compiled.source(), compiled.name)
        rows = fit(make, data.train, data.val, run, report_to, resume)
    except (Ended, KeyboardInterrupt):
        say_first(f"ended: `{resuming(run)}` goes on from what was saved last")
        stop(INTERRUPTED)
    except Exception as error:
        with told_once():
            tell_end(error, run, compiled)
    say_first(f"the run is in `{run.folder}`: `netc eval` tests it, `netc predict` uses it")
    return rows


def tell_end(error: Exception, run: Run, compiled: Compiled) -> NoReturn:
    """Say how a run ended that was not done, and stop; raise what the command line tells by itself."""
    from ..training.diverged import Diverged
    from ..training.keeper import Interrupted, TooManyBad
    from ..training.room import is_out_of_memory
    from ..training.together import has_lost_others

    match error:
        case Interrupted():
            say(f"stopped and saved: `{resuming(run)}` goes on")
            stop(INTERRUPTED)
        case Diverged():
            say(f"error: {error}", *tell_diverged(error.layer))
            stop(SPEC_WRONG)
        case TooManyBad():
            goes_on = f"`{resuming(run)} --max-bad {len(error.names)}` goes on without them"
            done = "all epochs are done without them, and the run can be used"
            say(
                f"error: {several(len(error.names), 'image')} cannot be read, more than `--max-bad` allows:",
                *(f"  {name}" for name in error.names),
                f"  = help: {done if error.done else goes_on}",
            )
            stop(SPEC_WRONG)
    name_process()
    if isinstance(error, RuntimeError):
        if is_out_of_memory(error):
            raise tell_memory(run, compiled) from None
        if has_lost_others(error):
            goes_on = f"`{resuming(run)}` goes on from where it was saved"
            raise Unusable("another process of this run has ended", goes_on) from None
    raise error


def resuming(run: Run) -> str:
    return f"netc train --resume {shlex.quote(str(run.folder))}"


def tell_diverged(layer: str) -> list[str]:
    where = (
        f"  the first layer whose output is not finite: `{layer}`"
        if layer
        else "  every layer's output is finite"
    )
    return [where, "  = help: a lower learning rate (`--lr`), a warm-up, or `--clip 'norm(1)'`"]


def tell_memory(run: Run, compiled: Compiled) -> Unusable:
    """What was needed, what is there, and the largest batch that should fit."""
    from ..plan import describe_shortage
    from ..training.room import free_memory

    return describe_shortage(run.origin, compiled, free_memory(run.origin.options))
