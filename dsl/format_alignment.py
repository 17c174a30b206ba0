"""Lines of cells in, the text out: columns of neighbouring lines aligned where that costs little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from .format_breaks import LIMIT
from .format_cells import TextLine

APART = {"claim": 4, "statement": 24}
"""By how many columns the cells under a key may differ and still be padded; others by 16."""
TIMES = {"statement": 2.0}
"""How many times as wide as another they may be."""
SOURCES_APART = 16
COMMENTS_APART = 40
MOST_BETWEEN = 2
"""Lines without a source, or a comment, between two that are aligned."""


def write_lines(lines: Sequence[TextLine]) -> str:
    written: list[str] = []
    for section in read_sections(lines):
        for line, text in zip(section, align(section), strict=True):
            if line.blank:
                written.append("")
            written.append(text)
    return "".join(f"{text}\n" for text in written)


def read_sections(lines: Sequence[TextLine]) -> Iterator[list[TextLine]]:
    """Neighbouring lines of one indentation, without a blank line or a comment between."""
    section: list[TextLine] = []
    for line in lines:
        alone = not line.cells or "\n" in line.cells[-1]
        if section and (alone or line.blank or line.indent != section[0].indent):
            yield section
            section = []
        section.append(line)
        if alone:
            yield section
            section = []
    if section:
        yield section


def align(section: list[TextLine]) -> list[str]:
    if not section[0].cells:
        return [" " * section[0].indent + section[0].comment]
    align_cells(section, 0)
    texts = [" " * line.indent + " ".join(line.cells) for line in section]
    texts = append(texts, [line.source for line in section], SOURCES_APART)
    return append(texts, [line.comment for line in section], COMMENTS_APART)


def align_cells(lines: Sequence[TextLine], column: int) -> None:
    """Pads the cells of that column, and goes on with the next."""

    def key(line: TextLine) -> str | None:
        return line.keys[column] if len(line.cells) > column + 1 else None

    for found, group in groupby(lines, key):
        if found is not None:
            same = list(group)
            starts = [len(line.cells[column]) for line in same]
            rests = [line.indent + len(" ".join(line.cells)) - len(line.cells[column]) for line in same]
            for part in split(starts, range(len(same)), APART.get(found, 16), TIMES.get(found)):
                for at, width in fit(part, starts, rests):
                    same[at].cells[column] = same[at].cells[column].ljust(width)
                align_cells([same[at] for at in part], column + 1)


def append(texts: list[str], tails: list[str], apart: int) -> list[str]:
    """Each text with its tail, two spaces behind the longest of its neighbours that have one."""
    having = [at for at, tail in enumerate(tails) if tail]
    starts, rests = [len(texts[at]) for at in having], [len(tails[at]) + 2 for at in having]
    for part in split(starts, having, apart):
        widths = dict(fit(part, starts, rests))
        for at in part:
            text = texts[having[at]]
            texts[having[at]] = f"{text.ljust(widths.get(at, 0))}  {tails[having[at]]}"
    return texts


def split(
    widths: Sequence[int], lines: Sequence[int], apart: int, times: float | None = None
) -> Iterator[range]:
    """Neighbours whose widths differ by no more than that, and none is so many times another: parted where
    they differ most."""
    cuts = [at for at in range(1, len(widths)) if lines[at] - lines[at - 1] > MOST_BETWEEN + 1]
    waiting = [range(start, end) for start, end in pairwise([0, *cuts, len(widths)]) if end][::-1]
    while waiting:
        part = waiting.pop()
        found = widths[part.start : part.stop]
        low, high = min(found), max(found)
        if high - low <= apart and (times is None or high <= times * low):
            yield part
            continue
        middle = len(found) / 2  # of equal steps the one there: so this takes n log n
        steps = range(1, len(found))
        cut = max(steps, key=lambda at: (abs(found[at] - found[at - 1]), -abs(at - middle)))
        waiting += [range(part.start + cut, part.stop), range(part.start, part.start + cut)]


def fit(part: range, starts: Sequence[int], rests: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Those of a part that can be aligned, and where: padding makes no line too long."""
    width = max(starts[at] for at in part)
    fitting = [at for at in part if width + rests[at] <= LIMIT or starts[at] + rests[at] > LIMIT]
    if fitting:
        width = max(starts[at] for at in fitting)
    return ((at, width) for at in fitting)
