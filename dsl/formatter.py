"""The text of a file in, the same in the one canonical form out: its tree and its comments stay."""

from __future__ import annotations

from msgspec.structs import replace

from . import ast
from .diagnostics import Diagnostic
from .format_alignment import write_lines
from .format_layout import lay_out_pieces
from .format_reader import read_pieces
from .format_sameness import same_file
from .format_spacing import find_spacing
from .lexer import tokenize
from .limits import DEFAULT, TextLimits
from .parser import parse
from .source import Source


class Broken(Exception):
    """A text that is no spec has no form: `diagnostics` say why."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(f"{len(diagnostics)} mistakes")
        self.diagnostics = diagnostics


class Altered(Exception):
    """The formatter would have changed what a text says."""


def format_source(source: Source, limits: TextLimits = DEFAULT) -> str:
    """Raises `Broken`, and `Altered` where netc is wrong."""
    text = source.text.removeprefix("\ufeff").replace("\r\n", "\n")
    before = read(replace(source, text=text), limits)
    formatted = write(before)
    if formatted != text:
        try:
            after = read(Source(source.name, formatted), limits)
        except Broken as broken:
            raise Altered(f"what it wrote is no spec: {broken.diagnostics[0].message}") from None
        if not same_file(before, after):
            raise Altered("what it wrote means something else")
    return formatted


def read(source: Source, limits: TextLimits) -> ast.File:
    file, diagnostics = parse(source, limits=limits)
    if diagnostics:
        raise Broken(diagnostics)
    return file


def write(file: ast.File) -> str:
    text = file.source.text
    tokens = [token for token in tokenize(text)[0] if token.kind not in ("_NL", ";")]
    return write_lines(lay_out_pieces(read_pieces(text, tokens, find_spacing(file, tokens))))
