"""A line of text in, the room that it takes out, in a wide face.

Pictures are drawn in Helvetica or Arial where the viewer has one. DejaVu Sans is the widest face that stands
in for them, so a box that holds its text in DejaVu Sans holds it everywhere.
"""

from __future__ import annotations

from unicodedata import east_asian_width

# fmt: off
ASCII_WIDTHS = (
    315, 398, 458, 833, 637, 945, 780, 278, 390, 390, 502, 833, 315, 360, 315, 338, 637, 637, 637, 637,
    637, 637, 637, 637, 637, 637, 338, 338, 833, 833, 833, 532, 998, 712, 682, 698, 765, 630, 578, 772,
    750, 292, 292, 652, 555, 863, 743, 787, 600, 787, 690, 630, 593, 728, 682, 990, 682, 608, 682, 390,
    338, 390, 833, 502, 502, 615, 630, 547, 630, 614, 345, 630, 630, 278, 278, 578, 278, 975, 630, 606,
    630, 630, 397, 517, 390, 630, 593, 818, 593, 593, 525, 637, 338, 637, 833,
)
# fmt: on
"""Advance widths from the space on, in thousandths of the size."""
OTHER_WIDTHS = {"·": 318, "–": 500, "…": 1000}


def text_width(text: str, size: float) -> float:
    """Points, at a size in points. Other letters than these are given generous room."""
    return sum(map(character_width, text)) * size / 1000


def character_width(character: str) -> int:
    code = ord(character)
    if 32 <= code < 127:
        return ASCII_WIDTHS[code - 32]
    wide = east_asian_width(character) in "WF"
    return OTHER_WIDTHS.get(character, 1300 if wide else 1000)
