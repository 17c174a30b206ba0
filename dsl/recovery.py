"""Tokens that the grammar cannot read in, tokens without one broken statement, or with it mended, out."""

from __future__ import annotations

from collections.abc import Sequence

from .brackets import CLOSERS, OPENERS, statement_start
from .builder import Builder
from .lalr import Parser, Token, Unexpected
from .lexer import tokenize
from .slip import Edits, Slip

BODY_STARTS = {"block": "body", "net": "body", "expect": "claims", "train": "recipe"}
"""What to read of an item whose head is left out."""
Gaps = tuple[tuple[int, int], ...]


# --- a statement left out ------------------------------------------------------------------------


def leave_out(tokens: Sequence[Token], index: int, word: str) -> tuple[list[Token], Gaps]:
    """The tokens without the statement that is broken at the token at `index`, and the gaps in the text. What
    stands in braces inside it stays, so that the mistakes in there are found too; outside braces, the last
    body of the item.
    """
    first = statement_start(tokens, index)
    end = find_end(tokens, first, index)
    if first == end:
        token = tokens[index]
        if token.kind in ("RBRACE", "$END"):
            return list(tokens), ()
        return [*tokens[:index], *tokens[index + 1 :]], ((token.start, token.end),)
    bodies = find_bodies(tokens, first, end)
    if first == 0:
        bodies = [body for body in bodies if body[1] == end][-1:]
    elif word in ("expect", "train") or any(opener == index == first for opener, _ in bodies):
        bodies = []
    kept: list[Token] = list(tokens[:first])
    gaps = []
    at = tokens[first].start
    for opener, after in bodies:
        gaps.append((at, tokens[opener].start))
        at = tokens[after - 1].end
        if kept and kept[-1].kind == "RBRACE":
            kept.append(Token("_NL", at, at))
        kept.extend(tokens[opener:after])
    gaps.append((at, max(at, tokens[end].start)))
    return tidy([*kept, *tokens[end:]]), tuple(gaps)


def tidy(tokens: Sequence[Token]) -> list[Token]:
    """Without line ends in a row, before a chain that goes on, and at the end."""
    kept: list[Token] = []
    for token in tokens:
        if kept and kept[-1].kind == "_NL" and token.kind in ("_NL", "ARROW", "ELSE", "$END"):
            kept.pop()
        kept.append(token)
    return kept


def find_end(tokens: Sequence[Token], first: int, index: int) -> int:
    """The token after the statement that begins at `first` and is broken at `index`."""
    depth = 0
    for position in range(first, len(tokens)):
        kind = tokens[position].kind
        if depth == 0 and position >= index and kind in ("_NL", "RBRACE", "$END"):
            return position
        if kind in OPENERS:
            depth += 1
        elif kind in CLOSERS:
            depth -= 1
    return len(tokens) - 1


def find_bodies(tokens: Sequence[Token], first: int, end: int) -> list[tuple[int, int]]:
    """The outermost braces, from their opening token up to the one after their closing."""
    bodies = []
    depth = 0
    opener = first
    for position in range(first, end):
        kind = tokens[position].kind
        if kind == "LBRACE":
            if depth == 0:
                opener = position
            depth += 1
        elif kind == "RBRACE":
            depth -= 1
            if depth == 0:
                bodies.append((opener, position + 1))
    return bodies


# --- a statement mended --------------------------------------------------------------------------


def apply(tokens: Sequence[Token], edits: Edits) -> list[Token]:
    """The tokens of the text with these edits; what is new has the place of what it replaces."""
    changed = list(tokens)
    for start, end, text in edits:
        at = next(at for at, token in enumerate(changed) if token.end > start or token.kind == "$END")
        after = at
        while changed[after].kind != "$END" and start <= changed[after].start < changed[after].end <= end:
            after += 1
        new = [Token(token.kind, start, end if after > at else start) for token in tokenize(text)[0]]
        new = [token for token in new if token.kind not in ("_NL", ";")]
        changed[at:after] = new
    return tidy(changed)


def has_read(tokens: Sequence[Token], first: int, reached: int) -> bool:
    """Whether what stops the reader at the token `reached` stands beyond the statement that begins at
    `first`."""
    return reached >= len(tokens) or statement_start(tokens, reached) != first


# --- whether a statement can be read --------------------------------------------------------------


UNSOUND = frozenset({"syntax", "bad-claim"})


class StatementReader:
    """Tries single statements of an item, whose other parts may be broken."""

    def __init__(self, parser: Parser, word: str, text: str) -> None:
        self.parser, self.word, self.text = parser, word, text

    def __call__(self, tokens: Sequence[Token], index: int) -> bool:
        """Whether the statement that holds the token at `index` can be read, but for bodies of several lines;
        of a brace, also the one straight inside."""
        if not tokens:
            return True
        index = min(index, len(tokens) - 1)
        inside = {"RBRACE": index - 1, "LBRACE": index + 1}.get(tokens[index].kind, -1)
        plain = 0 <= inside < len(tokens) and tokens[inside].kind not in OPENERS | CLOSERS
        if plain and not self(tokens, inside):
            return False
        first, depth = self.find(tokens, index)
        row = hollow(tokens, first, self.text)
        end = Token("$END", 0, 0)
        if depth == 0:
            return not self.word or self.is_sound([*row, end], "item")
        start = BODY_STARTS.get(self.word, "body") if depth == 1 else "body"
        return self.is_sound([Token("LBRACE", 0, 0), *row, Token("RBRACE", 0, 0), end], start)

    def is_sound(self, tokens: Sequence[Token], start: str) -> bool:
        builder = Builder(self.text)
        try:
            self.parser.parse(tokens, start, builder)
        except Unexpected:
            return False
        return not any(slip.code in UNSOUND for slip in builder.slips)

    @staticmethod
    def find(tokens: Sequence[Token], index: int) -> tuple[int, int]:
        """The first token of the statement, and how many braces are open around it."""
        firsts: list[tuple[str, int]] = []
        first = 0
        for position in range(index + 1):
            kind = tokens[position].kind
            if kind in OPENERS and position < index:
                firsts.append((kind, first))
                if kind == "LBRACE":
                    first = position + 1
            elif kind in CLOSERS and firsts:
                first = firsts.pop()[1]
            elif kind in ("_NL", ";") and position < index and (not firsts or firsts[-1][0] == "LBRACE"):
                first = position + 1
        return first, sum(kind == "LBRACE" for kind, _ in firsts)


