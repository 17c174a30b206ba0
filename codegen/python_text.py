"""Text and values of a spec in, Python source that holds them as data out: the only three doors.

Nothing of a spec reaches generated code but through `identifier`, `literal` and `docstring`.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Container

TAKEN = (
    frozenset(keyword.kwlist)
    | frozenset(dir(builtins))
    | {"self", "torch", "nn", "F", "Tensor", "NamedTuple", "OrderedDict"}
    | {"l", "O", "I"}
)
"""What a name of a spec may not hide in a generated module, and what PEP 8 has no names be."""


def identifier(text: str, taken: Container[str] = ()) -> str:
    """`text` as a Python name; what Python, `torch` or the scope (`taken`) has taken gets a trailing `_`."""
    if not (text.isascii() and text.isidentifier()):
        raise ValueError(f"{text!r} is not a name")
    if text.startswith("__"):
        text = "_" + text.strip("_")  # Python mangles such names inside a class
    name = f"{text}_" if text in TAKEN or text in taken else text
    if name in TAKEN or name in taken:
        raise ValueError(f"{name!r} is taken")
    return name


def literal(value: object) -> str:
    """The source of an int, a finite float, a bool, None, a string, or a tuple or list of these."""
    match value:
        case bool() | None | int():
            return repr(value)
        case float():
            if math.isnan(value):
                raise ValueError("nan has no literal")
            if math.isinf(value):
                return 'float("inf")' if value > 0 else 'float("-inf")'
            return repr(value)
        case str():
            return '"' + "".join(map(_quoted, value)) + '"'
        case tuple():
            return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(literal, value))}]"
    raise TypeError(f"{type(value).__name__} has no literal")


def _quoted(character: str) -> str:
    """A character of a string. A quote is written by its number, which no formatter's taste in quotes
    changes."""
    if character == '"':
        return "\\x22"
    if character == "\\":
        return "\\\\"
    return character if " " <= character <= "~" else _escape(character)


def docstring(text: str) -> list[str]:
    """The lines of `text`, fit to stand in a docstring or a comment: what could end either, or is unseen, is
    escaped."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
    return [_QUOTES.sub(_by_number, "".join(map(_told, line)).rstrip()) for line in lines]


_QUOTES = re.compile(r'^"+|"{3,}|"+$')


def _by_number(quotes: re.Match[str]) -> str:
    return "\\x22" * len(quotes.group())


def _told(character: str) -> str:
    if character == "\\":
        return "\\\\"
    return character if character.isprintable() else _escape(character)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
