"""Classes that are one merge over one loop, lined up over their uses and turns, in; lists of modules out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.frames import Event, Loop, Member, Merge
from ..compiler.nesting import is_child
from .expressions import Const, Expr, Name, Unsettled, binary
from .loops import FEW, Loops, offer
from .plan import Chain, Family, Made, Variable
from .readings import evaluate
from .rows import Around, Row, Split, Unrolled, Values
from .terms import TensorTerm


class Families(Loops):
    """Merges over a loop."""

    def family(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around) -> Family | None:
        """A class that is one merge over one loop; None where it is not, or its members do not print
        alike."""
        if any(len(events) != 1 or not isinstance(events[0], Merge) for events in lists):
            return None
        merges: list[Merge] = [events[0] for events in lists]  # type: ignore[misc]
        if any(
            id(merge) in row.use.net.uses
            for row, merge in zip(rows, merges, strict=True)
            if merge is not row.use.module.event
        ):
            return None  # a part with a class of its own
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
            if net.follow(member.events, member.inputs[0]) is not member.outputs[0]:
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
        growth = self.settling.express(
            [member.outputs[0].shape.channels for member in members], turns, guess=True
        )
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
