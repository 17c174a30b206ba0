"""A `//` or `/*` and the tokens before it in, whether it begins a comment of another language, and how that
is written in a spec, out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from .brackets import CLOSERS, OPENERS
from .depth import OPERATORS
from .lalr import Token
from .slip import Slip

WORD = re.compile(r"[A-Za-z_][\w'’-]*|\S")
REST = re.compile(r"(?:(?!//)[^;{}#\n])*+")
RESERVED = frozenset({"if", "else", "and", "or", "in", "not", "for"})
LINE_ENDS = frozenset({"_NL", ";"})
NUMERIC = (OPERATORS - {"DOT"}) | {"IF", "FOR", "LET", "ASSIGN"}
"""What a division may stand beside; the steps of a flow are not divided."""
MOST_BACK = 100
"""Tokens that are looked at for one `//`."""


def begins_comment(tokens: Sequence[Token], text: str, end: int) -> bool:
    """Whether the `//` that ends at `end`, behind `tokens`, begins a comment and is no division."""
    before = next((token for token in reversed(tokens) if token.kind not in LINE_ENDS), None)
    if before is None or not is_value_end(text[before.start : before.end]):
        return True
    words = WORD.findall(text, end, find_end(text, end))
    if has_sentence(words):
        return True
    if stands_in_brackets(tokens):
        return False
    return tokens[-1].kind in LINE_ENDS or (words[:1] != [] and words[0][0].isalpha() and is_step(tokens))


def find_end(text: str, start: int) -> int:
    """Where the words behind a `//` end at the latest, if they are a comment."""
    found = REST.match(text, start)
    assert found
    return found.end()


def is_value_end(written: str) -> bool:
    return written in ("in", "_") or (
        written not in RESERVED and (written[-1] in ')]"_' or written[-1].isalnum())
    )


def has_sentence(words: Sequence[str]) -> bool:
    """Whether two words stand side by side."""
    return any(
        before not in RESERVED and after not in RESERVED and before[0].isalpha() and after[0].isalpha()
        for before, after in pairwise(words)
    )


def read_back(tokens: Sequence[Token]) -> Iterator[Token]:
    """The last of `tokens`, backwards, without what stands in brackets that are closed; at last the bracket
    that is open around them."""
    depth = 0
    for token in islice(reversed(tokens), MOST_BACK):
        if token.kind in CLOSERS:
            depth += 1
        elif depth == 0:
            yield token
            if token.kind in OPENERS:
                return
        elif token.kind in OPENERS:
            depth -= 1


def stands_in_brackets(tokens: Sequence[Token]) -> bool:
    """Whether the innermost bracket that is open behind `tokens` is one in which line ends mean nothing."""
    return any(token.kind in OPENERS and token.kind != "LBRACE" for token in read_back(tokens))


def is_step(tokens: Sequence[Token]) -> bool:
    """Whether `tokens` end in a statement of a block or net that sends a value on, and computes nothing."""
    if not tokens or tokens[0].kind not in ("BLOCK", "NET"):
        return False
    for token in read_back(tokens):
        if token.kind in OPENERS:
            return token.kind == "LBRACE"
        if token.kind in LINE_ENDS:
            return True
        if token.kind in NUMERIC:
            return False
    return False


def write_to_line_end(text: str, start: int) -> tuple[int, Slip]:
    """Where a comment after `//` ends, and what is wrong."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    fix = ((start, start + 2, "#"),)
    return end, Slip("syntax", "a comment begins with `#`", start, start + 2, "write `#`", fix=fix)


def write_between(text: str, start: int, end: int) -> Slip:
    """For `/* ... */`: each of its lines begins with `#`, if nothing stands behind it."""
    line_end = text.find("\n", end)
    behind = text[end : len(text) if line_end < 0 else line_end].strip()
    closed = text.endswith("*/", start, end) and end - start >= 4
    edits = [(start, start + 2, "#")]
    at = text.find("\n", start, end)
    while at >= 0:
        first = re.compile(r"[ \t]*").match(text, at + 1)
        assert first
        last = closed and first.end() == end - 2
        if not last:
            edits.append((first.end(), first.end(), "# "))
        at = text.find("\n", at + 1, end)
    if closed:
        edits.append((end - 2, end, ""))
    fix = tuple(edits) if closed and not behind else ()
    return Slip(
        "syntax", "a comment begins with `#` and ends with its line", start, start + 2, "write `#`", fix=fix
    )
