"""Uses in, groups of one class each out: callees before callers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .uses import Use


def in_order(roots: Iterable[Use]) -> list[list[Use]]:
    """Uses by class, callees before callers, each in the order of the text.

    Where blocks contain each other, a use stands with those of the same depth of nesting."""
    below: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    every: list[Use] = []

    def gather(use: Use) -> None:
        every.append(use)
        for inner in use.below:
            below.setdefault(use.key, set()).add(inner.key)
            gather(inner)

    for root in roots:
        root.key = ("net",)
        gather(root)
    reach = _closure(below)
    cyclic = {key for key, found in reach.items() if key in found}

    def nest(use: Use, circle: set[tuple[Any, ...]]) -> int:
        """How often the circle's blocks stand in each other below."""
        depths = [nest(inner, circle) for inner in use.below]
        return max(depths, default=0) + (use.key in circle)

    grouped: dict[tuple[Any, ...], list[Use]] = {}
    for use in every:
        key = use.key
        if key in cyclic:
            circle = {other for other in reach[key] if key in reach.get(other, ())}
            key = (*key, nest(use, circle))
        grouped.setdefault(key, []).append(use)
    return _callees_first(grouped)


def _closure(
    below: dict[tuple[Any, ...], set[tuple[Any, ...]]],
) -> dict[tuple[Any, ...], set[tuple[Any, ...]]]:
    reach: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    for key in below:
        found: set[tuple[Any, ...]] = set()
        stack = list(below[key])
        while stack:
            other = stack.pop()
            if other not in found:
                found.add(other)
                stack.extend(below.get(other, ()))
        reach[key] = found
    return reach


def _callees_first(grouped: dict[tuple[Any, ...], list[Use]]) -> list[list[Use]]:
    owner = {id(use): key for key, uses in grouped.items() for use in uses}
    done: set[tuple[Any, ...]] = set()
    order: list[list[Use]] = []

    def visit(key: tuple[Any, ...]) -> None:
        if key in done:
            return
        done.add(key)
        for use in grouped[key]:
            for inner in use.below:
                visit(owner[id(inner)])
        order.append(grouped[key])

    for key in grouped:
        visit(key)
    return order
