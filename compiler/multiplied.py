"""Nets in, warnings on windows that are products out: `3*3` is 9, and was meant to be `3x3`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..dsl import ast
from ..dsl.diagnostics import Diagnostic
from ..dsl.source import Source
from .facts import Facts
from .provenance import place_of, root


def find_multiplied(nets: Iterable[Facts], source: Source) -> Iterator[Diagnostic]:
    """A warning for each window of `source` that is written as a product of whole numbers."""
    for net in nets:
        for node in net.graph:
            argument = node.arguments.get("window")
            if argument is None:
                continue
            argument = root(argument)
            place = place_of(argument)
            factors = factors_of(argument.expr)
            if place is None or place.source is not source or len(factors) < 2:
                continue
            size = 1
            for factor in factors:
                size *= factor
            written = "*".join(map(str, factors))
            yield Diagnostic(
                "multiplied-window",
                f"`{written}` is a product: a window of {size} in each dimension",
                place,
                help=f"for a window write `{written.replace('*', 'x')}`",
                severity="warning",
            )


def factors_of(expr: ast.Expr | None) -> list[int]:
    """Those of `3*3`; none where anything else is multiplied."""
    if isinstance(expr, ast.Number) and isinstance(expr.value, int):
        return [expr.value]
    if isinstance(expr, ast.Binary) and expr.operator == "*":
        first, second = factors_of(expr.left), factors_of(expr.right)
        return first + second if first and second else []
    return []
