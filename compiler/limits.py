"""The limits that keep a spec from running away. A command's option raises one; a spec never does."""

from __future__ import annotations

from ..dsl.limits import TextLimits


class Limits(TextLimits, frozen=True):
    """What a text and its elaboration may use at most."""

    list_entries: int = 100_000
    """Entries of one list, range or repeat."""
    calls: int = 200
    """Blocks that stand in each other."""
    depth: int = 4_000
    """Blocks, groups, `if`s, loops and chains that stand in each other."""
    turns: int = 200_000
    """Turns of loops that give no layer; a call of a block that gives none counts as ten."""
    entries: int = 1_000_000
    """Entries of comprehensions, all together; of other lists that are read or made, ten count as one."""
    nodes: int = 1_000_000
    edges: int = 10_000_000
    """Connections between nodes: a `dense` group of n members has n * n / 2."""
    input_elements: int = 1_000_000_000


INTEGER_BITS = 63
"""Integers are signed and of 64 bits; tensors' sizes must fit PyTorch's."""
