"""A `Summary` in, text out: aligned for a terminal, CSV, Markdown. Names from a spec stay data in each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import combining, east_asian_width

from .plain_text import show
from .table import Row, Summary

BAR = 10
EIGHTHS = "▏▎▍▌▋▊▉█"
FORMULA = ("=", "+", "-", "@")
LONGEST = 10_000
CSV_COLUMNS = ("level", "name", "layer", "count", "shape", "params", "macs", "elementwise", "only_training")


def write_text(summary: Summary) -> str:
    """The table for a terminal, ending with the totals."""
    head = ("name", "layer", "output", "params", "multiply-adds", "elementwise", "share")
    most = max(summary.training.macs, 1)
    lines = [text_cells(row, most) for row in summary.rows]
    table = align([head, *lines], right=(3, 4, 5))
    rule = "─" * max(map(width, table))
    inputs = ", ".join(f"{show(name)} {shape}" for name, shape in summary.inputs)
    title = f"{show(summary.net)}: {inputs}"
    return "\n".join([title, "", table[0], rule, *table[1:], rule, *totals(summary)]) + "\n"


def text_cells(row: Row, most: int) -> tuple[str, ...]:
    figures = row.figures
    name = "  " * row.level + row.name + (f"  x{row.count}" if row.count > 1 else "")
    layer = row.layer + ("  (training only)" if row.only_training and not row.level else "")
    share = "" if row.opened or not figures.macs else draw_share(figures.macs / most)
    counts = (figures.params, figures.macs, figures.elementwise)
    return (name, layer, row.output, *(f"{count:,}" if count else "" for count in counts), share)


def draw_share(share: float) -> str:
    """A bar and a percentage: `██▍        24.1 %`."""
    eighths = round(share * BAR * 8)
    bar = "█" * (eighths // 8) + (EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")
    return f"{bar:<{BAR}} {share:6.1%}".replace("%", " %")


def totals(summary: Summary) -> list[str]:
    """The lines under the table, each with what training adds."""
    inference, training = summary.inference, summary.training

    def with_heads(count: int, train: int) -> str:
        return f"{count:,}" + (f"   ({train:,} with the auxiliary heads)" if train != count else "")

    lines = [
        ("parameters", with_heads(inference.params, training.params)),
        ("multiply-adds", with_heads(inference.macs, training.macs)),
        ("elementwise", with_heads(inference.elementwise, training.elementwise)),
        ("activations", f"{inference.activations:,}"),
        (
            "memory",
            f"{show_bytes(summary.forward)} forward, {show_bytes(summary.train)} training, for one image",
        ),
        ("depth", f"{summary.depth:,}"),
    ]
    outputs = ", ".join(f"{show(name)} {shape}" for name, shape in summary.outputs)
    return align([("output", outputs), *lines], right=())


def show_bytes(count: int) -> str:
    """`97.5 MiB`."""
    size, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def write_csv(summary: Summary) -> str:
    """One line a part. `params` and the like of a part include those of its own parts, which have a higher
    level; the lines of level 0 add up to the net with its auxiliary heads."""
    rows = [
        (
            str(row.level),
            row.path,
            row.layer,
            str(row.count),
            row.output,
            str(row.figures.params),
            str(row.figures.macs),
            str(row.figures.elementwise),
            "yes" if row.only_training else "no",
        )
        for row in summary.rows
    ]
    return join_csv([CSV_COLUMNS, *rows])


def join_csv(rows: Iterable[Sequence[str]]) -> str:
    import csv
    from io import StringIO

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([tame_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def tame_cell(cell: str) -> str:
    """A cell in one line that no spreadsheet takes for a formula."""
    shown = show(cell, LONGEST)
    return f"'{shown}" if shown.startswith(FORMULA) else shown


def write_markdown(summary: Summary) -> str:
    """A table for a README or a pull request."""
    head = ("name", "layer", "output", "params", "multiply-adds", "elementwise")
    rows = [
        (
            "&emsp;" * row.level + code(row.name) + (f" x{row.count}" if row.count > 1 else ""),
            code(row.layer),
            row.output,
            *(f"{count:,}" for count in (row.figures.params, row.figures.macs, row.figures.elementwise)),
        )
        for row in summary.rows
    ]
    inference = summary.inference
    total = (
        "**total**" if summary.inference == summary.training else "**total without auxiliary heads**",
        "",
        ", ".join(str(shape) for _, shape in summary.outputs),
        *(f"**{count:,}**" for count in (inference.params, inference.macs, inference.elementwise)),
    )
    return join_markdown([head, *rows, total], right=(3, 4, 5))


def join_markdown(rows: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    rule = ["---:" if column in right else "---" for column in range(len(rows[0]))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (rows[0], rule, *rows[1:]))


def code(text: str) -> str:
    """A text as a code span, in which Markdown finds no links, mentions, emphasis or HTML."""
    if not text:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def align(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """Lines whose columns stand under each other, two spaces apart."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for row in rows:
        cells = [
            " " * (room - width(cell)) + cell if column in right else cell + " " * (room - width(cell))
            for column, (cell, room) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def width(text: str) -> int:
    """The columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text
    )
