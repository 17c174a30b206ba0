"""The text of one item in, its tokens out, with what is wrong about letters and marks.

A wrong mark whose meaning is plain (`=>`, `'text'`, `3×3`) is reported and read as what was meant, so that
nothing follows from it. Brackets and line ends are the business of `layout`.
"""

from __future__ import annotations

import re
from functools import cache

from . import comments, letters
from .lalr import Token
from .slip import MOST_SLIPS, Slip
from .tables import load_tables

GOES_ON = re.compile(rf"->|{letters.WRONG_ARROW}|(?:else|elif)\b")
"""A line that starts so belongs to the one before."""
COMMENT = re.compile(r"#[^\n]*")


@cache
def load_pattern() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern for a token and the space before it, and the kinds of its groups."""
    tables = load_tables()
    marks = sorted([*tables.marks, *letters.WRONG_MARKS, letters.WALRUS], key=len, reverse=True)
    wrong = letters.PATTERNS
    groups = {
        "WORD": r"[A-Za-z_][A-Za-z_0-9]*(?!\w)",
        **{kind: wrong[kind] for kind in letters.FIRST},
        "MARK": "|".join(map(re.escape, marks)),
        "DOCSTRING": tables.patterns["DOCSTRING"],
        "QUOTED_DOCSTRING": wrong["QUOTED_DOCSTRING"],
        "OPEN_DOCSTRING": wrong["OPEN_DOCSTRING"],
        **{kind: tables.patterns[kind] for kind in ("STRING", "DIMS", "NUMBER")},
        "LINE_END": r"[\n;](?>(?:[ \t\r\f\n;]+|#[^\n]*)*)",
    }
    groups = {**groups, **{kind: pattern for kind, pattern in wrong.items() if kind not in groups}}
    alternatives = "|".join(f"({pattern})" for pattern in groups.values())
    return re.compile(rf"(?>(?:[ \t\r\f]+|#[^\n]*)*)(?:{alternatives})"), ("", *groups)


def tokenize(text: str) -> tuple[list[Token], list[Slip]]:
    """Line ends are `_NL`, or `;` where one is among them; those before `->` and `else` are left out."""
    tokens: list[Token] = []
    slips: list[Slip] = []
    blanks: dict[str, list[int]] = {}
    tables = load_tables()
    words, marks, literals = tables.words, tables.marks, tables.patterns
    pattern, kinds = load_pattern()
    at = 0
    while (match := pattern.match(text, at)) is not None and len(slips) < MOST_SLIPS:
        group = match.lastindex or 0
        kind = kinds[group]
        start, at = match.span(group)
        if kind == "WORD":
            word = text[start:at]
            kind = words.get(word, "NAME")
            if word in letters.WRONG_WORDS:
                right = letters.WRONG_WORDS[word]
                kind = words[right]
                slips.append(letters.replaced(start, at, word, right))
            elif word == "elif" and tokens and tokens[-1].kind == "RBRACE":
                slips.append(letters.replaced(start, at, word, "else if"))
                tokens.append(Token("ELSE", start, at))
                kind = "IF"
        elif kind == "MARK":
            mark = text[start:at]
            kind = marks.get(mark, "")
            if kind == "FLOOR" and comments.begins_comment(tokens, text, at):
                at, slip = comments.write_to_line_end(text, start)
                slips.append(slip)
                continue
            if mark == letters.WALRUS:
                kind = "WALRUS"
            elif not kind:
                right = letters.WRONG_MARKS[mark]
                kind = marks.get(right) or words[right]
                slips.append(letters.replaced(start, at, mark, right))
        elif kind == "LINE_END":
            kind = read_line_end(text, start, at)
            tokens.append(Token(kind, start, start + 1))
            continue
        elif kind == "BLANK":
            blanks.setdefault(text[start], []).append(start)
            kind = "_NL" if text[start] in letters.LINE_BREAKS else ""
        elif kind == "FULL_WIDTH":
            wrong = text[start:at]
            right = "".join(chr(ord(letter) - 0xFEE0) for letter in wrong)
            slips.append(letters.replaced(start, at, wrong, right))
            tokens.extend(
                Token(meant, start + first, start + last) for meant, first, last in tokenize(right)[0]
            )
            continue
        elif kind not in literals and not (kind == "CROSSED" and text[start:at].replace("x", "").isdecimal()):
            kind, at, slip = letters.repair(kind, text, start, at)
            slips.append(slip)
        tokens.append(Token("DIMS" if kind == "CROSSED" else kind, start, at))
    slips.extend(letters.blanks(character, places) for character, places in blanks.items())
    return [token for token in tokens if token.kind], sorted(slips, key=lambda slip: slip.start)


def read_line_end(text: str, start: int, end: int) -> str:
    run = text[start:end]
    if "#" in run:
        run = COMMENT.sub("", run)
    if ";" in run:
        return ";"
    return "" if GOES_ON.match(text, end) else "_NL"
