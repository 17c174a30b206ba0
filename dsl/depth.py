"""Tokens in, the one out at which their tree would become deeper than the limit."""

from __future__ import annotations

from .brackets import CLOSERS, OPENERS
from .lalr import Token
from .slip import Slip

SEPARATORS = frozenset({"COMMA", "ARROW", "COLON", "_NL"})
OPERATORS = frozenset(
    {
        *(
            "OR",
            "AND",
            "NOT",
            "IN",
            "EQUAL",
            "UNEQUAL",
            "LESS",
            "AT_MOST",
            "MORE",
            "AT_LEAST",
            "ABOUT",
            "DENIED",
        ),
        *("PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "CARET", "ELSE", "DOT"),
    }
)
"""What makes the tree of an expression one deeper."""
OPERAND_ENDS = frozenset({"NAME", "NUMBER", "DIMS", "STRING", "IN", "RPAR", "RSQB"})


def find_too_deep(tokens: list[Token], most: int) -> Token | None:
    """Where the tree of `tokens` would become deeper than the limit, brackets and operators counted."""
    outside: list[tuple[int, int, int]] = []
    row = inner = height = 0
    """Of the operators since the last separator, of the brackets since then, and of both before, at most."""
    before = ""
    for token in tokens:
        kind = token.kind
        if kind in OPERATORS:
            row += 1
        elif kind in SEPARATORS:
            height = max(height, row + inner)
            row = inner = 0
        elif kind in OPENERS:
            called = kind != "LBRACE" and before in OPERAND_ENDS
            outside.append((row + called, inner, height))
            row = inner = height = 0
        elif kind in CLOSERS:
            closed = max(height, row + inner) + 1
            row, inner, height = outside.pop()
            inner = max(inner, closed)
        before = kind
        if row + inner > most or len(outside) > most:
            return token
    return None


def too_deep(token: Token, most: int) -> Slip:
    message = f"this is nested more than {most} deep"
    help = "give parts of it names, by `let` or a `block`; a command's `--limit nesting=N` raises the limit"
    return Slip("nesting-limit", message, token.start, token.end, help=help)
