"""A `Picture` in, a Mermaid flowchart out, for Markdown that draws it (GitHub, GitLab, notebooks).

Labels stand in quotes, with every character that Mermaid, Markdown or HTML could read as its own
written as an entity code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from .dot import FILL_AND_BORDER, INK, SKIP
from .picture import Box, Cluster, Edge, Picture

PLAIN = frozenset(" ,.()/=_-+·–…")
"""Characters beside letters and digits that mean nothing in a label; so does a colon before a space, but not
any other (`fa:fa-car` is an icon)."""


def write_mermaid(picture: Picture) -> str:
    """The picture as a flowchart. The same picture gives the same text."""
    title = json.dumps(f"{picture.name}: {picture.facts}", ensure_ascii=False)
    lines = ["---", f"title: {title}", "---", "flowchart TB"]
    lines += children_lines(picture.children, 1)
    lines += [edge_line(edge) for edge in picture.edges]
    skips = [str(number) for number, edge in enumerate(picture.edges) if edge.kind == "skip"]
    if skips:
        lines.append(f"    linkStyle {','.join(skips)} stroke:{SKIP},stroke-width:2px")
    for family in sorted({box.family for box in picture.boxes()}):
        fill, border = FILL_AND_BORDER[family]
        lines.append(f"    classDef {family} fill:{fill},stroke:{border},color:{INK}")
    return "\n".join(lines) + "\n"


def children_lines(children: tuple[Box | Cluster, ...], depth: int) -> Iterator[str]:
    indent = "    " * depth
    for child in children:
        if isinstance(child, Box):
            text = quote("\n".join(child.lines))
            yield f"{indent}{child.id}({text}):::{child.family}"
        else:
            yield f"{indent}subgraph {child.id}[{quote(child.title)}]"
            yield from children_lines(child.children, depth + 1)
            yield f"{indent}end"


def edge_line(edge: Edge) -> str:
    arrow = "-.->" if edge.kind == "like" else "-->"
    label = f"|{quote(edge.label)}|" if edge.label else ""
    return f"    {edge.source} {arrow}{label} {edge.target}"


def quote(text: str) -> str:
    """A quoted label: letters and digits as they are, line ends as breaks, all else as `#code;`."""
    return '"' + "".join(map(quote_character, text)).replace("#58; ", ": ") + '"'


def quote_character(character: str) -> str:
    if character == "\n":
        return "<br/>"
    if character in PLAIN or character.isalnum():
        return character
    return f"#{ord(character)};"
