"""The pieces of a file in, lines of text out.

A statement stands on one line where it fits. Else its braces are written over several lines; else a chain
is broken before each `->`; else brackets are, and inside them expressions too, before their loosest
operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .format_breaks import LIMIT, Plan, choose_brackets, expand, extent, find_arrows, find_loosest, find_only
from .format_cells import TextLine, read_cells, read_entries, split_claims, split_source
from .format_pieces import (
    BROKEN,
    Braces,
    Bracket,
    Comment,
    Item,
    Leaf,
    Line,
    Row,
    flat,
    flat_items,
    has_comments,
    head_of,
    is_table,
    lift_comment,
    measure,
    measure_items,
)
from .format_writer import Writer

INDENT = 4
SHORT = 24
"""Items of a list that are no longer may stand several to a line."""


def lay_out_pieces(whole: Braces) -> list[TextLine]:
    """`whole` is the file as one body."""
    layout = Layout()
    apart = False
    for number, line in enumerate(items_of(whole)):
        first = len(layout.lines)
        own = layout.put_line(line, 0, "file")
        several = len(layout.lines) > own + 1 or "\n" in layout.lines[own].cells[0]
        layout.lines[first].blank = number > 0 and (layout.lines[first].blank or several or apart)
        apart = several
    layout.put_closing(whole, 0, apart)
    return layout.lines


def items_of(whole: Braces) -> Iterator[Line]:
    """Each on a line of its own."""
    for line in whole.lines:
        *others, last = line.statements
        above, blank = line.above, line.blank
        for row in others:
            yield Line(above, blank, [row])
            above, blank = [], False
        yield Line(above, blank, [last], line.beside)


class Layout(Writer):
    inner = ""
    """What the lines in the braces of this item are: `claims`, or statements (empty)."""

    # --- lines ---

    def put_line(self, line: Line, indent: int, section: str, apart: bool = False) -> int:
        """With what stands above it; gives the number of the first line after that. `apart`: its statements
        stand on lines of their own."""
        self.put_comments(line.above, indent)
        self.begin(indent)
        self.line.blank = line.blank
        own = len(self.lines)
        rows = line.statements
        last, source = split_source(rows[-1]) if section == "claims" else (rows[-1], "")
        one_line = [*rows[:-1], last]
        if not apart and indent + sum(measure(row) + 2 for row in one_line) - 2 <= LIMIT:
            self.line.cells, self.line.keys = read_cells(one_line, section)
            self.line.source = source
        else:
            for number, row in enumerate(rows):
                if number:
                    self.begin(indent)
                if section == "file":
                    self.inner = "claims" if head_of(row).kind == "EXPECT" else ""
                self.put_alone(row, indent, section)
        self.put_comment(line.beside, indent)
        self.end()
        return own

    def put_alone(self, row: Row, indent: int, section: str) -> None:
        if section != "claims":
            self.put_cells(row, indent, section)
            return
        for number, part in enumerate(split_claims(row, LIMIT - indent)):
            if number:
                self.begin(indent)
            part, source = split_source(part)
            self.put_cells(part, indent, section)
            self.line.source = source

    def put_cells(self, row: Row, indent: int, section: str) -> None:
        """On one line, where it fits."""
        if indent + measure(row) <= LIMIT:
            self.line.cells, self.line.keys = read_cells([row], section)
        else:
            self.put_row(row, indent)

    def put_closing(self, braces: Braces, indent: int, apart: bool) -> None:
        """The comments below the last statement."""
        first = len(self.lines)
        self.put_comments(braces.closer.above, indent)
        self.end()
        if len(self.lines) > first:
            self.lines[first].blank = bool(braces.lines) and (self.lines[first].blank or apart)

    # --- rows ---

    def put_row(self, row: Row, indent: int, after: int = 0, inside: int | None = None) -> None:
        """`after`: the width of what follows on the same line. `inside` brackets, where a line may end
        anywhere, it is by how much further lines are indented."""
        if self.fits(row, after):
            self.put_flat(row)
            return
        arrows = find_arrows(row)
        if any(isinstance(piece, Braces) and piece.lines for piece in row):
            plan = self.plan_braces(row, indent, after)
            if plan or not arrows:
                self.put_expanded(plan or expand(row, 0), indent, after)
                return
        cuts = arrows
        if inside is not None and not arrows and self.place() + sum(map(extent, row)) + after > LIMIT:
            cuts = find_loosest(row)
        if not cuts:
            self.put_brackets(row, indent, after)
            return
        step = indent + (INDENT if inside is None else inside)
        for start, end in pairwise([0, *cuts, len(row)]):
            if start:
                self.begin(step)
            part = row[start:end]
            comment = lift_comment(part)
            self.put_row(part, step if start else indent, after if end == len(row) else 0, inside)
            self.put_comment(comment, step)

    def plan_braces(self, row: Row, indent: int, after: int) -> Plan:
        """Which braces to write over several lines, so that all else fits: those that must, or all; empty
        where that is not enough."""
        for least in (BROKEN, 0):
            plan = expand(row, least)
            column = self.place()
            before = None
            for segment, braces in plan:
                column += measure(segment) + (after if braces is None else len(braces.opener.space) + 1)
                if segment and head_of(segment).kind == "ELSE":
                    column -= BROKEN if head_of(segment).above else 0  # an `else` may begin a line
                elif before is not None and before.closer.beside:
                    break
                if column > LIMIT:
                    break
                column, before = indent + 1, braces
            else:
                return plan
        return []

    def put_expanded(self, plan: Plan, indent: int, after: int) -> None:
        for number, (segment, braces) in enumerate(plan):
            if number and (plan[number - 1][1] is None or (segment and head_of(segment).above)):
                self.begin(indent)  # an `else` below braces on one line, or below a comment
            if segment:
                self.put_brackets(segment, indent, after if braces is None else 2)
            if braces is not None:
                self.put_braces(braces, indent)

    def put_braces(self, braces: Braces, indent: int) -> None:
        """Over several lines."""
        self.put_leaf(braces.opener, indent)
        inner = indent + INDENT
        self.end()
        first = len(self.lines)
        for line in braces.lines:
            self.put_line(line, inner, self.inner, apart=not braces.expanded)
        self.put_closing(braces, inner, False)
        if len(self.lines) > first:
            self.lines[first].blank = False
        self.begin(indent)
        self.put_closer(braces.closer, indent)

    def put_brackets(self, row: Row, indent: int, after: int) -> None:
        """With as few brackets as possible over several lines."""
        broken = choose_brackets(row, self.place(), indent, after)
        for at, piece in enumerate(row):
            if isinstance(piece, Leaf):
                self.put_leaf(piece, indent + INDENT)
            elif piece.width < BROKEN and at not in broken:
                self.put(piece.opener.space + flat([piece]))
                self.put_comment(piece.closer.beside, indent + INDENT)
            elif isinstance(piece, Braces):
                self.put_braces(piece, indent)
            else:
                self.put_bracket(piece, indent)

    def put_bracket(self, bracket: Bracket, indent: int) -> None:
        """Over several lines."""
        self.put_leaf(bracket.opener, indent)
        inner = indent + INDENT
        plain = not has_comments(bracket)
        only = find_only(bracket) if plain else None
        if isinstance(only, Bracket):
            self.put_bracket(only, indent)
        elif isinstance(only, Braces):
            self.put_braces(only, indent)
        else:
            content = flat_items(bracket) if plain and measure_items(bracket) < BROKEN else None
            if is_table(bracket):
                self.put_items(bracket, inner)
            elif content is not None and inner + len(content) <= LIMIT:
                self.begin(inner)
                self.put(content)
            elif plain and bracket.opener.kind == "LSQB" and all(i.width <= SHORT for i in bracket.items):
                self.fill(bracket.items, inner)
            else:
                self.put_items(bracket, inner)
            self.begin(indent)
        self.put_closer(bracket.closer, indent)

    def fill(self, items: list[Item], indent: int) -> None:
        """As many to a line as fit."""
        self.begin(indent)
        for item in items:
            if self.parts and self.column + 1 + item.width + 1 > LIMIT:
                self.begin(indent)
            self.put(f" {flat(item.row)},")

    def put_items(self, bracket: Bracket, indent: int) -> None:
        """Each on its own line, the entries of a table's rows in columns."""
        comma = len(bracket.items) > 1 or bracket.comma != "never"
        table = is_table(bracket)
        for item in bracket.items:
            self.put_comments((Comment(comment.text) for comment in item.above), indent)
            self.begin(indent)
            if table and indent + item.width < LIMIT:
                self.line.cells, self.line.keys = read_entries(item.row)
            else:
                self.put_row(item.row, indent, int(comma), inside=INDENT if len(bracket.items) > 1 else 0)
                if comma:
                    self.put(",")
            self.put_comment(item.beside, indent)
        self.put_comments((Comment(comment.text) for comment in bracket.closer.above), indent)
