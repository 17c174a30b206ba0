"""A spec in, its claims in one form out: what figure of which net is judged against what.

A figure has one text, however a spec writes it: in a row, in a list, by a comprehension, as `layer[1]` or
`layer1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from netc import driver
from netc.compiler.claims import Outcome, settle_strides
from netc.compiler.evaluate import evaluate_alone
from netc.compiler.faults import Fault, text_of
from netc.compiler.imports import resolve
from netc.compiler.metrics import METRICS
from netc.compiler.program import FileScope
from netc.compiler.values import Value
from netc.dsl import ast
from netc.dsl.source import Source
from netc.files import Spec, read_bundled
from netc.ops.base import Window

DATA = Path(__file__).parent / "data"


class Judged(Struct, frozen=True):
    """A claim that holds, or one entry of a list of them, or what is `reported`. `value` stands on its right:
    a number, a list (a shape too), a window's text; None where it is no constant. `computed` is the figure
    where it is a whole number."""

    net: str
    figure: str
    operator: str
    right: str
    value: Any
    computed: int | None = None


@cache
def read_judged(file: str) -> tuple[Judged, ...]:
    """Of a bundled file, or of one of the tests' data."""
    source = read_bundled(file)
    path = DATA / f"{file}.net"
    return judge(source or Source(path.name, path.read_text(encoding="utf-8")))


def judge(source: Source) -> tuple[Judged, ...]:
    spec = Spec(source, None, None)
    scope = resolve(spec.source, spec.load).scope
    return tuple(
        judged
        for expectation in driver.verify(spec).expectations
        for line, outcome in zip(expectation.item.tree.claims, expectation.outcomes, strict=True)
        if outcome.holds is not False
        for judged in read_line(on_one_line(expectation.title), expectation.item, line, outcome, scope)
    )


def read_line(
    net: str, item: ast.Item, line: ast.Claim | ast.Reported, outcome: Outcome, scope: FileScope
) -> Iterator[Judged]:
    if isinstance(line, ast.Reported):
        value = constant_at(scope, item, line.value)
        yield Judged(net, f"reported {outcome.quantity}", "==", outcome.printed, value)
        return
    row = text_of(item, line.row) if line.row is not None else ""
    figure, right = canonical(text_of(item, line.left), row), canonical(text_of(item, line.right), row)
    value = constant_at(scope, item, line.right)
    computed = outcome.computed.replace(",", "")
    yield Judged(net, figure, line.operator, right, value, int(computed) if computed.isdecimal() else None)
    if line.operator not in ("==", "!~") or not isinstance(value, list):
        return
    if line.operator == "==" and figure.startswith("shape("):  # which tells the width too
        yield Judged(net, figure.replace("shape", "width", 1), "==", str(value[0]), value[0])
    entries = list(list_entries(item, line.left, scope))
    wrong = line.operator == "!~"
    found = outcome.computed.strip("[]").split(", ") if wrong else [""] * len(value)
    if len(entries) == len(value) == len(found):
        for text, entry, figure in zip(entries, value, found, strict=True):
            if not wrong or figure != str(entry):  # of a list that is wrong an entry may be right
                yield Judged(net, canonical(text, row), line.operator, str(entry), entry)


def list_entries(item: ast.Item, expr: ast.Expr, scope: FileScope) -> Iterator[str]:
    """The texts of a list's entries; of a comprehension's with the value in the name's place."""
    match expr:
        case ast.List(items=items):
            yield from (text_of(item, entry) for entry in items)
        case ast.Comprehension(targets=(ast.Name(id=name),), source=source, condition=None):
            for value in constant_at(scope, item, source) or ():
                yield re.sub(rf"\b{name}\b", str(value), text_of(item, expr.item))


# --- one text for a figure ---


def canonical(text: str, row: str = "") -> str:
    """`layer[1][0].conv1: width` is `width(layer1[0].conv1)`."""
    text = on_one_line(text)
    if row:
        text = re.sub(rf"(?<![\w.])({'|'.join(METRICS)})\b(?!\()", rf"\1({row})", text)
        text = re.sub(r"\bcount\((\w+)\)", rf"count(\1, {row})", text)
    text = re.sub(r"(?<=[\w\]])\[([\d+*\s-]+)\]", lambda found: f"[{constant(found[1])}]", text)
    return re.sub(r'\b([A-Za-z_]\w*)\[(?:(\d+)|"(\w+)")\]', r"\1\2\3", text)


def on_one_line(text: str) -> str:
    """A text as it is written where it is not broken over lines."""
    return re.sub(r",? ([)\]])", r"\1", re.sub(r"([(\[]) ", r"\1", " ".join(text.split())))


# --- values ---


@cache
def constant(text: str) -> Any:
    """The value of an expression of the language; None where it is no constant."""
    scope = resolve(Source("constant", f"let value = {text}"), Spec(Source("", ""), None, None).load).scope
    if not scope.file.items:
        return None
    item = scope.file.items[0]
    assert isinstance(item.tree, ast.Constants)
    return constant_at(scope, item, item.tree.value)


def constant_at(scope: FileScope, item: ast.Item, expr: ast.Expr) -> Any:
    """The same of an expression that stands in a file."""
    try:
        return plain(settle_strides(evaluate_alone(scope, item, expr)))
    except Fault:
        return None


def plain(value: Value) -> Any:
    """A shape as a list, a window with a stride as its text."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, Window):
        return list(value.size) if value.stride is None else str(value)
    return value


def number_of(text: str) -> Fraction | None:
    """`30,400`, `0.5`; None of what is no number."""
    text = text.replace(",", "")
    return Fraction(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
