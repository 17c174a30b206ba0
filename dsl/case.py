"""Tokens and the one that the grammar has no use for in, what is known about that place out."""

from __future__ import annotations

from collections.abc import Sequence

from .brackets import CLOSERS, OPENERS, WRITTEN, statement_start
from .lalr import Token
from .slip import Edits, Slip, quote

VALUE_STARTS = frozenset(
    {"NAME", "NUMBER", "DIMS", "STRING", "TRUE", "FALSE", "NONE", "LPAR", "LSQB", "LBRACE"}
)
HEADS = frozenset({"IF", "FOR", "BLOCK", "NET", "EXPECT", "TRAIN"})
NAMES = {
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "ASSIGN": "`=`",
    "ARROW": "`->`",
    "IN": "`in`",
    "NAME": "a name",
    "STRING": "a string",
    "_NL": "a line end",
    "$END": "a line end",
}
"""What may be said to be wanted, in this order."""


class Case:
    """The place of an error, and what is around it."""

    def __init__(self, tokens: Sequence[Token], index: int, accepted: set[str], text: str, item: str) -> None:
        self.tokens, self.index, self.accepted, self.text, self.item = tokens, index, accepted, text, item
        self.token = tokens[index]
        self.before = tokens[index - 1] if index else None
        self.opener = self.find_opener()
        self.first_index = statement_start(self.tokens, self.index)
        self.first = self.tokens[self.first_index]
        """The first token of the statement, or of the item."""

    def find_opener(self) -> Token | None:
        """The innermost bracket that is open here."""
        depth = 0
        for token in reversed(self.tokens[: self.index]):
            if token.kind in CLOSERS:
                depth += 1
            elif token.kind in OPENERS:
                if depth == 0:
                    return token
                depth -= 1
        return None

    def written(self, token: Token) -> str:
        if token.start == token.end:
            return f"`{WRITTEN.get(token.kind, '')}`"
        return quote(self.text[token.start : token.end])

    @property
    def wants_value(self) -> bool:
        return "NUMBER" in self.accepted

    @property
    def after_value(self) -> bool:
        return "PLUS" in self.accepted and not self.wants_value

    @property
    def ends(self) -> bool:
        """Whether the text breaks off here: a line end, a closing bracket, the end."""
        return self.token.kind in ("_NL", "$END") or self.token.kind in CLOSERS

    @property
    def section(self) -> str:
        """`(`, `[`, or, straight in braces, the word that begins the item; empty outside."""
        if self.opener is None:
            return ""
        mark = self.text[self.opener.start]
        if mark != "{":
            return mark
        return self.item if self.item in ("expect", "train") else "{"

    @property
    def in_head(self) -> bool:
        """Whether a body is still to come, outside of brackets."""
        return self.first.kind in HEADS and self.section not in ("(", "[") and not self.wants_value

    def slip(
        self, message: str, help: str = "", marked: str = "", fix: Edits = (), repair: Edits = ()
    ) -> Slip:
        """At the token; where that is a line end, just behind what stands before it."""
        token = self.token
        start, end = token.start, token.end
        if self.before is not None and token.kind in ("_NL", "$END"):
            start = end = self.before.end
        return Slip("syntax", message, start, end, marked=marked, help=help, fix=fix, repair=repair)

    @property
    def names_statement(self) -> bool:
        """Whether a name, perhaps with an index, is all that stands before the token in its statement."""
        row = self.tokens[self.first_index : self.index]
        if not row or row[0].kind != "NAME":
            return False
        return len(row) == 1 or (row[1].kind == "LSQB" and row[-1].kind == "RSQB")

    @property
    def in_parameters(self) -> bool:
        """Whether the token stands straight in the list of parameters of a block or net."""
        if self.opener is None or self.first.kind not in ("BLOCK", "NET"):
            return False
        opened = next((i for i, token in enumerate(self.tokens) if token is self.opener), 0)
        return opened == self.first_index + 2

    @property
    def rest(self) -> Sequence[Token]:
        """What follows the token in its statement."""
        depth = 0
        for position in range(self.index + 1, len(self.tokens)):
            kind = self.tokens[position].kind
            if depth == 0 and kind in ("_NL", "$END", *CLOSERS):
                return self.tokens[self.index + 1 : position]
            depth += (kind in OPENERS) - (kind in CLOSERS)
        return self.tokens[self.index + 1 :]

    @property
    def repeats(self) -> bool:
        """Whether the token says again what stands before it: one of them may be too many."""
        return self.before is not None and self.written(self.token) == self.written(self.before)

    @property
    def has_claim(self) -> bool:
        """Whether the row of an expectation has a comparison before the token."""
        kinds = [token.kind for token in self.tokens[self.first_index : self.index]]
        return not {"EQUAL", "ABOUT", "AT_MOST", "DENIED", "COLON"}.isdisjoint(kinds)

    def begins_line(self, at: int) -> bool:
        return not self.text[self.text.rfind("\n", 0, at) + 1 : at].strip()

    def indent(self, at: int) -> int:
        """Of the line that holds `at`; that of the item's first line is 0."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at].expandtabs()
        return len(line) - len(line.lstrip(" "))

    # --- edits ------------------------------------------------------------------------------------

    def instead(self, text: str) -> Edits:
        """`text` in place of the token."""
        return ((self.token.start, self.token.end, text),)

    def behind(self, text: str) -> Edits:
        """`text` straight behind what stands before the token."""
        at = self.before.end if self.before is not None else self.token.start
        return ((at, at, text),)

    def as_colon(self) -> Edits:
        """`:` in place of the token, straight behind what stands before it."""
        start = self.before.end if self.before is not None else self.token.start
        return ((start, self.token.end, ":"),)

    def without(self) -> Edits:
        """A space in place of the token and the space around it."""
        before, after = self.before, self.tokens[self.index + 1]
        return ((before.end if before is not None else self.token.start, after.start, " "),)


def outermost(kinds: Sequence[str]) -> list[str]:
    """Those that stand in no bracket."""
    found = []
    depth = 0
    for kind in kinds:
        depth -= kind in CLOSERS
        if depth == 0:
            found.append(kind)
        depth += kind in OPENERS
    return found
