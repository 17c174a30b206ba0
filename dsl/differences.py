"""A text before and after in, their differences out, as `diff -u` writes them."""

from __future__ import annotations

from collections.abc import Iterator

from .report import BOLD, CYAN, GREEN, PLAIN, RED, show

COLOURS = {"---": BOLD, "+++": BOLD, "@@ ": CYAN}


def differ(name: str, before: str, after: str, colour: bool = False) -> str:
    """The hunks that turn `before` into `after`, which `patch` takes; nothing where they are equal. In colour
    it is for eyes: what would steer a terminal is shown."""
    lines = list(hunks(name, before, after))
    return "".join(f"{paint(line[:-1])}\n" for line in lines) if colour else "".join(lines)


def hunks(name: str, before: str, after: str) -> Iterator[str]:
    from difflib import unified_diff

    for line in unified_diff(split_lines(before), split_lines(after), name, name):
        if line.endswith("\n"):
            yield line
        else:
            yield from (f"{line}\n", "\\ No newline at end of file\n")


def split_lines(text: str) -> list[str]:
    """Lines with their ends; `str.splitlines` would also split at other characters."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def paint(line: str) -> str:
    colour = COLOURS.get(line[:3]) or {"-": RED, "+": GREEN}.get(line[:1], "")
    return f"{colour}{show(line)}{PLAIN}" if colour else show(line)
