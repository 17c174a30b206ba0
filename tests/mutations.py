"""Bundled specs in, texts that nobody would write out; and what every answer to such a text must keep.

`Random` decides what becomes of a text: hypothesis brings its own, `tests/fuzz.py` one with a seed.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct

from netc.cli import run
from netc.compiler.limits import Limits
from netc.driver import check, distinct
from netc.dsl.codes import CODES
from netc.dsl.scan import scan
from netc.dsl.source import Source
from netc.files import bundled_files, find_spec, net_names, open_bundled

SECONDS = 5
"""Of the processor, for one answer."""
MOST_TOLD = 100
"""Diagnostics for one text: where a block that many nets use lost a token, each may tell of it elsewhere."""
FILES = {source.name: source.text for source in (open_bundled(file).source for file in bundled_files())}
SPECS = {Path(name).name: text for name, text in FILES.items()}

# --- parts of a spec ------------------------------------------------------------------------------

NAME = re.compile(r"(?:block|net|let|expect|train)[ \t]+(\w+)")


class Part(Struct, frozen=True):
    """An item with the comments before it. `name` is what it defines; of a claim or a recipe, the net."""

    text: str
    kind: str
    name: str
    words: frozenset[str]

    @property
    def claims(self) -> bool:
        return self.kind in ("expect", "train")


@cache
def parts_of(spec: str) -> tuple[Part, ...]:
    text = SPECS[spec]
    parts, start = [], 0
    for chunk in scan(text):
        item = text[chunk.start : chunk.end]
        name = NAME.match(item)
        end = text.find("\n", chunk.end) + 1 or len(text)
        words = frozenset(re.findall(r"\w+", item))
        parts.append(Part(text[start:end], chunk.word, name[1] if name else "", words))
        start = end
    return tuple(parts)


def cut(random: Random, spec: str) -> str:
    """The text of a spec, nearly always cut down to one or two of its nets, what these use and, often, what
    is claimed of them: to check a family of 13 nets takes 13 times as long as one."""
    parts = parts_of(spec)
    nets = [part for part in parts if part.kind == "net"]
    if len(nets) < 3 or random.randrange(50) == 31:  # hypothesis likes the ends
        return SPECS[spec]
    chosen = [random.choice(nets) for _ in range(random.choice([1, 1, 2]))]
    wanted = {word for net in chosen for word in net.words}
    claims = random.randrange(3) > 0
    kept = {at for at, part in enumerate(parts) if claims and part.claims and part.name in wanted}
    wanted |= {word for at in kept for word in parts[at].words}
    while True:
        more = {
            at
            for at, part in enumerate(parts)
            if at not in kept and not part.claims and (part.name in wanted or not part.name)
        }
        if not more:
            return "".join(parts[at].text for at in sorted(kept))
        kept |= more
        wanted |= {word for at in more for word in parts[at].words}


# --- mutations ------------------------------------------------------------------------------------

TOKEN = re.compile(r'"""(?s:.*?)"""|"[^"\n]*"|#[^\n]*|\w+(?:\.\d+)?|->|\.\.\.|[<>=!~/]=|!~|//|[ \t]+|\n|.')
spaced = re.compile(r"\S+").findall
MARKS = [*spaced('-> : = == ~= !~ <= < + - * / // % ^ ( ) [ ] { } , ; . ... " """ #'), "\n"]
WORDS = spaced("""
    use let block net expect train input output aux if else for in takes true false none not and or share
    id relu conv bn add mul max mean concat dense split gap fc range len shape params depth count c h x
""")
NUMBERS = spaced("""
    0 1 -1 2 3 0.5 1.5 1e-4 1e999 64 1_000 100_001 25.5M 1Ki 9223372036854775808 3x3 3x3/2 0x0 7x7/0 3x
""")
ODD = [
    *spaced("=> | ' ` @ $ ? & \\ := :: ** ++ × ÷ − … “ ” é 漢 ☃ 🙂 def elif True None import as lambda"),
    *("\0", "\t", "\r", "\33[31m", "\x7f", "\x9b", "\xa0", "\u0301", "\u200b", "\u2028", "\u202e", "\ufeff"),
]
OUTSIDE = [MARKS, WORDS, NUMBERS, ODD]


