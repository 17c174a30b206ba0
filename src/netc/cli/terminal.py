"""Messages and texts in, what a terminal or a pipe receives out; and how a run ends: with which exit code.

Results go to standard output and nothing else does, so that they can be piped; all that is said about them,
diagnostics too, goes to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn, TextIO

import click

from ..dsl.diagnostics import Diagnostic, Unusable
from ..files import write_file
from ..settings import Misused
from ..training.disk import reason

MOST_CODES = 4
FINE, SPEC_WRONG, USED_WRONGLY, NETC_WRONG, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 70, 130, 141


def coloured(stream: TextIO) -> bool:
    """Whether colour helps there: on a terminal, unless `NO_COLOR` is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(*lines: str) -> None:
    """Lines for the person, beside the result. What would steer a terminal (in the name of a file, say) is
    shown and not sent."""
    from ..dsl.report import show

    click.echo("\n".join(map(show, lines)), err=True)


def tell(error: Unusable) -> None:
    say(f"error: {error.message}", *([f"  = help: {error.help}"] if error.help else []))


def report(diagnostics: Iterable[Diagnostic]) -> None:
    from ..dsl.report import render_all

    text = render_all(diagnostics, coloured(sys.stderr))
    if text:
        click.echo(text, err=True)


def conclude(diagnostics: Sequence[Diagnostic]) -> None:
    """The end of a report: how much is wrong, and where to read on."""
    if not diagnostics:
        return
    from ..dsl.report import show

    files = list(dict.fromkeys(diagnostic.place.source.name for diagnostic in diagnostics))
    fixable = sum(bool(diagnostic.fix) for diagnostic in diagnostics)
    where = show(files[0]) if len(files) == 1 else several(len(files), "file")
    rest = f", {fixable} fixable with `netc check --fix`" if fixable else ""
    click.echo(f"\n{count(diagnostics, coloured(sys.stderr))} in {where}{rest}", err=True)
    point_on(diagnostics)


def point_on(diagnostics: Iterable[Diagnostic]) -> None:
    """Say which pages say more."""
    codes = list(dict.fromkeys(diagnostic.code for diagnostic in diagnostics))
    if len(codes) == 1:
        say(f"`netc explain {codes[0]}` says more")
    elif codes:
        others = f" and {len(codes) - MOST_CODES} more" if len(codes) > MOST_CODES else ""
        say(f"`netc explain CODE` says more of {', '.join(codes[:MOST_CODES])}{others}")


def count(diagnostics: Sequence[Diagnostic], colour: bool = False) -> str:
    """`3 errors, 1 warning`, or nothing."""
    from ..dsl.report import PLAIN, RED, YELLOW

    errors = sum(diagnostic.is_error for diagnostic in diagnostics)
    counts = (errors, "error", RED), (len(diagnostics) - errors, "warning", YELLOW)
    told = [(several(number, noun), paint) for number, noun, paint in counts if number]
    return ", ".join(f"{paint}{text}{PLAIN}" if colour else text for text, paint in told)


def several(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def give(text: str | bytes, output: str | None = None) -> None:
    """The result: to the file `output`, or to standard output where it is `-` or None."""
    if output is None or output == "-":
        click.echo(text, nl=isinstance(text, str) and not text.endswith("\n"))
    else:
        write_file(output, text)


def give_differences(name: str, before: str, after: str) -> None:
    """As `diff -u` writes them: coloured for eyes, to the byte for `patch`."""
    from ..dsl.differences import differ

    text = differ(name, before, after, coloured(sys.stdout))
    give(text if coloured(sys.stdout) else text.encode(errors="surrogateescape"))


def stop(code: int) -> NoReturn:
    raise click.exceptions.Exit(code)


def end(error: BaseException) -> int:
    """The exit code of a run that `error` ended, after telling the person about it."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            error.show()
            return error.exit_code
        case Unusable():
            tell(error)
            return USED_WRONGLY
        case Misused():
            say(f"error: {error.message}")
            report(error.diagnostics)
            return USED_WRONGLY
        case KeyboardInterrupt() | click.Abort():
            say("interrupted")
            return INTERRUPTED
        case SystemExit() | BrokenPipeError():  # whoever read us has gone: click exits then, and quietly
            return PIPE_CLOSED
        case OSError():
            say(f"error: standard output cannot be written: {reason(error)}")
            return USED_WRONGLY
    if os.environ.get("NETC_TRACEBACK"):
        raise error
    say(
        f"netc itself is wrong here ({type(error).__name__}: {error}); your spec may be fine.",
        "  = help: please report this, with the spec; `NETC_TRACEBACK=1` shows where it happened",
    )
    return NETC_WRONG
