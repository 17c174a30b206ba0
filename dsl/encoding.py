"""The bytes of a file in, its text out; of bytes that are no UTF-8, what is wrong with them."""

from __future__ import annotations

import re

from .source import Garbled, Source

UTF_16 = re.compile(rb"(?:[^\0]\0){2}|(?:\0[^\0]){2}")
"""ASCII letters in it, where no byte order mark tells."""
LONE_RETURN = re.compile(r"\r(?!\n)")
CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")
"""Bytes that no text of one byte a character has."""


def decode(data: bytes, name: str) -> Source:
    """UTF-8, with or without a byte order mark; a carriage return alone is a line end, as it once was."""
    try:
        text, garbled = data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        text, garbled = data.decode("utf-8-sig", "surrogateescape"), find_byte(data, error)
    wide = find_utf_16(data)
    if wide:
        text = data.decode(wide, "replace").removeprefix("\ufeff")
        garbled = Garbled(0, 0, "this is UTF-16 text, and a spec is UTF-8", help="save it as UTF-8")
    return Source(name, LONE_RETURN.sub("\n", text), garbled)


def find_utf_16(data: bytes) -> str:
    """Which UTF-16 this is, if any."""
    if data.startswith(b"\xff\xfe"):
        return "utf-16-le"
    if data.startswith(b"\xfe\xff"):
        return "utf-16-be"
    if UTF_16.match(data) is None:
        return ""
    return "utf-16-be" if data[0] == 0 else "utf-16-le"


def find_byte(data: bytes, error: UnicodeDecodeError) -> Garbled:
    """What is wrong with the first byte that is none of UTF-8."""
    start = len(error.object[: error.start].decode())
    byte, rest = error.object[error.start], len(error.object) - error.start
    if rest > 1 and error.reason == "unexpected end of data":
        message = "the file ends within a character"
        return Garbled(start, rest, message, "cut off", "part of the file may be missing")
    message = f"the byte 0x{byte:02x} is not UTF-8 here"
    return Garbled(start, 1, message, guess(data, byte), "save the file as UTF-8")


def guess(data: bytes, byte: int) -> str:
    """What the byte is where each byte is a letter, in the encoding of Windows or the older one it has grown
    from; nothing where the file is not text in any case."""
    if CONTROL.search(data):
        return ""
    encoding, called = ("latin-1", "Latin-1") if byte >= 0xA0 else ("cp1252", "Windows-1252")
    letter = bytes([byte]).decode(encoding, "ignore")
    return f"`{letter}` in {called}" if letter.isprintable() and letter else ""
