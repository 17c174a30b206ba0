"""Tokens whose brackets do not match in, tokens whose brackets do and what was wrong out.

Every way to mend the first wrong bracket is tried: to put one in, to leave one out, to exchange one. The best
leaves the fewest other brackets wrong, agrees with the indentation and makes its statement readable. Only
where no other is as good is it told as a fix; else it is a guess, with which the reader goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from . import brackets
from .brackets import CLOSERS, OPENERS, WRITTEN
from .lalr import Token
from .slip import MOST_SLIPS, Slip
from .source import Source

MOST_WAYS = 200
MOST_STEPS = 300_000
"""Tokens looked at in trying ways, for all of an item; beyond, the first way is taken."""
HEADS = frozenset({"IF", "FOR", "BLOCK", "NET", "EXPECT", "TRAIN"})
Reads = Callable[[Sequence[Token], int], bool]
"""Whether the statement that holds the token at an index can be read."""


class Way(Struct, frozen=True):
    """A way to mend: what it says, and the tokens with it; `at` is where they changed. Of two that are as
    good, that of the lower `rank` is likelier."""

    slip: Slip
    tokens: list[Token]
    at: int
    rank: int = 0


class Open(NamedTuple):
    """An open bracket, and the first token of its statement, as indices."""

    position: int
    first: int


class Mender:
    """The tokens of one item while their brackets are mended."""

    def __init__(self, tokens: list[Token], text: str, reads: Reads) -> None:
        self.tokens, self.text, self.reads = tokens, text, reads
        self.source = Source("", text)
        self.slips: list[Slip] = []
        self.steps = 0

    def mend(self) -> bool:
        """Whether all brackets match now."""
        while (fault := self.find_fault()) is not None:
            if len(self.slips) >= MOST_SLIPS:
                return False
            index, stack = fault
            most = max(1, min(MOST_WAYS, (MOST_STEPS - self.steps) // (len(self.tokens) + 1)))
            way = self.choose(list(islice(self.find_ways(index, stack), most)))
            self.slips.append(way.slip)
            self.tokens = way.tokens
        return True

    def find_fault(self) -> tuple[int, list[Open]] | None:
        """The first closing bracket that matches nothing, or the end, and what is open there."""
        stack: list[Open] = []
        first = 0
        for index, token in enumerate(self.tokens):
            kind = token.kind
            if kind in OPENERS:
                stack.append(Open(index, first))
                if kind == "LBRACE":
                    first = index + 1
            elif kind in CLOSERS:
                if not stack or self.tokens[stack[-1].position].kind != CLOSERS[kind]:
                    return index, stack
                first = stack.pop().first
            elif kind in ("_NL", ";") and (not stack or self.tokens[stack[-1].position].kind == "LBRACE"):
                first = index + 1
        return (len(self.tokens), stack) if stack else None

    def choose(self, ways: list[Way]) -> Way:
        """The best one, without a fix where another is as good."""
        if len(ways) == 1:
            return replace(ways[0], slip=unsure(ways[0].slip))
        scores = [self.rate(way) for way in ways]
        best = min(scores)
        chosen = ways[scores.index(best)]
        _, misfits, unreadable, _ = best
        if unreadable or differ(way for way, score in zip(ways, scores, strict=True) if score == best):
            return replace(chosen, slip=unsure(chosen.slip))
        close = (way for way, score in zip(ways, scores, strict=True) if score[:3] == best[:3])
        return replace(chosen, slip=replace(chosen.slip, likely=misfits > 0 or differ(close)))

    def rate(self, way: Way) -> tuple[int, int, bool, int]:
        self.steps += len(way.tokens)
        faults, misfits = self.count(way.tokens)
        return faults, misfits, not self.reads(way.tokens, way.at), way.rank

    # --- where lines stand ----------------------------------------------------------------------

    def line(self, token: Token) -> int:
        return self.source.line_of(token.start)

    def indent(self, token: Token) -> int:
        """Of the line that holds the token; that of the item itself is 0."""
        line = self.source.line(self.line(token)).expandtabs()
        return len(line) - len(line.lstrip())

    def begins_line(self, token: Token) -> bool:
        start = self.source.line_starts[self.line(token) - 1]
        return token.end > token.start and not self.text[start : token.start].strip()

    def count(self, tokens: Sequence[Token]) -> tuple[int, int]:
        """How many brackets are wrong, and how many lines stand where their indentation is odd."""
        faults = misfits = 0
        stack: list[tuple[Token, int]] = []
        """What is open, and the indentation of what is straight inside (-1: none yet)."""
        expected = 0
        line_end = False
        for token in tokens:
            kind = token.kind
            if kind in OPENERS:
                if line_end:
                    misfits += self.is_odd(token, stack, expected)
                    if expected < 0:
                        expected = self.indent(token)
                stack.append((token, expected))
                expected = -1
            elif kind in CLOSERS:
                wanted = CLOSERS[kind]
                depth = next((d for d, (o, _) in enumerate(reversed(stack)) if o.kind == wanted), -1)
                if depth < 0 or any(o.kind == "LBRACE" for o, _ in stack[len(stack) - depth :]):
                    faults += 1
                else:
                    faults += depth
                    opener, expected = stack[len(stack) - 1 - depth]
                    del stack[len(stack) - 1 - depth :]
                    if kind == "RBRACE" and self.line(opener) != self.line(token):
                        aligned = self.begins_line(token) and self.indent(token) == self.indent(opener)
                        misfits += not aligned
                    elif kind != "RBRACE" and self.begins_line(token):
                        misfits += self.indent(token) != self.indent(opener)
            elif line_end and kind not in ("ARROW", "ELSE", "_NL", ";"):
                misfits += self.is_odd(token, stack, expected)
                if expected < 0:
                    expected = self.indent(token)
            line_end = kind == "_NL" or (line_end and kind == ";")
        return faults + len(stack), misfits

    def is_odd(self, token: Token, stack: list[tuple[Token, int]], expected: int) -> bool:
        """Whether a token that follows a line end stands further left or right than what is around it."""
        if not self.begins_line(token):
            return False
        indent = self.indent(token)
        if not stack:
            return indent != 0
        opener = stack[-1][0]
        if opener.kind != "LBRACE":
            return indent <= self.indent(opener)
        return indent <= self.indent(opener) if expected < 0 else indent != expected

    # --- the ways -------------------------------------------------------------------------------

    def find_ways(self, index: int, stack: list[Open]) -> Iterator[Way]:
        """Those for the closing bracket at `index`, or the end, the plainest first."""
        closer = self.tokens[index] if index < len(self.tokens) else None
        opener = stack[-1] if stack else None
        if closer is not None and opener is not None:
            opening = self.tokens[opener.position]
            likelier = self.guess_pair(opener.position, index)
            yield self.exchange(
                index, OPENERS[opening.kind], brackets.mismatched(closer, opening), likelier == closer.kind
            )
            yield self.exchange(
                opener.position,
                CLOSERS[closer.kind],
                brackets.misopened(opening, closer),
                likelier == OPENERS[opening.kind],
            )
        if closer is not None:
            yield self.leave_out(index)
        if opener is not None:
            if self.tokens[opener.position].kind == "LBRACE":
                yield from self.close_braces(index, stack)
            else:
                yield from self.close(opener, index)
        if closer is None:
            return
        if closer.kind == "RBRACE":
            if not any(self.tokens[open.position].kind == "LBRACE" for open in stack):
                yield from self.open_braces(index)
        else:
            yield from self.open_before(index)

    def exchange(self, index: int, kind: str, slip: Slip, unlikely: bool) -> Way:
        tokens = list(self.tokens)
        tokens[index] = tokens[index]._replace(kind=kind)
        return Way(slip, tokens, index, int(unlikely))

    def guess_pair(self, start: int, end: int) -> str:
        """The closing bracket of the pair that these two were likelier meant to be, empty where none is."""
        kinds = [token.kind for token in self.tokens[start + 1 : end]]
        before = self.tokens[start - 1] if start else None
        if (
            before is not None
            and before.kind in ("NAME", "RPAR", "RSQB")
            and before.end == self.tokens[start].start
        ):
            return "RPAR" if "ASSIGN" in kinds else "RSQB" if "COLON" in kinds else ""
        if before is None or before.kind not in ("COMMA", "ASSIGN", "LPAR", "LSQB", "IN"):
            return ""
        return "RSQB" if "COMMA" in kinds else ""

    def leave_out(self, index: int) -> Way:
        tokens = self.tokens[:index] + self.tokens[index + 1 :]
        return Way(brackets.stray(self.tokens[index]), tokens, max(index - 1, 0))

    def put_in(self, index: int, kind: str, slip: Slip) -> Way:
        at = self.tokens[index - 1].end if index else 0
        return Way(slip, [*self.tokens[:index], Token(kind, at, at), *self.tokens[index:]], index)

    def close(self, opener: Open, index: int) -> Iterator[Way]:
        """A `(` or `[` that is open at `index`, closed behind each value of its statement; ends of lines
        first."""
        opening = self.tokens[opener.position]
        closing = OPENERS[opening.kind]
        places = list(self.find_places(opener.position + 1, index))
        ends = [place for place in places if self.ends_line(place)]
        for place in dict.fromkeys([*ends[:1], *reversed(places)]):
            at = self.tokens[place - 1].end
            causes = () if place == index else ((at, at, f"a `{WRITTEN[closing]}` is missing here"),)
            yield self.put_in(
                place, closing, brackets.unclosed(opening, ((at, at, WRITTEN[closing]),), causes)
            )
        for position in range(opener.position, min(index, len(self.tokens) - 1)):
            if self.tokens[position].kind == opening.kind == self.tokens[position + 1].kind:
                yield self.drop(position)
        yield from self.close_rows(opener.position + 1, index)

    def close_rows(self, start: int, end: int) -> Iterator[Way]:
        """One of the lines from `start` to `end` that begin with a bracket, closed at its end."""
        for first, stop, surplus in self.find_uneven(start, end, self.tokens[start - 1].kind):
            opening = self.tokens[first]
            if surplus > 0 and opening.kind == self.tokens[start - 1].kind:
                place = stop - (self.tokens[stop - 1].kind == "COMMA")
                at = self.tokens[place - 1].end
                slip = brackets.unclosed(opening, ((at, at, WRITTEN[OPENERS[opening.kind]]),))
                yield self.put_in(place, OPENERS[opening.kind], slip)

    def find_uneven(self, start: int, end: int, opening: str) -> Iterator[tuple[int, int, int]]:
        """The lines between that have more of a bracket than of what closes it, or fewer, and by how many."""
        first = start
        for place in range(start, min(end, len(self.tokens) - 1) + 1):
            if self.tokens[place].kind == "_NL":
                kinds = [token.kind for token in self.tokens[first:place]]
                surplus = kinds.count(opening) - kinds.count(OPENERS[opening])
                if surplus:
                    yield first, place, surplus
                first = place + 1

    def drop(self, position: int) -> Way:
        """An opening bracket left out."""
        opening = self.tokens[position]
        slip = brackets.unclosed(opening, ((opening.start, opening.end, ""),))
        tokens = self.tokens[:position] + self.tokens[position + 1 :]
        return Way(slip, tokens, max(position - 1, 0))

    def ends_line(self, place: int) -> bool:
        return place >= len(self.tokens) or self.tokens[place].kind in ("_NL", ";", "LBRACE", "RBRACE")

    def find_places(self, start: int, end: int) -> Iterator[int]:
        """The places from `start` to `end` that stand in no other bracket, line ends counted once."""
        depth = 0
        for place in range(start, min(end, len(self.tokens) - 1) + 1):
            if depth == 0 and self.tokens[place - 1].kind not in ("_NL", ";"):
                yield place
            kind = self.tokens[place].kind
            depth += (kind in OPENERS) - (kind in CLOSERS)
            if depth < 0:
                return
        if depth == 0 and end == len(self.tokens) and self.tokens[-1].kind not in ("_NL", ";"):
            yield end

    def open_before(self, index: int) -> Iterator[Way]:
        """A `(` or `[` put in before the closing bracket at `index`, in its statement; or an earlier one of
        its kind left out, of two in a row. One that begins a line may close lines above it, as in a table."""
        closer = self.tokens[index]
        opening = CLOSERS[closer.kind]
        if self.begins_line(closer):
            place = self.find_line_above(index)
            if place:
                before = self.tokens[place - 1]
                way = self.put_in(place, opening, brackets.unopened(closer, opening, before.end))
                yield replace(way, rank=int(before.kind == opening))
                yield from self.open_rows(place + 1, index)
        doubled = int(self.tokens[index - 1].kind == closer.kind)
        depth = 0
        for place in range(index - 1, -1, -1):
            kind = self.tokens[place].kind
            depth += (kind in CLOSERS) - (kind in OPENERS)
            if depth < 0 or (depth == 0 and kind in ("_NL", ";")):
                return
            if kind == closer.kind == self.tokens[place - 1].kind:
                yield self.leave_out(place)
            if kind not in ("_NL", ";", "RBRACE", "COMMA"):
                at = self.tokens[place].start
                tokens = [*self.tokens[:place], Token(opening, at, at), *self.tokens[place:]]
                after = [token.kind for token in self.tokens[max(place - 2, 0) : place]]
                in_list = doubled and depth == 1 and kind != opening and after == ["RSQB", "COMMA"]
                rank = -1 if in_list else doubled  # what follows a list in a list is a list
                yield Way(brackets.unopened(closer, opening, at), tokens, place, rank)

    def open_rows(self, start: int, index: int) -> Iterator[Way]:
        """For the bracket at `index` that closes the lines from `start`: one of them opened, or its second
        closing bracket left out."""
        closer = self.tokens[index]
        opening = CLOSERS[closer.kind]
        for first, end, surplus in self.find_uneven(start, index, opening):
            if surplus > 0:
                continue
            last = max(place for place in range(first, end) if self.tokens[place].kind == closer.kind)
            if self.tokens[last - 1].kind == closer.kind:
                yield self.leave_out(last)
            else:
                slip = brackets.unopened(closer, opening, self.tokens[first].start)
                yield self.put_in(first, opening, slip)

    def find_line_above(self, index: int) -> int:
        """Where the last line ends that stands as far left as the one that the token at `index` begins; 0
        where none does."""
        indent = self.indent(self.tokens[index])
        for place in range(index - 1, 0, -1):
            if self.tokens[place].kind == "_NL" and self.indent(self.tokens[place - 1]) <= indent:
                return place if self.indent(self.tokens[place - 1]) == indent else 0
        return 0

    def close_braces(self, index: int, stack: list[Open]) -> Iterator[Way]:
        """A `}` put in: at a line end, or before an `else`."""
        for place in self.find_ends(index, stack[0].position + 1):
            at = self.tokens[place - 1].end
            opener = self.find_opener(place)
            if opener is None:
                continue
            opening = self.tokens[opener]
            same_line = self.line(self.tokens[place - 1]) == self.line(opening)
            brace = " }" if same_line else "\n" + " " * self.indent(opening) + "}"
            causes = () if place >= len(self.tokens) else ((at, at, "a `}` is missing after this"),)
            yield self.put_in(place, "RBRACE", brackets.unclosed(opening, ((at, at, brace),), causes))
        for position in range(stack[0].position, min(index, len(self.tokens))):
            if self.tokens[position].kind == "LBRACE":
                yield self.drop(position)

    def find_ends(self, index: int, start: int) -> Iterator[int]:
        """Where a statement ends, between `start` and `index`, the last first."""
        last = min(index, len(self.tokens))
        for place in range(last, start - 1, -1):
            after = self.tokens[place].kind if place < len(self.tokens) else "_NL"
            if after in ("_NL", ";", "ELSE", "RBRACE", "RPAR", "RSQB", "COMMA", "ARROW") and self.tokens[
                place - 1
            ].kind not in ("_NL", ";"):
                yield place

    def find_opener(self, place: int) -> int | None:
        """The brace that is open at `place`, straight around it."""
        depth = 0
        for position in range(place - 1, -1, -1):
            kind = self.tokens[position].kind
            if kind in CLOSERS:
                depth += 1
            elif kind in OPENERS:
                if depth == 0:
                    return position if kind == "LBRACE" else None
                depth -= 1
        return None

    def open_braces(self, index: int) -> Iterator[Way]:
        """For a `}` too many: another one left out, or a `{` put in where a body seems to begin."""
        for position in range(index):
            if self.tokens[position].kind == "RBRACE":
                yield self.leave_out(position)
        overfull = self.find_overfull()
        for place in range(1, index):
            before, after = self.tokens[place - 1], self.tokens[place]
            ends = after.kind == "_NL" and place + 1 < len(self.tokens)
            deeper = ends and self.indent(self.tokens[place + 1]) > self.indent(before)
            if before.kind == "COLON" and (deeper or not ends):
                yield self.open_instead(place - 1)
            if (deeper and before.kind != "LBRACE") or (not ends and self.line(before) in overfull):
                yield self.put_in(place, "LBRACE", self.describe_bodiless(place, index))
            elif self.line(after) in overfull and before.kind in ("_NL", ";") and after.kind != "RBRACE":
                slip = brackets.unopened(self.tokens[index], "LBRACE", after.start)
                yield self.put_in(place, "LBRACE", replace(slip, fix=((after.start, after.start, "{ "),)))

    def find_overfull(self) -> set[int]:
        """The lines with a `}` whose `{` stands in an earlier line, though it does not begin them."""
        lines: set[int] = set()
        stack: list[int] = []
        for token in self.tokens:
            if token.kind == "LBRACE":
                stack.append(self.line(token))
            elif token.kind == "RBRACE":
                own = stack.pop() if stack else -1
                if own != self.line(token) and not self.begins_line(token):
                    lines.add(self.line(token))
        return lines

    def open_instead(self, place: int) -> Way:
        """A `{` in place of a colon."""
        colon = self.tokens[place]
        start = self.tokens[place - 1].end
        help = "write `{` here, and `}` at the end of the body"
        fix = ((start, colon.end, " {"),)
        slip = Slip("syntax", "a body stands in braces", colon.start, colon.end, help=help, fix=fix)
        tokens = list(self.tokens)
        tokens[place] = colon._replace(kind="LBRACE")
        return Way(slip, tokens, place)

    def describe_bodiless(self, place: int, index: int) -> Slip:
        first = brackets.statement_start(self.tokens, place)
        at = self.tokens[place - 1].end
        head = self.tokens[first]
        if head.kind in HEADS or place == first + 1:
            return brackets.bodiless(at, self.text[head.start : head.end])
        return replace(brackets.unopened(self.tokens[index], "LBRACE", at), fix=((at, at, " {"),))


def differ(ways: Iterable[Way]) -> bool:
    """Whether they leave different tokens."""
    return len({tuple(token.kind for token in way.tokens) for way in ways}) > 1


def unsure(slip: Slip) -> Slip:
    """The slip where nobody can know how it was meant."""
    missing = [cause for cause in slip.causes if "missing" not in cause[2]]
    return replace(slip, fix=(), causes=tuple(missing))
