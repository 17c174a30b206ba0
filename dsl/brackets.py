"""Tokens with brackets that do not match in, what is wrong with them out."""

from __future__ import annotations

from collections.abc import Sequence

from .lalr import Token
from .slip import Slip

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


def judge(raw: list[Token], position: int, tokens: list[Token], stack: list[int]) -> str:
    """What is wrong with the closing bracket at `position`, which does not match the innermost open one:

    it is `stray`; it was `meant` to close that one; or that one is `unclosed`. `stack` holds the open
    brackets as indices of `tokens`.
    """
    if not stack:
        return "stray"
    closer = raw[position].kind
    following = next((token.kind for token in raw[position + 1 :] if token.kind in WRITTEN), "")
    innermost = tokens[stack[-1]].kind
    if following == OPENERS[innermost]:
        return "stray"  # `f(a] b)`: what is open is closed further on
    round_or_square = innermost != "LBRACE" and closer != "RBRACE"
    if round_or_square and len(stack) > 1 and following == OPENERS[tokens[stack[-2]].kind]:
        return "meant"  # `f([1, 2), 3)`: what is open around is closed further on
    for index in reversed(stack):
        kind = tokens[index].kind
        if kind == CLOSERS[closer]:
            return "unclosed"
        if kind == "LBRACE":
            break
    return "meant" if round_or_square else "stray"


def stray(token: Token) -> Slip:
    return Slip("stray", f"this `{WRITTEN[token.kind]}` closes nothing", token.start, token.end)


def mismatched(closer: Token, opener: Token) -> Slip:
    wrong, right, mark = WRITTEN[closer.kind], WRITTEN[OPENERS[opener.kind]], WRITTEN[opener.kind]
    causes = ((opener.start, opener.end, "opened here"),)
    fix = (closer.start, closer.end, right)
    message = f"`{wrong}` cannot close a `{mark}`"
    return Slip("stray", message, closer.start, closer.end, f"write `{right}`", causes, fix=fix)


def unclosed(opener: Token, closer: Token | None) -> Slip:
    """For a `(` or `[` that is still open at `closer`, or at the end."""
    causes: tuple[tuple[int, int, str], ...] = ()
    if closer is not None:
        causes = ((closer.start, closer.end, f"`{WRITTEN[OPENERS[opener.kind]]}` is missing before this"),)
    message = f"this `{WRITTEN[opener.kind]}` is never closed"
    return Slip("unclosed", message, opener.start, opener.end, causes=causes)


def find_swallowed(tokens: list[Token], index: int, text: str, closer: Token | None) -> tuple[int, int]:
    """What to paint over for the `(` or `[` at `index`: its statement up to the end of its line, without the
    brace that ends that; or all up to `closer` where it begins a list that goes on in the next lines.
    """
    opener = tokens[index]
    first = tokens[min(statement_start(tokens, index), index)].start
    line_end = text.find("\n", opener.start)
    line_end = len(text) if line_end < 0 else line_end
    last = max((token for token in tokens[index:] if token.end <= line_end), key=lambda token: token.end)
    if closer is not None and closer.start < line_end:
        return first, closer.start
    if last.kind in ("COMMA", "LPAR", "LSQB"):
        return first, len(text) if closer is None else closer.start
    return first, last.start if last.kind == "LBRACE" else line_end


def missing_brace(tokens: list[Token], text: str) -> Slip:
    """For an item that ends inside braces: the `{` whose `}` stands where another's should; or the last."""
    stack: list[int] = []
    suspects: list[tuple[Token, Token]] = []
    for index, token in enumerate(tokens):
        if token.kind == "LBRACE":
            stack.append(index)
        elif token.kind == "RBRACE":
            last = stack.pop()
            begins_line = index > 0 and tokens[index - 1].kind == "_NL"
            further_left = begins_line and indent(text, token.start) < indent(text, tokens[last].start)
            if further_left:
                suspects.append((tokens[last], token))
    opener, closer = suspects[0] if suspects else (tokens[stack[-1]], None)
    causes = ((closer.start, closer.end, "this `}` stands too far left to be its own"),) if closer else ()
    return Slip("unclosed", "this `{` is never closed", opener.start, opener.end, causes=causes)


def indent(text: str, at: int) -> int:
    """Of the line that holds `at`."""
    line = text[text.rfind("\n", 0, at) + 1 : at].expandtabs()
    return len(line) - len(line.lstrip())
