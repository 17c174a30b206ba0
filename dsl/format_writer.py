"""Texts in, one after the other, lines out."""

from __future__ import annotations

from collections.abc import Iterable

from .format_breaks import LIMIT
from .format_cells import TextLine
from .format_pieces import Comment, Leaf, Row, flat, head_of, measure


class Writer:
    """`due` is the indentation of the line that must begin, since a comment ended the last one."""

    def __init__(self) -> None:
        self.lines: list[TextLine] = []
        self.line = TextLine(0)
        self.parts: list[str] = []
        self.column = 0
        self.due: int | None = None

    def begin(self, indent: int) -> None:
        """A new line; the last one is complete."""
        self.end()
        self.line = TextLine(indent)
        self.column = indent

    def end(self) -> None:
        self.due = None
        if self.parts:
            self.line.cells = ["".join(self.parts)]
            self.parts = []
        if self.line.cells or self.line.comment:
            self.lines.append(self.line)
            self.line = TextLine(self.line.indent)

    def put(self, text: str) -> None:
        if self.due is not None:
            self.begin(self.due)
        if not self.parts:
            text = text.lstrip(" ")
        self.parts.append(text)
        self.column += len(text)

    def put_comment(self, text: str, indent: int) -> None:
        """At the end of the line; the next begins at `indent`."""
        if text:
            self.line.comment = text
            self.due = indent

    def put_comments(self, comments: Iterable[Comment], indent: int) -> None:
        """In lines of their own."""
        for comment in comments:
            self.begin(indent)
            self.line.comment, self.line.blank = comment.text, comment.blank

    def put_leaf(self, leaf: Leaf, indent: int) -> None:
        """`indent` is that of a line which its comments make necessary."""
        if leaf.above:
            at = indent if self.parts else self.line.indent
            self.put_comments([Comment(comment.text) for comment in leaf.above], at)
            self.begin(at)
        self.put(leaf.space + leaf.text)
        self.put_comment(leaf.beside, indent)

    def put_closer(self, closer: Leaf, indent: int) -> None:
        self.put(closer.text)
        self.put_comment(closer.beside, indent)

    def put_flat(self, row: Row) -> None:
        self.put(head_of(row).space + flat(row))

    def fits(self, row: Row, after: int) -> bool:
        width = measure(row) + after
        if not self.parts or self.due is not None:
            width -= len(head_of(row).space)
        return self.place() + width <= LIMIT

    def place(self) -> int:
        """The column at which what follows begins."""
        return self.column if self.due is None else self.due
