"""Tokens in, the leaves of the tree out, and what is wrong about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from . import ast, literals
from .lalr import Token
from .limits import DEFAULT, TextLimits
from .precedence import Misplaced
from .slip import Slip

T = TypeVar("T")
LABEL_HELP = "a label is a name, `name[i]`, or `(a, b)` for the values of a tuple"


class Builder:
    """The text that tokens point into, and what was found wrong while the tree was made."""

    def __init__(self, text: str, limits: TextLimits = DEFAULT) -> None:
        self.text, self.limits = text, limits
        self.slips: list[Slip] = []

    def name(self, token: Token) -> ast.Name:
        return ast.Name(token.start, token.end, self.text[token.start : token.end])

    def literal(self, read: Callable[[str], T], start: int, end: int, instead: T) -> T:
        try:
            return read(self.text[start:end])
        except literals.Refused as refused:
            last = end if refused.end is None else start + refused.end
            self.slips.append(
                Slip(refused.code, refused.message, start + refused.start, last, help=refused.help)
            )
            return instead

    def string(self, read: Callable[[str, int], str], start: int, end: int) -> str:
        return self.literal(lambda text: read(text, self.limits.string_characters), start, end, "")

    def source(self, token: Token | None) -> str | None:
        return None if token is None else self.string(literals.read_string, token.start, token.end)

    def wrong(self, node: ast.Node, message: str, help: str = "", code: str = "syntax") -> None:
        self.slips.append(Slip(code, message, node.start, node.end, help=help))

    def misplaced(self, error: Misplaced) -> ast.Expr:
        token = error.token
        self.slips.append(Slip("syntax", error.message, token.start, token.end, help=error.help))
        return ast.Name(token.start, token.end, "")

    def label(self, node: ast.Expr) -> ast.Label:
        if isinstance(node, ast.Name):
            if not node.id:
                pass  # it was told already
            elif node.id == "in":
                self.wrong(node, "`in` is the tensor that enters, and cannot be a label", LABEL_HELP)
            elif node.end - node.start != len(node.id):
                self.wrong(node, "a label stands without parentheses", f"write `{node.id}:`")
            return ast.Label(node.start, node.end, node.id, ())
        if isinstance(node, ast.Index) and isinstance(node.target, ast.Name):
            for item in node.items:
                if isinstance(item, ast.Slice):
                    self.wrong(item, "a label has no slice", LABEL_HELP)
            return ast.Label(node.start, node.end, self.label(node.target).name, node.items)
        self.wrong(node, "this cannot be a label", LABEL_HELP)
        return ast.Label(node.start, node.end, "", ())
