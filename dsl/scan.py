"""The text of a file in, its top-level items out: where each begins and ends, and its first word.

One pass that knows strings, docstrings, comments and brackets, and nothing else.
"""

from __future__ import annotations

import re

from msgspec import Struct

EVENT = re.compile(
    r'(?P<docstring>""")|(?P<string>"(?:[^"\\\n]|\\[^\n])*"?)|\'\'\'(?s:.*?)\'\'\'|\'[^\'\n]*\'|/\*(?s:.*?)\*/'
    r"|(?P<comment>#[^\n]*)|[{}()\[\]\n;]"
)
BRACKET = re.compile(r"[{}()\[\]]")
SPACE = re.compile(r"(?>(?:[ \t\r\f\n;]+|#[^\n]*)*)")
ITEM = re.compile(r"(?:use|block|net|expect|train)[ \t]+[A-Za-z_]")
"""What begins an item and nothing else, where it begins a line: an unclosed bracket ends there."""
LET = re.compile(r"let[ \t]+[A-Za-z_]")
NEXT_ITEM = re.compile(rf"^(?:{ITEM.pattern}|{LET.pattern})", re.MULTILINE)
GOES_ON = re.compile(r"->|\{|(?:else|elif)\b")
"""No item begins so; a `{` on a line of its own is a slip, and belongs to the head before it."""
WORD = re.compile(r"\w+|\"\"\"")


class Chunk(Struct, frozen=True):
    """One item: `word` is what it begins with; `\"\"\"` for a docstring, empty for a mark."""

    start: int
    end: int
    word: str


def scan(text: str) -> list[Chunk]:
    """The items of `text`, in order. What stands between them is space, comments and `;`."""
    chunks: list[Chunk] = []
    at = skip_space(text, 1 if text.startswith("\ufeff") else 0)
    while at < len(text):
        end = find_end(text, at)
        word = WORD.match(text, at)
        chunks.append(Chunk(at, end, word[0] if word else ""))
        at = skip_space(text, end)
    return chunks


def skip_space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    assert found
    return found.end()


def find_end(text: str, start: int) -> int:
    """Where the item that begins at `start` ends: at a line end or `;` outside brackets."""
    outside: list[int] = []
    """For each open brace, how many other brackets are open around it."""
    others = 0
    comment = -1
    at = start
    while (event := EVENT.search(text, at)) is not None:
        at = event.end()
        mark = text[at - 1]
        if event.lastgroup == "comment":
            comment = event.start()
            continue
        if event.lastgroup == "string":
            at = end_string(text, event.start(), at)
        elif event.lastgroup == "docstring":
            at = end_docstring(text, at)
        elif mark in "([":
            others += 1
        elif mark in ")]":
            others = max(others - 1, 0)
        elif mark == "{":
            outside.append(others)
            others = 0
        elif mark == "}":
            following = BRACKET.search(text, at) if others else None
            if following is None or following[0] not in ")]":
                others = outside.pop() if outside else 0
        elif mark in "\n;":
            line = event.start()
            if not outside and not others:
                if mark == ";" or not GOES_ON.match(text, skip_space(text, at)):
                    return trim(text, start, comment if comment >= 0 else line)
            elif ITEM.match(text, at) or (others and LET.match(text, at)):
                return trim(text, start, line)
            comment = -1
            continue
        comment = -1
    return trim(text, start, comment if comment >= 0 and not outside and not others else len(text))


def trim(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip(" \t\r\f\n"))


def end_string(text: str, start: int, end: int) -> int:
    """An unclosed one ends before a comment, and before the brackets that end its line."""
    if end - start > 1 and text[end - 1] == '"':
        return end
    inside = text[start:end].partition(" #")[0]
    return start + max(1, len(inside.rstrip(" \t\r{}()[],;")))


def end_docstring(text: str, start: int) -> int:
    """After its quotes; an unclosed one ends where the next item seems to begin."""
    closed = text.find('"""', start)
    if closed >= 0:
        return closed + 3
    following = NEXT_ITEM.search(text, start)
    return following.start() - 1 if following else len(text)
