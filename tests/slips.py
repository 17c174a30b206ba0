"""Correct text in, the same text with one slip in it out: one of each kind at each place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from netc.dsl.lalr import Token
from netc.dsl.lexer import tokenize
from netc.dsl.scan import scan

OPENING, CLOSING = ("LPAR", "LSQB", "LBRACE"), ("RPAR", "RSQB", "RBRACE")
VALUES = ("NAME", "NUMBER", "DIMS", "STRING", "TRUE", "FALSE", "NONE")
STATEMENTS = ("NAME", "INPUT", "OUTPUT", "AUX", "IF", "FOR", "LET")


class Slip(Struct, frozen=True):
    """`text[start:end]` becomes `instead`; a report belongs to the line of `at`."""

    start: int
    end: int
    instead: str
    at: int

    def put(self, text: str) -> str:
        return text[: self.start] + self.instead + text[self.end :]


class Program:
    """A correct text with its tokens; `depths` says for each which brackets are open around it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.items: list[tuple[str, list[Token]]] = []
        for chunk in scan(text):
            tokens = [
                Token(kind, chunk.start + start, chunk.start + end)
                for kind, start, end in tokenize(text[chunk.start : chunk.end])[0]
            ]
            self.items.append((chunk.word, tokens))

    def spell(self, token: Token) -> str:
        return self.text[token.start : token.end]


class Around(Struct, frozen=True):
    """A token with its neighbours, the brackets that are open around it, and where it stands."""

    program: Program
    item: str
    tokens: list[Token]
    index: int
    open: tuple[str, ...]
    first: int
    """The index of the first token of its statement."""

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def kind(self) -> str:
        return self.token.kind

    @property
    def text(self) -> str:
        return self.program.spell(self.token)

    @property
    def before(self) -> str:
        return self.tokens[self.index - 1].kind if self.index else ""

    @property
    def after(self) -> str:
        return self.tokens[self.index + 1].kind if self.index + 1 < len(self.tokens) else ""

    @property
    def inside(self) -> str:
        return self.open[-1] if self.open else ""

    @property
    def starts(self) -> bool:
        return self.index == self.first

    @property
    def flows(self) -> bool:
        """Whether it stands in the body of a block or net, outside brackets."""
        return self.inside == "LBRACE" and self.item in ("block", "net")

    def replaced(self, instead: str) -> Slip:
        return Slip(self.token.start, self.token.end, instead, self.token.start)

    def deleted(self) -> Slip:
        return Slip(self.token.start, self.token.end, " ", self.token.start)


def walk(program: Program) -> Iterator[Around]:
    for word, tokens in program.items:
        open: list[tuple[str, int]] = []
        first = 0
        for index, token in enumerate(tokens):
            if token.kind in CLOSING:
                open.pop()
            yield Around(program, word, tokens, index, tuple(kind for kind, _ in open), first)
            if token.kind in OPENING:
                open.append((token.kind, index))
            if token.kind in ("LBRACE", "_NL", ";", "RBRACE") and (not open or open[-1][0] == "LBRACE"):
                first = index + 1


Kind = Callable[[Around], Slip | None]


def word(right: str, wrong: str) -> Kind:
    return lambda here: here.replaced(wrong) if here.text == right and here.kind != "STRING" else None


def mark(kind: str, wrong: str, where: Callable[[Around], bool] = lambda here: True) -> Kind:
    return lambda here: here.replaced(wrong) if here.kind == kind and where(here) else None


def gone(kind: str, where: Callable[[Around], bool] = lambda here: True) -> Kind:
    return lambda here: here.deleted() if here.kind == kind and where(here) else None


def twice(kind: str) -> Kind:
    return lambda here: (
        Slip(here.token.end, here.token.end, here.text, here.token.start) if here.kind == kind else None
    )


def in_brackets(here: Around) -> bool:
    return here.inside in ("LPAR", "LSQB")


def is_label(here: Around) -> bool:
    return here.kind == "COLON" and here.flows and here.index == here.first + 1


def is_condition(here: Around) -> bool:
    return here.tokens[here.first].kind == "IF" and here.inside != "LPAR"


def headed(*kinds: str) -> Callable[[Around], bool]:
    return lambda here: here.tokens[here.first].kind in kinds


