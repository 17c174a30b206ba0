"""Loops of the text, lined up over the uses of a class and over their turns, in; loops of Python out.

A loop is one in Python where its turns print alike: a constant number of turns may be unrolled as well, one
that varies between uses must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from ..compiler.frames import Event, Loop, Tensor
from ..dsl import ast
from .alignment import Alignment
from .children import at_turn, is_keyed
from .expressions import Const, Expr, Name, Unsettled, binary
from .plan import Element, Entry, Made, Make, Repeat
from .readings import free, substitute
from .rows import Around, Row, Split, Unrolled
from .settling import integer
from .terms import TensorTerm, Term, constant, identical, translate

FEW = 3
"""Fewer turns than these are written out."""
LONG = 5
"""As many turns of several modules each are a loop."""
ENTERING = "in"
"""Stands for the channels that enter a turn, as long as these have no formula. No name of Python's."""


class Loops(Alignment):
    """Loops in a chain of modules, and what all loops share."""

    def chain(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around) -> list[Entry]:
        raise NotImplementedError

    def child(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Made:
        raise NotImplementedError

    def repeat(self, rows: Sequence[Row], column: list[Loop], scope: Around) -> list[Entry]:
        """The entries of a loop in a sequence of modules."""
        counts = [len(event.turns) for event in column]
        if max(counts) == 0:
            return []
        fixed = len(set(counts)) == 1
        if not fixed or counts[0] >= FEW:
            for peeled in (0, 1):
                if min(counts) < peeled:
                    continue
                try:
                    return self._rolled(rows, column, scope, peeled, fixed)
                except Unrolled:
                    continue
        if not fixed:
            raise Split(rows, counts)
        entries: list[Entry] = []
        for number in range(counts[0]):
            inner = self.turn(rows, column, number, scope)
            entries.extend(self.chain(rows, [event.turns[number].events for event in column], inner))
        return entries

    def _rolled(
        self, rows: Sequence[Row], column: list[Loop], scope: Around, peeled: int, fixed: bool
    ) -> list[Entry]:
        """One Python loop, after `peeled` turns written out. Raises `Unrolled` where its turns do not print
        alike."""
        entries: list[Entry] = []
        for number in range(peeled):
            inner = self.turn(rows, column, number, scope)
            entries.extend(self.chain(rows, [event.turns[number].events for event in column], inner))
        variable = self.loop_variable(column[0])
        turns, parents = self.turns(rows, column, variable, peeled)
        if not turns:
            return entries
        inside = scope.inside(self.loop_terms(turns, column, parents, variable, peeled))
        entering = [parents[id(row)][1].inputs[0] for row in turns]
        before = self.find(
            rows,
            [
                event.turns[peeled].inputs[0] if len(event.turns) > peeled else event.outputs[0]
                for event in column
            ],
        )
        if any(len(parents[id(row)][1].inputs) != 1 for row in turns):
            raise Unrolled
        channels = self.settling.express(
            [tensor.shape.channels for tensor in entering],
            turns,
            *offer(before.channels),
            *self._progression(turns, entering, before.channels, variable),
        )
        if channels is None:
            for row, tensor in zip(turns, entering, strict=True):
                row.names[ENTERING] = tensor.shape.channels
        self.enter(turns, entering, Name(ENTERING) if channels is None else channels)
        try:
            body = self.chain(turns, [parents[id(row)][1].events for row in turns], inside)
            after = self.find(turns, [parents[id(row)][1].outputs[0] for row in turns])
        except Split as split:
            raise self.outward(split, rows, turns) from None
        if any(not isinstance(entry, Element) or isinstance(entry.key, str) for entry in body):
            raise Unrolled
        if fixed and len(body) > 1 and len(turns) < LONG * len(rows):
            raise Unrolled  # a list that a person would write out
        if fixed and len(turns) < FEW * len(rows) and is_keyed(body):
            raise Unrolled
        if channels is None:
            body = self._grown(body, after.channels, variable, turns, entering)
        count = self.count(rows, column, scope, peeled)
        shapes = [event.outputs[0].shape for event in column]
        last: list[Expr] = []
        if after.channels is not None:
            with suppress(Unsettled):
                last.append(substitute(after.channels, {variable: binary("-", count, Const(1))}))
        leaving = self.variable(rows, shapes, *last, before.channels)
        for row, event in zip(rows, column, strict=True):
            row.define(event.outputs[0], leaving)
        return [*entries, Repeat(variable, count, tuple(body), self.step_of(column[0]))]

    def _progression(
        self, turns: Sequence[Row], entering: Sequence[Tensor], start: Expr | None, variable: str
    ) -> list[Any]:
        """Channels that grow by the same number from turn to turn."""
        if len(entering) < FEW or start is None:
            return []
        grows = entering[1].shape.channels - entering[0].shape.channels
        return [lambda: binary("+", start, binary("*", Const(grows), Name(variable)))]

    def _grown(
        self,
        body: Sequence[Entry],
        leaving: Expr | None,
        variable: str,
        turns: Sequence[Row],
        entering: Sequence[Tensor],
    ) -> list[Entry]:
        """The turns of a loop that each receive other channels: those that leave the turn before."""
        if leaving is None or ENTERING in free(leaving):
            raise Unrolled
        before = substitute(leaving, {variable: binary("-", Name(variable), Const(1))})
        if not self.settling.holds(before, [tensor.shape.channels for tensor in entering], turns):
            raise Unrolled
        if any(not isinstance(entry, Element) or not isinstance(entry.make, Make) for entry in body):
            raise Unrolled
        return [at_turn(entry, {ENTERING: before}) for entry in body]

    def outward(self, split: Split, rows: Sequence[Row], turns: Sequence[Row]) -> Exception:
        """A split between whole uses is theirs; one between the turns of a use unrolls the loop."""
        keys: dict[int, object] = {}
        for row in turns:
            if id(row) not in split.keys:
                return Unrolled()
            key = split.keys[id(row)]
            if keys.setdefault(id(row.parent), key) != key:
                return Unrolled()
        some = next(iter(keys.values()))
        return Split(rows, [keys.get(id(row), some) for row in rows])

    # --- what loops share ---

    def loop_variable(self, loop: Loop) -> str:
        targets = getattr(loop.site, "targets", ())
        first = next((name for name in ("i", "j", "k") if name not in self.settling.parameters), "index")
        for target in ast.names_of(targets):
            values = [turn.bindings[target.id] for turn in loop.turns]
            counted = [value for value in values if type(value) is int]
            if len(counted) == len(values) and counted == [counted[0] + turn for turn in range(len(counted))]:
                first = target.id
        while first in self.settling.parameters or first in self.settling.taken:
            first += "_"
        return str(first)

    def step_of(self, loop: Loop) -> int:
        """By how much the number that a loop of the text counts with grows."""
        for name in loop.turns[0].bindings if len(loop.turns) > 1 else ():
            values: list[Any] = [turn.bindings[name] for turn in loop.turns]
            if all(type(value) is int for value in values):
                start, step = values[0], values[1] - values[0]
                if step > 1 and values == list(range(start, start + step * len(values), step)):
                    return int(step)
        return 1

    def turns(
        self, rows: Sequence[Row], column: Sequence[Loop], variable: str, peeled: int
    ) -> tuple[list[Row], dict[int, tuple[Loop, Any]]]:
        """A row for each turn of each use, and by its `id` the loop and the turn."""
        turns: list[Row] = []
        parents: dict[int, tuple[Loop, Any]] = {}
        for row, loop in zip(rows, column, strict=True):
            for number, turn in enumerate(loop.turns[peeled:]):
                inner = Row(row.use, row.index, {**row.names, variable: number}, row)
                turns.append(inner)
                parents[id(inner)] = (loop, turn)
        return turns, parents

    def loop_terms(
        self,
        turns: Sequence[Row],
        column: Sequence[Loop],
        parents: dict[int, tuple[Loop, Any]],
        variable: str,
        peeled: int,
    ) -> dict[str, Term]:
        """The loop's own names: the running number, more by a constant, or a literal."""
        terms: dict[str, Term] = {}
        for name in parents[id(turns[0])][1].bindings:
            values = [parents[id(row)][1].bindings[name] for row in turns]
            terms[name] = TensorTerm(None)
            if identical(values):
                try:
                    terms[name] = constant(values[0])
                except Unsettled:
                    continue
            elif all(type(value) is int for value in values):
                numbers = [row.names[variable] for row in turns]
                step = next((b - a for a, b in pairwise(values) if a != b), 1)
                scaled = binary("*", Const(step), Name(variable))
                expr = binary("+", scaled, Const(values[0] - step * numbers[0]))
                if self.settling.holds(expr, values, turns):
                    terms[name] = expr
        return terms

    def count(self, rows: Sequence[Row], column: Sequence[Loop], scope: Around, peeled: int) -> Expr:
        """How many turns, without the peeled ones; raises `Unrolled` where it varies and cannot be
        written."""
        counts = [len(event.turns) for event in column]

        def written() -> Expr:
            first = column[0]
            if first.count is not None:
                return integer(self.settling.term_of([event.count for event in column], rows, scope))
            sources = [event.source for event in column]
            expr = sources[0].expr if sources[0] is not None else None
            if getattr(getattr(expr, "target", None), "id", "") != "range" or len(expr.arguments) != 1:  # type: ignore[union-attr]
                raise Unsettled
            if any(
                source is None or source.expr is not expr or source.frame is not row.use.frame
                for source, row in zip(sources, rows, strict=True)
            ):
                raise Unsettled
            return integer(translate(expr.arguments[0].value, scope))  # type: ignore[union-attr]

        found = self.settling.express(counts, rows, written)
        if found is None:
            raise Unrolled
        return binary("-", found, Const(peeled))


def offer(channels: Expr | None) -> list[Any]:
    return [] if channels is None else [lambda: channels]
