"""A page of `docs/errors`, Markdown, in; what a person reads of it in a terminal out."""

from __future__ import annotations

import re
import textwrap

from .codes import CODES, GROUPS
from .report import BOLD, CYAN, PLAIN, RED, YELLOW

WIDTH = 100
INDENT = "    "
LINES = r"(?:\n(?!\n|- |```|#).+)*"
BLOCK = re.compile(
    r"^```\w+ ?(?P<file>.*)\n(?P<code>(?:.*\n)*?)```$"
    r"|^#+ (?P<heading>.+)$"
    rf"|^(?P<item>- .+{LINES})"
    rf"|^(?P<text>.+{LINES})",
    re.MULTILINE,
)
QUOTED = re.compile(r"`[^`]+`")
TITLE = re.compile(r"^(?P<title>(?P<severity>error|warning)\[[\w-]+\])(?P<rest>: .*)", re.MULTILINE)
COLOURS = {"error": RED, "warning": YELLOW}


def paint(colour: str, text: str) -> str:
    return f"{colour}{text}{PLAIN}"


def render(page: str, colour: bool = False) -> str:
    """The page without the marks of Markdown; programs and reports are indented."""
    return "\n\n".join(render_block(block, colour) for block in BLOCK.finditer(page)) + "\n"


def render_block(block: re.Match[str], colour: bool) -> str:
    if block["code"] is not None:
        return render_code(block["file"], block["code"], colour)
    if block["heading"] is not None:
        heading = block["heading"]
        line = f": {CODES[heading]}" if heading in CODES else "\n" + "-" * len(heading)
        return (paint(BOLD, heading) if colour else heading) + line
    text = fill(block["item"] or block["text"], "  " if block["item"] else "")
    return QUOTED.sub(lambda quoted: paint(CYAN, quoted[0]), text) if colour else text


def fill(text: str, indent: str) -> str:
    """In lines of the page's width; what stands in backquotes is not broken."""
    words = QUOTED.sub(lambda quoted: quoted[0].replace(" ", "\0"), " ".join(text.split()))
    lines = textwrap.wrap(
        words, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
    return "\n".join(lines).replace("\0", " ")


def render_code(file: str, code: str, colour: bool) -> str:
    text = code.rstrip("\n")
    if colour:
        text = TITLE.sub(
            lambda line: paint(COLOURS[line["severity"]], line["title"]) + paint(BOLD, line["rest"]), text
        )
    text = textwrap.indent(text, INDENT)
    return f"{file}:\n\n{text}" if file else text


def overview(colour: bool = False) -> str:
    """All codes with their lines, group by group."""
    width = max(map(len, CODES))
    parts = []
    for title, codes in GROUPS.items():
        lines = [paint(BOLD, title) if colour else title]
        for code, meaning in codes.items():
            padded = code.ljust(width)
            lines.append(f"  {paint(CYAN, padded) if colour else padded}  {meaning}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