def kind_of(token: str) -> str:
    """What may stand for a token without a slip of syntax."""
    return "word" if token.isidentifier() else "number" if token[:1].isdigit() else token


def mutate(random: Random, text: str) -> str:
    """The text with one to four changes, of an item, of a line or, mostly, of a token of any item."""
    for _ in range(random.randint(1, 4)):
        items = split_items(text)
        match random.randrange(8):
            case 0:
                change(random, items)
                text = "".join(items)
            case 1:
                lines = text.splitlines(keepends=True)
                change(random, lines)
                text = "".join(lines)
            case _:
                tokens = [TOKEN.findall(item) for item in items]
                change_token(random, tokens)
                text = "".join(map("".join, tokens))
    return text


def split_items(text: str) -> list[str]:
    """The items, each with what follows it up to the next."""
    starts = [0, *(chunk.start for chunk in scan(text)[1:]), len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


def change(random: Random, pieces: list[str]) -> None:
    """Delete, double or replace a piece, or swap it with another."""
    if not pieces:
        return
    at, other = random.randrange(len(pieces)), random.randrange(len(pieces))
    match random.choice(["delete", "double", "replace", "swap"]):
        case "delete":
            pieces[at] = ""
        case "double":
            pieces[at] *= 2
        case "replace":
            pieces[at] = pieces[other]
        case "swap":
            pieces[at], pieces[other] = pieces[other], pieces[at]


def change_token(random: Random, items: list[list[str]]) -> None:
    """The same for a token; what takes its place is often of its kind, so that the grammar still holds."""
    tokens, others = random.choice(items), random.choice(items)
    places = [at for at, token in enumerate(tokens) if not token.isspace()]
    if not places:
        return
    at = random.choice(places)
    kind = kind_of(tokens[at])
    match random.choice(["delete", "double", "swap", "alike", "alike", "alike", "any", "outside"]):
        case "delete":
            tokens[at] = ""
        case "double":
            tokens[at] += " " + tokens[at]
        case "swap":
            other = random.randrange(len(others))
            tokens[at], others[other] = others[other], tokens[at]
        case "alike":
            alike = [token for token in others if kind_of(token) == kind]
            known = {"word": WORDS, "number": NUMBERS}.get(kind, MARKS)
            tokens[at] = random.choice(alike if alike and random.randrange(4) else known)
        case "any":
            tokens[at] = random.choice(others)
        case "outside":
            tokens[at] = random.choice(random.choice(OUTSIDE))


# --- answers --------------------------------------------------------------------------------------

COMMANDS = {
    ("check", "--format", "json"): 50,
    ("check",): 10,
    ("check", "--fix"): 8,
    ("check", "--format", "concise"): 1,
    ("check", "--format", "github"): 1,
    ("check", "--format", "sarif"): 1,
    ("verify",): 20,
    ("compile",): 6,
    ("build",): 1,
    ("fmt",): 2,
}
"""Commands, and how often of a hundred each is asked."""
LONE_RETURN = re.compile(r"\r(?!\n)")
"""It ends a line too."""
ARROW = re.compile(r" *(?:-->|:::) (.+):(\d+):(\d+)")
SHOWN = re.compile(r" *(\d+) \| (.*)")
UNKNOWN = re.compile(r"there is no `(.*)` here")


class Mutant(Struct, frozen=True):
    """A text that a spec of that name might have become, and what is asked about it, or about a net of it."""

    spec: str
    text: str
    command: tuple[str, ...]
    net: str = ""


def draw_mutant(random: Random, spec: str) -> Mutant:
    text = mutate(random, cut(random, spec))
    (command,) = random.choices(list(COMMANDS), COMMANDS.values())
    if command not in (("compile",), ("build",)):
        return Mutant(spec, text, command)
    nets = [name for name in net_names(Source(spec, text), complete=True) if name.isidentifier()]
    return Mutant(spec, text, command, random.choice(nets)) if nets else Mutant(spec, text, ("verify",))


class Answer(Struct, frozen=True):
    code: int
    out: str
    err: str


def ask(*arguments: str) -> Answer:
    """Run the command line in this process; with `NETC_TRACEBACK` set it raises what is wrong with netc."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*arguments])
    return Answer(code, out.getvalue(), err.getvalue())


def examine(folder: Path, mutant: Mutant) -> Answer:
    """Ask about a text, in a file of `folder`, and hold the answer to its promises."""
    path = folder / mutant.spec
    command, *options = mutant.command
    for last in (False, True):  # one that is slow is asked again: machines stand still, and count it
        path.write_text(mutant.text, encoding="utf-8", newline="")
        start = time.process_time()
        answer = ask(command, f"{path}:{mutant.net}" if mutant.net else str(path), *options)
        seconds = time.process_time() - start
        refused = "graph-limit" in answer.out + answer.err
        if seconds < SECONDS or (is_large(path) and not refused):
            break
        assert not last, f"{seconds:.1f} s"
    text = path.read_bytes().decode("utf-8")
    if "--fix" in options or command == "fmt":
        ask(command, str(path), *options)
        assert path.read_bytes().decode("utf-8") == text, "the second time changes more"
    else:
        assert text == mutant.text
    path.unlink()
    assert answer.code in (0, 1), answer
    for character in {*answer.out, *answer.err} - {"\n"}:
        assert character.isprintable(), f"U+{ord(character):04X} is sent"
    files = {**FILES, str(path): LONE_RETURN.sub("\n", text.removeprefix("\ufeff"))}
    if "json" in options:
        told = json.loads(answer.out)["diagnostics"]
        assert answer.code == any(diagnostic["severity"] == "error" for diagnostic in told)
        check_told(told, files)
    else:
        check_shown(answer.err, files)
    return answer


def is_large(path: Path) -> bool:
    """Whether a net of the file has so many layers that it may take its time: 100 us for each, four times
    that where its module is written, and more on a busy machine."""
    found = distinct(check(find_spec(str(path)), limits=Limits(nodes=8_000)))
    return any(diagnostic.code == "graph-limit" for diagnostic in found)


def check_told(told: list[dict[str, Any]], files: dict[str, str]) -> None:
    """Diagnostics as data: of known codes, at places that are there."""
    assert len(told) <= MOST_TOLD
    for diagnostic in told:
        assert diagnostic["code"] in CODES
        assert diagnostic["message"]
        for place in places_in(diagnostic):
            text = files[place["file"]]
            start = offset(text, place["line"], place["column"])
            assert start <= offset(text, place["end_line"], place["end_column"])
        unknown = UNKNOWN.fullmatch(diagnostic["message"])
        if unknown and unknown[1].isprintable():
            text = files[diagnostic["file"]]
            start = offset(text, diagnostic["line"], diagnostic["column"])
            marked = text[start : offset(text, diagnostic["end_line"], diagnostic["end_column"])]
            # A name is read without what cannot be seen in it, which is told by itself; `a. b` is `a.b`.
            assert unknown[1] in "".join(filter(str.isprintable, marked)).replace(" ", "")


def places_in(data: Any) -> Iterator[dict[str, Any]]:
    """Every place of a diagnostic: its own, those of its causes and calls, and of its fix."""
    if isinstance(data, dict):
        if "line" in data:
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for value in data:
            yield from places_in(value)


def offset(text: str, line: int, column: int) -> int:
    """Where a line and a column, both counted from 1, are in a text; they must be there."""
    lines = text.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


def check_shown(shown: str, files: dict[str, str]) -> None:
    """Diagnostics as text: the lines that they show stand in the file that they name."""
    lines: list[str] = []
    for row in shown.split("\n"):
        if arrow := ARROW.fullmatch(row):
            lines = files[arrow[1]].split("\n")
            assert 1 <= int(arrow[3]) <= len(lines[int(arrow[2]) - 1]) + 1
        elif (
            (line := SHOWN.fullmatch(row))
            and (text := lines[int(line[1]) - 1]).isprintable()
            and len(text) < 140
        ):
            assert line[2].rstrip() == text.rstrip()
