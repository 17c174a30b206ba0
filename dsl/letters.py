"""Letters and marks that no spec holds in, the token that was meant out, with what is wrong."""

from __future__ import annotations

import re
import unicodedata

from . import comments
from .scan import end_string
from .slip import Edits, Slip, quote

WRONG_WORDS = {"True": "true", "False": "false", "None": "none"}
WRONG_MARKS = {
    **dict.fromkeys(("=>", "|>", ">>", "|", "→", "⟶", "⇒", "-->", "--->", "==>", "~>"), "->"),
    **dict.fromkeys(("<>", "!==", "≠"), "!="),
    **dict.fromkeys(("×", "·", "⋅"), "*"),
    **dict.fromkeys(("−", "–", "—"), "-"),
    "===": "==",
    "=<": "<=",
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
WALRUS = ":="
"""Means `:` or `=`: its place says which."""
PATTERNS = {
    "BLOCK_COMMENT": r"/\*(?s:.*?)\*/|/\*[^\n]*",
    "BROKEN_ARROW": r"[-=][ \t]+>(?![=>])",
    "CROSSED": r"(?>[0-9]+(?:[ \t]*[xX×✕✖][ \t]*[0-9]+)+)(?!\w)",
    "POINT": r"(?<![\w)\]}.])\.[0-9]+(?:[eE][+-]?[0-9]+)?(?![\w.])",
    "QUOTED_DOCSTRING": r"'''(?s:.*?)'''",
    "OPEN_DOCSTRING": r'"""',
    "FULL_WIDTH": "[\uff01-\uff5e]+",
    "BLANK": "[\u000b\u0085\u00a0\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]",
    "FOREIGN": r"[^\W\d]\w*",
    "DIGITS": r"\d\w*(?:\.\w+)*",
    "OPEN_STRING": r'"[^\n]*',
    "QUOTED": r"'[^'\n]*'|‘[^’\n]*’|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»",
    "OTHER": r"[^\n]",
}
"""What stands in no spec, each tried where nothing right fits, but for the first four."""
WRONG_ARROW = "|".join(
    [
        *(re.escape(mark) for mark, right in WRONG_MARKS.items() if right == "->" and mark != "|"),
        r"\|(?!\|)",
        PATTERNS["BROKEN_ARROW"],
    ]
)
FIRST = ("BLOCK_COMMENT", "BROKEN_ARROW", "CROSSED", "POINT")
LINE_BREAKS = "\u0085\u2028\u2029"


def replaced(start: int, end: int, wrong: str, right: str) -> Slip:
    message = f"{quote(wrong)} is written {quote(right)} in a spec"
    return Slip("syntax", message, start, end, fix=((start, end, right),))


def repair(kind: str, text: str, start: int, end: int) -> tuple[str, int, Slip]:
    """The kind that was meant (empty for none), where it ends, and what is wrong."""
    wrong = text[start:end]
    if kind == "CROSSED":
        return "DIMS", end, replaced(start, end, wrong, re.sub(r"[ \t]*[xX×✕✖][ \t]*", "x", wrong))
    if kind == "BROKEN_ARROW":
        return "ARROW", end, replaced(start, end, wrong, "->")
    if kind == "BLOCK_COMMENT":
        return "", end, comments.write_between(text, start, end)
    if kind == "POINT":
        message = "a number does not begin with its point"
        return (
            "NUMBER",
            end,
            Slip("syntax", message, start, end, f"write {quote('0' + wrong)}", fix=((start, start, "0"),)),
        )
    if kind == "QUOTED":
        right = '"' + wrong[1:-1].replace('"', '\\"') + '"'
        message = "a string stands between double quotes"
        return (
            "STRING",
            end,
            Slip("syntax", message, start, end, f"write {quote(right)}", fix=((start, end, right),)),
        )
    if kind == "QUOTED_DOCSTRING":
        message = "a docstring stands between three double quotes"
        fix = ((start, start + 3, '"""'), (end - 3, end, '"""')) if '"' not in wrong else ()
        return "DOCSTRING", end, Slip("syntax", message, start, start + 3, fix=fix)
    if kind == "OPEN_DOCSTRING":
        message = 'this docstring is never closed: `"""` is missing at its end'
        return "DOCSTRING", len(text), Slip("unclosed", message, start, end)
    if kind == "OPEN_STRING":
        end = end_string(text, start, end)
        message = 'this string is never closed: `"` is missing at its end'
        help = "a string stands on one line; write `\\n` for a line end in it"
        return "STRING", end, Slip("unclosed", message, start, end, help=help)
    if kind == "DIGITS":
        return "NAME", end, misread_digits(wrong, start, end)
    if kind == "FOREIGN":
        plain = unicodedata.normalize("NFKC", wrong)
        if plain.isascii() and plain.isidentifier():
            return "NAME", end, replaced(start, end, wrong, plain)
        help = "names are made of the letters a to z, digits and `_`; others stand in strings and comments"
        return "NAME", end, Slip("bad-character", f"{quote(wrong)} is no name", start, end, help=help)
    while text.startswith(wrong, end):
        end += 1
    help = "a chain goes on where the next line begins with `->`" if wrong == "\\" else ""
    return "", end, Slip("bad-character", f"{show(wrong)} means nothing here", start, end, help=help)


def misread_digits(wrong: str, start: int, end: int) -> Slip:
    message = f"{quote(wrong)} is no number"
    help = ""
    fix: Edits = ()
    product = re.fullmatch(r"([0-9.]+)([A-Za-z]\w*)", wrong)
    if re.fullmatch(r"\d+(x\w+)+", wrong):
        message = f"{quote(wrong)} is no window: sizes that are computed stand in a list"
        help = f"write {quote('[' + ', '.join(wrong.split('x')) + ']')}"
    elif re.fullmatch(r"[0-9.]+[kmg]", wrong):
        help = f"the suffixes are K, M and G, Ki, Mi and Gi: write {quote(wrong.upper())}"
        fix = ((start, end, wrong.upper()),)
    elif product:
        help = f"for a product write {quote(product[1] + '*' + product[2])}"
    return Slip("syntax", message, start, end, help=help, fix=fix)


def show(character: str) -> str:
    if character.isprintable() and not character.isspace():
        return f"`{character}`"
    name = unicodedata.name(character, "a control character").lower()
    return f"U+{ord(character):04X} ({name})"


# --- spaces that are none -------------------------------------------------------------------------


def blanks(character: str, places: list[int]) -> Slip:
    """Of one such character, all that an item holds are told at the first."""
    more = f", nor do {len(places) - 1} more of them below" if len(places) > 2 else ""
    more = more if len(places) != 2 else ", nor does another one below"
    if character in LINE_BREAKS:
        instead, help = "\n", "end the line as an editor does"
    elif unicodedata.category(character) == "Cf":
        instead, help = "", "leave it out"
    else:
        instead, help = " ", "write a plain space"
    message = f"{show(character)} means nothing here{more}"
    fix = tuple((at, at + 1, instead) for at in places)
    return Slip("bad-character", message, places[0], places[0] + 1, help=help, fix=fix)
