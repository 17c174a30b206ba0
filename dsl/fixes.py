"""A text and the fixes of what is wrong with it in, the mended text out. Nothing is read or written here."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from .codes import SYNTAX
from .diagnostics import Diagnostic, Edit
from .source import Source

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


class Mending:
    """The text so far, and what was tried."""

    def __init__(self, source: Source, find: Find) -> None:
        self.source, self.find, self.found = source, find, find(source)
        self.fixed = 0
        self.looked = {source.text: self.found}
        self.seen = {source.text}
        self.refused: set[str] = set()
        """Texts that a single fix shall not give."""
        self.looks = min(MOST_LOOKS, MOST_CHARACTERS // (len(source.text) + 1))

    def run(self) -> Mended:
        chosen = choose(self.found, self.source, self.refused)
        while chosen and self.looks > 0:
            after = self.apply(chosen)
            then = self.look(after)
            slips = count_slips(then)
            harmless = chosen
            if slips > count_slips(self.found) - count_slips(chosen):  # something new came to light
                harmless = [diagnostic for diagnostic in chosen if not self.harms(diagnostic)]
            if harmless != chosen:
                chosen = harmless or choose(self.found, self.source, self.refused)
            elif slips > count_slips(self.found) or after.text in self.seen:
                chosen = chosen[: len(chosen) // 2]
            else:
                self.source, self.found, self.fixed = after, then, self.fixed + len(chosen)
                self.seen.add(after.text)
                chosen = choose(then, after, self.refused)
        return Mended(self.source, self.fixed, self.found)

    def apply(self, chosen: Sequence[Diagnostic]) -> Source:
        edits = [edit for diagnostic in chosen for edit in diagnostic.fix]
        return Source(self.source.name, apply(self.source.text, edits))

    def look(self, source: Source) -> Sequence[Diagnostic]:
        if source.text not in self.looked:
            self.looks -= 1
            self.looked[source.text] = self.find(source)
        return self.looked[source.text]

    def harms(self, diagnostic: Diagnostic) -> bool:
        """Whether this fix alone brings more mistakes of syntax, or what has been, or changes nothing for the
        mistake (a brace that lands in an unclosed string)."""
        after = self.apply([diagnostic])
        if self.looks <= 0 and after.text not in self.looked:
            return False
        then = self.look(after)
        more = count_slips(then) - count_slips(self.found)
        harm = after.text in self.seen or more > 0 or (more == 0 and stays(diagnostic, then))
        if harm:
            self.refused.add(after.text)
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
    return sum(diagnostic.code in SYNTAX and diagnostic.severity == "error" for diagnostic in found)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits, each of a place of this text; new lines end as its lines do.

    Raises `ValueError` where two meet."""
    ordered = sorted(edits, key=span_of)
    spans = [span_of(edit) for edit in ordered]
    if not all(apart(left, right) for left, right in pairwise(spans)):
        raise ValueError("two edits meet")
    windows = "\r\n" in text
    parts, at = [], 0
    for edit, (start, end) in zip(ordered, spans, strict=True):
        put = edit.text.replace("\n", "\r\n") if windows else edit.text
        parts += [text[at:start], put]
        at = end
    return "".join([*parts, text[at:]])
