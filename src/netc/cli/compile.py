"""`netc compile`: a spec in; its table, its picture or the arithmetic of one layer out."""

from __future__ import annotations

import click

from .. import driver
from ..drawing import SUFFIXES, PictureFormat, TableFormat, draw_as, tabulate
from ..dsl.diagnostics import Unusable
from ..files import Spec
from ..settings import Misused, Setting, read_settings
from .options import compile_or_stop, open_spec, variant
from .terminal import give, say


@click.command(
    "compile",
    short_help="Show a net: its table, its picture, the why of a number.",
    epilog="Example: netc compile googlenet --render svg -o googlenet.svg",
)
@click.argument("spec")
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Levels of blocks in the table.")
@click.option(
    "--format",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    help="How to write the table.",
)
@click.option(
    "--render",
    type=click.Choice(["svg", "png", "pdf", "dot", "mermaid"]),
    help="Draw a picture too, to NET.svg and so on where there is no -o.",
)
@click.option(
    "-o", "--output", metavar="FILE", help="Where the picture goes, or else the table; `-`: standard output."
)
@click.option("--expand", is_flag=True, help="Draw each of several equal parts.")
@click.option(
    "--why", metavar="LABEL", help="Show the arithmetic of a layer or block instead: `--why layer1.0`."
)
@click.option("--no-aux", is_flag=True, help="Leave the auxiliary classifiers out.")
@variant
def compile_command(
    spec: str,
    depth: int | None,
    format: TableFormat,
    render: PictureFormat | None,
    output: str | None,
    expand: bool,
    why: str | None,
    no_aux: bool,
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
) -> None:
    """Compile a net and show what it is: a table of its parts, and with --render a picture.

    `--set` with several values, `--set alpha=0.25,0.5,1`, gives one line for each.
    """
    rows = read_settings(settings)
    opened = open_spec(spec)
    if len(rows) > 1:
        if render or why:
            raise Misused("a picture and `--why` are of one net, and `--set` gives several values")
        give(compare_rows(opened, rows, format, inputs, limits), output)
        return
    compiled = compile_or_stop(opened, rows[0], inputs, limits)
    facts = compiled.inference if no_aux else compiled.training
    if why is not None:
        give(explain_label(compiled, why), output)
        return
    if render is None:
        give(tabulate(facts, format, depth), output)
        return
    path = output or f"{compiled.name}.{SUFFIXES.get(render, render)}"
    if path != "-":
        give(tabulate(facts, format, depth))
    give(draw_as(facts, render, expand), path)
    if path != "-":
        say(f"wrote {path}")


def compare_rows(
    spec: Spec,
    rows: list[dict[str, Setting]],
    format: TableFormat,
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
) -> str:
    """A line for each of several settings."""
    from ..codegen.comparison import compare

    variants = []
    for row in rows:
        compiled = compile_or_stop(spec, row, inputs, limits)
        variants.append(({name: setting.text for name, setting in row.items()}, compiled.training))
    return compare(variants, format)


def explain_label(compiled: driver.Compiled, label: str) -> str:
    """The arithmetic of a part, with the lines that its numbers come from."""
    from ..codegen.why import explain, find, render

    found = find(compiled.training, label)
    if found is None:
        from ..compiler.suggestions import suggest

        help = suggest(label, compiled.training.parts.known())
        raise Unusable(f"`{compiled.name}` has no part `{label}`", help)
    return render(explain(*found))
