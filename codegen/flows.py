"""Events of a body, lined up, in; the steps of its `forward` out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.frames import (
    Apply,
    Bind,
    Branch,
    Call,
    Event,
    InputEvent,
    Loop,
    Member,
    Merge,
    Names,
    OutputEvent,
    Tensor,
)
from ..compiler.frames import Sequence as SequenceEvent
from .alignment import are_mixed, divide, word_of
from .chains import Chains
from .events import inside, members
from .plan import Chain, Fork, Step, Tap, Variable
from .plan import Event as Planned
from .rows import Around, Row, Split
from .terms import TensorTerm


class Flows(Chains):
    """Steps of a `forward`. `inputs` are what enters, with their names."""

    inputs: list[Variable]
    input_names: list[str]

    def flow(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around) -> list[Planned]:
        steps: list[Planned] = []
        for column in self.columns(rows, lists):
            steps.extend(self._run(rows, column, scope))
        return steps

    def _run(self, rows: Sequence[Row], column: list[Any], scope: Around) -> list[Planned]:
        first = column[0]
        match first:
            case Bind():
                self.bind(rows, column, scope)
                return list(self.owned(rows, column, scope))
            case Names():
                self.name_values(rows, column, scope)
                return []
            case InputEvent():
                tensors = [event.outputs[0] for event in column]
                shape = first.outputs[0].shape
                variable = self.enter(
                    rows, tensors, self.settling.channels(0, "in_channels", [shape.channels] * len(rows))
                )
                self.inputs.append(variable)
                self.input_names.append("x" if first.label is None and not self.input_names else first.name)
                scope.labels[first.name] = TensorTerm(variable.channels)
                scope.names.setdefault("in", TensorTerm(variable.channels))
                return []
            case OutputEvent():
                return self._leave(rows, column, scope)
            case Loop():
                counts = [len(event.turns) for event in column]
                if len(set(counts)) > 1:
                    raise Split(rows, counts)
                steps: list[Planned] = []
                for number in range(counts[0]):
                    inner = self.turn(rows, column, number, scope)
                    steps.extend(self.flow(rows, [event.turns[number].events for event in column], inner))
                return steps
            case Branch():
                return self._fork(rows, column, scope)
            case Apply():
                step = self.layer(rows, column, scope)
                if len(step.outputs) == 1:
                    self.label(first.label, step.outputs[0], scope)
                return [step]
            case SequenceEvent() | Merge() | Call():
                return self._group(rows, column, scope)
        raise AssertionError(first)

    def _leave(self, rows: Sequence[Row], column: list[OutputEvent], scope: Around) -> list[Planned]:
        steps = self.flow(rows, [event.events for event in column], scope.inside())
        value = self.find(rows, [event.outputs[0] for event in column])
        first = column[0]
        value.hint = value.hint or first.name
        if first.weight is None:
            return steps
        return [Tap(first.name, float(first.weight.value), steps, value)]  # type: ignore[arg-type]

    def _group(self, rows: Sequence[Row], column: list[Any], scope: Around) -> list[Planned]:
        """A block, a container, or a group that is no module and so lies open in this class."""
        first = column[0]
        modules = [self.module(row, event) for row, event in zip(rows, column, strict=True)]
        used = [row.use.net.uses.get(id(event)) for row, event in zip(rows, column, strict=True)]
        itself = first is rows[0].use.module.event  # the merge that this class is
        if isinstance(first, Call) or (not itself and any(use is not None for use in used)):
            step = self.call(rows, column, scope)
            if step.make is not None and step.attribute is None:  # `w[stride]:` has a name in each use
                raise Split(rows, [module.attribute if module is not None else None for module in modules])
        elif (
            not itself
            and any(module is not None and module.children for module in modules)
            and self.is_chain(rows[0], first)
        ):
            found = next(module for module in modules if module is not None)
            entering = self.entering(rows, column)
            entries = self.chain(rows, [event.events for event in column], self.within(rows, column, scope))
            leaving = self.find(rows, [event.outputs[0] for event in column])
            step = Step((entering,), (leaving,), found.attribute, Chain(tuple(entries)))
        elif isinstance(first, Merge):
            return self._merge(rows, column, scope)
        else:
            steps = self.flow(rows, [event.events for event in column], self.within(rows, column, scope))
            if len(first.outputs) == 1:
                self.label(first.label, self.find(rows, [event.outputs[0] for event in column]), scope)
            return steps
        if len(step.outputs) == 1:
            self.label(first.label, step.outputs[0], scope)
        return [step] if step.make is not None or step.reference is not None else []

    def entering(self, rows: Sequence[Row], column: Sequence[Event]) -> Variable:
        """What an `nn.Sequential` reads."""
        return self.find(
            rows, [row.use.net.entering(event)[0] for row, event in zip(rows, column, strict=True)]
        )

    def is_chain(self, row: Row, event: Event) -> bool:
        return row.use.net.forms.get(id(event)) == "chain"

    def _fork(self, rows: Sequence[Row], column: list[Branch], scope: Around) -> list[Planned]:
        taken = [event.taken for event in column]
        if len(set(taken)) == 1:
            return self.flow(rows, [event.events for event in column], scope.inside())
        condition = self.condition(rows, column, scope)
        then, otherwise = (
            self.flow(some, [event.events for event in events], scope.inside())
            for some, events in divide(rows, column, taken)
        )
        outputs, sides = self.meet(rows, [event.outputs for event in column], taken, condition)
        return [Fork(condition, then, otherwise, outputs, sides, word_of(column[0]))]

    # --- merges ---

    def _merge(self, rows: Sequence[Row], column: list[Merge], scope: Around) -> list[Planned]:
        """The members, then what joins them; a `dense` group joins after each."""
        inner = self.within(rows, column, scope)
        last = [self.alive(row, event.members)[-1] for row, event in zip(rows, column, strict=True)]
        if column[0].head != "dense" and are_mixed(last) and not are_even(rows, last):
            return self._optional(rows, column, last, inner)
        steps = self._members(rows, [event.members for event in column], inner, column)
        if column[0].head != "dense":
            steps.extend(self._join_all(rows, column, scope))
        if len(column[0].outputs) == 1:
            self.label(column[0].label, self.find(rows, [event.outputs[0] for event in column]), scope)
        return steps

    def _optional(
        self, rows: Sequence[Row], column: list[Merge], last: list[Any], scope: Around
    ) -> list[Planned]:
        """A merge whose last members stand in an `if`: in some uses they are not there."""
        lists = [self.alive(row, event.members)[:-1] for row, event in zip(rows, column, strict=True)]
        steps = self._members(rows, lists, scope, column)
        condition = self.condition(rows, last, scope)
        taken = [event.taken for event in last]
        sides: list[list[Planned]] = []
        for some, events in divide(rows, list(zip(column, last, strict=True)), taken):
            merges = [merge for merge, _ in events]
            further = self._members(some, [branch.events for _, branch in events], scope.inside(), merges)
            sides.append([*further, *self._join_all(some, merges, scope)])
        outputs, left = self.meet(rows, [event.outputs for event in column], taken, condition)
        present = next(event for event in last if event.taken)
        is_residual = column[0].head == "add" and all(not member.events for member in members(present))
        word = word_of(present) or ("is_residual" if is_residual else "")
        return [*steps, Fork(condition, sides[0], sides[1], outputs, left, word)]

    def _join_all(self, rows: Sequence[Row], column: list[Merge], scope: Around) -> list[Step]:
        """What joins all members of a group."""
        found = [members(event) for event in column]
        if len({len(each) for each in found}) > 1:
            raise Split(rows, [len(each) for each in found])
        tensors = [[each[position].outputs[0] for each in found] for position in range(len(found[0]))]
        return self.join(rows, column, tensors, 0, scope)

    def _members(
        self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around, merges: list[Merge]
    ) -> list[Planned]:
        steps: list[Planned] = []
        entering = None
        if merges[0].inputs and all(
            row.known(merge.inputs[0]) for row, merge in zip(rows, merges, strict=True)
        ):
            entering = self.find(rows, [merge.inputs[0] for merge in merges])
        for column in self.columns(rows, lists):
            if entering is not None and merges[0].head != "dense":
                for row, merge in zip(
                    rows, merges, strict=True
                ):  # what enters the group goes by one name in it
                    row.define(merge.inputs[0], entering)
            match column[0]:
                case Bind():
                    self.bind(rows, column, scope)
                    steps.extend(self.owned(rows, column, scope))
                case Loop():
                    counts = [len(event.turns) for event in column]
                    if len(set(counts)) > 1:
                        raise Split(rows, counts)
                    for number in range(counts[0]):
                        inner = self.turn(rows, column, number, scope)
                        steps.extend(
                            self._members(rows, [e.turns[number].events for e in column], inner, merges)
                        )
                case Branch():
                    if are_mixed(column):
                        if merges[0].head == "dense":
                            raise Split(rows, [event.taken for event in column])
                        steps.extend(self._member_fork(rows, column, scope, merges))
                        continue
                    steps.extend(
                        self._members(rows, [event.events for event in column], scope.inside(), merges)
                    )
                case Member():
                    steps.extend(self._member(rows, column, scope))
                    if merges[0].head == "dense":
                        steps.extend(self._accumulate(rows, column, merges, scope))
                case _:
                    steps.extend(self._run(rows, column, scope))
        return steps

    def _member_fork(
        self, rows: Sequence[Row], column: list[Branch], scope: Around, merges: list[Merge]
    ) -> list[Planned]:
        """One member that is made in one way or another."""
        taken = [event.taken for event in column]
        if not are_even(rows, column):
            raise Split(rows, taken)
        condition = self.condition(rows, column, scope)
        then, otherwise = (
            self._members(
                [row for row, _ in some],
                [event.events for event in events],
                scope.inside(),
                [m for _, m in some],
            )
            for some, events in divide(list(zip(rows, merges, strict=True)), column, taken)
        )
        leaving = [members(event)[0].outputs for event in column]
        outputs, sides = self.meet(rows, leaving, taken, condition)
        return [Fork(condition, then, otherwise, outputs, sides, word_of(column[0]))]

    def _member(self, rows: Sequence[Row], column: list[Member], scope: Around) -> list[Planned]:
        """One member: its steps, or its module in a container that is no plain sequence."""
        modules = [self.module(row, event) for row, event in zip(rows, column, strict=True)]
        if any(module is not None for module in modules):
            return self._group_member(rows, column, scope)
        if column[0].inputs:
            scope = scope.inside({"in": self.tensor(rows, [event.inputs[0] for event in column])})
        return self.flow(rows, [event.events for event in column], scope)

    def _group_member(self, rows: Sequence[Row], column: list[Member], scope: Around) -> list[Planned]:
        if any(row.use.net.uses.get(id(event)) is not None for row, event in zip(rows, column, strict=True)):
            return [self.call(rows, column, scope)]
        found = next(
            m for m in (self.module(row, e) for row, e in zip(rows, column, strict=True)) if m is not None
        )
        entering = self.entering(rows, column)
        entries = self.chain(rows, [event.events for event in column], self.within(rows, column, scope))
        leaving = self.find(rows, [event.outputs[0] for event in column])
        return [Step((entering,), (leaving,), found.attribute, Chain(tuple(entries)))]

    def _accumulate(
        self, rows: Sequence[Row], column: list[Member], merges: list[Merge], scope: Around
    ) -> list[Planned]:
        """`x = cat([x, member])`: what later members of a `dense` group receive."""
        positions = []
        for merge, member in zip(merges, column, strict=True):
            every = members(merge)
            positions.append(next(i for i, each in enumerate(every) if each is member))
        position = positions[0]
        joined: list[list[Tensor]] = []
        for merge, member in zip(merges, column, strict=True):
            every = members(merge)
            after = every[position + 1].inputs[0] if position + 1 < len(every) else merge.outputs[0]
            joined.append([member.inputs[0], member.outputs[0], after])
        if all(
            node not in row.use.net.graph
            for row, merge in zip(rows, merges, strict=True)
            for node in merge.nodes[position:]
        ):
            return []
        inputs = [[each[i] for each in joined] for i in (0, 1)]
        return list(self.join(rows, merges, inputs, position, scope, [each[2] for each in joined]))


def are_even(rows: Sequence[Row], column: Sequence[Event]) -> bool:
    """Whether an `if` among members gives one of them on either side."""
    return all(
        len(members(event)) == 1 and len(row.use.net.alive(inside(event))) == 1
        for row, event in zip(rows, column, strict=True)
    )
