"""The text of a number, a window or a string in, its value out; `Refused` says why it has none."""

from __future__ import annotations

import re
import unicodedata
from math import isfinite

LARGEST = 2**63 - 1
SUFFIXES = {"K": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff]")
"""What no string may hold: every output would have to fight with it."""


class Refused(Exception):
    """`start` and `end` are offsets in the literal."""

    def __init__(
        self, code: str, message: str, help: str = "", start: int = 0, end: int | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.start, self.end = code, message, help, start, end


def read_number(text: str) -> int | float:
    """Integers of 64 bits, finite floats; with a suffix, an integer where it is whole (`25.5M`)."""
    if not text.isascii():  # full-width digits, which are told of elsewhere
        text = unicodedata.normalize("NFKC", text)
    digits = text.replace("_", "")
    unit = digits.lstrip("0123456789.+-eE")
    digits = digits.removesuffix(unit)
    if digits.isdecimal():
        return read_integer(digits) if not unit else checked(read_integer(digits) * SUFFIXES[unit])
    if unit and "e" not in digits.lower() and len(digits) <= 40:
        whole, _, fraction = digits.partition(".")
        count, rest = divmod(int(whole + fraction) * SUFFIXES[unit], 10 ** len(fraction))
        if rest == 0:
            return checked(count)
    value = float(digits) * SUFFIXES.get(unit, 1)
    if not isfinite(value):
        raise Refused("number-limit", "this number is larger than a float can be, about 1.8e308")
    return value


def read_integer(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return checked(int(digits) if len(digits) <= 19 else LARGEST + 1)


def checked(value: int) -> int:
    if value > LARGEST:
        raise Refused("number-limit", f"this integer is larger than 64 bits hold, {LARGEST}")
    return value


def read_dims(text: str) -> tuple[int, ...]:
    return tuple(map(read_integer, re.findall(r"\d+", text)))


def read_string(text: str, most: int) -> str:
    """`text` with its quotes; the string may have `most` characters."""
    value = text[1:-1]
    refuse_control(value, 1)
    if "\\" in value:
        value = re.sub(r"\\(.)", lambda match: read_escape(match[1], match.start() + 1), value)
    return measured(value, "string", most)


def read_escape(letter: str, at: int) -> str:
    if letter not in ESCAPES:
        help = 'the escapes are `\\"`, `\\\\`, `\\n` and `\\t`; a backslash itself is `\\\\`'
        raise Refused("syntax", f"a string has no escape `\\{letter}`", help, at, at + 2)
    return ESCAPES[letter]


def read_docstring(text: str, most: int) -> str:
    """Without its quotes and the indentation that its lines share."""
    value = text[3:-3]
    refuse_control(value, 3)
    first, *others = value.replace("\r\n", "\n").expandtabs().split("\n")
    indents = [len(line) - len(line.lstrip(" ")) for line in others if line.strip()]
    shared = min(indents, default=0)
    return measured("\n".join([first, *(line[shared:] for line in others)]).strip(), "docstring", most)


def refuse_control(value: str, offset: int) -> None:
    found = CONTROL.search(value)
    if found:
        at = found.start() + offset
        message = f"a string cannot hold the control character U+{ord(found[0]):04X}"
        raise Refused("bad-character", message, "", at, at + 1)


def measured(value: str, kind: str, most: int) -> str:
    if len(value) > most:
        message = f"this {kind} is longer than {most:,} characters: {len(value):,}"
        raise Refused("string-limit", message, "a command's `--limit string_characters=N` raises the limit")
    return value
