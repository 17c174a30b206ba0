"""The pieces of a file: brackets, statements and comments, down to tokens; what they take on one line.

It is a concrete tree. Nothing of the text is left out of it but line ends, semicolons, and the commas that
end a list. `width` is what a piece takes on one line, the space before it included, or `BROKEN` and more
where it cannot stand on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from msgspec import Struct

BROKEN = 10**9


class Comment(Struct, frozen=True):
    text: str
    blank: bool = False
    """Whether a blank line stands above it."""


class Leaf(Struct):
    """A token. Comments stand in lines above it, and at the end of its line."""

    kind: str
    text: str
    space: str
    new_line: bool = False
    """Whether it began a line as it was written; of a chain only the first `->` is asked, and in brackets
    none."""
    above: list[Comment] = []
    beside: str = ""


class Item(Struct):
    """What stands between the commas of brackets."""

    row: Row = []
    width: int = 0
    above: list[Comment] = []
    beside: str = ""


class Bracket(Struct):
    """`( )` or `[ ]`. A comma behind the last item makes a `tuple`, or it `may` stand, or `never`."""

    opener: Leaf
    closer: Leaf
    items: list[Item]
    comma: Literal["tuple", "maybe", "never"] = "maybe"
    expanded: bool = False
    """It is a table, and was written over several lines."""
    width: int = 0


class Line(Struct):
    """Statements that were written on one line, with the comments above and beside them."""

    above: list[Comment]
    blank: bool
    """Whether a blank line stands between those above and the statements, or, without them, above these."""
    statements: list[Row] = []
    beside: str = ""
    ended: bool = False


class Braces(Struct):
    """`{ }`, or the whole file. `expanded`: it was written over several lines."""

    opener: Leaf
    closer: Leaf
    lines: list[Line] = []
    expanded: bool = False
    width: int = 0


Piece = Leaf | Bracket | Braces
Row = list[Piece]


def head_of(row: Row) -> Leaf:
    """The first token."""
    return row[0] if isinstance(row[0], Leaf) else row[0].opener


def lift_comment(row: Row) -> str:
    """Takes the comment beside the last token away from it."""
    if not row:
        return ""
    last = row[-1] if isinstance(row[-1], Leaf) else row[-1].closer
    comment, last.beside = last.beside, ""
    return comment


# --- on one line ---------------------------------------------------------------------------------


def flat(row: Row) -> str:
    return "".join(write_flat(row)).lstrip(" ")


def flat_items(bracket: Bracket) -> str:
    return ", ".join(flat(item.row) for item in bracket.items) + ("," if bracket.comma == "tuple" else "")


def write_flat(row: Row) -> Iterator[str]:
    for piece in row:
        if isinstance(piece, Leaf):
            yield piece.space
            yield piece.text
            continue
        yield piece.opener.space
        yield piece.opener.text
        if isinstance(piece, Bracket):
            yield flat_items(piece)
        else:
            for line in piece.lines:
                for number, statement in enumerate(line.statements):
                    yield "; " if number else " "
                    yield from write_flat(statement)
            yield " "
        yield piece.closer.text


# --- widths --------------------------------------------------------------------------------------


def width_of(piece: Piece) -> int:
    if isinstance(piece, Leaf):
        return BROKEN if piece.above or "\n" in piece.text else len(piece.space) + len(piece.text)
    return piece.width


def measure(row: Row) -> int:
    width = sum(map(width_of, row))
    for before, piece in pairwise(row):
        if (before if isinstance(before, Leaf) else before.closer).beside or is_break(before, piece):
            width += BROKEN
    return width


def is_break(before: Piece, piece: Piece) -> bool:
    """Whether a line that was ended there stays so."""
    if isinstance(piece, Leaf) and piece.kind == "ARROW":
        return piece.new_line and not isinstance(before, Braces)
    return begins_line(before, piece)


def begins_line(before: Piece, piece: Piece) -> bool:
    """An `else` that was written so, below braces on one line."""
    return isinstance(piece, Leaf) and piece.kind == "ELSE" and piece.new_line and isinstance(before, Braces)


def measure_bracket(bracket: Bracket) -> int:
    if bracket.expanded or bracket.opener.above or has_comments(bracket):
        return BROKEN
    return len(bracket.opener.space) + 2 + measure_items(bracket)


def measure_items(bracket: Bracket) -> int:
    commas = 2 * max(len(bracket.items) - 1, 0) + (bracket.comma == "tuple")
    return sum(item.width for item in bracket.items) + commas


def is_table(bracket: Bracket) -> bool:
    """A list of several lists, its rows."""
    return bracket.opener.kind == "LSQB" and len(bracket.items) > 1 and all(map(is_list, bracket.items))


def is_list(item: Item) -> bool:
    match item.row:
        case [Bracket(opener=Leaf(kind="LSQB"), items=[_, *_])]:
            return True
    return False


def has_comments(bracket: Bracket) -> bool:
    """Behind its opening bracket, before its closing one, or at its items, though not in these."""
    if bracket.opener.beside or bracket.closer.above:
        return True
    return any(item.above or item.beside for item in bracket.items)


def measure_braces(braces: Braces) -> int:
    lines = braces.lines
    if braces.expanded or braces.opener.beside or braces.closer.above or braces.opener.above:
        return BROKEN
    if not lines:
        return len(braces.opener.space) + 3
    if lines[0].above or lines[0].beside:
        return BROKEN
    return len(braces.opener.space) + 2 + measure_line(lines[0]) + 2


def measure_line(line: Line) -> int:
    return sum(measure(statement) + 2 for statement in line.statements) - 2
