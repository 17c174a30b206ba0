"""A row of pieces that is too long for its line in, out where to break it."""

from __future__ import annotations

from itertools import accumulate, pairwise

from .format_pieces import BROKEN, Braces, Bracket, Leaf, Piece, Row, begins_line

LIMIT = 110
LOOSEST_FIRST = (
    frozenset({"FOR"}),
    frozenset({"IF", "ELSE"}),
    frozenset({"OR"}),
    frozenset({"AND"}),
    frozenset({"EQUAL", "UNEQUAL", "LESS", "AT_MOST", "MORE", "AT_LEAST"}),
    frozenset({"PLUS", "MINUS"}),
    frozenset({"STAR", "SLASH", "PERCENT"}),  # a line that began with `//` would look like a comment
)
MOST_BRACKETS = 100
"""How many of one row are weighed against each other."""
Plan = list[tuple[Row, Braces | None]]
"""Parts of a row, each with the braces behind it that are to be written over several lines, or a line end."""


def find_arrows(row: Row) -> list[int]:
    """But for one that begins the row."""
    return [at for at, piece in enumerate(row) if at and isinstance(piece, Leaf) and piece.kind == "ARROW"]


def find_loosest(row: Row) -> list[int]:
    """The operators that bind the row the least, but for one that begins it."""
    for kinds in LOOSEST_FIRST:
        found = [
            at
            for at, piece in enumerate(row)
            if at and isinstance(piece, Leaf) and piece.kind in kinds and not is_sign(row, at)
        ]
        if found:
            return found
    return []


def is_sign(row: Row, at: int) -> bool:
    piece, after = row[at], row[at + 1]
    if not isinstance(piece, Leaf) or piece.kind != "MINUS":
        return False
    return not (after if isinstance(after, Leaf) else after.opener).space


def expand(row: Row, least: int) -> Plan:
    """With the braces of that width and more over several lines."""
    plan: Plan = []
    segment: Row = []
    before: Piece | None = None
    for piece in row:
        if isinstance(piece, Braces) and piece.width >= least and (piece.lines or piece.width >= BROKEN):
            plan.append((segment, piece))
            segment = []
        elif segment and before is not None and begins_line(before, piece):
            plan.append((segment, None))
            segment = [piece]
        else:
            segment.append(piece)
        before = piece
    return [*plan, (segment, None)]


def find_only(bracket: Bracket) -> Bracket | Braces | None:
    """The brackets that are all it holds, and open on its line: `sum([`, `share({`."""
    row = bracket.items[0].row if len(bracket.items) == 1 and bracket.comma != "tuple" else []
    match row:
        case [Bracket(items=[_, *_]) | Braces(lines=[_, *_]) as only]:
            return only
    return None


def choose_brackets(row: Row, column: int, indent: int, after: int) -> set[int]:
    """Those to write over several lines: those that must, and of what is too long between them the last
    that makes it fit, else the widest."""
    brackets = [at for at, piece in enumerate(row) if isinstance(piece, Bracket) and piece.items]
    broken = {at for at in brackets if width_at(row, at) >= BROKEN}
    if len(brackets) > MOST_BRACKETS:
        return broken
    ends = [0, *accumulate(0 if at in broken else extent(piece) for at, piece in enumerate(row))]

    def follow(start: int, end: int, begin: int, after: int) -> None:
        """Chooses in the part from `start` to `end`, which begins in column `begin`."""
        if begin + ends[end] - ends[start] + after <= LIMIT:
            return
        inside = [at for at in brackets if start <= at < end]
        fitting = [
            at
            for at in inside
            if begin + ends[at] - ends[start] + opening(row, at) <= LIMIT
            and indent + 1 + ends[end] - ends[at + 1] + after <= LIMIT
        ]
        if inside:
            choice = fitting[-1] if fitting else max(inside, key=lambda at: width_at(row, at))
            broken.add(choice)
            follow(start, choice, begin, opening(row, choice))
            follow(choice + 1, end, indent + 1, after)

    edges = [-1, *sorted(broken), len(row)]
    for start, end in pairwise(edges):
        begin = column if start < 0 else indent + 1
        follow(start + 1, end, begin, after if end == len(row) else opening(row, end))
    return broken


def extent(piece: Piece) -> int:
    """The width, comments left out."""
    return len(piece.space) + len(piece.text) if isinstance(piece, Leaf) else piece.width


def width_at(row: Row, at: int) -> int:
    return extent(row[at])


def opening(row: Row, at: int) -> int:
    """The width of the bracket that opens there."""
    piece = row[at]
    return len(piece.space) + 1 if isinstance(piece, Leaf) else len(piece.opener.space) + 1
