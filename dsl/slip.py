"""What is wrong in the text of one item, with offsets into it: a diagnostic that knows no file yet."""

from __future__ import annotations

from msgspec import Struct

from .diagnostics import Diagnostic, Edit, Note
from .source import Place, Source

MOST_SLIPS = 20
"""In one item; who has more wants to hear of the first ones."""


Edits = tuple[tuple[int, int, str], ...]
"""What to put in place of the characters from a start up to an end."""


def quote(text: str) -> str:
    """What a person wrote, short enough for a message."""
    line = text.partition("\n")[0]
    return f"`{line if len(line) <= 40 else line[:37] + '...'}`"


class Slip(Struct, frozen=True):
    """As `Diagnostic`; `causes` are (start, end, message), `fix` is what to put in place of what, where that
    is sure, or `likely` at least; `repair` how to read on, where that is another (a guess, which nobody is
    told).

    `gaps` are the parts that were left out to read on, where nothing else helped.
    """

    code: str
    message: str
    start: int
    end: int
    marked: str = ""
    causes: tuple[tuple[int, int, str], ...] = ()
    help: str = ""
    fix: Edits = ()
    likely: bool = False
    repair: Edits = ()
    gaps: tuple[tuple[int, int], ...] = ()
    inside: int | None = None
    """Where the innermost open bracket stands, if the grammar had no use for what follows."""

    def diagnose(self, source: Source, offset: int) -> Diagnostic:
        def place(start: int, end: int) -> Place:
            length = len(source.text)
            return Place(source, min(offset + start, length), min(offset + end, length))

        return Diagnostic(
            code=self.code,
            message=self.message,
            place=place(self.start, self.end),
            marked=self.marked,
            causes=tuple(Note(place(start, end), message) for start, end, message in self.causes),
            help=self.help,
            fix=tuple(Edit(place(start, end), text) for start, end, text in self.fix),
        )
