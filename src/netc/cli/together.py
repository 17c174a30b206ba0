"""What each of several processes does in; what all have done, or one message and one exit code, out."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr
from io import StringIO
from typing import Any, TypeVar

import click

from ..dsl.diagnostics import Unusable
from ..settings import Misused
from ..training.launch import is_first_process, read_launch, settle_devices
from ..training.run import Options
from .terminal import FINE, USED_WRONGLY, end, say, stop

T = TypeVar("T")


def meet(given: Mapping[str, Any]) -> None:
    """Meet the other processes, where torchrun or srun started several: from here on they agree. `given` are
    the values of the command's options."""
    launched = read_launch()
    options = Options(device=given["device"], devices=given["devices"], nodes=given["nodes"])
    try:
        settled = settle_devices(options, launched)
        if launched is not None and launched.world > 1:
            from ..training.together import join

            join(settled)
    except Unusable:
        if is_first_process():
            raise
        stop(USED_WRONGLY)


def be_alone() -> None:
    """For commands that one process carries out: where a launcher started several, all end, and one tells."""
    if launched_alone():
        return
    if is_first_process():
        raise Misused("several processes were started, and this is for one")
    stop(USED_WRONGLY)


def say_first(*lines: str) -> None:
    """As `say`, in the first process alone."""
    if lines and is_first_process():
        say(*lines)


def agree(work: Callable[[], T]) -> T:
    """What `work` gives in this process, when it has been done in all. Where it fails in one, all end; the
    first of those that fail is told about, and only the first process tells."""
    if launched_alone() and is_first_process():
        return work()
    first, told, code = is_first_process(), StringIO(), FINE
    try:
        if first:
            done = work()
        else:
            with redirect_stderr(told):
                done = work()
    except Exception as error:
        with nullcontext() if first else redirect_stderr(told):
            name_process()
            code = end(error)
    if launched_alone():  # one that `--devices` started: it does what the first has done before
        if code != FINE:
            click.echo(told.getvalue(), err=True, nl=False)
            stop(code)
        return done
    from ..training.together import gather

    answers = gather((code, told.getvalue()))
    for rank, (code, text) in enumerate(answers):
        if code != FINE:
            if first and rank:
                click.echo(text, err=True, nl=False)
            stop(code)
    return done


def launched_alone() -> bool:
    launched = read_launch()
    return launched is None or launched.world == 1


@contextmanager
def told_once() -> Iterator[None]:
    """What is said within, and an error that ends it, of the first process alone that comes here: the others
    fail as it does, or because it has gone."""
    from ..training.together import may_tell

    if may_tell():
        yield
        return
    code = FINE
    with redirect_stderr(StringIO()):
        try:
            yield
        except Exception as error:
            code = end(error)
    stop(code)


def name_process() -> None:
    """Say which process it is that has something to say, where it is not the first."""
    launched = read_launch()
    if launched is not None and launched.rank:
        say(f"process {launched.rank} of {launched.world}, on {socket.gethostname()}:")
