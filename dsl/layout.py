"""Raw tokens in, tokens that the grammar reads out: brackets matched, line ends that mean nothing dropped.

A line end counts only where the innermost bracket is a brace, or none.
"""

from __future__ import annotations

from msgspec.structs import replace

from .brackets import CLOSERS, OPENERS, find_swallowed, judge, mismatched, missing_brace, stray, unclosed
from .depth import find_too_deep, too_deep
from .lalr import Token
from .slip import MOST_SLIPS, Slip

CONCERNED = frozenset({"_NL", ";", *OPENERS, *CLOSERS})


def lay_out(raw: list[Token], text: str, nesting: int) -> tuple[list[Token], list[Slip]]:
    """The tokens, `$END` last; without it they cannot be read: the last slip says why, and what to paint."""
    tokens: list[Token] = []
    slips: list[Slip] = []
    stack: list[int] = []
    """Open brackets, as indices of `tokens`."""
    innermost = ""
    for position, token in enumerate(raw):
        kind = token.kind
        if kind not in CONCERNED:
            tokens.append(token)
            continue
        if kind == "_NL" or kind == ";":
            counts = kind == ";" or innermost in ("", "LBRACE")
            if counts and tokens and tokens[-1].kind != "_NL":
                tokens.append(Token("_NL", token.start, token.end))
            continue
        if kind in OPENERS:
            if len(stack) == nesting:
                return tokens, [too_deep(token, nesting)]
            stack.append(len(tokens))
            innermost = kind
        elif innermost == CLOSERS[kind]:
            stack.pop()
            innermost = tokens[stack[-1]].kind if stack else ""
        else:
            verdict = judge(raw, position, tokens, stack)
            slips.append(describe(verdict, token, tokens[stack[-1]] if stack else token))
            if len(slips) >= MOST_SLIPS:
                return tokens, slips
            if verdict == "unclosed" and kind == "RBRACE":
                gap = find_swallowed(tokens, stack[-1], text, token)
                return tokens, [*slips[:-1], replace(slips[-1], gaps=(gap,))]
            if verdict == "stray":
                continue
            # Read on as if what was meant, or is missing, were there.
            stack.pop()
            closed = Token(OPENERS[innermost], token.start, token.end)
            if verdict == "unclosed":
                tokens.append(closed._replace(end=token.start))
                stack.pop()
            else:
                token = closed
            innermost = tokens[stack[-1]].kind if stack else ""
        tokens.append(token)
    return tokens, finish(tokens, slips, stack, text, nesting)


def describe(verdict: str, closer: Token, opener: Token) -> Slip:
    if verdict == "stray":
        return stray(closer)
    return mismatched(closer, opener) if verdict == "meant" else unclosed(opener, closer)


def finish(tokens: list[Token], slips: list[Slip], stack: list[int], text: str, nesting: int) -> list[Slip]:
    """Adds the closing braces that are missing and `$END`, unless the tokens cannot be read."""
    end = len(text)
    if stack:
        others = [index for index in stack if tokens[index].kind != "LBRACE"]
        if others:
            gap = find_swallowed(tokens, others[-1], text, None)
            return [*slips, replace(unclosed(tokens[others[-1]], None), gaps=(gap,))]
        slips = [*slips, missing_brace(tokens, text)]
        tokens.extend(Token("RBRACE", end, end) for _ in stack)
    if tokens and tokens[-1].kind == "_NL":
        tokens.pop()
    deep = find_too_deep(tokens, nesting)
    if deep is not None:
        return [too_deep(deep, nesting)]
    tokens.append(Token("$END", end, end))
    return slips
