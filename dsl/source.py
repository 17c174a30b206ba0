"""A text and places in it: offsets in, lines and columns out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from msgspec import Struct


class Garbled(Struct, frozen=True):
    """Why bytes are no text: the first of them that are wrong, by place and number, and what to do."""

    start: int
    length: int
    message: str
    marked: str = ""
    help: str = ""


class Source(Struct, frozen=True, eq=False, dict=True):
    """A text with the name under which it is reported (`specs/resnet.net`, `<stdin>`). One that is `garbled`
    can be shown and not read; bytes that are no text stand in it as lone surrogates."""

    name: str
    text: str
    garbled: Garbled | None = None

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {len(self.text)} characters)"

    @property
    def line_starts(self) -> list[int]:
        """The offset at which each line starts; computed once."""
        starts: list[int] | None = self.__dict__.get("line_starts_cache")
        if starts is None:
            starts = [0]
            find = self.text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self.__dict__["line_starts_cache"] = starts
        return starts

    def line_of(self, offset: int) -> int:
        """The number of the line that holds `offset`, from 1."""
        return bisect_right(self.line_starts, offset)

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its end."""
        starts = self.line_starts
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")


class Place(Struct, frozen=True):
    """The characters from `start` up to `end` of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.line_of(self.start)

    @property
    def column(self) -> int:
        """From 1, in characters."""
        return self.start - self.source.line_starts[self.line - 1] + 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


class Unread(Struct, frozen=True):
    """Why a text cannot be had: one sentence, and what to write instead."""

    message: str
    help: str = ""


def replace_spans(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """The text with `put` in place of each (start, end, put); these do not meet, and stand in its order."""
    parts, at = [], 0
    for start, end, put in edits:
        parts += [text[at:start], put]
        at = end
    return "".join([*parts, text[at:]])
