"""Texts that nobody would write: drawn programs with tokens moved about, and small ones made of fragments.

Whatever the text, checking it raises nothing, ends in time, and speaks of places inside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutate
from programs import programs

from netc.compiler.limits import Limits
from netc.driver import check, distinct
from netc.dsl.codes import CODES
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.report import render
from netc.dsl.source import Place, Source
from netc.files import Spec

SECONDS = 10
"""Of the processor, for one text; the slowest seen took two."""
LIMITS = Limits(nodes=3_000, turns=3_000, entries=100_000, edges=100_000, list_entries=2_000)
"""So that what runs away ends soon."""
NAMES = ["a", "b", "n", "x", "in", "k", "f", "g", "two", "relu", "opts", "act", "i", "s", "net0"]


@st.composite
def mutated_programs(draw: st.DrawFn) -> str:
    return mutate(draw(st.randoms(use_true_random=False)), draw(programs()))


class Writer:
    """Writes programs that the grammar accepts, whatever they mean."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def name(self) -> str:
        return self.pick(*NAMES)

    def some(self, most: int, write: Callable[[int], str], depth: int, between: str = ", ") -> str:
        return between.join(write(depth) for _ in range(self.draw(st.integers(0, most))))

    def expression(self, depth: int) -> str:
        if depth == 0:
            return self.pick(
                *NAMES, "0", "1", "3", "-2", "0.5", "3x3", "3x3/2", "1x1", "true", "none", '"same"', "[1, 2]"
            )
        inner = depth - 1
        match self.draw(st.integers(0, 12)):
            case 0:
                operator = self.pick(
                    "+", "-", "*", "/", "//", "%", "^", "==", "<", "in", "and", "or", "not in"
                )
                return f"({self.expression(inner)} {operator} {self.expression(inner)})"
            case 1:
                return f"[{self.some(3, self.expression, inner)}]"
            case 2:
                return f"[{self.expression(inner)} for i in {self.expression(inner)}]"
            case 3:
                return f"({self.expression(inner)} if {self.expression(inner)} else {self.expression(inner)})"
            case 4:
                return f"{self.name()}[{self.some(1, self.expression, inner) or ':1'}]"
            case 5:
                return f"{self.name()}.{self.pick('c', 'h', 'w', 'shape', 'a', 'b')}"
            case 6:
                return f"({self.chain(inner)})"
            case 7:
                called = self.pick(
                    "range", "len", "enumerate", "zip", "min", "max", "sum", "round", "share", "divisible"
                )
                return f"{called}({self.some(2, self.expression, inner)})"
            case 8:
                return f"({self.expression(inner)} * {self.expression(inner)})"
            case _:
                return self.layer(inner)

    def layer(self, depth: int) -> str:
        match self.draw(st.integers(0, 9)):
            case 0 | 1 | 2:
                return f"conv({self.pick('1x1', '3x3', '3')}, {self.pick('4', '8', 'k', 'in.c', 'x.c')})"
            case 3 | 4:
                return self.pick(
                    "relu", "bn", "id", "gap", "fc(3)", "maxpool(2x2)", "split(2)", "flatten", "f", "f(g)"
                )
            case 5:
                return f"{self.name()}({self.some(2, self.argument, depth)})"
            case 6:
                return f"({self.chain(depth)}, {self.chain(depth)})"
            case 7:
                joined = self.pick("add", "mul", "concat", "mean", "max")
                return f"{joined}({self.name()}, {self.expression(depth)})"
            case _:
                head = self.pick("", "add ", "concat ", "mul ", "dense ", "max ", "mean(drop=0.1) ", "f ")
                return f"{head}{{ {self.body(depth)} }}"

    def argument(self, depth: int) -> str:
        return self.pick("", "...", "n=", "act=", "k=", "out=", "like=") + self.expression(depth)

    def chain(self, depth: int) -> str:
        first = self.pick("", "", "", f"{self.name()} -> ")
        steps = [self.layer(max(depth - 1, 0)) for _ in range(self.draw(st.integers(1, 2)))]
        return first + " -> ".join(steps) + self.pick("", "", "", " * 2", " * k", " * 0")

    def body(self, depth: int) -> str:
        return "\n".join(self.statement(depth) for _ in range(self.draw(st.integers(0 if depth else 1, 3))))

    def statement(self, depth: int) -> str:
        if depth == 0:
            return self.pick("relu", "id", "a: bn", "b[i]: relu", "conv(1x1, 4)", "s: id")
        inner = depth - 1
        match self.draw(st.integers(0, 12)):
            case 0:
                return f"let {self.name().replace('in', 'j')} = {self.expression(inner)}"
            case 1:
                other = self.pick("", f" else {{ {self.body(inner)} }}")
                return f"if {self.expression(inner)} {{ {self.body(inner)} }}{other}"
            case 2:
                return (
                    f"for {self.pick('i', 'i, n', 'k')} in {self.expression(inner)} {{ {self.body(inner)} }}"
                )
            case 3:
                return (
                    f"{self.pick('output', 'output o', 'aux h', 'aux h[i](weight=0.3)')}: {self.chain(inner)}"
                )
            case 4:
                return f"(a, b): {self.chain(inner)}"
            case 5:
                return f"input{self.pick('', ' y', ' m[i]')}: {self.pick('4x8x8', '[k, 8, 8]', '16', '4x8')}"
            case 6 | 7:
                return f"{self.pick('a', 'b', 's', 'b[i]', 'layer[1]', 's[k]')}: {self.chain(inner)}"
            case _:
                return self.chain(inner)


@st.composite
def written_programs(draw: st.DrawFn) -> str:
    """Nets and blocks that the grammar accepts, whatever they mean."""
    writer = Writer(draw)
    depth = draw(st.integers(1, 4))
    return "\n".join(
        [
            f"let k = {writer.expression(1)}",
            f"let s = {writer.expression(1)}",
            f"block f(n={writer.expression(1)}, act=id, ...opts) {{ {writer.body(depth)} }}",
            f"block g {{ {writer.body(2)} }}",
            f"block two takes (p, q) {{ {writer.body(2)} }}",
            f"net net0(n=2) {{\ninput x: 4x16x16\n{writer.body(depth)}\n}}",
            f"net net1 = net0({writer.expression(1)})\n",
        ]
    )


def is_inside(place: Place) -> bool:
    return 0 <= place.start <= place.end <= len(place.source.text)


def examine(text: str) -> tuple[Diagnostic, ...]:
    """Check a text as `netc check` does, and hold what is said about it to its promises."""
    start = time.process_time()
    found = distinct(check(Spec(Source("fuzz.net", text), None, None), limits=LIMITS))
    assert time.process_time() - start < SECONDS
    for diagnostic in found:
        assert diagnostic.code in CODES
        assert diagnostic.message
        assert "\n" not in diagnostic.message
        places = (diagnostic.place, *(note.place for note in (*diagnostic.causes, *diagnostic.calls)))
        assert all(map(is_inside, places))
        assert render(diagnostic)
    return found


@settings(max_examples=100)
@given(mutated_programs())
def test_a_program_with_moved_tokens_is_checked(text):
    examine(text)


@settings(max_examples=100)
@given(written_programs())
def test_a_program_without_sense_is_checked(text):
    examine(text)
