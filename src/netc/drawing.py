"""Facts of a net in, its summary as text or its picture as bytes out, for the command line and the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from .compiler.facts import Facts
from .files import Unusable

if TYPE_CHECKING:
    from .codegen.picture import Box, Cluster

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
        return lay_out(dot, format, dict(hints(picture.children)))
    except LayoutFailed as error:
        raise Unusable(error.message, error.help) from None


def hints(children: tuple[Box | Cluster, ...]) -> Iterator[tuple[str, str]]:
    """What a pointer over each box or cluster shows, by its id."""
    for child in children:
        if child.hint:
            yield child.id, child.hint
        yield from hints(getattr(child, "children", ()))
