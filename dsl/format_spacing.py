"""The tree of a file and its tokens in, out the tokens that stand close to their neighbours, and why.

Everything that the spacing of an expression depends on is decided here: by the tree, for the tokens alone do
not tell a call from a list, or a sign from a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from . import ast
from .lalr import Token

PRODUCTS = frozenset({"*", "/", "//", "%"})
SUMS = frozenset({"+", "-"})
LEAVES = ast.Name | ast.Number | ast.Dims | ast.String | ast.Constant
ARITHMETIC = PRODUCTS | SUMS | {"^"}


class Spacing(Struct, frozen=True):
    """Indices of tokens."""

    openings: set[int]
    """`(` and `[` of calls, indices and parameters: they follow what they belong to at once. (Where there are
    no parameters, what stands in their place.)"""
    signs: set[int]
    """A `-` before its operand."""
    tight: set[int]
    """Operators without a space on either side: `2^i`, `4*width`, `3x3/s`."""
    lists_of_names: set[int]
    """`(` of what `use` and `takes` name, which is no tuple."""


def find_spacing(file: ast.File, tokens: Sequence[Token]) -> Spacing:
    """`tokens` are those of the file, with offsets into its text, without line ends."""
    finder = Finder(tokens)
    for item in file.items:
        finder.offset = item.offset
        finder.visit(item.tree)
    return finder.found


class Finder:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.at_end = {token.end: index for index, token in enumerate(tokens)}
        self.at_start = {token.start: index for index, token in enumerate(tokens)}
        self.found = Spacing(set(), set(), set(), set())
        self.offset = 0

    def after(self, place: int) -> int:
        """The token behind the one that ends at `place` of the item."""
        return self.at_end[self.offset + place] + 1

    def before(self, place: int) -> int:
        """The token in front of the one that starts at `place`."""
        return self.at_start[self.offset + place] - 1

    def visit(self, tree: ast.Definition) -> None:
        waiting: list[Any] = [tree]
        # The parts of `a < b < c` share the node of `b`: what is in it would else be seen twice, and what is
        # in a nest of such parts 2^n times.
        seen: set[int] = set()
        settled: set[int] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, tuple):
                waiting.extend(node)
                continue
            if not isinstance(node, ast.Node) or isinstance(node, LEAVES):
                continue
            if isinstance(node, ast.Binary):
                if id(node) in seen:
                    continue
                seen.add(id(node))
            match node:
                case ast.Call() | ast.Index():
                    self.found.openings.add(self.after(node.target.end))
                case ast.Unary(operator="-"):
                    self.found.signs.add(self.before(node.operand.start))
                case ast.Binary() if id(node) not in settled:
                    settled.update(self.space_operator(node))
                case ast.Label() if node.indices:
                    self.found.openings.add(self.after(node.start + len(node.name)))
                case ast.Aux():
                    self.found.openings.add(self.after(node.label.end))
                case ast.Net() | ast.Block():
                    self.found.openings.add(self.after(node.name.end))
                    if isinstance(node, ast.Block) and node.takes:
                        self.found.lists_of_names.add(self.before(node.takes[0].start))
                case ast.Use() if node.names:
                    self.found.lists_of_names.add(self.before(node.names[0].start))
            waiting.extend(getattr(node, name) for name in node.__struct_fields__[2:])

    def space_operator(self, node: ast.Binary) -> Iterator[int]:
        """Decides on the operator of `node`; gives the products below it that are decided on with it."""
        if node.operator == "^":
            self.found.tight.add(self.after(node.left.end))
        elif node.operator in SUMS:
            for term in (node.left, node.right):
                products = list(read_products(term))
                if products and all(map(is_simple, factors(products))):
                    for product in products:
                        self.found.tight.add(self.after(product.left.end))
                        yield id(product)
        elif (node.operator == "*" and is_coefficient(node)) or (node.operator == "/" and is_close(node)):
            self.found.tight.add(self.after(node.left.end))


def in_parentheses(node: ast.Binary) -> bool:
    """Seen from its place, which holds them."""
    return node.start < node.left.start


def read_products(term: ast.Expr) -> Iterator[ast.Binary]:
    """`a * b / c` as its products, the outermost first; nothing for another term, or one in parentheses."""
    while isinstance(term, ast.Binary) and term.operator in ("*", "/") and not in_parentheses(term):
        yield term
        term = term.left


def factors(products: list[ast.Binary]) -> Iterator[ast.Expr]:
    yield products[-1].left
    for product in products:
        yield product.right


def is_simple(node: ast.Expr) -> bool:
    """Short enough to be read as one thing in a product."""
    match node:
        case ast.Number() | ast.Name():
            return True
        case ast.Attribute():
            return is_simple(node.target)
        case ast.Index():
            return is_simple(node.target) and all(map(is_simple, node.items))
        case ast.Unary(operator="-"):
            return is_simple(node.operand)
        case ast.Binary() if node.operator == "^" or (node.operator in ARITHMETIC and in_parentheses(node)):
            return all(is_simple(operand) for operand in operands(node))
    return False


def operands(node: ast.Binary) -> Iterator[ast.Expr]:
    """Of an expression of sums, products and powers, those that are none themselves."""
    waiting: list[ast.Expr] = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, ast.Binary) and found.operator in ARITHMETIC:
            waiting += [found.left, found.right]
        else:
            yield found


def is_number(node: ast.Expr) -> bool:
    if isinstance(node, ast.Unary) and node.operator == "-":
        node = node.operand
    return isinstance(node, ast.Number)


def is_coefficient(product: ast.Binary) -> bool:
    """`4*width`; a repeat (`relu * 3`) is none."""
    return is_number(product.left) and isinstance(product.right, ast.Name)


def is_close(quotient: ast.Binary) -> bool:
    """`3/4`, `k/s`, and the stride of a window: `7x7/2`, `1x1/(stride if v1 else 1)`."""
    left, right = quotient.left, quotient.right
    if is_window(left) or is_window(right):
        return True
    return all(isinstance(side, ast.Name) or is_number(side) for side in (left, right))


def is_window(node: ast.Expr) -> bool:
    if isinstance(node, ast.Conditional):
        return is_window(node.then) or is_window(node.otherwise)
    return isinstance(node, ast.Dims | ast.List)
