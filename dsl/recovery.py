"""A text and the broken statement in it in, the text with that statement painted over out.

What stands in braces inside the statement stays, so that the mistakes in there are found too.
"""

from __future__ import annotations

from collections.abc import Sequence

from .brackets import CLOSERS, OPENERS, statement_start
from .lalr import Token
from .slip import Slip

BODY_STARTS = {"block": "body", "net": "body", "expect": "claims", "train": "recipe"}
"""What to read of an item whose head is painted over."""
BRACKETS = frozenset({"unclosed", "stray"})


def find_gaps(tokens: Sequence[Token], index: int) -> tuple[tuple[int, int], ...]:
    """The parts to paint of the statement that is broken at the token at `index`: all but its bodies.

    Outside braces, all but the last body, where the item ends with one.
    """
    first = statement_start(tokens, index)
    end = find_end(tokens, first, index)
    if first == end:
        token = tokens[index]
        return ((token.start, token.end),) if token.kind not in ("RBRACE", "$END") else ()
    bodies = find_bodies(tokens, first, end)
    if first == 0:
        bodies = [body for body in bodies if body[1] == end][-1:]
    gaps = []
    at = tokens[first].start
    for opener, after in bodies:
        gaps.append((at, tokens[opener].start))
        at = tokens[after - 1].end
    gaps.append((at, max(at, tokens[end].start)))
    if any(start == stop for start, stop in gaps[1:-1]):
        return ((tokens[first].start, tokens[end].start),)
    return tuple(gaps)


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


def paint(text: str, gaps: Sequence[tuple[int, int]]) -> str:
    """Spaces in the gaps, and `;` where one parts two bodies."""
    pieces = []
    at = 0
    for number, (start, end) in enumerate(gaps):
        pieces.append(text[at:start])
        parts = 0 < number < len(gaps) - 1
        pieces.append(";".ljust(end - start) if parts else " " * (end - start))
        at = end
    return "".join([*pieces, text[at:]])


def leave_out_echoes(slips: Sequence[Slip], text: str) -> tuple[Slip, ...]:
    """The slips in the order of the text, without those that only follow from another."""
    missing = [slip for slip in slips if is_missing_brace(slip, text)]
    lines: dict[int, Slip] = {}
    told: list[Slip] = []
    for slip in sorted(slips, key=lambda slip: slip.start):
        line = text.rfind("\n", 0, slip.start)
        first = lines.get(line, slip)
        echo = (
            # A statement that cannot be read has a mistake that is told anyway.
            any(not other.gaps and is_inside(other, slip.gaps) for other in slips)
            # On a line, one mistake about brackets or strings is enough.
            or (first is not slip and not BRACKETS.isdisjoint((first.code, slip.code)))
            # A missing `}` is told once, and instead of what stands straight inside.
            or (missing and (slip.inside == missing[0].start or slip in missing[1:]))
            # What seems to stand behind the end of the item.
            or (told and slip.gaps and slip.inside is None)
            or any(goes_on(slip, other, text) for other in slips)
        )
        if not echo:
            told.append(slip)
            if slip.code in BRACKETS or not slip.fix:
                lines.setdefault(line, slip)
    return tuple(told or slips[:1])


def is_missing_brace(slip: Slip, text: str) -> bool:
    return slip.code == "unclosed" and text.startswith("{", slip.start)


def is_inside(slip: Slip, gaps: Sequence[tuple[int, int]]) -> bool:
    return any(start <= slip.start < end for start, end in gaps)


def goes_on(slip: Slip, other: Slip, text: str) -> bool:
    """Whether it is about the `else` or `->` of what was painted for the other."""
    if not other.gaps or other.start >= slip.start:
        return False
    head = other.code == "unclosed" and text.startswith("if", other.gaps[0][0])
    if head and text.startswith("else", slip.start):
        return True
    return text.startswith(("else", "->"), slip.start) and any(
        end <= slip.start and not text[end : slip.start].strip() for _, end in other.gaps
    )
