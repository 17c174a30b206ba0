"""Loops of the text, lined up over the uses of a class and over their turns, in; loops of Python out.

A loop is one in Python where its turns print alike: a constant number of turns may be unrolled as well, one that
varies between uses must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.frames import Event, Loop, Member, Merge
from ..compiler.names import is_child
from .expressions import Const, Expr, Name, Unsettled, binary, evaluate, free, substitute
from .layers import Layers
from .plan import Chain, Element, Entry, Family, Made, Repeat, Variable
from .settling import Around, Row, Split, Unrolled, Values, integer
from .terms import TensorTerm, Term, constant, identical, translate

FEW = 3
"""Fewer turns than these are written out."""


class Loops(Layers):
    def chain(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around) -> list[Entry]:
        raise NotImplementedError

    def columns(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]]) -> list[list[Any]]:
        raise NotImplementedError

    def child(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Made:
        raise NotImplementedError

    def turn(self, rows: Sequence[Row], loops: Sequence[Loop], number: int, scope: Around) -> Around:
        raise NotImplementedError

    # --- repeats in a chain ---

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
        """One Python loop, after `peeled` turns written out. Raises `Unrolled` where its turns do not print alike."""
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
            [tensor.shape.channels for tensor in entering], turns, *offer(before.channels)
        )
        self.enter(turns, entering, channels)
        try:
            body = self.chain(turns, [parents[id(row)][1].events for row in turns], inside)
            after = self.find(turns, [parents[id(row)][1].outputs[0] for row in turns])
        except Split as split:
            raise self.outward(split, rows, turns) from None
        if any(not isinstance(entry, Element) or entry.key is not None for entry in body):
            raise Unrolled
        if fixed and len(body) > 1:
            raise Unrolled  # a list that a person would write out
        count = self.count(rows, column, scope, peeled)
        shapes = [event.outputs[0].shape for event in column]
        last = []
        if after.channels is not None:
            try:
                last.append(substitute(after.channels, {variable: binary("-", count, Const(1))}))
            except Unsettled:
                pass
        leaving = self.variable(rows, shapes, *last, before.channels)
        for row, event in zip(rows, column, strict=True):
            row.define(event.outputs[0], leaving)
        return [*entries, Repeat(variable, count, tuple(body))]

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
        for target in targets:
            values = [turn.bindings[target.id] for turn in loop.turns]
            if all(type(value) is int for value in values) and values == list(
                range(values[0], values[0] + len(values))
            ):
                first = target.id
        while first in self.settling.parameters or first in self.settling.taken:
            first += "_"
        return str(first)

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
                expr = binary("+", Name(variable), Const(values[0] - turns[0].names[variable]))
                if self.settling.holds(expr, values, turns):
                    terms[name] = expr
        return terms

    def count(self, rows: Sequence[Row], column: Sequence[Loop], scope: Around, peeled: int) -> Expr:
        """How many turns, without the peeled ones; raises `Unrolled` where it varies and cannot be written."""
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

    # --- merges over a loop ---

    def family(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around) -> Family | None:
        """A class that is one merge over one loop; None where it is not, or its members do not print alike."""
        if any(len(events) != 1 or not isinstance(events[0], Merge) for events in lists):
            return None
        merges: list[Merge] = [events[0] for events in lists]  # type: ignore[misc]
        inner = [row.use.net.alive(merge.members) for row, merge in zip(rows, merges, strict=True)]
        if any(len(found) != 1 or not isinstance(found[0], Loop) for found in inner):
            return None
        loops: list[Loop] = [found[0] for found in inner]  # type: ignore[misc]
        counts = [len(loop.turns) for loop in loops]
        head = merges[0].head
        if (
            min(counts) < 2
            or any(merge.head != head for merge in merges)
            or head not in ("dense", "concat", "add")
        ):
            return None
        for merge, row in zip(merges, rows, strict=True):
            if (
                merge.outputs[0] is not row.use.outputs[0]
                or len(row.use.outputs) != 1
                or len(row.use.inputs) != 1
            ):
                return None
            if any(
                len(turn.events) != 1 or not isinstance(turn.events[0], Member)
                for loop in loops
                for turn in loop.turns
            ):
                return None
        if len(set(counts)) == 1 and counts[0] < FEW:
            return None
        try:
            return self._family(rows, merges, loops, scope)
        except (Unrolled, Split):
            return None

    def _family(self, rows: Sequence[Row], merges: list[Merge], loops: list[Loop], scope: Around) -> Family:
        variable = self.loop_variable(loops[0])
        turns, parents = self.turns(rows, loops, variable, 0)
        inside = scope.inside(self.loop_terms(turns, loops, parents, variable, 0))
        members: list[Member] = [parents[id(row)][1].events[0] for row in turns]
        before = self.find(rows, [merge.inputs[0] for merge in merges])
        entering = [member.inputs[0] for member in members]
        self.know_all()
        channels = self.settling.express(
            [tensor.shape.channels for tensor in entering],
            turns,
            *offer(before.channels),
            *self._growing(turns, members, before, variable),
        )
        group = self.enter(turns, entering, channels)
        inside = inside.inside({"in": TensorTerm(group.channels)})
        for row, member in zip(turns, members, strict=True):
            net = row.use.net
            if set(net.flow(member)[0]) - net.flow(member)[1] - {member.inputs[0]}:
                raise Unrolled
            if net._follow(member.events, member.inputs[0]) is not member.outputs[0]:
                raise Unrolled
        made = self._member_module(turns, members, inside)
        count = self.count(rows, loops, scope, 0)
        key = self._key(turns, members, variable, inside)
        value = self.find(turns, [member.outputs[0] for member in members])
        output = self.variable(
            rows,
            [merge.outputs[0].shape for merge in merges],
            *self._joined(merges[0].head, before, value, count),
        )
        for row, merge in zip(rows, merges, strict=True):
            row.define(merge.outputs[0], output)
        return Family(merges[0].head, variable, count, key, made, before, output)

    def know_all(self) -> None:
        """Settle every name in scope, so that values can be compared with them."""
        for name in list(self.settling):
            try:
                self.settling[name]
            except Unsettled:
                continue

    def _growing(
        self, turns: Sequence[Row], members: Sequence[Member], before: Variable, variable: str
    ) -> list[Any]:
        """In `dense`, each member adds its channels to what the next receives."""
        growth = self.settling.express([member.outputs[0].shape.channels for member in members], turns)
        if growth is None or before.channels is None:
            return []
        return [lambda: binary("+", before.channels, binary("*", Name(variable), growth))]

    def _joined(self, head: str, before: Variable, value: Variable, count: Expr) -> list[Expr | None]:
        if value.channels is None or before.channels is None:
            return []
        if head == "add":
            return [value.channels]
        total = binary("*", count, value.channels)
        return [binary("+", before.channels, total)] if head == "dense" else [total]

    def _member_module(self, turns: Sequence[Row], members: list[Member], scope: Around) -> Made:
        modules = [self.module(row, member) for row, member in zip(turns, members, strict=True)]
        if all(module is not None for module in modules):
            if any(
                row.use.net.uses.get(id(member)) is not None
                for row, member in zip(turns, members, strict=True)
            ):
                step = self.call(turns, members, scope)
                assert step.make is not None
                return step.make
            return Chain(tuple(self.chain(turns, [member.events for member in members], scope)))
        columns = self.columns(turns, [member.events for member in members])
        if len(columns) != 1 or not is_child(columns[0][0]):
            raise Unrolled
        return self.child(turns, columns[0], scope)

    def _key(
        self, turns: Sequence[Row], members: Sequence[Member], variable: str, scope: Around
    ) -> tuple[str, tuple[Expr, ...]] | None:
        """How members are called: None for their numbers, else a word and numbers."""
        names = []
        for row, member in zip(turns, members, strict=True):
            module = self.module(row, member)
            if module is None:
                inner = [
                    event for event in row.use.net.alive(member.events) if self.module(row, event) is not None
                ]
                if len(inner) != 1:
                    raise Unrolled
                module = self.module(row, inner[0])
            assert module is not None
            names.append(module.attribute)
        if all(name == str(row.names[variable]) for name, row in zip(names, turns, strict=True)):
            return None
        word = names[0].rstrip("0123456789_")
        start = names[0][len(word) :]
        if start.isdigit():
            number = binary("+", Name(variable), Const(int(start)))
            if all(
                name == f"{word}{evaluate(number, Values(self.settling.parameters, row))}"
                for name, row in zip(names, turns, strict=True)
            ):
                return word, (number,)
        raise Unrolled


def offer(channels: Expr | None) -> list[Any]:
    return [] if channels is None else [lambda: channels]


__all__ = ["Loops", "free"]
