"""A text and the fixes of what is wrong with it in, the mended text out. Nothing is read or written here."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from .codes import SYNTAX
from .diagnostics import Diagnostic, Edit
from .source import Source, replace_spans

MOST_LOOKS = 200
"""How often a text is looked at again, at most."""
MOST_CHARACTERS = 10_000_000
"""And how many characters all those texts hold together, about."""

Span = tuple[int, int]


class Mended(Struct, frozen=True):
    """A text after its fixes: how many mistakes they took away, and what is wrong with it still."""

    source: Source
    fixed: int
    diagnostics: Sequence[Diagnostic]


Find = Callable[[Source], Sequence[Diagnostic]]


def mend(source: Source, find: Find) -> Mended:
    """Apply the fixes of what `find` finds, and again those of what it finds then, until nothing changes.

    A fix with which the text has more mistakes of syntax than without it, or the same one still, is left out.
    """
    return Mending(source, find).run()


class Look(Struct, frozen=True):
    """A text, and what is wrong with it, at places of this very source."""

    source: Source
    found: Sequence[Diagnostic]

    @property
    def slips(self) -> int:
        return count_slips(self.found)


class Mending:
    """The text so far, and what was tried."""

    def __init__(self, source: Source, find: Find) -> None:
        self.find = find
        self.now = Look(source, find(source))
        self.fixed = 0
        self.looks = {source.text: self.now}
        self.most = 1 + min(MOST_LOOKS, MOST_CHARACTERS // (len(source.text) + 1))
        self.been = {source.text}
        self.refused: set[str] = set()
        """Texts that a single fix shall not give."""

    def run(self) -> Mended:
        chosen = self.choose()
        while chosen and len(self.looks) < self.most:
            after = self.look_after(chosen)
            doubtful = after.slips > self.now.slips - count_slips(chosen)  # something new came to light
            harmless = chosen
            if doubtful or after.source.text in self.been:
                harmless = [diagnostic for diagnostic in chosen if not self.harms(diagnostic)]
            if harmless != chosen:
                chosen = harmless or self.choose()
            elif after.slips > self.now.slips or after.source.text in self.been:
                chosen = chosen[: len(chosen) // 2]
            else:
                self.now, self.fixed = after, self.fixed + len(chosen)
                self.been.add(after.source.text)
                chosen = self.choose()
        return Mended(self.now.source, self.fixed, self.now.found)

    def choose(self) -> list[Diagnostic]:
        return choose(self.now.found, self.now.source, self.refused)

    def apply(self, chosen: Sequence[Diagnostic]) -> str:
        return apply(self.now.source.text, [edit for diagnostic in chosen for edit in diagnostic.fix])

    def look_after(self, chosen: Sequence[Diagnostic]) -> Look:
        """What the text is after these fixes."""
        text = self.apply(chosen)
        if text not in self.looks:
            source = Source(self.now.source.name, text)
            self.looks[text] = Look(source, self.find(source))
        return self.looks[text]

    def harms(self, diagnostic: Diagnostic) -> bool:
        """Whether this fix alone brings more mistakes of syntax, or what has been, or changes nothing for the
        mistake (a brace that lands in an unclosed string)."""
        text = self.apply([diagnostic])
        if len(self.looks) >= self.most and text not in self.looks:
            return False
        after = self.look_after([diagnostic])
        more = after.slips - self.now.slips
        harm = text in self.been or more > 0 or (more == 0 and stays(diagnostic, after.found))
        if harm:
            self.refused.add(text)
        return harm


def choose(found: Iterable[Diagnostic], source: Source, refused: set[str]) -> list[Diagnostic]:
    """Those whose fixes change this text, and no other, and can be made together: of two that meet, the
    first. `refused` are texts that a single fix shall not give."""
    chosen: list[Diagnostic] = []
    taken: list[Span] = []
    for diagnostic in found:
        spans = sorted(span_of(edit) for edit in diagnostic.fix)
        if (
            spans
            and all(edit.place.source is source for edit in diagnostic.fix)
            and all(map(apart, spans, spans[1:]))
            and all(is_free(span, taken) for span in spans)
            and apply(source.text, diagnostic.fix) not in {source.text, *refused}
        ):
            chosen.append(diagnostic)
            for span in spans:
                insort(taken, span)
    return chosen


def stays(diagnostic: Diagnostic, then: Iterable[Diagnostic]) -> bool:
    """Whether the same is told of the same place after its fix, with the same fix."""
    start = diagnostic.place.start
    for edit in diagnostic.fix:
        if edit.place.end <= diagnostic.place.start:
            start += len(edit.text) - (edit.place.end - edit.place.start)
    texts = [edit.text for edit in diagnostic.fix]
    return any(
        (other.code, other.message, other.place.start) == (diagnostic.code, diagnostic.message, start)
        and [edit.text for edit in other.fix] == texts
        for other in then
    )


def span_of(edit: Edit) -> Span:
    return edit.place.start, edit.place.end


def apart(left: Span, right: Span) -> bool:
    """Whether two spans, in their order, can both be replaced, and in one way only."""
    return left[1] <= right[0] and left != right


def is_free(span: Span, taken: Sequence[Span]) -> bool:
    """Whether a span meets none of those that are taken, which are sorted and do not meet each other."""
    at = bisect(taken, span)
    return (at == 0 or apart(taken[at - 1], span)) and (at == len(taken) or apart(span, taken[at]))


def count_slips(found: Iterable[Diagnostic]) -> int:
    return sum(diagnostic.code in SYNTAX and diagnostic.is_error for diagnostic in found)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits, each of a place of this text; new lines end as its lines do.

    Raises `ValueError` where two meet."""
    ordered = sorted(edits, key=span_of)
    spans = [span_of(edit) for edit in ordered]
    if not all(apart(left, right) for left, right in pairwise(spans)):
        raise ValueError("two edits meet")
    line_end = "\r\n" if "\r\n" in text else "\n"
    puts = (edit.text.replace("\n", line_end) for edit in ordered)
    return replace_spans(text, ((start, end, put) for (start, end), put in zip(spans, puts, strict=True)))
