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


NET = "net n {\ninput: 3x8x8\n"


def repeat(form: str, characters: int = MEGABYTE) -> str:
    """The form with 0, 1, 2 and so on in it."""
    return "".join(map(form.format, range(characters // len(form))))


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
MANY = {
    "unknown names": NET + repeat("unknown{0}\n", 400_000) + "}",
    "unknown names in blocks": repeat("block b{0}() {{ unknown{0} }}\n"),
    "blocks that nothing uses": repeat("block b{0}() {{ relu }}\n") + NET + "relu }",
    "nets with mistakes": repeat("net n{0} {{ input: 3x8x8; unknown{0} }}\n", 300_000),
    "nets of what is unknown": repeat("net n{0} = unknown{0}(3)\n", 200_000),
    "nets of one broken block": "block b() { unknown }\n"
    + repeat("net n{0} {{ input: 3x8x8; b }}\n", 300_000),
    "nets of a very broken block": "block b() {\n"
    + "unknown\n" * 1000
    + "}\n"
    + repeat("net n{0} {{ input: 3x8x8; b }}\n", 50_000),
    "definitions of one name": repeat("let a = 1\n", 500_000),
    "files that are missing": repeat("use file{0}\n", 30_000) + NET + "relu }",
    "names that a file lacks": "use std (" + repeat("unknown{0}, ") + "se)\n" + NET + "relu }",
    "parameters": "block b(" + repeat("a{0}, ") + "z) { relu }\n" + NET + "b }",
    "arguments": "block b("
    + repeat("a{0}=1, ", 400_000)
    + "z=1) { relu }\n"
    + NET
    + "b("
    + repeat("a{0}=1, ", 400_000)
    + "z=1) }",
    "arguments that nobody takes": NET + "conv(" + repeat("a{0}=1, ", 500_000) + "z=1) }",
    "a chain with a mistake": NET + "relu -> " * 30_000 + "unknown" + " -> relu" * 30_000 + " }",
    "labels that are unknown": NET + "relu }\nexpect n {\n" + repeat("shape(a{0}) == 1\n", 300_000) + "}",
    "nets of claims that are unknown": NET + "relu }\n" + repeat("expect m{0} {{ params == 0 }}\n", 500_000),
}
"""Very much of what a grammar allows."""
BYTES = {
    "random bytes": random.Random(0).randbytes(MEGABYTE),
    "nothing": b"",
    "a mark": b"\xef\xbb\xbf",
    "comments": b"# a\n# b",
    "returns in words": b"net n {\r input: 3x8x8\r relu bn\r}\r",
}


@pytest.mark.parametrize("name", [*GARBAGE, *MANY, *BYTES])
def test_garbage_is_answered_soon_and_in_few_words(name: str, tmp_path: Path) -> None:
    data = BYTES[name] if name in BYTES else (GARBAGE | MANY)[name].encode()
    (tmp_path / "garbage.net").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "netc", "check", "garbage.net"], cwd=tmp_path, capture_output=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = done.stderr.decode()
    assert done.returncode in (0, 1, 2), told[:2_000]
    assert (done.returncode == 0) == ("error" not in {line[:5] for line in told.split("\n")})
    assert "Traceback" not in told
    assert told.count("\n") < MOST_LINES
    assert max(map(len, told.split("\n"))) < 500
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < SECONDS
