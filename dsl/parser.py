"""The text of a file in, its tree and what is wrong with it out; no text raises.

Each top-level item is parsed alone and kept by its text, so that a slip in one cannot spoil another, and
equal text is parsed once.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache, lru_cache, partial

from . import ast
from .build import CALLBACKS
from .builder import Builder
from .diagnostics import Diagnostic
from .lalr import Parser, Token, Unexpected
from .layout import lay_out
from .lexer import tokenize
from .limits import DEFAULT, TextLimits
from .scan import EVENT, Chunk, scan
from .slip import Slip
from .source import Garbled, Place, Source
from .tables import load_tables
from .words import ITEM_WORDS, guess_item

DEFINITIONS = frozenset({'"""', "use", "let", "block", "net"})
"""The items that a compiler needs; `expect` and `train` are read where somebody asks for them."""
CACHED_LENGTH = 100_000
"""The longest text of an item that is kept."""
BODIED = frozenset({"block", "net", "expect", "train"})
DEFINED = re.compile(r"\w+[ \t]+([A-Za-z_]\w*)")
ASSIGNED = re.compile(r"\w+[ \t]+\w+[ \t]*=(?!=)")


def parse(
    source: Source, kinds: Set[str] | None = None, limits: TextLimits = DEFAULT
) -> tuple[ast.File, tuple[Diagnostic, ...]]:
    """The items of `source` that could be read, and what is wrong with the others, in the order of the text.

    `kinds` holds the words that begin the items wanted (`DEFINITIONS`); without it, all are read.
    """
    if source.garbled is not None:
        return ast.File(source, (), frozenset("*")), (tell_garbled(source, source.garbled),)
    limits = TextLimits(limits.nesting, limits.string_characters)
    items: list[ast.Item] = []
    diagnostics: list[Diagnostic] = []
    broken: set[str] = set()
    unsound = False
    for chunk in join_strays(source.text, scan(source.text)):
        if kinds is not None and chunk.word in ("expect", "train") and chunk.word not in kinds:
            continue
        text = source.text[chunk.start : chunk.end]
        read = parse_item if len(text) <= CACHED_LENGTH else read_item
        tree, slips = read(text, limits)
        if tree is not None:
            items.append(ast.Item(source, chunk.start, tree, mended=bool(slips)))
        else:
            broken |= find_defined(chunk, text)
        if unsound and is_stray(source.text, chunk):
            continue  # what is left of the broken item before
        unsound = bool(slips)
        diagnostics.extend(slip.diagnose(source, chunk.start) for slip in slips)
    return ast.File(source, tuple(items), frozenset(broken)), tuple(diagnostics)


def tell_garbled(source: Source, garbled: Garbled) -> Diagnostic:
    place = Place(source, garbled.start, garbled.start + garbled.length)
    return Diagnostic("encoding", garbled.message, place, garbled.marked, help=garbled.help)


def join_strays(text: str, chunks: list[Chunk]) -> list[Chunk]:
    """What begins no item, up to the next that does, as one; and with the item before where a `}` in it is
    one too many: it was meant to be in that item's body."""
    joined: list[Chunk] = []
    item, surplus = -1, 0
    """Which one of `joined` the strays follow, and how many `}` more than `{` they hold."""
    for chunk in chunks:
        stray = is_stray(text, chunk)
        if item >= 0 and (text[chunk.start] == "}" or is_indented(text, chunk)):
            surplus += count_surplus(text, chunk)
            if surplus > 0:
                joined[item:] = [Chunk(joined[item].start, chunk.end, joined[item].word)]
                surplus = 0
                continue
        else:
            item, surplus = (len(joined) if chunk.word in BODIED else -1), 0
        if joined and stray and is_stray(text, joined[-1]):
            joined[-1] = Chunk(joined[-1].start, chunk.end, joined[-1].word)
        else:
            joined.append(chunk)
    return joined


def is_indented(text: str, chunk: Chunk) -> bool:
    return chunk.start > 0 and text[chunk.start - 1] in " \t"


def count_surplus(text: str, chunk: Chunk) -> int:
    marks = [event[0] for event in EVENT.finditer(text, chunk.start, chunk.end)]
    return marks.count("}") - marks.count("{")


def is_stray(text: str, chunk: Chunk) -> bool:
    if chunk.word == '"""' or chunk.word in ITEM_WORDS:
        return False
    return not (guess_kind(text[chunk.start : chunk.end]) and DEFINED.match(text, chunk.start))


def find_defined(chunk: Chunk, text: str) -> set[str]:
    """The names that a broken item would have defined, `*` where they cannot be known."""
    word = guess_kind(text)
    if word == "use":
        names = set(re.findall(r"[^\W\d]\w*", text)[2:])
        return names or {"*"}
    if word in ("let", "block", "net"):
        name = DEFINED.match(text)
        return {name[1]} if name else {"*"}
    # Of what begins no item, any word of its head may be what it was to define or to bring.
    return set() if word else set(re.findall(r"[^\W\d]\w*", text.partition("\n")[0]))


def guess_kind(text: str) -> str:
    """The word that the item begins with, or was meant to; empty where that is anyone's guess."""
    word = first_word(text)
    guess = guess_item(word)
    if guess != word and not (ASSIGNED if guess == "let" else DEFINED).match(text):
        return ""
    return guess


@cache
def load_parser() -> Parser:
    return Parser(load_tables(), CALLBACKS)


@lru_cache(maxsize=1024)
def parse_item(text: str, limits: TextLimits = DEFAULT) -> tuple[ast.Definition | None, tuple[Slip, ...]]:
    return read_item(text, limits)


def read_item(text: str, limits: TextLimits) -> tuple[ast.Definition | None, tuple[Slip, ...]]:
    """The tree of one item, and what is wrong with it: no tree where it cannot be known how it was meant."""
    raw, slips = tokenize(text)
    tokens, deep = lay_out(raw, text, limits.nesting)
    slips += deep
    tree = None if slips else build(text, tokens, limits)
    if tree is not None:
        return tree, ()
    from .broken import find_slips
    from .mended import read_mended

    found = find_slips(text, guess_kind(text), raw, slips, tokens, load_parser(), limits)
    return read_mended(text, found, partial(read_sound, limits=limits)), found


def read_sound(text: str, limits: TextLimits) -> ast.Definition | None:
    """The tree of one item, if nothing is wrong with it."""
    raw, slips = tokenize(text)
    tokens, deep = lay_out(raw, text, limits.nesting)
    return None if slips or deep else build(text, tokens, limits)


def build(text: str, tokens: list[Token], limits: TextLimits) -> ast.Definition | None:
    if len(tokens) < 2 or tokens[-1].kind != "$END":
        return None
    builder = Builder(text, limits)
    try:
        tree: ast.Definition = load_parser().parse(tokens, "item", builder)
    except Unexpected:
        return None
    return None if builder.slips else tree


def first_word(text: str) -> str:
    found = re.match(r"\w*", text)
    return found[0] if found else ""
