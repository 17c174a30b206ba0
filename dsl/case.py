"""Tokens and the one that the grammar has no use for in, what is known about that place out."""

from __future__ import annotations

from collections.abc import Sequence

from .brackets import CLOSERS, OPENERS, WRITTEN, statement_start
from .lalr import Token
from .slip import Slip, quote

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
        self.first = self.find_first()

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

    def find_first(self) -> Token:
        """The first token of the statement, or of the item."""
        return self.tokens[statement_start(self.tokens, self.index)]

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

    def slip(self, message: str, help: str = "", marked: str = "", insert: str = "") -> Slip:
        """At the token; where that is a line end, just behind what stands before it."""
        token = self.token
        start, end = token.start, token.end
        if self.before is not None and token.kind in ("_NL", "$END"):
            start = end = self.before.end
        fix = (start, start, insert) if insert else None
        return Slip("syntax", message, start, end, marked=marked, help=help, fix=fix)
