"""Diagnostics in, text for a terminal out. Nothing is printed here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from msgspec import Struct

from .diagnostics import Diagnostic, Note
from .source import Place, Source

WIDEST = 140
"""Columns of a line of the text that are shown."""
BEFORE = 40
"""Columns that are shown before the mark where a longer line is clipped."""
TAB = 4
MOST_CALLS = 8
MOST_TOLD = 50
"""Of one file; who has more wants to hear of the first ones."""
RED, GREEN, YELLOW, BLUE, CYAN = (f"\33[1;{number}m" for number in (31, 32, 33, 34, 36))
BOLD, PLAIN = "\33[1m", "\33[0m"


class Mark(Struct, frozen=True):
    """A piece of one line to underline, in characters from its start."""

    start: int
    end: int
    sign: str
    message: str


class Pen:
    """Puts colour around text, or leaves it."""

    def __init__(self, colour: bool, severity: str) -> None:
        self.colour = colour
        self.signs = {"^": RED if severity == "error" else YELLOW, "-": BLUE}

    def paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self.colour and text else text


def render(diagnostic: Diagnostic, colour: bool = False) -> str:
    """The diagnostic with the lines that it is about; control characters in them are shown, not sent."""
    pen = Pen(colour, diagnostic.severity)
    title = pen.paint(pen.signs["^"], f"{diagnostic.severity}[{diagnostic.code}]")
    lines = [f"{title}{pen.paint(BOLD, ': ' + show(diagnostic.message))}"]
    files = group_by_file(diagnostic)
    margin = max(len(str(line)) for marked in files.values() for line in marked)
    gutter = pen.paint(BLUE, " " * (margin + 1) + "|")
    for number, (source, marked) in enumerate(files.items()):
        first = diagnostic.place if number == 0 else first_place(diagnostic, source)
        arrow = "-->" if number == 0 else ":::"
        lines.append(f"{' ' * margin}{pen.paint(BLUE, arrow)} {show(str(first))}")
        lines.append(gutter)
        for line in sorted(marked):
            lines.extend(render_line(source, line, marked[line], margin, pen))
    equals = " " * (margin + 1) + pen.paint(BLUE, "=")
    lines.extend(f"{equals} {show(call)}" for call in describe_calls(diagnostic.calls))
    if diagnostic.help:
        lines.append(f"{equals} {pen.paint(CYAN, 'help')}: {show(diagnostic.help)}")
    return "\n".join(lines)


def render_all(diagnostics: Iterable[Diagnostic], colour: bool = False) -> str:
    """Each diagnostic, with an empty line between; of a file with very many, the first, and how many more."""
    told: list[str] = []
    counts: dict[str, int] = {}
    for diagnostic in diagnostics:
        name = diagnostic.place.source.name
        counts[name] = counts.get(name, 0) + 1
        if counts[name] <= MOST_TOLD:
            told.append(render(diagnostic, colour))
    more = [(name, count - MOST_TOLD) for name, count in counts.items() if count > MOST_TOLD]
    return "\n\n".join([*told, *(f"... and {count:,} more in {show(name)}" for name, count in more)])


def group_by_file(diagnostic: Diagnostic) -> dict[Source, dict[int, list[Mark]]]:
    """What is marked in each line of each file; the file of the diagnostic itself first."""
    files: dict[Source, dict[int, list[Mark]]] = {}
    seen = set()
    notes = [("^", diagnostic.place, diagnostic.marked)]
    notes += [("-", cause.place, cause.message) for cause in diagnostic.causes]
    for sign, place, message in notes:
        line = place.line
        offset = place.source.line_starts[line - 1]
        length = len(place.source.line(line))
        start = min(place.start - offset, length)
        mark = Mark(start, max(start, min(place.end - offset, length)), sign, message)
        key = (place.source, line, mark.start, mark.end, message)
        if key not in seen:
            seen.add(key)
            files.setdefault(place.source, {}).setdefault(line, []).append(mark)
    return files


def first_place(diagnostic: Diagnostic, source: Source) -> Place:
    return next(cause.place for cause in diagnostic.causes if cause.place.source is source)


def describe_calls(calls: tuple[Note, ...]) -> list[str]:
    described = [f"{call.message} {call.place}" for call in calls]
    if len(described) <= MOST_CALLS:
        return described
    left_out = f"... {len(described) - MOST_CALLS + 1} more calls"
    return [*described[: MOST_CALLS - 2], left_out, described[-1]]


def render_line(source: Source, number: int, marks: list[Mark], margin: int, pen: Pen) -> list[str]:
    """The line, and one line of underlining for each mark, from left to right."""
    text = source.line(number)
    marks = sorted(marks, key=lambda mark: (mark.start, mark.sign == "-"))
    start, end = clip(text, min(mark.start for mark in marks))
    shown = [show_character(character) for character in text[start:end]]
    columns = measure(shown)
    opening, closing = ("..." if start else ""), ("..." if end < len(text) else "")
    body = "".join(expand_tabs(shown, columns)).rstrip()
    lines = [f"{pen.paint(BLUE, f'{number:>{margin}} |')} {opening}{body}{closing}".rstrip()]
    for mark in marks:
        left = columns[min(max(mark.start - start, 0), len(shown))]
        right = columns[min(max(mark.end - start, 0), len(shown))]
        sign = mark.sign * max(right - left, 1)
        note = pen.paint(pen.signs[mark.sign], f"{sign} {show(mark.message)}".rstrip())
        lines.append(f"{pen.paint(BLUE, ' ' * (margin + 1) + '|')} {' ' * (len(opening) + left)}{note}")
    return lines


def clip(text: str, mark: int) -> tuple[int, int]:
    """The part of a line that is shown, so that `mark` is in it."""
    if len(text) <= WIDEST:
        return 0, len(text)
    start = max(0, min(mark - BEFORE, len(text) - WIDEST))
    return start, start + WIDEST


def show(text: str) -> str:
    """A text of a message: what does not print is shown, and it stays on its line."""
    return text if text.isprintable() else "".join(map(show_character, text)).replace("\t", " ")


def show_character(character: str) -> str:
    """Printable characters and tabs as they are, others by a picture or a number, a BOM not at all."""
    if character.isprintable() or character == "\t":
        return character
    code = ord(character)
    if code == 0xFEFF:
        return ""
    if code < 0x20:
        return chr(0x2400 + code)
    if 0xDC80 <= code <= 0xDCFF:  # as Python keeps a byte that is no text
        return f"<0x{code - 0xDC00:02X}>"
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def measure(shown: list[str]) -> list[int]:
    """The column at which each piece begins, and the one after the last."""
    columns = [0]
    for piece in shown:
        at = columns[-1]
        columns.append(at + TAB - at % TAB if piece == "\t" else at + sum(map(width, piece)))
    return columns


def expand_tabs(shown: list[str], columns: list[int]) -> list[str]:
    return [
        " " * (columns[at + 1] - columns[at]) if piece == "\t" else piece for at, piece in enumerate(shown)
    ]


def width(character: str) -> int:
    """How many columns a terminal gives it."""
    if character.isascii():
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
