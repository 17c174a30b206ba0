"""The statements of one line in, out the cells that may be aligned with those of its neighbours.

Each cell has a key: only columns of one key are aligned.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct

from .format_pieces import BROKEN, Bracket, Leaf, Row, flat, measure

CLAIMS = frozenset({"EQUAL", "ABOUT", "AT_MOST", "DENIED"})
NO_OPERAND = frozenset({"OR", "AND", "NOT", "IN", "IF", "ELSE", "COLON", "COMMA", "ASSIGN", "ARROW"})

Cells = tuple[list[str], tuple[str, ...]]


class TextLine(Struct):
    """`cells` are joined by a space, or aligned with those of neighbouring lines that have the same `keys`.
    Without cells it is a comment."""

    indent: int
    blank: bool = False
    """Whether a blank line stands above."""
    cells: list[str] = []
    keys: tuple[str, ...] = ()
    source: str = ""
    comment: str = ""


def read_cells(rows: list[Row], section: str) -> Cells:
    """Two columns at least, or one that is aligned with nothing."""
    if len(rows) > 1:
        return [f"{flat(rows[0])};", "; ".join(map(flat, rows[1:]))], ("statement", "others")
    row = rows[0]
    if section == "claims":
        return read_claims(row)
    if section == "file" and len(row) > 3 and kind_of(row, 0) == "NET" and kind_of(row, 2) == "ASSIGN":
        return [flat(row[:2]), flat(row[2:])], ("net", "value")
    return [flat(row)], ()


def read_entries(row: Row) -> Cells:
    """Those of a list, which is a row of a table."""
    entries = [f"{flat(item.row)}," for list_ in row if isinstance(list_, Bracket) for item in list_.items]
    entries[0] = f"[{entries[0]}"
    entries[-1] = f"{entries[-1][:-1]}],"
    return entries, ("entry",) * len(entries)


def read_claims(row: Row) -> Cells:
    """`label: claim, claim`, or a claim with its two sides apart."""
    if is_reported(row):
        return [flat(row)], ()
    colon = find_colon(row)
    claims: list[Row] = [[]]
    for at in range(colon + 1, len(row)):
        claims[-1].append(row[at])
        if kind_of(row, at) == "COMMA":
            claims.append([])
    cells, keys = list(map(flat, claims)), tuple(map(quantity, claims))
    if colon >= 0:
        return [flat(row[: colon + 1]), *cells], ("row", *keys)
    at = find_operator(row)
    if len(claims) == 1 and at > 0:
        return [flat(row[:at]), flat(row[at:])], ("claim", "printed")
    return cells, keys


def split_claims(row: Row, room: int) -> list[Row]:
    """A row that is wider than that as several, which repeat its label; but not the comments in it."""
    if measure(row) >= BROKEN:
        return [row]
    start = find_colon(row) + 1
    commas = [at for at in range(start, len(row)) if kind_of(row, at) == "COMMA"]
    rows: list[Row] = []
    for before, after in pairwise([start - 1, *commas, len(row)]):
        claim = row[before + 1 : after]
        longer = [*rows[-1], row[before], *claim] if rows else [*row[:start], *claim]
        if not rows or measure(split_source(longer)[0]) <= room:
            rows[-1:] = [longer]
        else:
            rows.append([*row[:start], *claim])
    return rows


def quantity(claim: Row) -> str:
    return flat(claim[: max(find_operator(claim), 0)])


def find_colon(row: Row) -> int:
    """Behind the label of a row; -1 where it has none."""
    return next((at for at in range(len(row)) if kind_of(row, at) == "COLON"), -1)


def find_operator(claim: Row) -> int:
    return next((at for at in range(len(claim)) if kind_of(claim, at) in CLAIMS), -1)


def split_source(row: Row) -> tuple[Row, str]:
    """A row of claims without the source that ends it, and that."""
    last = row[-1]
    if not isinstance(last, Leaf) or last.kind != "STRING" or last.above or len(row) < 3:
        return row, ""
    before = row[-2]
    if is_reported(row) and len(row) < 4:
        return row, ""
    if isinstance(before, Leaf) and (before.kind in CLAIMS | NO_OPERAND or before.beside or is_mark(before)):
        return row, ""
    return row[:-1], last.text


def is_reported(row: Row) -> bool:
    return (
        kind_of(row, 0) == "REPORTED" and len(row) > 2 and kind_of(row, 1) not in {"COLON", "COMMA", *CLAIMS}
    )


def is_mark(leaf: Leaf) -> bool:
    """Whether it is an operator, after which a string is an operand."""
    return not (leaf.text[-1].isalnum() or leaf.text[-1] in '_"')


def kind_of(row: Row, at: int) -> str:
    piece = row[at] if at < len(row) else None
    return piece.kind if isinstance(piece, Leaf) else ""
