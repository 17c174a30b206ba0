"""Events that are modules one after the other, lined up, in; the entries of an `nn.Sequential` out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.frames import (
    Apply,
    Bind,
    Branch,
    Call,
    Event,
    Loop,
    Merge,
    Names,
)
from ..compiler.frames import Sequence as SequenceEvent
from .alignment import divide
from .calls import FLAT_LINEAR, IDENTITY
from .expressions import Expr
from .families import Families
from .plan import Chain, Element, Entry, Made, Make, Option, Running
from .rows import Around, Row, Split
from .settling import integer
from .terms import translate


class Chains(Families):
    """A chain of modules."""

    def chain(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around) -> list[Entry]:
        entries: list[Entry] = []
        for column in self.columns(rows, lists):
            entries.extend(self._link(rows, column, scope))
        return entries

    def _link(self, rows: Sequence[Row], column: list[Any], scope: Around) -> list[Entry]:
        first = column[0]
        match first:
            case Bind():
                self.bind(rows, column, scope)
                return []
            case Names():
                self.name_values(rows, column, scope)
                return []
            case Loop():
                return self.repeat(rows, column, scope)
            case Branch():
                return self._option(rows, column, scope)
            case SequenceEvent() if self.module(rows[0], first) is None:
                return self.chain(rows, [event.events for event in column], scope.inside())
        made = self.child(rows, column, scope)
        key = self._key_of(rows, column, scope)
        if first.label is not None:
            self.label(first.label, self.find(rows, [event.outputs[0] for event in column]), scope)
        return [Element(key, made)]

    def _key_of(self, rows: Sequence[Row], column: list[Any], scope: Around) -> str | Running | None:
        """What a child is called: its number, its label, or a label that counts the turns of a loop."""
        labels = [event.label for event in column]
        keys = [label.attribute if label is not None else None for label in labels]
        if all(key == keys[0] for key in keys):
            return keys[0]
        first = labels[0]
        if first is None or any(label is None or not label.indices for label in labels):
            raise Split(rows, keys)
        words = {(label.name, *label.indices[:-1]) for label in labels}
        numbers = [label.indices[-1] for label in labels]
        if len(words) > 1 or any(type(number) is not int for number in numbers):
            raise Split(rows, keys)

        def written() -> Expr:
            return integer(translate(first.site.indices[-1], scope))

        number = self.settling.express(numbers, rows, written)
        if number is None:
            raise Split(rows, keys)
        return Running(first.attribute.removesuffix(str(numbers[0])), number)

    def child(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Made:
        """One module of a sequence."""
        first = column[0]
        if isinstance(first, Apply):
            step = self.layer(rows, column, scope, as_module=True)
            assert isinstance(step.make, Make)
            return Make(FLAT_LINEAR, step.make.given) if step.flattens else step.make
        uses = [row.use.net.uses.get(id(event)) for row, event in zip(rows, column, strict=True)]
        if isinstance(first, (Call, Merge)) or any(use is not None for use in uses):
            step = self.call(rows, column, scope)
            return step.make or IDENTITY
        entries = self.chain(rows, [event.events for event in column], self.within(rows, column, scope))
        return Chain(tuple(entries))

    def _option(self, rows: Sequence[Row], column: list[Branch], scope: Around) -> list[Entry]:
        taken = [event.taken for event in column]
        if len(set(taken)) == 1:
            return self.chain(rows, [event.events for event in column], scope.inside())
        condition = self.condition(rows, column, scope)
        sides = [
            tuple(self.chain(some, [event.events for event in events], scope.inside()))
            for some, events in divide(rows, column, taken)
        ]
        self.meet(rows, [event.outputs for event in column], taken, condition)
        return [Option(condition, *sides)] if any(sides) else []
