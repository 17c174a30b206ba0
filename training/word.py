"""What all words of a recipe are, and how those are refused whose arguments do not go together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from ..ops.base import Reject

MOST_WRITTEN = 8
"""Numbers of a list that a help writes out."""


class Unfit(Reject, ValueError):
    """Arguments of a word that do not go together; where it is read from data, msgspec says of which."""


class Word(Struct, frozen=True, tag_field="is"):
    """A word of a recipe with its arguments. Raises `Unfit` where they do not go together."""

    @classmethod
    def word(cls) -> str:
        """As it is written."""
        return str(cls.__struct_config__.tag)


def ascend(low: float, high: float) -> None:
    """Raises `Unfit` where `low` is above `high`."""
    if low > high:
        raise Unfit("out-of-range", f"`low` is {low:.12g}, above `high`, which is {high:.12g}", "low")


def rise(name: str, numbers: Sequence[float]) -> None:
    """Raises `Unfit` where the numbers of a parameter fall."""
    for low, high in pairwise(numbers):
        if low > high:
            message = f"`{name}` falls, from {low:.12g} to {high:.12g}"
            if len(numbers) > MOST_WRITTEN:
                raise Unfit("out-of-range", message, name, "write the smaller numbers first")
            written = f"[{', '.join(f'{number:.12g}' for number in sorted(numbers))}]"
            raise Unfit("out-of-range", message, name, f"write `{name}={written}`", write=written)
