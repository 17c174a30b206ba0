"""Tokens in, what their brackets say out: where a statement begins, and in which words a bracket is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from .lalr import Token
from .slip import Edits, Slip

OPENERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}
WRITTEN = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}


def statement_start(tokens: Sequence[Token], index: int) -> int:
    """The first token of the statement that holds, or ends before, the token at `index`; 0 outside braces."""
    depth = 0
    for position in range(index - 1, -1, -1):
        kind = tokens[position].kind
        if kind in CLOSERS:
            depth += 1
        elif depth == 0 and kind in ("LBRACE", "_NL"):
            return position + 1
        elif kind in OPENERS:
            depth -= 1 if depth else 0
    return 0


# --- one function for each kind of mistake -------------------------------------------------------


def stray(token: Token) -> Slip:
    """A closing bracket too many."""
    message = f"this `{WRITTEN[token.kind]}` closes nothing"
    return Slip("stray", message, token.start, token.end, fix=((token.start, token.end, ""),))


def unopened(closer: Token, kind: str, at: int) -> Slip:
    """A closing bracket whose opening one is missing at `at`."""
    mark = WRITTEN[kind]
    message = f"this `{WRITTEN[closer.kind]}` closes nothing"
    causes = ((at, at, f"a `{mark}` is missing here"),)
    return Slip("stray", message, closer.start, closer.end, causes=causes, fix=((at, at, mark),))


def bodiless(at: int, head: str) -> Slip:
    """A head, or a group, that lacks the brace that its body begins with."""
    message = f"the body of `{head}` is missing its `{{`"
    help = "a body stands in braces: `{ ... }`"
    return Slip("syntax", message, at, at, help=help, fix=((at, at, " {"),))


def mismatched(closer: Token, opener: Token) -> Slip:
    """A closing bracket of the wrong kind."""
    wrong, right, mark = WRITTEN[closer.kind], WRITTEN[OPENERS[opener.kind]], WRITTEN[opener.kind]
    causes = ((opener.start, opener.end, "opened here"),)
    fix = ((closer.start, closer.end, right),)
    message = f"`{wrong}` cannot close a `{mark}`"
    return Slip("stray", message, closer.start, closer.end, f"write `{right}`", causes, fix=fix)


def misopened(opener: Token, closer: Token) -> Slip:
    """An opening bracket of the wrong kind."""
    wrong, right, mark = WRITTEN[opener.kind], WRITTEN[CLOSERS[closer.kind]], WRITTEN[closer.kind]
    causes = ((closer.start, closer.end, "closed here"),)
    fix = ((opener.start, opener.end, right),)
    message = f"`{mark}` cannot close a `{wrong}`"
    return Slip("stray", message, opener.start, opener.end, f"write `{right}`", causes, fix=fix)


def unclosed(opener: Token, fix: Edits, causes: tuple[tuple[int, int, str], ...] = ()) -> Slip:
    message = f"this `{WRITTEN[opener.kind]}` is never closed"
    return Slip("unclosed", message, opener.start, opener.end, causes=causes, fix=fix)
