"""Texts that no person wrote, in; what the command line says of them, out: soon, in few words, no failure."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

SPECS = Path(__file__).parents[1] / "specs"
SECONDS = 5
"""Of processor time, for each file."""
MOST_LINES = 1_000
MEGABYTE = 1_000_000
WORDS = """net block use let expect train if else for in conv relu 3 3x3 "s" { } ( ) [ ] , : ; = -> * + ..."""


def draw(letters: str, number: int = MEGABYTE) -> str:
    return "".join(random.Random(number).choices(letters, k=number))


def draw_words(number: int) -> str:
    words = [*WORDS.split(), "\n"]
    return " ".join(random.Random(number).choices(words, k=number))


def spoil(text: str, times: int) -> str:
    """The text many times, each with some characters exchanged."""
    chance = random.Random(times)
    made = []
    for _ in range(times):
        letters = list(text)
        for _ in range(10):
            letters[chance.randrange(len(letters))] = chance.choice(["", ",", "}", "(", "=", " x ", '"'])
        made.append("".join(letters))
    return "\n".join(made)


def nest(opening: str, closing: str, middle: str = "1") -> str:
    return f"let a = {opening * 100_000}{middle}{closing * 100_000}"


GARBAGE = {
    "printable characters": draw("".join(map(chr, range(32, 127))) + "\n"),
    "marks": draw("{}()[],:;=->*/+\"'#|\n "),
    "letters of everywhere": draw("aé中😀ßЖ　 \n", 300_000),
    "tokens": draw_words(250_000),
    "tokens in a net": "net n {\n" + draw_words(250_000).replace("\nnet", "\nx") + "\n}",
    "words": "word " * 200_000,
    "lines of words": "some words\n" * 90_000,
    "a spec a hundred times": (SPECS / "googlenet.net").read_text() * 100,
    "a spec a hundred times, with slips": spoil((SPECS / "googlenet.net").read_text(), 100),
    "parentheses": nest("(", ")"),
    "brackets": nest("[", "]"),
    "braces": nest("{", "}", "relu"),
    "all brackets": nest("([{", "}])", "relu"),
    "brackets that never close": "net n { x: " + "([{" * 100_000,
    "brackets that never open": "net n { x: " + "}])" * 100_000,
    "braces on lines": "net n {\n" + "{\n" * 100_000 + "}\n" * 100_000 + "}",
    "brackets of the wrong kind": "net n { " + "([{" * 100_000 + ")]}" * 100_000,
    "a name": "a" * MEGABYTE,
    "a string": f'let a = "{"s" * MEGABYTE}"',
    "a string without its end": 'let a = "' + "s" * MEGABYTE,
    "a number": "let a = " + "7" * MEGABYTE,
    "a comment": "# " + "c" * MEGABYTE,
    "a chain": "net n { input: 3x8x8; " + " -> ".join(["relu"] * 100_000) + " }",
    "a chain with a slip": "net n { input: 3x8x8; " + " -> ".join(["relu"] * 100_000) + " bn }",
    "a list": "let a = [" + ", ".join("1" * 300_000) + "]",
    "a list without its end": "let a = [" + ", ".join("1" * 300_000),
    "statements without a brace": "net n {\ninput: 3x8x8\n" + "relu\n" * 50_000,
    "statements with a parenthesis": "net n {\ninput: 3x8x8\nconv(3x3, 4\n" + "relu\n" * 50_000 + "}",
    "a docstring without its end": '"""' + "words\n" * 150_000,
    "zeros": "\0" * MEGABYTE,
    "control characters": draw("".join(map(chr, range(1, 32)))),
    "returns": "\r" * MEGABYTE,
    "quotes": "'" * MEGABYTE,
    "backslashes": "\\" * MEGABYTE,
    "slashes": "/" * MEGABYTE,
    "stars": "/*" * 500_000,
    "broken items": "net n { b c }\n" * 30_000,
    "no-break spaces": "net n {\n" + "\u00a0\u00a0conv(3x3,\u00a04)\n" * 2_000 + "}",
    "full-width letters": "net n {\n" + "ｃｏｎｖ（３ｘ３，４）；ｒｅｌｕ\n" * 2_000 + "}",
}
BYTES = {
    "random bytes": random.Random(0).randbytes(MEGABYTE),
    "nothing": b"",
    "a mark": b"\xef\xbb\xbf",
    "comments": b"# a\n# b",
    "returns in words": b"net n {\r input: 3x8x8\r relu bn\r}\r",
}


@pytest.mark.parametrize("name", [*GARBAGE, *BYTES])
def test_garbage_is_answered_soon_and_in_few_words(name: str, tmp_path: Path) -> None:
    data = BYTES[name] if name in BYTES else GARBAGE[name].encode()
    (tmp_path / "garbage.net").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "netc", "check", "garbage.net"], cwd=tmp_path, capture_output=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = done.stderr.decode()
    assert done.returncode in (0, 1, 2), told[:2_000]
    assert (done.returncode == 0) == (not told)
    assert "Traceback" not in told
    assert told.count("\n") < MOST_LINES
    assert max(map(len, told.split("\n"))) < 500
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < SECONDS
