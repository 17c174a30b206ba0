"""`netc build`: a spec in, a Python file out."""

from __future__ import annotations

import click

from ..settings import Misused, read_settings
from .options import compile_or_stop, open_spec, variant
from .terminal import give, say


@click.command(
    "build",
    short_help="Write the net as a PyTorch module.",
    epilog="Example: netc build resnext50 -o model.py",
)
@click.argument("spec")
@click.option(
    "-o", "--output", metavar="FILE", help="Where to write; standard output where this is left out, or `-`."
)
@click.option("--no-aux", is_flag=True, help="Leave the auxiliary classifiers out.")
@variant
def build_command(
    spec: str,
    output: str | None,
    no_aux: bool,
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
) -> None:
    """Write a net as a stand-alone Python file that imports only torch."""
    rows = read_settings(settings)
    if len(rows) > 1:
        raise Misused("a file holds one net, and `--set` gives several values")
    compiled = compile_or_stop(open_spec(spec), rows[0], inputs, limits)
    give(compiled.source(aux=not no_aux), output)
    if output not in (None, "-"):
        say(f"wrote {output}")
