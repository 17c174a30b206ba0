"""Raw tokens in, tokens that the grammar reads out: brackets matched, line ends that mean nothing dropped.

A line end counts only where the innermost bracket is a brace, or none.
"""

from __future__ import annotations

from .lalr import Token
from .slip import MOST_SLIPS, Slip

NESTING_LIMIT = 100
OPENERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}
WRITTEN = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}
SEPARATORS = frozenset({"COMMA", "ARROW", "COLON", "_NL"})
OPERATORS = frozenset(
    {
        *(
            "OR",
            "AND",
            "NOT",
            "IN",
            "EQUAL",
            "UNEQUAL",
            "LESS",
            "AT_MOST",
            "MORE",
            "AT_LEAST",
            "ABOUT",
            "DENIED",
        ),
        *("PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "CARET", "ELSE", "DOT"),
    }
)
"""What makes the tree of an expression one deeper."""
OPERAND_ENDS = frozenset({"NAME", "NUMBER", "DIMS", "STRING", "IN", "RPAR", "RSQB"})
CONCERNED = frozenset({"_NL", ";", *OPENERS, *CLOSERS})


def lay_out(raw: list[Token], text: str) -> tuple[list[Token], list[Slip]]:
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
        if len(slips) >= MOST_SLIPS:
            return tokens, slips
        if kind == "_NL" or kind == ";":
            counts = kind == ";" or innermost in ("", "LBRACE")
            if counts and tokens and tokens[-1].kind != "_NL":
                tokens.append(Token("_NL", token.start, token.end))
            continue
        if kind in OPENERS:
            if len(stack) == NESTING_LIMIT:
                return tokens, [too_deep(token)]
            stack.append(len(tokens))
            innermost = kind
        elif innermost == CLOSERS[kind]:
            stack.pop()
            innermost = tokens[stack[-1]].kind if stack else ""
        elif not stack or next_bracket(raw, position) == OPENERS[innermost]:
            # `f(a] b)`: what is open is closed further on, so this one is too many.
            slips.append(stray(token))
            continue
        elif CLOSERS[kind] in within_reach(tokens, stack, kind):
            slips.append(unclosed(tokens, stack[-1], text, token))
            if kind == "RBRACE":
                return tokens, slips
            # `f([1, 2)`: read on as if what is missing were there.
            stack.pop()
            tokens.append(Token(OPENERS[innermost], token.start, token.start))
            stack.pop()
            innermost = tokens[stack[-1]].kind if stack else ""
        elif innermost in ("LPAR", "LSQB"):
            slips.append(mismatched(token, tokens[stack.pop()]))
            token = Token(OPENERS[innermost], token.start, token.end)
            innermost = tokens[stack[-1]].kind if stack else ""
        else:
            slips.append(stray(token))
            continue
        tokens.append(token)
    end = len(text)
    if stack:
        parentheses = [index for index in stack if tokens[index].kind != "LBRACE"]
        if parentheses:
            return tokens, [*slips, unclosed(tokens, parentheses[-1], text, None)]
        slips.append(missing_brace(tokens, text))
        tokens.extend(Token("RBRACE", end, end) for _ in stack)
    if tokens and tokens[-1].kind == "_NL":
        tokens.pop()
    deep = find_too_deep(tokens)
    if deep is not None:
        return tokens, [too_deep(deep)]
    tokens.append(Token("$END", end, end))
    return tokens, slips


def too_deep(token: Token) -> Slip:
    message = f"this is nested more than {NESTING_LIMIT} deep"
    help = "give parts of it names: `let` for a value, a `block` for layers"
    return Slip("nesting-limit", message, token.start, token.end, help=help)


def within_reach(tokens: list[Token], stack: list[int], closer: str) -> set[str]:
    """The brackets that `closer` could mean: a `)` or `]` only those inside the innermost brace."""
    kinds: set[str] = set()
    for index in reversed(stack):
        kind = tokens[index].kind
        if kind == "LBRACE" and closer != "RBRACE":
            break
        kinds.add(kind)
    return kinds


def next_bracket(raw: list[Token], position: int) -> str:
    return next((token.kind for token in raw[position + 1 :] if token.kind in WRITTEN), "")


def stray(token: Token) -> Slip:
    return Slip("stray", f"this `{WRITTEN[token.kind]}` closes nothing", token.start, token.end)


def mismatched(closer: Token, opener: Token) -> Slip:
    wrong, right, mark = WRITTEN[closer.kind], WRITTEN[OPENERS[opener.kind]], WRITTEN[opener.kind]
    causes = ((opener.start, opener.end, "opened here"),)
    fix = (closer.start, closer.end, right)
    message = f"`{wrong}` cannot close a `{mark}`"
    return Slip("stray", message, closer.start, closer.end, f"write `{right}`", causes, fix=fix)


def unclosed(tokens: list[Token], index: int, text: str, closer: Token | None) -> Slip:
    """For a `(` or `[`; its statement is to be blanked, to the end of the line or of what it swallowed."""
    opener = tokens[index]
    mark = WRITTEN[opener.kind]
    missing = WRITTEN[OPENERS[opener.kind]]
    first = statement_start(tokens, index)
    line_end = text.find("\n", opener.start)
    line_end = len(text) if line_end < 0 else line_end
    last = max((token for token in tokens[index:] if token.end <= line_end), key=lambda token: token.end)
    if closer is not None and closer.start < line_end:
        end = closer.start
    elif last.kind in ("COMMA", "LPAR", "LSQB"):
        end = closer.start if closer is not None else len(text)
    else:
        end = last.start if last.kind == "LBRACE" else line_end
    causes: tuple[tuple[int, int, str], ...] = ()
    if closer is not None:
        causes = ((closer.start, closer.end, f"`{missing}` is missing before this"),)
    message = f"this `{mark}` is never closed"
    return Slip("unclosed", message, opener.start, opener.end, causes=causes, gaps=((first, end),))


def statement_start(tokens: list[Token], index: int) -> int:
    """Where the statement that holds the token at `index` begins; 0 in the head of an item."""
    depth = 0
    for position in range(index - 1, -1, -1):
        kind = tokens[position].kind
        if kind in CLOSERS:
            depth += 1
        elif kind == "LBRACE" and depth == 0:
            return tokens[position + 1].start
        elif kind in OPENERS:
            depth -= 1 if depth else 0
        elif kind == "_NL" and depth == 0:
            return tokens[position + 1].start
    return 0


def missing_brace(tokens: list[Token], text: str) -> Slip:
    """For an item that ends inside braces: the `{` whose `}` stands where another's should; or the last."""
    stack: list[int] = []
    suspect = None
    for index, token in enumerate(tokens):
        if token.kind == "LBRACE":
            stack.append(index)
        elif token.kind == "RBRACE":
            last = stack.pop()
            begins_line = index > 0 and tokens[index - 1].kind == "_NL"
            further_left = begins_line and indent(text, token.start) < indent(text, tokens[last].start)
            if suspect is None and further_left:
                suspect = last
    opener = tokens[stack[-1] if suspect is None else suspect]
    return Slip("unclosed", "this `{` is never closed", opener.start, opener.end, help="a `}` is missing")


def indent(text: str, at: int) -> int:
    """Of the line that holds `at`."""
    line = text[text.rfind("\n", 0, at) + 1 : at].expandtabs()
    return len(line) - len(line.lstrip())


def find_too_deep(tokens: list[Token]) -> Token | None:
    """Where the tree of `tokens` would become deeper than the limit, brackets and operators counted."""
    outside: list[tuple[int, int, int]] = []
    row = inner = height = 0
    """Of the operators since the last separator, of the brackets since then, and of both before, at most."""
    before = ""
    for token in tokens:
        kind = token.kind
        if kind in OPERATORS:
            row += 1
        elif kind in SEPARATORS:
            height = max(height, row + inner)
            row = inner = 0
        elif kind in OPENERS:
            called = kind != "LBRACE" and before in OPERAND_ENDS
            outside.append((row + called, inner, height))
            row = inner = height = 0
        elif kind in CLOSERS:
            closed = max(height, row + inner) + 1
            row, inner, height = outside.pop()
            inner = max(inner, closed)
        before = kind
        if row + inner > NESTING_LIMIT or len(outside) > NESTING_LIMIT:
            return token
    return None
