"""Raw tokens in, tokens that the grammar reads out: line ends that mean nothing dropped.

A line end counts only where the innermost bracket is a brace, or none.
"""

from __future__ import annotations

from .brackets import CLOSERS, OPENERS
from .depth import find_too_deep, too_deep
from .lalr import Token
from .slip import Slip

CONCERNED = frozenset({"_NL", ";", *OPENERS, *CLOSERS})


def lay_out(raw: list[Token], text: str, nesting: int) -> tuple[list[Token], list[Slip]]:
    """The tokens, `$END` last. Without it they cannot be read: they are nested too deep, which is told, or
    brackets do not match, which `balance` mends.
    """
    tokens: list[Token] = []
    stack: list[str] = []
    """The closing brackets that are to come."""
    innermost = ""
    for token in raw:
        kind = token.kind
        if kind not in CONCERNED:
            tokens.append(token)
            continue
        if kind == "_NL" or kind == ";":
            counts = kind == ";" or innermost in ("", "RBRACE")
            if counts and tokens and tokens[-1].kind != "_NL":
                tokens.append(Token("_NL", token.start, token.end))
            continue
        if kind in OPENERS:
            if len(stack) == nesting:
                return tokens, [too_deep(token, nesting)]
            innermost = OPENERS[kind]
            stack.append(innermost)
        elif innermost == kind:
            stack.pop()
            innermost = stack[-1] if stack else ""
        else:
            return tokens, []
        tokens.append(token)
    if stack:
        return tokens, []
    if tokens and tokens[-1].kind == "_NL":
        tokens.pop()
    deep = find_too_deep(tokens, nesting)
    if deep is not None:
        return tokens, [too_deep(deep, nesting)]
    tokens.append(Token("$END", len(text), len(text)))
    return tokens, []
