"""The text of an item and what is wrong with it in, the tree of what was meant out, where that is sure.

So what the item says is checked in the same run. The places of the tree are those of the text as it is:
what was put in has no width, what was exchanged has that of what it stands for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from . import ast
from .slip import Edits, Slip
from .source import replace_spans

Read = Callable[[str], ast.Definition | None]
"""The tree of a text, if nothing is wrong with it."""


def read_mended(text: str, slips: Sequence[Slip], read: Read) -> ast.Definition | None:
    """None where one of `slips` has no fix that is sure, or where something else is wrong."""
    if not all(slip.fix and not slip.likely and not slip.gaps for slip in slips):
        return None
    edits = sorted((edit for slip in slips for edit in slip.fix), key=lambda edit: edit[:2])
    if any(right[0] < left[1] or right[:2] == left[:2] for left, right in pairwise(edits)):
        return None
    tree = read(replace_spans(text, edits))
    return None if tree is None else Places(edits).move(tree)


class Places:
    """Where what stands in a text after its edits stood before them."""

    def __init__(self, edits: Edits | Sequence[tuple[int, int, str]]) -> None:
        self.edits = edits
        self.starts: list[int] = []
        self.ends: list[int] = []
        """Of what was put in, in the text with the edits."""
        shift = 0
        for start, end, put in edits:
            self.starts.append(start + shift)
            self.ends.append(start + shift + len(put))
            shift += len(put) - (end - start)

    def start(self, at: int) -> int:
        last = bisect_right(self.starts, at) - 1
        if last < 0:
            return at
        start, end, _ = self.edits[last]
        return start if at < self.ends[last] else end + at - self.ends[last]

    def end(self, at: int) -> int:
        last = bisect_left(self.starts, at) - 1
        return at if last < 0 else self.edits[last][1] + max(at - self.ends[last], 0)

    def move(self, value: Any) -> Any:
        """A node, and all that stands in it, with the places of before."""
        if isinstance(value, tuple):
            return tuple(map(self.move, value))
        if not isinstance(value, ast.Node):
            return value
        rest = [self.move(getattr(value, field)) for field in value.__struct_fields__[2:]]
        return type(value)(self.start(value.start), self.end(value.end), *rest)
