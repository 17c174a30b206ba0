"""The tokens of a file and the text between them in, a tree of its pieces out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from .brackets import CLOSERS, OPENERS
from .format_pieces import (
    Braces,
    Bracket,
    Comment,
    Item,
    Leaf,
    Line,
    Row,
    head_of,
    is_table,
    lift_comment,
    measure,
    measure_braces,
    measure_bracket,
)
from .format_spacing import Spacing
from .lalr import Token

GAP = re.compile(r"#[^\n]*|[\n;]")
NO_SPACE = re.compile(r"[ !#]")
"""What may follow the `#` of a comment at once."""


class Gap(Struct):
    """What stands between two tokens."""

    above: list[Comment] = []
    beside: str = ""
    ends: bool = False
    """A line, or a statement."""
    new_line: bool = False
    blank: bool = False


NOTHING = Gap()


def read_gap(text: str, first: bool = False) -> Gap:
    """`first`: nothing stands before it."""
    if not text or (text.isspace() and "\n" not in text):
        return NOTHING
    gap = Gap()
    line_ends = 1 if first else 0
    begun = first
    for found in GAP.finditer(text):
        mark = found[0]
        if mark == "\n":
            line_ends += 1
            gap.new_line = gap.ends = True
        elif mark == ";":
            gap.ends = True
            line_ends = min(line_ends, 1)
        elif not gap.new_line and not begun:
            gap.beside = tidy(mark)
        else:
            gap.above.append(Comment(tidy(mark), line_ends > 1))
            line_ends = 0
    gap.blank = line_ends > 1
    return gap


def tidy(comment: str) -> str:
    comment = comment.rstrip(" \t\r\f")
    return comment if len(comment) == 1 or NO_SPACE.match(comment, 1) else f"# {comment[1:]}"


def read_pieces(text: str, tokens: Sequence[Token], spacing: Spacing) -> Braces:
    """The whole file as one body. `tokens` have no line ends."""
    reader = Reader(text, spacing)
    end = 0
    for index, token in enumerate(tokens):
        reader.read(index, token, read_gap(text[end : token.start], index == 0))
        end = token.end
    return reader.finish(read_gap(text[end:], not tokens))


class Reader:
    """Holds what is open: braces with their lines, brackets with their items."""

    def __init__(self, text: str, spacing: Spacing) -> None:
        self.text, self.spacing = text, spacing
        edge = Leaf("", "", "")
        self.inside: Braces | Bracket = Braces(edge, edge)
        self.outside: list[tuple[Braces | Bracket, Row]] = []
        self.row: Row = []
        self.last = edge
        self.comments: list[Comment] = []
        """Those that wait for what they stand above."""

    def read(self, index: int, token: Token, gap: Gap) -> None:
        kind = token.kind
        self.take_comments(gap)
        if isinstance(self.inside, Braces) and gap.ends and kind not in ("ARROW", "ELSE"):
            self.end_statement(gap.new_line)
        leaf = Leaf(kind, self.text[token.start : token.end], self.space_before(index, kind), gap.new_line)
        if kind == "ARROW":
            leaf.new_line &= isinstance(self.inside, Braces) and not has(self.row, kind)
        if kind in CLOSERS:
            leaf.above, self.comments = self.comments, []
            self.close(leaf)
        elif kind == "COMMA" and isinstance(self.inside, Bracket) and not has(self.row, "FOR"):
            self.end_item(self.inside)
            self.inside.items.append(Item())
        else:
            self.begin(leaf, gap.blank)
            if kind in OPENERS:
                self.outside.append((self.inside, self.row))
                self.inside, self.row = self.opened(index, leaf), []
            else:
                self.row.append(leaf)
        self.last = leaf

    def finish(self, gap: Gap) -> Braces:
        self.take_comments(gap)
        whole = self.inside
        assert isinstance(whole, Braces)
        self.end_statement(True)
        whole.closer = Leaf("", "", "", above=self.comments)
        return whole

    def take_comments(self, gap: Gap) -> None:
        if gap.beside:
            if self.last.kind != "COMMA" or isinstance(self.inside, Braces):
                self.last.beside = gap.beside
            elif self.comments or self.inside.items[-2].beside:
                self.comments.append(Comment(gap.beside))
            else:
                self.inside.items[-2].beside = gap.beside
        self.comments += gap.above

    def begin(self, leaf: Leaf, blank: bool) -> None:
        """`leaf` is the next of a row, which may begin with it."""
        comments, self.comments = self.comments, []
        if self.row:
            leaf.above = comments
            return
        leaf.space = ""
        if isinstance(self.inside, Bracket):
            self.inside.items[-1].above = comments
            return
        if not self.inside.lines or self.inside.lines[-1].ended:
            self.inside.lines.append(Line(above=comments, blank=blank))
        self.inside.expanded |= len(self.inside.lines) > 1 or leaf.new_line

    def opened(self, index: int, leaf: Leaf) -> Braces | Bracket:
        if leaf.kind == "LBRACE":
            return Braces(leaf, leaf)
        close = index in self.spacing.openings or index in self.spacing.lists_of_names
        return Bracket(leaf, leaf, [Item()], comma="maybe" if close or leaf.kind == "LSQB" else "tuple")

    def close(self, leaf: Leaf) -> None:
        closed = self.inside
        if isinstance(closed, Braces):
            self.end_statement(True)
            closed.expanded |= bool(closed.lines) and leaf.new_line
        else:
            self.end_item(closed)
            if not closed.items[-1].row:
                closed.items.pop()
            elif len(closed.items) > 1:
                closed.comma = "maybe"
            elif closed.comma == "tuple" or has(closed.items[0].row, "FOR"):
                closed.comma = "never"
            closed.expanded = is_table(closed) and head_of(closed.items[0].row).new_line
        closed.closer = leaf
        self.inside, self.row = self.outside.pop()
        closed.width = measure_braces(closed) if isinstance(closed, Braces) else measure_bracket(closed)
        self.row.append(closed)

    def end_item(self, inside: Bracket) -> None:
        item = inside.items[-1]
        item.row, self.row = self.row, []
        item.beside = lift_comment(item.row)
        item.width = measure(item.row)

    def end_statement(self, line_too: bool) -> None:
        assert isinstance(self.inside, Braces)
        if self.row:
            line = self.inside.lines[-1]
            line.beside = lift_comment(self.row)
            line.statements.append(self.row)
            self.row = []
        if line_too and self.inside.lines:
            self.inside.lines[-1].ended = True

    def space_before(self, index: int, kind: str) -> str:
        """As it stands on one line behind the last token."""
        last, spacing = self.last.kind, self.spacing
        if last in ("LPAR", "LSQB", "DOT", "ELLIPSIS", "") or kind in ("RPAR", "RSQB", "COMMA", "DOT"):
            return ""
        if kind == "COLON" or (last == "COLON" and self.in_brackets("LSQB")):
            return ""
        if (kind == "ASSIGN" or last == "ASSIGN") and self.in_brackets("LPAR"):
            return ""
        if index in spacing.openings and kind in ("LPAR", "LSQB"):
            return ""
        close = index in spacing.tight or index - 1 in spacing.tight or index - 1 in spacing.signs
        return "" if close else " "

    def in_brackets(self, kind: str) -> bool:
        return isinstance(self.inside, Bracket) and self.inside.opener.kind == kind


def has(row: Row, kind: str) -> bool:
    return any(isinstance(piece, Leaf) and piece.kind == kind for piece in row)
