"""What a net of many parts costs: as much for each part as in a small one, counted in calls of functions."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from netc import driver
from netc.dsl.source import Source
from netc.files import Spec

FEW, MANY = 50, 400
UNIT = "block unit(c) { add { conv(1x1, c) -> conv(1x1, 4); id } }\n"
BODIES: dict[str, Callable[[int], str]] = {
    "statements": lambda n: "conv(3x3, 4); relu\n" * n,
    "a chain": lambda n: " -> ".join(["conv(3x3, 4) -> bn"] * n),
    "labels": lambda n: "\n".join(f"c{i}: conv(3x3, 4)" for i in range(n)),
    "a container": lambda n: "c: {\n" + "conv(3x3, 4); relu\n" * n + "}",
    "a repeat": lambda n: f"conv(3x3, 4) * {n}",
    "a loop": lambda n: f"for i in range({n}) {{ c[i]: conv(3x3, 4) -> relu }}",
    "uses of a block": lambda n: "unit(4)\n" * n,
    "uses of a block that differ": lambda n: "\n".join(f"unit({i % 9 + 1})" for i in range(n)),
    "merges": lambda n: "add { conv(1x1, 4); id }\n" * n,
    "members": lambda n: "concat {\n" + "conv(1x1, 4)\n" * n + "}",
    "skips": lambda n: "c0: relu\n" + "\n".join(f"c{i + 1}: bn\nadd(c{i}, c{i + 1})" for i in range(n)),
    "a shared layer": lambda n: "let f = share(conv(3x3, 4))\n" + "f -> relu\n" * n,
    "outputs": lambda n: "output: conv(1x1, 4)\n" * n,
    "named outputs": lambda n: "\n".join(f"output o{i}: conv(1x1, 4)" for i in range(n)),
    "heads": lambda n: "\n".join(f"conv(1x1, 4)\naux a{i}(0.1): gap -> fc(2)" for i in range(n)) + "\ngap",
}  # fmt: skip


def calls(work: Callable[[], object]) -> int:
    count = 0

    def see(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def build(text: str) -> None:
    spec = Spec(Source("many.net", text), None, None)
    compiled = driver.compile(spec).compiled
    assert compiled is not None
    compiled.source()


@pytest.mark.parametrize("kind", BODIES)
def test_each_part_costs_the_same(kind: str) -> None:
    def program(parts: int) -> str:
        return f"{UNIT}net many {{ input x: 4x8x8\n{BODIES[kind](parts)}\n}}"

    build(program(2))  # what is made once
    few, many = (calls(lambda parts=parts: build(program(parts))) for parts in (FEW, MANY))
    assert many / MANY < 1.3 * few / FEW