def hollow(tokens: Sequence[Token], first: int, text: str) -> list[Token]:
    """The statement that begins at `first`, with nothing in the braces that go over several lines."""
    row: list[Token] = []
    open: list[int] = []
    for token in tokens[first:]:
        kind = token.kind
        inside = row[open[-1]].kind if open else ""
        if not open and kind in ("_NL", ";", "$END", *CLOSERS):
            break
        if kind == ";" or (kind == "_NL" and inside == "LBRACE"):
            if row[-1].kind != "_NL":
                row.append(token._replace(kind="_NL"))
            continue
        if kind == "_NL":
            continue
        if kind in CLOSERS:
            opener = open.pop()
            if kind == "RBRACE" and "\n" in text[row[opener].start : token.start]:
                del row[opener + 1 :]
        elif kind in OPENERS:
            open.append(len(row))
        row.append(token)
    return row


# --- what is told --------------------------------------------------------------------------------

BRACKETS = frozenset({"unclosed", "stray"})


def leave_out_echoes(slips: Sequence[Slip], text: str) -> tuple[Slip, ...]:
    """The slips in the order of the text, without those that only follow from another."""
    missing = [slip for slip in slips if is_missing_brace(slip, text)]
    strings = {find_line(text, slip) for slip in slips if is_open_string(slip, text)}
    docstrings = [slip.start for slip in slips if is_open_string(slip, text, '"""')]
    lines: dict[int, Slip] = {}
    told: list[Slip] = []
    for slip in sorted(slips, key=lambda slip: slip.start):
        line = find_line(text, slip)
        first = lines.get(line, slip)
        echo = (
            # A statement that cannot be read has a mistake that is told anyway.
            any(not other.gaps and is_inside(other, slip.gaps) for other in slips)
            # What was left out, or exchanged, is not read.
            or any(other is not slip and covers(other, slip) for other in slips)
            # On a line, one mistake about brackets or strings is enough, where it is not sure.
            or (first is not slip and not BRACKETS.isdisjoint((first.code, slip.code)) and not is_sure(slip))
            # What the rest of a string may have held.
            or (line in strings and slip.code in BRACKETS and not is_open_string(slip, text))
            # What would close a bracket stands in the docstring that has no end.
            or (slip.code == "unclosed" and any(slip.start < start for start in docstrings))
            # What a character that means nothing may have meant.
            or any(stands_for(other, slip, text) for other in slips)
            # A missing `}` is told once, and instead of what stands straight inside.
            or (missing and (slip.inside == missing[0].start or slip in missing[1:]))
            # What seems to stand behind the end of the item.
            or (told and slip.gaps and slip.inside is None)
            or any(goes_on(slip, other, text) for other in slips)
        )
        if not echo:
            told.append(slip)
            if not slip.fix:
                lines.setdefault(line, slip)
    return tuple(told or slips[:1])


def find_line(text: str, slip: Slip) -> int:
    """Where the line of the slip begins, but for one."""
    return text.rfind("\n", 0, slip.start)


def is_missing_brace(slip: Slip, text: str) -> bool:
    return slip.code == "unclosed" and text.startswith("{", slip.start) and not slip.fix


def is_sure(slip: Slip) -> bool:
    """Whether what is wrong is plain from the text alone, whatever stands around it."""
    return bool(slip.fix) and not slip.gaps and slip.code not in BRACKETS


def is_open_string(slip: Slip, text: str, quotes: str = '"') -> bool:
    return slip.code == "unclosed" and text.startswith(quotes, slip.start)


def is_inside(slip: Slip, gaps: Sequence[tuple[int, int]]) -> bool:
    return any(start <= slip.start < end for start, end in gaps)


def covers(slip: Slip, other: Slip) -> bool:
    """Whether mending one leaves out the place of the other."""
    return any(
        start <= other.start and other.end <= end and end - start > other.end - other.start
        for start, end, _ in slip.repair
    )


def stands_for(other: Slip, slip: Slip, text: str) -> bool:
    """Whether the other is about a character straight before the place of the slip."""
    if other.code != "bad-character" or other.fix or other.end > slip.start:
        return False
    return not text[other.end : slip.start].strip()


def goes_on(slip: Slip, other: Slip, text: str) -> bool:
    """Whether it is about the `else` or `->` of what was left out for the other."""
    if not other.gaps or other.start >= slip.start:
        return False
    return text.startswith(("else", "->"), slip.start) and any(
        end <= slip.start and not text[end : slip.start].strip() for _, end in other.gaps
    )
