"""Facts of a net in, its summary as text or its picture as bytes out, for the command line and the API."""

from __future__ import annotations

from typing import Literal

from .compiler.facts import Facts
from .driver import quiet_machine
from .dsl.diagnostics import Unusable

TableFormat = Literal["table", "json", "csv", "markdown"]
PictureFormat = Literal["svg", "png", "pdf", "dot", "mermaid"]
SUFFIXES = {"mermaid": "mmd"}
"""Of the files of pictures, where it is not the format's name."""


def tabulate(facts: Facts, format: TableFormat, depth: int | None = None) -> str:
    """The table of a net (`facts` with its auxiliary heads); JSON has every layer, whatever the depth."""
    if format == "json":
        from .codegen.table_json import write_json

        return write_json(facts)
    from .codegen.table import summarise
    from .codegen.table_formats import write_csv, write_markdown, write_text

    write = {"table": write_text, "csv": write_csv, "markdown": write_markdown}[format]
    return write(summarise(facts, depth))


def draw_as(facts: Facts, format: PictureFormat, expand: bool = False) -> bytes:
    """The picture of a net. Raises `Unusable` where it is too large, or where no Graphviz can lay it out."""
    from .codegen.compose import draw
    from .codegen.picture import TooLarge

    try:
        with quiet_machine():
            picture = draw(facts.graph, facts.shapes, facts.costs, expand)
    except TooLarge as error:
        raise Unusable(error.message, error.help) from None
    if format == "mermaid":
        from .codegen.mermaid import write_mermaid

        return write_mermaid(picture).encode()
    from .codegen.dot import write_dot

    dot = write_dot(picture)
    if format == "dot":
        return dot.encode()
    from .codegen.layout import LayoutFailed, lay_out

    try:
        return lay_out(dot, format, picture.hints())
    except LayoutFailed as error:
        raise Unusable(error.message, error.help) from None
