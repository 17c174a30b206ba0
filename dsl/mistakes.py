"""Tokens and the one that the grammar has no use for in, what a person did wrong there out.

The first of `EXPLANATIONS` that knows the case speaks; `expectation` speaks where none does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .lalr import Token
from .layout import CLOSERS, OPENERS
from .slip import Slip

ITEM_WORDS = ("use", "let", "block", "net", "expect", "train")
MEANT = {
    **dict.fromkeys(("def", "class", "fn", "func", "function"), "block"),
    **dict.fromkeys(("model", "network"), "net"),
    **dict.fromkeys(("import", "from", "include"), "use"),
    **dict.fromkeys(("const", "var"), "let"),
}
"""Words of other languages, and the item that they would be here."""
ITEMS = "`use`, `let`, `block`, `net`, `expect`, `train` and a docstring"
VALUE_STARTS = frozenset(
    {"NAME", "NUMBER", "DIMS", "STRING", "TRUE", "FALSE", "NONE", "LPAR", "LSQB", "LBRACE"}
)
MEANINGS = {
    "block": "a composite layer is a `block`, a model is a `net`",
    "net": "a model is a `net`",
    "use": "`use file (name, name)` takes names from another file",
    "let": "a value is named by `let`",
}
FOREIGN = {
    **{word: MEANINGS[item] for word, item in MEANT.items()},
    "return": "the value of the last statement is the body's: leave `return` out",
    "pass": "an empty body is `{ }`; `id` passes its input on",
    "while": "the only loop is `for x in list { }`",
    "lambda": "a layer with parameters is a `block`",
    "repeat": "`layer * 3` repeats a layer; `for i in range(3) { }` repeats statements",
    "then": "an `if` has its body in braces: `if condition { }`",
    "elif": "write `else if`",
    "is": "write `==`",
}
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

    def __init__(self, tokens: Sequence[Token], index: int, accepted: set[str], text: str) -> None:
        self.tokens, self.index, self.accepted, self.text = tokens, index, accepted, text
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
        """What the person wrote, short."""
        text = self.text[token.start : token.end].partition("\n")[0]
        return f"`{text if len(text) <= 40 else text[:37] + '...'}`"

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
        word = self.text[self.tokens[0].start : self.tokens[0].end]
        return word if word in ("expect", "train") else "{"

    def slip(self, message: str, help: str = "", marked: str = "", insert: str = "") -> Slip:
        """At the token; where that is a line end, just behind what stands before it."""
        token = self.token
        start, end = token.start, token.end
        if self.before is not None and token.kind in ("_NL", "$END"):
            start = end = self.before.end
        fix = (start, start, insert) if insert else None
        return Slip("syntax", message, start, end, marked=marked, help=help, fix=fix)


def explain(tokens: Sequence[Token], index: int, accepted: set[str], text: str) -> Slip:
    case = Case(tokens, index, accepted, text)
    for explanation in EXPLANATIONS:
        slip = explanation(case)
        if slip is not None:
            return slip
    return expectation(case)


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


def explain_item(case: Case) -> Slip | None:
    if case.index > 0:
        return None
    word = case.text[case.token.start : case.token.end]
    help = FOREIGN.get(word) or f"at the top of a file stand {ITEMS}"
    if word not in FOREIGN and guess_item(word):
        help = f"did you mean `{guess_item(word)}`?"
    return case.slip(f"{case.written(case.token)} begins nothing that a file can hold", help)


def explain_foreign_word(case: Case) -> Slip | None:
    """A word of another language, at the place where the reader gave up or just before."""
    for token in (case.token, case.before, case.first):
        if token is not None and token.kind == "NAME":
            word = case.text[token.start : token.end]
            if word in FOREIGN and case.token.kind not in ("COLON", "ASSIGN"):
                return Slip(
                    "syntax", f"`{word}` is no word of a spec", token.start, token.end, help=FOREIGN[word]
                )
    return None


def explain_nested_item(case: Case) -> Slip | None:
    word = case.text[case.first.start : case.first.end]
    if (
        case.section == "{"
        and word in ("use", "block", "net", "expect", "train")
        and case.token.kind == "NAME"
    ):
        message = f"a `{word}` stands at the top of the file, not inside another item"
        return Slip("syntax", message, case.first.start, case.first.end)
    return None


def explain_assignment(case: Case) -> Slip | None:
    """`=` where it has no meaning."""
    if case.token.kind != "ASSIGN":
        if case.token.kind == "EQUAL" and "ASSIGN" in case.accepted:
            return case.slip("`==` compares; a name is given its value by `=`", "write `=`")
        return None
    if case.section == "expect":
        return case.slip("`=` makes no claim", "write `==` for exact, `~=` for the digits that are printed")
    if case.section == "train":
        return case.slip(
            "an entry of a recipe has no `=`", "write the name, a space and the value: `batch 256`"
        )
    if case.first.kind in ("IF", "FOR") or case.section == "[":
        return case.slip("`=` compares nothing", "write `==`")
    if case.section == "{" and case.before is not None and case.before == case.first:
        name = case.text[case.first.start : case.first.end]
        help = f"`{name}: ...` names the value that flows, `let {name} = ...` a number, a list or a layer"
        return case.slip("a statement does not assign", help)
    return None


def explain_colon(case: Case) -> Slip | None:
    if case.token.kind != "COLON":
        return None
    if "LBRACE" in case.accepted and not case.wants_value:
        return case.slip("a body stands in braces", "write `{` here, and `}` at the end of the body")
    if case.section == "(":
        return case.slip("an argument is named by `=`", "write `name=value`")
    if case.section == "train":
        return case.slip(
            "an entry of a recipe has no `:`", "write the name, a space and the value: `batch 256`"
        )
    if case.section == "{":
        return case.slip(
            "a statement has one label", "a label stands at the beginning of a statement: `name: layer`"
        )
    return None


def explain_missing_value(case: Case) -> Slip | None:
    before = case.before
    if not case.wants_value or before is None:
        return None
    if case.token.kind == "ARROW" and before.kind in ("LBRACE", "_NL", "COLON", "LPAR", "COMMA"):
        return case.slip("this `->` has nothing on its left", "a chain begins with a layer or a tensor")
    if case.ends or case.token.kind in ("COMMA", "ARROW"):
        if before.kind == "COMMA" or before.kind in OPENERS:
            return (
                case.slip(f"a value is missing before {case.written(case.token)}") if case.token.end else None
            )
        mark = case.written(before)
        return Slip("syntax", f"a value is missing after {mark}", before.start, before.end)
    return None


def explain_missing_brace(case: Case) -> Slip | None:
    if "LBRACE" not in case.accepted or case.wants_value or case.first.kind == "NAME":
        return None
    if not case.ends and case.token.kind not in VALUE_STARTS:
        return None
    word = case.written(case.first)
    following = case.tokens[case.index + 1 : case.index + 2]
    if case.token.kind == "_NL" and following and following[0].kind == "LBRACE":
        return case.slip(f"the `{{` of {word} stands on the next line", "put it at the end of this line")
    return case.slip(f"the body of {word} is missing its `{{`", "a body stands in braces: `{ ... }`")


def explain_missing_mark(case: Case) -> Slip | None:
    """A colon, `=` or comma that is left out."""
    token = case.token
    if token.kind in CLOSERS or token.kind == "ASSIGN":
        return None
    if "COLON" in case.accepted and case.first.kind in ("INPUT", "OUTPUT", "AUX"):
        word = case.written(case.first).strip("`")
        return case.slip(f"`:` is missing in this `{word}`", f"write `{word} name: ...`")
    if "ASSIGN" in case.accepted and case.first.kind in ("LET", "NET") and "COMMA" not in case.accepted:
        return case.slip("`=` is missing", f"write {case.written(case.first)[:-1]} name = ...`")
    value = token.kind in VALUE_STARTS or token.kind == "ELLIPSIS"
    if value and case.section in ("(", "[") and "COMMA" in case.accepted:
        message = f"a comma is missing before {case.written(token)}"
        return case.slip(message, insert=", ") if token.kind != "LBRACE" else case.slip(message)
    if token.kind in ("NAME", "REPORTED") and case.section == "expect" and "COMMA" in case.accepted:
        return case.slip(f"a comma or a line end is missing before {case.written(token)}")
    return None


def explain_side_by_side(case: Case) -> Slip | None:
    if not case.after_value or case.token.kind not in VALUE_STARTS:
        return None
    here = case.written(case.token)
    if case.before is not None and case.before.kind == "RBRACE":
        return case.slip(f"a line end or `;` is missing before {here}")
    if case.section in ("{", ""):
        help = "`->` sends one through the other; a line end or `;` ends a statement"
        return case.slip(f"something is missing between two values, before {here}", help)
    return None


def explain_else(case: Case) -> Slip | None:
    if case.token.kind == "ELSE":
        return case.slip("this `else` has no `if`", "it follows the `}` of an `if`: `if c { } else { }`")
    return None


def explain_reserved(case: Case) -> Slip | None:
    """A reserved word where a name is wanted."""
    word = case.text[case.token.start : case.token.end]
    if "NAME" not in case.accepted or not word.isalpha() or case.token.kind == "NAME":
        return None
    if case.wants_value:
        if case.token.kind in ("IF", "FOR"):
            value = "`a if c else b`" if case.token.kind == "IF" else "`[f(x) for x in list]`"
            help = f"put it in braces: `{{ {word} ... }}`; as a value, write {value}"
            return case.slip(f"`{word}` begins a statement, and a value is wanted here", help)
        return None
    return case.slip(f"`{word}` is a word of the language, and cannot be a name")


def explain_power(case: Case) -> Slip | None:
    if case.wants_value and case.token.kind == "DOT":
        return case.slip("a number does not begin with its point", "write `0.5`")
    if case.wants_value and case.token.kind in ("STAR", "SLASH", "PLUS", "PERCENT"):
        return case.slip(f"{case.written(case.token)} has nothing on its left")
    return None


EXPLANATIONS: tuple[Callable[[Case], Slip | None], ...] = (
    explain_item,
    explain_foreign_word,
    explain_nested_item,
    explain_assignment,
    explain_colon,
    explain_missing_value,
    explain_missing_brace,
    explain_missing_mark,
    explain_side_by_side,
    explain_else,
    explain_reserved,
    explain_power,
)


def expectation(case: Case) -> Slip:
    """What is true of every case: what stands there, and what could."""
    if case.wants_value:
        wanted = ["a value"]
    else:
        wanted = [name for kind, name in NAMES.items() if kind in case.accepted]
    wanted = list(dict.fromkeys(wanted))
    marked = ""
    if 0 < len(wanted) <= 4:
        marked = (
            " or ".join([", ".join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)
            + " is wanted here"
        )
    if case.token.kind in ("_NL", "$END"):
        return case.slip("the line ends too early", marked=marked)
    return case.slip(f"{case.written(case.token)} cannot stand here", marked=marked)


def guess_item(word: str) -> str:
    """The word that begins an item, or that was meant to; empty where that is anyone's guess."""
    if word in ITEM_WORDS:
        return word
    near = [item for item in ITEM_WORDS if is_near(word, item)]
    return MEANT.get(word) or (near[0] if len(near) == 1 else "")


def is_near(word: str, other: str) -> bool:
    """Whether one letter is changed, left out, put in, or exchanged with the next."""
    if word == other or abs(len(word) - len(other)) > 1:
        return False
    at = 0
    while at < min(len(word), len(other)) and word[at] == other[at]:
        at += 1
    rest, goal = word[at:], other[at:]
    exchanged = rest[:2] == goal[:2][::-1] and rest[2:] == goal[2:]
    return rest[1:] == goal[1:] or rest[1:] == goal or rest == goal[1:] or (exchanged and len(rest) > 1)
