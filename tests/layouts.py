"""Specs in another layout, and with other tokens: for the tests of the formatter.

It reads specs by a pattern of its own, so that a mistake of the lexer is not repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import strategies as st

TOKEN = re.compile(
    r'"""(?s:.*?)"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|\n|->|\.\.\.|//|[=!<>~]=|!~|[A-Za-z_]\w*|\d[\w.]*(?:(?<=[eE])[+-]\d+)?(?<!\.)|[^\s\w]'
)
SPACES = st.sampled_from(["", "", "", " ", "  ", "   ", "\t", " \t"])
COMMENTS = st.sampled_from(["# note", "#note", "#", "#  why; { (", '# "quoted" -> ', "#!x", "# end  "])
WORDS = [
    "a",
    "3",
    "2x2",
    "in",
    "-",
    "*",
    "/",
    "//",
    "^",
    "+",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    "=",
    ";",
]
WORDS += ["->", "if", "else", "for", "not", "==", "~=", "<", "...", '"s"', ".c", "relu", "\n", "1.5M", "take"]
Draw = st.DrawFn


def read_tokens(text: str) -> list[str]:
    """With comments and line ends."""
    return TOKEN.findall(text)


def read_comments(text: str) -> list[str]:
    return [token[1:].strip(" \t\r\f") for token in read_tokens(text) if token[0] == "#"]


def fuses(before: str, after: str) -> bool:
    """Whether two tokens without space between them would be read as others."""
    return read_tokens(before + after) != [before, after]


@st.composite
def spaced(draw: Draw, text: str) -> str:
    """Other spaces and tabs; in brackets other line ends too, unless a comment needs them, or they make a
    list of lists a table."""
    written: list[str] = []
    open_: list[str] = []
    before = "\n"
    tokens = read_tokens(text)
    for number, token in enumerate(tokens):
        inside = bool(open_) and open_[-1] in "(["
        if token in "([{":
            open_.append(token)
        elif token in ")]}":
            open_.pop()
        if token == "\n":
            # a comment on a line of its own is another than one beside a token
            after = "".join(tokens[number + 1 : number + 2])
            needed = before[0] == "#" or after.startswith("#") or (before, after) == ("[", "[")
            if inside and not needed and draw(st.booleans()):
                continue
            written.append(draw(SPACES) + token)
            before = token
            continue
        space = draw(SPACES)
        if not space and before != "\n" and fuses(before, token):
            space = " "
        # a line that begins with `//` is taken for a comment of another language
        ends = (
            inside and before != "\n" and token[0] != "#" and token != "//" and (before, token) != ("[", "[")
        )
        if ends and draw(st.integers(0, 9)) == 0:
            space += "\n"
        written.append(space + token)
        before = token
    return "".join(written)


@st.composite
def laid_out(draw: Draw, text: str) -> str:
    """Statements joined and split, blank lines and comments, redundant parentheses."""
    written: list[str] = []
    open_ = [""]
    tokens = read_tokens(text)
    for number, token in enumerate(tokens):
        chance = draw(st.integers(0, 19))
        before = tokens[number - 1] if number else "\n"
        in_braces = open_[-1] in ("", "{")
        if token in "([{":
            open_.append(token)
        elif token in ")]}":
            open_.pop()
        if token == "\n" and before[0] != "#" and in_braces and chance < 3:
            written.append("; " if before not in ("{", "\n", ";") else " ")
        elif token == ";" and chance < 5:
            written.append("\n")
        elif token == "\n" and chance < 6:
            written.append(draw(st.sampled_from(["\n\n", "\n\n\n", "\n \n"])))
        elif token == "\n" and before[0] != "#" and chance < 10:
            written.append(f" {draw(COMMENTS)}\n{draw(COMMENTS)}\n" if chance < 8 else f"{draw(COMMENTS)}\n")
        elif (token == "->" and chance < 6) or (not in_braces and token not in "([{" and chance == 0):
            written.append(f" {draw(COMMENTS)}\n{token} " if chance < 3 else f"\n{token} ")
        elif re.match(r"[A-Za-z_0-9]", token) and chance == 1:
            written.append(f" ({token}) ")
        else:
            written.append(f" {token} " if token != "\n" else token)
    return "".join(written)


@st.composite
def mutated(draw: Draw, text: str, is_spec: Callable[[str], bool]) -> str:
    """Tokens deleted, doubled, exchanged and replaced, where it stays a spec."""
    for _ in range(draw(st.integers(2, 8))):
        tokens = read_tokens(text)
        at = draw(st.integers(0, len(tokens) - 1))
        other = draw(st.integers(0, len(tokens) - 1))
        match draw(st.integers(0, 5)):
            case 0 if len(tokens) > 1:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[other])
            case 2:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens.insert(at, draw(st.sampled_from(WORDS)))
            case 4:
                tokens[at:at] = tokens[other : other + draw(st.integers(1, 8))]
            case _:
                tokens[at] = draw(st.sampled_from(WORDS))
        changed = "".join(token if token == "\n" else f"{token} " for token in tokens)
        if is_spec(changed):
            text = changed
    return text
