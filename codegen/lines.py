"""Pieces of Python in, lines no longer than a formatter would leave them out.

A *piece* is text that is never broken, or brackets with pieces in them. The forms are those of `ruff format`:
on one line if it fits; else what stands in the brackets on a line of its own; else each on its own, with a
comma.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

WIDTH = 88
"""The formatter's own default: the generated module lives in somebody's project."""
STEP = "    "


class Brackets(Struct, frozen=True):
    """`head(items)`; `brackets` are `()` or `[]`."""

    head: str
    items: tuple[Piece, ...]
    brackets: str = "()"

    def __str__(self) -> str:
        return f"{self.head}{self.brackets[0]}{', '.join(map(str, self.items))}{self.brackets[1]}"


class Prefixed(Struct, frozen=True):
    """`*piece`, `name=piece`."""

    prefix: str
    piece: Piece

    def __str__(self) -> str:
        return f"{self.prefix}{self.piece}"


class Generator(Struct, frozen=True):
    """`element for i in range(n)`, which stands alone in its brackets."""

    element: Piece
    clause: str

    def __str__(self) -> str:
        return f"{self.element} {self.clause}"


class Infix(Struct, frozen=True):
    """`a + b + c`."""

    operator: str
    items: tuple[str, ...]

    def __str__(self) -> str:
        return f" {self.operator} ".join(self.items)


class Grouped(Struct, frozen=True):
    """`(a + b + c) / 3`"""

    infix: Infix
    after: str

    def __str__(self) -> str:
        return f"({self.infix}){self.after}"


Piece = str | Brackets | Prefixed | Generator | Infix | Grouped


def fits(text: str, indent: int) -> bool:
    return len(text) + indent * len(STEP) <= WIDTH


def lay_out(piece: Piece, indent: int, before: str = "", after: str = "") -> list[str]:
    """The lines of `before piece after` at a depth of `indent`."""
    margin = STEP * indent
    whole = f"{before}{piece}{after}"
    if isinstance(piece, str) or fits(whole, indent):
        return [margin + whole]
    if isinstance(piece, Prefixed):
        return lay_out(piece.piece, indent, before + piece.prefix, after)
    if isinstance(piece, Infix):
        return _break_infix(piece, indent, before, after)
    if isinstance(piece, Grouped):
        inner = _break_infix(piece.infix, indent + 1, "", "")
        return [f"{margin}{before}(", *inner, f"{margin}){piece.after}{after}"]
    if isinstance(piece, Generator):
        return [*lay_out(piece.element, indent, before), f"{margin}{piece.clause}{after}"]
    if not piece.items:
        return [margin + whole]
    first = f"{margin}{before}{piece.head}{piece.brackets[0]}"
    last = f"{margin}{piece.brackets[1]}{after}"
    return [first, *_inside(piece.items, indent + 1, is_call=bool(piece.head)), last]


def _break_infix(piece: Infix, indent: int, before: str, after: str) -> list[str]:
    """All on one line, else an operand a line; in brackets of its own, unless it stands in some."""
    depth = indent + bool(before)
    first, *rest = piece.items
    lines = [STEP * depth + first, *(f"{STEP * depth}{piece.operator} {item}" for item in rest)]
    if before and fits(str(piece), depth):
        lines = [f"{STEP * depth}{piece}"]
    if before:
        return [f"{STEP * indent}{before}(", *lines, f"{STEP * indent}){after}"]
    return [*lines[:-1], lines[-1] + after]


def _inside(items: Sequence[Piece], indent: int, is_call: bool) -> list[str]:
    """What stands in brackets that were opened: of a call on one line if it fits, of a list never."""
    together = ", ".join(map(str, items))
    if isinstance(items[0], Generator):
        return lay_out(items[0], indent)
    if is_call and fits(together, indent):
        return [STEP * indent + together]
    lines: list[str] = []
    for item in items:
        lines.extend(lay_out(item, indent, after=","))
    return lines


def comment(lines: list[str], text: str) -> list[str]:
    """`text` as a comment at the end of a statement, where there is room for it."""
    if not text or len(lines[-1]) + len(text) + 4 > WIDTH:
        return lines
    return [*lines[:-1], f"{lines[-1]}  # {text}"]
