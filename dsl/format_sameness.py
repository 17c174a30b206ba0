"""Two files in, out whether they say the same: one tree but for its places, and one row of comments."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

from . import ast

COMMENT_OR_STRING = re.compile(r'"""(?s:.*?)"""|"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*')


def same_file(first: ast.File, second: ast.File) -> bool:
    items = zip_longest(first.items, second.items)
    return all(
        one is not None and other is not None and same_tree(one.tree, other.tree) for one, other in items
    ) and read_comments(first.source.text) == read_comments(second.source.text)


def same_tree(first: ast.Node, second: ast.Node) -> bool:
    waiting: list[tuple[Any, Any]] = [(first, second)]
    # `a < b < c` holds `b` twice, and a nest of them what is innermost 2^n times
    seen: set[tuple[int, int]] = set()
    while waiting:
        one, other = waiting.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, tuple):
            if len(one) != len(other):
                return False
            waiting.extend(zip(one, other, strict=True))
        elif not isinstance(one, ast.Node):
            if one != other:
                return False
        elif one is not other and (id(one), id(other)) not in seen:
            if isinstance(one, ast.Binary):
                seen.add((id(one), id(other)))
            waiting.extend((getattr(one, name), getattr(other, name)) for name in one.__struct_fields__[2:])
    return True


def read_comments(text: str) -> list[str]:
    """What the comments say, without the space at either end."""
    return [found[1:].strip(" \t\r\f") for found in COMMENT_OR_STRING.findall(text) if found[0] == "#"]
