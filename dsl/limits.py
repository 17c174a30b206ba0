"""The limits on a text. A command's option raises one; a spec never does."""

from __future__ import annotations

from msgspec import Struct


class TextLimits(Struct, frozen=True):
    """What one item may hold at most."""

    nesting: int = 100
    """Brackets in each other, and the operators of one expression."""
    string_characters: int = 10_000


DEFAULT = TextLimits()
