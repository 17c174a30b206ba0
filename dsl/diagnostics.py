"""What is told to a person: a diagnostic is data, rendered late (terminal, JSON, editor)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .source import Place


class Note(Struct, frozen=True):
    """A further place, with what is true there ("256 channels, from `4*width`")."""

    place: Place
    message: str


class Edit(Struct, frozen=True):
    """A mechanical fix: put `text` in place of what stands at `place`."""

    place: Place
    text: str


class Diagnostic(Struct, frozen=True):
    """One mistake or warning. `code` is one of `codes.CODES`; `message` one sentence, lower case,
    in the user's words; `marked` what is said under the marked text; `causes` further places;
    `calls` the chain of block calls, innermost first ("in `bottleneck(width=64)`, called at" place).
    """

    code: str
    message: str
    place: Place
    marked: str = ""
    causes: tuple[Note, ...] = ()
    calls: tuple[Note, ...] = ()
    help: str = ""
    fix: tuple[Edit, ...] = ()
    severity: Literal["error", "warning"] = "error"

    @property
    def is_error(self) -> bool:
        """Whether the spec is wrong; a warning makes a command fail under `--strict` only."""
        return self.severity == "error"


class Unusable(Exception):
    """What a person named or asked for cannot be had: `message` says what is true, `help` what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help
