"""A flat row of operands and operators in, a tree out: the one place that knows precedence.

Loosest first, as in Python: `a if c else b`, `or`, `and`, `not`, comparison and `in`, `+ -`, `* / // %`,
unary `-`, `^` (right to left; its exponent may have a sign).
"""

from __future__ import annotations

from . import ast
from .lalr import Token

Piece = ast.Expr | Token

OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN = range(7)
LEVELS = {
    "OR": (OR, "or"),
    "AND": (AND, "and"),
    "EQUAL": (COMPARISON, "=="),
    "UNEQUAL": (COMPARISON, "!="),
    "LESS": (COMPARISON, "<"),
    "AT_MOST": (COMPARISON, "<="),
    "MORE": (COMPARISON, ">"),
    "AT_LEAST": (COMPARISON, ">="),
    "IN": (COMPARISON, "in"),
    "NOT": (COMPARISON, "not in"),
    "PLUS": (SUM, "+"),
    "MINUS": (SUM, "-"),
    "STAR": (PRODUCT, "*"),
    "SLASH": (PRODUCT, "/"),
    "FLOOR": (PRODUCT, "//"),
    "PERCENT": (PRODUCT, "%"),
}
CLAIMS = {"EQUAL": "==", "ABOUT": "~=", "AT_MOST": "<=", "DENIED": "!~"}


class Misplaced(Exception):
    """An operator stands where it has no meaning."""

    def __init__(self, message: str, token: Token, help: str = "") -> None:
        super().__init__(message)
        self.message, self.token, self.help = message, token, help


def resolve(pieces: list[Piece]) -> ast.Expr:
    """Raises `Misplaced`."""
    return Row(pieces).read()


def resolve_filtered(pieces: list[Piece]) -> tuple[ast.Expr, ast.Expr | None]:
    """What a comprehension runs over, and its condition: a last `if` that has no `else`."""
    row = Row(pieces, filtered=True)
    return row.read(), row.condition


class Row:
    def __init__(self, pieces: list[Piece], filtered: bool = False) -> None:
        self.pieces = pieces
        self.at = 0
        self.filtered = filtered
        self.condition: ast.Expr | None = None

    def peek(self) -> str:
        """The kind of the operator that comes next; empty at an operand and at the end."""
        if self.at < len(self.pieces):
            piece = self.pieces[self.at]
            if isinstance(piece, Token):
                return piece.kind
        return ""

    def read(self) -> ast.Expr:
        value = self.conditional()
        if self.at < len(self.pieces):
            raise self.refuse()
        return value

    def conditional(self) -> ast.Expr:
        then = self.binary(OR)
        if self.peek() != "IF":
            return then
        word = self.pieces[self.at]
        self.at += 1
        condition = self.binary(OR)
        if self.peek() == "ELSE":
            self.at += 1
            otherwise = self.conditional()
            return ast.Conditional(then.start, otherwise.end, condition, then, otherwise)
        if self.filtered and self.at == len(self.pieces):
            self.condition = condition
            return then
        assert isinstance(word, Token)
        raise Misplaced("an `if` inside an expression needs an `else`", word, "write `a if condition else b`")

    def binary(self, level: int) -> ast.Expr:
        left = self.prefixed(level)
        while (kind := self.peek()) in LEVELS and LEVELS[kind][0] >= level:
            own, operator = LEVELS[kind]
            if own == COMPARISON:
                left = self.comparison(left)
                continue
            self.at += 1
            right = self.binary(own + 1)
            left = ast.Binary(left.start, right.end, operator, left, right)
        return left

    def comparison(self, left: ast.Expr) -> ast.Expr:
        """`a < b < c` is `a < b and b < c`."""
        parts = []
        while (kind := self.peek()) in LEVELS and LEVELS[kind][0] == COMPARISON:
            self.at += 2 if kind == "NOT" else 1
            right = self.binary(SUM)
            parts.append(ast.Binary(left.start, right.end, LEVELS[kind][1], left, right))
            left = right
        value: ast.Expr = parts[0]
        for part in parts[1:]:
            value = ast.Binary(value.start, part.end, "and", value, part)
        return value

    def prefixed(self, level: int) -> ast.Expr:
        kind = self.peek()
        if kind == "MINUS" or (kind == "NOT" and level <= NOT):
            token = self.pieces[self.at]
            self.at += 1
            operand = self.binary(NOT) if kind == "NOT" else self.prefixed(SIGN)
            return ast.Unary(token.start, operand.end, "not" if kind == "NOT" else "-", operand)
        return self.power()

    def power(self) -> ast.Expr:
        base = self.operand()
        if self.peek() != "CARET":
            return base
        self.at += 1
        exponent = self.prefixed(SIGN)
        return ast.Binary(base.start, exponent.end, "^", base, exponent)

    def operand(self) -> ast.Expr:
        if self.at < len(self.pieces):
            piece = self.pieces[self.at]
            if not isinstance(piece, Token):
                self.at += 1
                return piece
        raise self.refuse()

    def refuse(self) -> Misplaced:
        """For the operator that stands next."""
        token = self.pieces[min(self.at, len(self.pieces) - 1)]
        assert isinstance(token, Token)
        if token.kind == "ELSE":
            help = "it follows the `}` of an `if`, or stands in a value: `a if condition else b`"
            return Misplaced("this `else` has no `if`", token, help)
        if token.kind == "IF":
            return Misplaced("an `if` inside the parts of another needs parentheses", token)
        if token.kind == "NOT":
            return Misplaced("a `not` after another operator needs parentheses", token, "write `(not x)`")
        return Misplaced(f"`{CLAIMS[token.kind]}` stands only in the claims of an `expect`", token)


def resolve_claim(pieces: list[Piece]) -> tuple[ast.Expr, str, ast.Expr] | None:
    """The two sides of a claim and its operator; None where it has not exactly one operator of a claim."""
    found = [at for at, piece in enumerate(pieces) if isinstance(piece, Token) and piece.kind in CLAIMS]
    if len(found) != 1:
        return None
    at = found[0]
    operator = pieces[at]
    assert isinstance(operator, Token)
    return resolve(pieces[:at]), CLAIMS[operator.kind], resolve(pieces[at + 1 :])