def string(wrong: str) -> Kind:
    def make(here: Around) -> Slip | None:
        if here.kind != "STRING" or "'" in here.text:
            return None
        return here.replaced(wrong[0] + here.text[1:-1] + wrong[1:])

    return make


def line_end(here: Around) -> bool:
    return here.kind in ("_NL", ";") and here.flows and here.before not in (*OPENING, "_NL", ";")


def comment(wrong: str) -> Kind:
    """Behind a statement."""

    def make(here: Around) -> Slip | None:
        at = here.tokens[here.index - 1].end
        if here.kind != "_NL" or not line_end(here) or "#" in here.program.text[at : here.token.end]:
            return None
        return Slip(at, at, wrong, at)

    return make


def own_line(wrong: str) -> Kind:
    """Before a statement that begins a line."""

    def make(here: Around) -> Slip | None:
        if not here.starts or here.before != "_NL" or not here.flows:
            return None
        return Slip(here.token.start, here.token.start, wrong, here.token.start)

    return make


def broken_chain(here: Around) -> Slip | None:
    if here.kind != "ARROW" or not here.flows:
        return None
    return Slip(here.token.start, here.token.end, "->\n", here.token.start)


def crossed(wrong: str) -> Kind:
    def make(here: Around) -> Slip | None:
        return here.replaced(here.text.replace("x", wrong)) if here.kind == "DIMS" else None

    return make


def stray(wrong: str) -> Kind:
    """Behind a statement that ends its line, or `wrong` in a line of its own."""

    def make(here: Around) -> Slip | None:
        if not (line_end(here) and here.kind == "_NL"):
            return None
        before = here.tokens[here.index - 1]
        return Slip(before.end, before.end, wrong, before.end)

    return make


