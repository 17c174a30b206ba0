"""A recipe in; its entries as the text of a `train` block out, which reads back as the same recipe."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..dsl.formatter import format_source
from ..dsl.source import Source
from ..ops.fields import read_fields
from .entries import ENTRIES
from .word import Word
from .words import Recipe

LONG = 6
"""Digits of a number from which on a short quotient reads better."""
LARGEST_PART = 100
"""Of such a quotient."""


def write_recipe(recipe: Recipe) -> str:
    """All entries in the form of `netc fmt`, but those that are none; arguments that a word has by itself are
    left out."""
    entries = "\n".join(list_entries(recipe))
    text = format_source(Source("recipe", f"train net {{\n{entries}\n}}\n"))
    return "".join(line.removeprefix("    ") for line in text.splitlines(keepends=True)[1:-1])


def list_entries(recipe: Recipe) -> Iterator[str]:
    for entry in ENTRIES.values():
        value = getattr(recipe, entry.name)
        if value is not None and value != ():
            words = value if entry.chain else (value,)
            yield f"{entry.name} {' -> '.join(map(write, words))}"


def write(value: object) -> str:
    match value:
        case Word():
            arguments = ", ".join(list_arguments(value))
            return f"{value.word()}({arguments})" if arguments else value.word()
        case tuple():
            return f"[{', '.join(map(write, value))}]"
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case int() | float():
            return write_number(value)
    raise AssertionError(value)


def list_arguments(word: Word) -> Iterator[str]:
    """What is not as it is by itself. Names stand before all but what must be given, or comes first."""
    alone = True
    for number, (name, field) in enumerate(read_fields(type(word)).items()):
        value = getattr(word, field.attribute)
        if value == field.default:
            alone = False
        elif alone and name != "lr" and (field.required or number == 0):
            yield write(value)
        else:
            alone = False
            yield f"{name}={write(value)}"


def write_number(number: float) -> str:
    """The shortest text that has this value: `64`, `1e-4`, `4/3`."""
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    text = repr(number).replace("e-0", "e-").replace("e+", "e")
    quotient = Fraction(number).limit_denominator(LARGEST_PART)
    above, below = quotient.numerator, quotient.denominator
    if len(text) > LONG and 0 < above <= LARGEST_PART and above / below == number:
        return f"{above}/{below}"
    return shorten(text)


def shorten(text: str) -> str:
    """`1e-4` for `0.0001`."""
    if not text.startswith("0.000"):
        return text
    digits = text[2:].lstrip("0")
    exponent = len(text) - 2 - len(digits) + 1
    return f"{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e-{exponent}"
