"""The text of a file in, its tree and what is wrong with it out; no text raises.

Each top-level item is parsed alone and kept by its text, so that a slip in one cannot spoil another, and
equal text is parsed once.
"""

from __future__ import annotations

from collections.abc import Set
from functools import cache, lru_cache

from . import ast
from .build import CALLBACKS, Builder
from .diagnostics import Diagnostic
from .lalr import Parser, Unexpected
from .layout import lay_out
from .lexer import RESERVED, tokenize
from .scan import scan
from .slip import Slip
from .source import Source
from .tables import load_tables

DEFINITIONS = frozenset({'"""', "use", "let", "block", "net"})
"""The items that a compiler needs; `expect` and `train` are read where somebody asks for them."""
CACHED_LENGTH = 100_000
"""The longest text of an item that is kept."""


def parse(source: Source, kinds: Set[str] | None = None) -> tuple[ast.File, tuple[Diagnostic, ...]]:
    """The items of `source`, those that could be read, and what is wrong, in the order of the text.

    `kinds` holds the words that begin the items wanted (`DEFINITIONS`); without it, all are read.
    """
    items: list[ast.Item] = []
    diagnostics: list[Diagnostic] = []
    for chunk in scan(source.text):
        if kinds is not None and chunk.word in ("expect", "train") and chunk.word not in kinds:
            continue
        text = source.text[chunk.start : chunk.end]
        tree, slips = parse_item(text) if len(text) <= CACHED_LENGTH else parse_item.__wrapped__(text)
        if tree is not None:
            items.append(ast.Item(source, chunk.start, tree))
        diagnostics.extend(slip.diagnose(source, chunk.start) for slip in slips)
    return ast.File(source, tuple(items)), tuple(diagnostics)


@cache
def load_parser() -> Parser:
    return Parser(load_tables(), CALLBACKS, RESERVED)


@lru_cache(maxsize=1024)
def parse_item(text: str) -> tuple[ast.Definition | None, tuple[Slip, ...]]:
    """The tree of one item, or what is wrong with it."""
    raw, slips = tokenize(text)
    tokens, more = lay_out(raw, text)
    slips += more
    if tokens[-1].kind != "$END":
        return None, tuple(slips)
    builder = Builder(text)
    try:
        tree = load_parser().parse(tokens, "item", builder)
    except Unexpected as error:
        token = tokens[error.index]
        slips.append(
            Slip("syntax", f"`{text[token.start : token.end]}` cannot stand here", token.start, token.end)
        )
        return None, tuple(slips)
    slips += builder.slips
    return (None if slips else tree), tuple(slips)
