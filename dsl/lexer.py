"""The text of one item in, its tokens out, with what is wrong about letters and marks.

A wrong mark whose meaning is plain (`=>`, `'text'`, `3×3`) is reported and read as what was meant, so that
nothing follows from it. Brackets and line ends are the business of `layout`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from .lalr import Token
from .slip import MOST_SLIPS, Slip, quote
from .tables import load_tables

WRONG_WORDS = {"True": "true", "False": "false", "None": "none"}
WRONG_MARKS = {
    **dict.fromkeys(("=>", "|>", ">>", "|", "→", "⟶"), "->"),
    **dict.fromkeys(("<>", "!==", "≠"), "!="),
    **dict.fromkeys(("×", "·", "⋅"), "*"),
    **dict.fromkeys(("−", "–", "—"), "-"),
    ":=": "=",
    "===": "==",
    "**": "^",
    "&&": "and",
    "||": "or",
    "!": "not",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≈": "~=",
    "…": "...",
}
GOES_ON = re.compile(r"->|(?:else|elif)\b")
"""A line that starts so belongs to the one before."""
COMMENT = re.compile(r"#[^\n]*")


@cache
def load_pattern() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern for a token and the space before it, and the kinds of its groups."""
    tables = load_tables()
    marks = sorted([*tables.marks, *WRONG_MARKS], key=len, reverse=True)
    groups = {
        "WORD": r"[A-Za-z_][A-Za-z_0-9]*(?!\w)",
        "MARK": "|".join(map(re.escape, marks)),
        "CROSSED": r"(?>[0-9]+(?:x[0-9]+)*[X×][0-9]+(?:[xX×][0-9]+)*)(?!\w)",
        "DOCSTRING": tables.patterns["DOCSTRING"],
        "OPEN_DOCSTRING": r'"""',
        **{kind: tables.patterns[kind] for kind in ("STRING", "DIMS", "NUMBER")},
        "LINE_END": r"[\n;](?>(?:[ \t\r\f\n;]+|#[^\n]*)*)",
        "FOREIGN": r"[^\W\d]\w*",
        "DIGITS": r"\d\w*(?:\.\w+)*",
        "OPEN_STRING": r'"[^\n]*',
        "QUOTED": r"'[^'\n]*'|‘[^’\n]*’|“[^”\n]*”",
        "OTHER": r"[^\n]",
    }
    alternatives = "|".join(f"({pattern})" for pattern in groups.values())
    return re.compile(rf"(?>(?:[ \t\r\f]+|#[^\n]*)*)(?:{alternatives})"), ("", *groups)


def tokenize(text: str) -> tuple[list[Token], list[Slip]]:
    """Line ends are `_NL`, or `;` where one is among them; those before `->` and `else` are left out."""
    tokens: list[Token] = []
    slips: list[Slip] = []
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
            if word in WRONG_WORDS:
                kind = words[WRONG_WORDS[word]]
                slips.append(replaced(start, at, word, WRONG_WORDS[word]))
            elif word == "elif" and tokens and tokens[-1].kind == "RBRACE":
                slips.append(replaced(start, at, word, "else if"))
                tokens.append(Token("ELSE", start, at))
                kind = "IF"
        elif kind == "MARK":
            mark = text[start:at]
            kind = marks.get(mark, "")
            if not kind:
                right = WRONG_MARKS[mark]
                kind = marks.get(right) or words[right]
                slips.append(replaced(start, at, mark, right))
        elif kind == "LINE_END":
            kind = read_line_end(text, start, at)
            tokens.append(Token(kind, start, start + 1))
            continue
        elif kind not in literals:
            kind, at, slip = repair(kind, text, start, at)
            slips.append(slip)
        tokens.append(Token(kind, start, at))
    return [token for token in tokens if token.kind], slips


def read_line_end(text: str, start: int, end: int) -> str:
    run = text[start:end]
    if "#" in run:
        run = COMMENT.sub("", run)
    if ";" in run:
        return ";"
    return "" if GOES_ON.match(text, end) else "_NL"


def replaced(start: int, end: int, wrong: str, right: str) -> Slip:
    message = f"{quote(wrong)} is written {quote(right)} in a spec"
    return Slip("syntax", message, start, end, fix=(start, end, right))


def repair(kind: str, text: str, start: int, end: int) -> tuple[str, int, Slip]:
    """The kind that was meant (empty for none), where it ends, and what is wrong."""
    wrong = text[start:end]
    if kind == "CROSSED":
        return "DIMS", end, replaced(start, end, wrong, re.sub("[X×]", "x", wrong))
    if kind == "QUOTED":
        right = '"' + wrong[1:-1].replace('"', '\\"') + '"'
        message = "a string stands between double quotes"
        return (
            "STRING",
            end,
            Slip("syntax", message, start, end, f"write {quote(right)}", fix=(start, end, right)),
        )
    if kind == "OPEN_DOCSTRING":
        message = 'this docstring is never closed: `"""` is missing at its end'
        return "DOCSTRING", len(text), Slip("unclosed", message, start, end)
    if kind == "OPEN_STRING":
        end = max(start + 1, start + len(wrong.rstrip(" \t\r{}()[],;")))
        message = 'this string is never closed: `"` is missing at its end'
        help = "a string stands on one line; write `\\n` for a line end in it"
        return "STRING", end, Slip("unclosed", message, start, end, help=help)
    if kind == "DIGITS":
        return "NAME", end, misread_digits(wrong, start, end)
    if kind == "FOREIGN":
        help = "names are made of the letters a to z, digits and `_`; others stand in strings and comments"
        return "NAME", end, Slip("bad-character", f"{quote(wrong)} is no name", start, end, help=help)
    help = "a chain goes on where the next line begins with `->`" if wrong == "\\" else ""
    return "", end, Slip("bad-character", f"{show(wrong)} means nothing here", start, end, help=help)


def misread_digits(wrong: str, start: int, end: int) -> Slip:
    message = f"{quote(wrong)} is no number"
    help = ""
    product = re.fullmatch(r"([0-9.]+)([A-Za-z]\w*)", wrong)
    if re.fullmatch(r"\d+(x\w+)+", wrong):
        message = f"{quote(wrong)} is no window: sizes that are computed stand in a list"
        help = f"write {quote('[' + ', '.join(wrong.split('x')) + ']')}"
    elif wrong.rstrip("kmg") != wrong and wrong.rstrip("kmg").isdecimal():
        help = f"the suffixes are K, M and G, Ki, Mi and Gi: write {quote(wrong.upper())}"
    elif product:
        help = f"for a product write {quote(product[1] + '*' + product[2])}"
    return Slip("syntax", message, start, end, help=help)


def show(character: str) -> str:
    if character.isprintable() and not character.isspace():
        return f"`{character}`"
    name = unicodedata.name(character, "a control character").lower()
    return f"U+{ord(character):04X} ({name})"