KINDS: dict[str, Kind] = {
    "`=>` for `->`": mark("ARROW", "=>"),
    "`|` for `->`": mark("ARROW", "|"),
    "`→` for `->`": mark("ARROW", "→"),
    "`-->` for `->`": mark("ARROW", "-->"),
    "`>` for `->`": mark("ARROW", ">", lambda here: here.flows),
    "`- >` for `->`": mark("ARROW", "- >"),
    "no `->`": gone("ARROW", lambda here: here.flows),
    "`->` ends the line": broken_chain,
    "3×3": crossed("×"),
    "3 × 3": crossed(" × "),
    "3X3": crossed("X"),
    "3 x 3": crossed(" x "),
    "no comma in brackets": gone("COMMA", in_brackets),
    "no comma in a list": gone("COMMA", lambda here: here.inside == "LSQB"),
    "a comma too many": mark("COMMA", ",,"),
    "`;` for a comma": mark("COMMA", ";", in_brackets),
    "a comma ends the statement": stray(","),
    "no colon after a label": gone("COLON", is_label),
    "no colon of an input": gone("COLON", headed("INPUT")),
    "no colon of an output": gone("COLON", headed("OUTPUT", "AUX")),
    "no colon of a row": gone("COLON", lambda here: here.item == "expect"),
    "`=` for the colon of a label": mark("COLON", " =", is_label),
    "`=` for the colon of an input": mark("COLON", " =", headed("INPUT")),
    "`:=` for the colon of a label": mark("COLON", " :=", is_label),
    "no `=` in a let": gone("ASSIGN", lambda here: headed("LET", "NET")(here) and not in_brackets(here)),
    "no `=` of an argument": gone("ASSIGN", lambda here: here.inside == "LPAR"),
    "`:` for `=`": mark("ASSIGN", ":", lambda here: here.inside == "LPAR"),
    "`:` for `=` in a let": mark("ASSIGN", ":", lambda here: not here.open or here.inside == "LBRACE"),
    "`:=` for `=`": mark("ASSIGN", ":="),
    "`==` for `=`": mark("ASSIGN", "=="),
    "`=` for `==`": mark("EQUAL", "="),
    "`===` for `==`": mark("EQUAL", "==="),
    "`**` for `^`": mark("CARET", "**"),
    "`&&` for `and`": word("and", "&&"),
    "`||` for `or`": word("or", "||"),
    "True": word("true", "True"),
    "False": word("false", "False"),
    "None": word("none", "None"),
    "def": mark("BLOCK", "def"),
    "function": mark("BLOCK", "function"),
    "class": mark("NET", "class"),
    "import": mark("USE", "import"),
    "elif": lambda here: (
        Slip(here.token.start, here.tokens[here.index + 1].end, "elif", here.token.start)
        if here.kind == "ELSE" and here.after == "IF"
        else None
    ),
    "return": lambda here: (
        Slip(here.token.start, here.token.start, "return ", here.token.start)
        if here.starts and here.flows and here.kind == "NAME"
        else None
    ),
    "while": lambda here: here.replaced("while") if here.kind == "FOR" and here.starts else None,
    "of": lambda here: (
        here.replaced("of") if here.kind == "IN" and headed("FOR")(here) and here.inside == "LBRACE" else None
    ),
    "single quotes": string("''"),
    "typographic quotes": string("“”"),
    "a string without its end": string('" '),
    "a docstring without its end": lambda here: (
        here.replaced(here.text[:-3]) if here.kind == "DOCSTRING" else None
    ),
    "no `(`": gone("LPAR"),
    "no `)`": gone("RPAR"),
    "no `[`": gone("LSQB"),
    "no `]`": gone("RSQB"),
    "no `{`": gone("LBRACE"),
    "no `}`": gone("RBRACE"),
    "`(` twice": twice("LPAR"),
    "`)` twice": twice("RPAR"),
    "`[` twice": twice("LSQB"),
    "`]` twice": twice("RSQB"),
    "`{` twice": twice("LBRACE"),
    "`}` twice": twice("RBRACE"),
    "`]` for `)`": mark("RPAR", "]"),
    "`)` for `]`": mark("RSQB", ")"),
    "`)` for `}`": mark("RBRACE", ")"),
    "`[` for `(`": mark("LPAR", "["),
    "`(` for `{`": mark("LBRACE", "("),
    "a stray `)`": stray(")"),
    "a stray `]`": stray("]"),
    "a stray `}`": stray(" }"),
    "a `//` comment": comment(" // the stem of the net"),
    "a `//` comment with marks": comment(" // it's 3, (or so"),
    "a `//` comment on a line": own_line("// the stem of the net\n"),
    "a `/* */` comment": comment(" /* the stem */"),
    "a `/* */` comment on a line": own_line("/* the stem\n of the net */\n"),
    "`{` on the next line": mark("LBRACE", "\n{", lambda here: here.index > here.first),
    "`:` for a body": mark("LBRACE", ":", headed("IF", "FOR")),
    "a no-break space": lambda here: (
        Slip(here.token.end, here.token.end, "\u00a0", here.token.start) if here.kind == "COMMA" else None
    ),
    "a full-width comma": mark("COMMA", "，"),
    "full-width parentheses": mark("LPAR", "（"),
    "a zero-width space": lambda here: (
        Slip(here.token.end, here.token.end, "\u200b", here.token.start) if here.kind == "NAME" else None
    ),
    "`++`": mark("PLUS", "++"),
    "a value twice": lambda here: (
        Slip(here.token.end, here.token.end, f" {here.text}", here.token.start)
        if here.kind in VALUES and here.before not in ("REPORTED",)
        else None
    ),
}


MISTAKES: dict[str, Kind] = {
    "a misspelt layer": lambda here: (
        here.replaced(here.text + here.text[-1])
        if here.text in ("conv", "relu", "maxpool", "gap", "fc", "sigmoid")
        and here.after in ("LPAR", "_NL", ";")
        else None
    ),
    "a number out of range": stray(" -> dropout(1.5)"),
    "an argument too many": lambda here: (
        here.replaced(here.text + "(1, 2)") if here.text == "relu" and here.after != "COLON" else None
    ),
}
"""Of what a text says, not of how it is written; where nothing else of the text is changed by them."""


def slips(program: Program, kind: str) -> Iterator[Slip]:
    make = {**KINDS, **MISTAKES}[kind]
    for here in walk(program):
        slip = make(here)
        if slip is not None:
            yield slip


def programs(pages: str) -> list[str]:
    return re.findall(r"^```net\n(.*?)^```$", pages, re.MULTILINE | re.DOTALL)
