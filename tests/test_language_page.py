"""`docs/language.md`: its programs compile, their claims hold, and no word of the language is left out."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from netc import driver
from netc.compiler.metrics import METRICS
from netc.compiler.program import BUILTINS
from netc.dsl.report import render
from netc.dsl.source import Source
from netc.files import Spec
from netc.ops.fields import read_fields
from netc.training.entries import ENTRIES, Entry
from netc.training.word import Word
from netc.training.writing import write

ROOT = Path(__file__).parents[1]
PATH = ROOT / "docs" / "language.md"
PAGE = PATH.read_text(encoding="utf-8")
GRAMMAR = (ROOT / "grammar" / "net.lark").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```net\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAMES = [re.search(r"^net (\w+)", program, re.MULTILINE)[1] for program in PROGRAMS]


def spec(program: str) -> Spec:
    return Spec(Source("language.net", program), None, None)


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_program_compiles(program):
    for result in driver.check(spec(program)):
        assert not result.diagnostics, "\n".join(render(diagnostic) for diagnostic in result.diagnostics)
        assert result.compiled is not None


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_claims_hold(program):
    verdict = driver.verify(spec(program))
    outcomes = [outcome for expectation in verdict.expectations for outcome in expectation.outcomes]
    assert not verdict.diagnostics
    assert not [outcome.quantity for outcome in outcomes if outcome.holds is False]
    assert len(verdict.expectations) == program.count("\nexpect ")


def test_page_leaves_out_no_word():
    """Every layer, group, function and figure, and every word of the grammar, stands in the page's code."""
    code = PROGRAMS + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", PAGE)
    words = {word for text in code for word in re.findall(r"[A-Za-z_]\w*", text)}
    assert set(BUILTINS) | set(METRICS) | set(re.findall(r'"([a-z]+)"', GRAMMAR)) <= words


# --- the tables of recipes -------------------------------------------------------------------------


def tables() -> tuple[str, str, str]:
    """The entries of a recipe, the words that they take, and the arguments that several words have."""
    entries = [["entry", "says", "takes", "where nothing is said"], ["---"] * 4]
    words = [["", "word", "what it does", "its arguments"], ["---"] * 4]
    classes = {cls: entry for entry in reversed(ENTRIES.values()) for cls in entry.words.values()}
    meanings = Counter(meaning for cls in classes for meaning in meanings_of(cls))
    for entry in ENTRIES.values():
        entries.append([f"`{entry.name}`", entry.description, kind_of(entry), default_of(entry)])
        own = [cls for cls in entry.words.values() if classes[cls] is entry]
        for number, cls in enumerate(own):
            words.append(["" if number else f"`{entry.name}`", *describe(cls, meanings)])
    shared = [[f"`{name}`", meaning] for (name, meaning), count in meanings.items() if count > 1]
    return join(entries), join(words), join([["argument", "means"], ["---"] * 2, *sorted(shared)])


def kind_of(entry: Entry) -> str:
    kind = "a number" if entry.number is not None else "a chain of words" if entry.chain else "a word"
    return f"{kind}, or none" if entry.optional else kind


def default_of(entry: Entry) -> str:
    if entry.default in (None, ()):
        return "none"
    words = entry.default if entry.chain else (entry.default,)
    return f"`{' -> '.join(map(write, words))}`"


def describe(cls: type[Word], meanings: Counter[tuple[str, str]]) -> list[str]:
    """How a word is written, what it does, and the arguments that no other word has."""
    fields = read_fields(cls)
    arguments = [name if f.required else f"{name}={write(f.default)}" for name, f in fields.items()]
    form = f"{cls.word()}({', '.join(arguments)})" if arguments else cls.word()
    doc = " ".join((cls.__doc__ or "").split()).removesuffix(".")
    own = [f"`{name}`: {meaning}" for name, meaning in meanings_of(cls) if meanings[name, meaning] == 1]
    return [f"`{form}`", doc, "; ".join(own)]


def meanings_of(cls: type[Word]) -> list[tuple[str, str]]:
    """What each argument means, and the words that it may be."""
    found = []
    for name, field in read_fields(cls).items():
        choices = f" ({', '.join(map(write, field.choices))})" if field.choices else ""
        found.append((name, field.description + choices))
    return found


def join(rows: list[list[str]]) -> str:
    assert not any("|" in cell for row in rows for cell in row)
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


def test_tables_of_recipes_are_those_of_the_words(request):
    heads = r"entry \| says|\| word|argument \| means"
    found = re.findall(rf"^\| ?(?:{heads}) .*?(?=^$)", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 3
    if request.config.getoption("--update"):
        text = PAGE
        for old, new in zip(found, tables(), strict=True):
            text = text.replace(old, new)
        PATH.write_text(text, encoding="utf-8")
    else:
        assert tuple(found) == tables()


def test_a_recipe_of_the_page_says_something_of_most_entries():
    """So that the program shows what the tables list."""
    (program,) = (program for program in PROGRAMS if "\ntrain " in program)
    said = {name for name in ENTRIES if re.search(rf"^    {name} ", program, re.MULTILINE)}
    assert set(ENTRIES) - said <= {"ema", "stop"}
