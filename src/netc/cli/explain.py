"""`netc explain`: the code of a mistake in, its page out."""

from __future__ import annotations

import re
import sys

import click

from ..dsl.codes import CODES
from ..dsl.pages import overview, render
from ..files import read_page
from .terminal import coloured, give

TITLE = re.compile(r"(?:error|warning)\[([^\]]*)\].*", re.DOTALL)
"""The title of a report, from which a person may have copied more than the code."""


@click.command(
    "explain",
    short_help="Explain a mistake, with a wrong and a right program.",
    epilog="Example: netc explain shape-mismatch",
)
@click.argument("code", required=False)
def explain_command(code: str | None) -> None:
    """Print the page on a code, which a report shows in brackets: `error[CODE]`. Without CODE: all codes."""
    colour = coloured(sys.stdout)
    if code is None:
        give(overview(colour))
        return
    title = TITLE.fullmatch(code.strip())
    name = title[1] if title else code.strip()
    if name not in CODES:
        from ..compiler.suggestions import suggest

        hint = suggest(name, list(CODES)) or "`netc explain` shows them all"
        raise click.UsageError(f"there is no code `{name}`; {hint}")
    give(render(read_page(name), colour))
