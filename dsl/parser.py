"""The text of a file in, its tree and what is wrong with it out; no text raises.

Each top-level item is parsed alone and kept by its text, so that a slip in one cannot spoil another, and
equal text is parsed once.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache, lru_cache

from msgspec.structs import replace

from . import ast
from .build import CALLBACKS
from .builder import Builder
from .diagnostics import Diagnostic
from .lalr import Parser, Unexpected
from .layout import lay_out
from .lexer import tokenize
from .limits import DEFAULT, TextLimits
from .mistakes import explain
from .recovery import BODY_STARTS, find_gaps, is_missing_brace, leave_out_echoes, paint
from .scan import Chunk, scan
from .slip import MOST_SLIPS, Slip
from .source import Source
from .tables import load_tables
from .words import ITEM_WORDS, guess_item

DEFINITIONS = frozenset({'"""', "use", "let", "block", "net"})
"""The items that a compiler needs; `expect` and `train` are read where somebody asks for them."""
CACHED_LENGTH = 100_000
"""The longest text of an item that is kept."""
MOST_CHARACTERS = 1_000_000
"""How many are read again and again for further mistakes of one item."""
Gaps = tuple[tuple[int, int], ...]
DEFINED = re.compile(r"\w+[ \t]+([A-Za-z_]\w*)")


def parse(
    source: Source, kinds: Set[str] | None = None, limits: TextLimits = DEFAULT
) -> tuple[ast.File, tuple[Diagnostic, ...]]:
    """The items of `source` that could be read, and what is wrong with the others, in the order of the text.

    `kinds` holds the words that begin the items wanted (`DEFINITIONS`); without it, all are read.
    """
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
            items.append(ast.Item(source, chunk.start, tree))
        else:
            broken |= find_defined(chunk, text)
        if unsound and is_stray(source.text, chunk):
            continue  # what is left of the broken item before
        unsound = bool(slips)
        diagnostics.extend(slip.diagnose(source, chunk.start) for slip in slips)
    return ast.File(source, tuple(items), frozenset(broken)), tuple(diagnostics)


def join_strays(text: str, chunks: list[Chunk]) -> list[Chunk]:
    """What begins no item, up to the next that does, as one: often what followed a `}` too many."""
    joined: list[Chunk] = []
    for chunk in chunks:
        if joined and is_stray(text, chunk) and is_stray(text, joined[-1]):
            joined[-1] = Chunk(joined[-1].start, chunk.end, joined[-1].word)
        else:
            joined.append(chunk)
    return joined


def is_stray(text: str, chunk: Chunk) -> bool:
    if chunk.word == '"""' or chunk.word in ITEM_WORDS:
        return False
    return not (guess_item(chunk.word) and DEFINED.match(text, chunk.start))


def find_defined(chunk: Chunk, text: str) -> set[str]:
    """The names that a broken item would have defined, `*` where they cannot be known."""
    word = guess_item(chunk.word)
    if word == "use":
        names = re.findall(r"\w+", text)[2:]
        return set(names) if names else {"*"}
    name = DEFINED.match(text)
    return {name[1]} if name and word in ("let", "block", "net") else set()


@cache
def load_parser() -> Parser:
    return Parser(load_tables(), CALLBACKS)


@lru_cache(maxsize=1024)
def parse_item(text: str, limits: TextLimits = DEFAULT) -> tuple[ast.Definition | None, tuple[Slip, ...]]:
    return read_item(text, limits)


def read_item(text: str, limits: TextLimits) -> tuple[ast.Definition | None, tuple[Slip, ...]]:
    """The tree of one item, or what is wrong with it: each broken statement is told of and painted over."""
    slips: list[Slip] = []
    painted, start, word = text, "item", guess_item(first_word(text))
    for _ in range(min(MOST_SLIPS, max(MOST_CHARACTERS // (len(text) + 1), 2))):
        tree, found, gaps = read_once(painted, start, word, limits)
        slips.extend(slip for slip in found if slip not in slips)
        if tree is not None and not slips:
            return tree, ()
        if not gaps:
            break
        painted = paint(painted, gaps)
        if start == "item" and gaps[0][0] == 0:
            start = BODY_STARTS.get(word, "")
            if not start or not painted.lstrip().startswith("{"):
                break
    return None, leave_out_echoes(slips, text)


def first_word(text: str) -> str:
    found = re.match(r"\w*", text)
    return found[0] if found else ""


def read_once(
    text: str, start: str, word: str, limits: TextLimits
) -> tuple[ast.Definition | None, list[Slip], Gaps]:
    """The tree, what is wrong, and what to paint over before reading on. `word` begins the item."""
    raw, slips = tokenize(text)
    if len(slips) >= MOST_SLIPS:
        return None, slips, ()
    tokens, more = lay_out(raw, text, limits.nesting)
    slips += more
    if tokens[-1].kind != "$END":
        return None, slips, more[-1].gaps
    if len(tokens) == 1:
        return None, slips, ()
    builder = Builder(text, limits)
    parser = load_parser()
    try:
        tree = parser.parse(tokens, start, builder)
    except Unexpected as error:
        tokens[error.index] = tokens[error.index]._replace(kind=error.kind)
        gaps = find_gaps(tokens, error.index)
        if start == "item" and not word:
            gaps = ((0, len(text)),)
        accepted = parser.accepts(tokens[: error.index], start, Builder(text))
        slip = explain(tokens, error.index, accepted, text, word)
        return None, [*slips, replace(slip, gaps=gaps)], gaps
    if any(is_missing_brace(slip, text) for slip in slips):
        # What stands in the wrong braces may well be wrong there.
        return tree, slips + [slip for slip in builder.slips if slip.code not in ("syntax", "bad-claim")], ()
    return tree, slips + builder.slips, ()
