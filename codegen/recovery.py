"""Uses of one class in, its plan out: their events are lined up, and what differs becomes a parameter.

Two ways through a body: as a chain of modules (an `nn.Sequential`), or as steps of a `forward`.
Where uses do not line up, `Split` is raised with a key for each, and every part gets a class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..compiler.frames import (
    Apply,
    Argument,
    Bind,
    Branch,
    Call,
    Event,
    InputEvent,
    Label,
    Loop,
    Member,
    Merge,
    Names,
    OutputEvent,
    Tensor,
)
from ..compiler.frames import Sequence as SequenceEvent
from ..dsl import ast
from .expressions import Expr, Unsettled, choice, item
from .layers import FLAT_LINEAR, IDENTITY
from .loops import Loops
from .plan import Chain, ClassPlan, Element, Entry, Fork, Made, Make, Option, Step, Tap, Variable
from .plan import Event as Planned
from .settling import Around, Row, Settling, Split, integer
from .terms import TensorTerm, Term, constant, identical, translate
from .uses import Use, inside, members, signature

R = TypeVar("R")
T = TypeVar("T")
UNUSABLE = TensorTerm(None)
"""The term of a name that has a value in each use, and no expression: it hides what has the same name outside."""


class Recovery(Loops):
    """The plan of one class."""

    def __init__(
        self, uses: Sequence[Use], plans: Mapping[int, tuple[ClassPlan, int]], name: str, taken: set[str]
    ) -> None:
        super().__init__(Settling(uses, taken), plans)
        self.uses, self.name = uses, name
        self.rows = self.settling.rows
        self.inputs: list[Variable] = []
        self.input_names: list[str] = []

    def recover(self) -> ClassPlan:
        """Raises `Split` where the uses need several classes."""
        first = self.uses[0]
        self._enter()
        scope = Around(self.settling, dict(self.settling.entering), {})
        plan = ClassPlan(
            self.name,
            first.kind,
            first.frame.item.tree.__class__.__name__,
            [],
            list(self.uses),
            self.inputs,
            [],
        )
        plan.doc = first.frame.name
        events = [use.events for use in self.uses]
        family = self.family(
            self.rows, [self.alive(row, found) for row, found in zip(self.rows, events, strict=True)], scope
        )
        if first.form == "sequential":
            plan.entries = tuple(self.chain(self.rows, events, scope))
        else:
            plan.steps = [family] if family is not None else self.flow(self.rows, events, scope)
        for position in range(len(first.outputs)):
            plan.outputs.append(self.find(self.rows, [row.use.outputs[position] for row in self.rows]))
        plan.input_names = self.input_names
        plan.parameters = list(self.settling.parameters.values())
        return plan

    def _enter(self) -> None:
        """Variables for what enters, and the terms of `in` and of the names in `takes`."""
        first = self.uses[0]
        definition = first.frame.definition
        takes = (
            [name.id for name in getattr(definition, "takes", None) or ()] if first.kind == "block" else []
        )
        entering: dict[str, Term] = {}
        for position in range(len(first.inputs)):
            tensors = [use.inputs[position] for use in self.uses]
            hint = takes[position] if takes else first.net.hints.get(first.inputs[position], "")
            alone = len(first.inputs) == 1 or (first.kind == "container" and position == 0)
            named = "in_channels" if alone else f"{hint or f'in{position + 1}'}_channels"
            variable = self.enter(
                self.rows,
                tensors,
                self.settling.channels(position, named, [t.shape.channels for t in tensors]),
            )
            self.inputs.append(variable)
            self.input_names.append(
                takes[position] if takes else "x" if alone else hint or f"x{position + 1}"
            )
            if takes:
                entering[takes[position]] = TensorTerm(variable.channels)
        if self.inputs and first.kind != "net":
            if first.kind == "container" or len(self.inputs) == 1:
                entering["in"] = TensorTerm(self.inputs[0].channels)
        self.settling.entering = entering

    # --- lining up ---

    def columns(self, rows: Sequence[Row], lists: Sequence[Sequence[Event]]) -> list[list[Any]]:
        """The events of all rows side by side."""
        found = [self.alive(row, events) for row, events in zip(rows, lists, strict=True)]
        if len(rows) > 1:
            keys = [tuple(map(signature, events)) for events in found]
            if any(key != keys[0] for key in keys):
                raise Split(rows, keys)
        return [list(column) for column in zip(*found, strict=True)]

    def alive(self, row: Row, events: Sequence[Event]) -> list[Event]:
        return row.use.net.alive(events)

    def bind(self, rows: Sequence[Row], column: Sequence[Bind], scope: Around) -> None:
        """`let`: its formula, or its value."""
        arguments = [event.argument for event in column]
        name = column[0].name
        scope.names[name] = self.term(arguments, rows, scope)

    def term(self, arguments: Sequence[Argument], rows: Sequence[Row], scope: Around) -> Term:
        try:
            return self.settling.term_of(arguments, rows, scope)
        except Unsettled:
            return common([argument.value for argument in arguments])

    def name_values(self, rows: Sequence[Row], column: Sequence[Names], scope: Around) -> None:
        for position, label in enumerate(column[0].labels):
            variable = self.find(rows, [event.outputs[position] for event in column])
            self.label(label, variable, scope)

    def label(self, label: Label | None, variable: Variable, scope: Around) -> None:
        if label is None:
            return
        variable.hint = variable.hint or label.attribute
        if not label.indices:
            scope.labels[label.name] = TensorTerm(variable.channels)

    def turn(self, rows: Sequence[Row], loops: Sequence[Loop], number: int, scope: Around) -> Around:
        """The scope of one turn, unrolled: its variables are literals, or entries of a list that is a parameter."""
        names: dict[str, Term] = {}
        for name in loops[0].turns[number].bindings:
            values = [loop.turns[number].bindings[name] for loop in loops]
            names[name] = common(values)
            source = loops[0].source
            if names[name] is UNUSABLE and source is not None and source.expr is not None:
                try:
                    entry = item(integer(translate(source.expr, scope)), number)
                except Unsettled:
                    continue
                if self.settling.holds(entry, values, rows):
                    names[name] = entry
        return scope.inside(names)

    def condition(self, rows: Sequence[Row], column: Sequence[Branch], scope: Around) -> Expr:
        """The condition of an `if` that holds in some rows only; raises `Split` where it cannot be written."""
        conditions = [event.condition for event in column]
        taken = [event.taken for event in column]
        found = self.settling.express(
            taken, rows, lambda: integer(self.settling.term_of(conditions, rows, scope))
        )
        if found is None:
            raise Split(rows, taken)
        return found

    # --- a chain of modules ---

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
        key = first.label.attribute if first.label is not None else None
        if any((event.label.attribute if event.label is not None else None) != key for event in column):
            raise Split(rows, [event.label.attribute for event in column])
        if first.label is not None:
            self.label(first.label, self.find(rows, [event.outputs[0] for event in column]), scope)
        return [Element(key, made)]

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

    def within(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Around:
        """The scope inside a group, where `in` is what enters it."""
        first = column[0]
        if isinstance(first, SequenceEvent) and first.form == "chain":
            return scope.inside()
        entering = [event.inputs for event in column]
        if any(len(inputs) != 1 for inputs in entering):
            return scope.inside()
        return scope.inside({"in": TensorTerm(self.find(rows, [inputs[0] for inputs in entering]).channels)})

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

    def meet(
        self,
        rows: Sequence[Row],
        leaving: Sequence[tuple[Tensor, ...]],
        taken: Sequence[bool],
        condition: Expr,
    ) -> tuple[tuple[Variable, ...], tuple[tuple[Variable, ...], tuple[Variable, ...]]]:
        """The variables that leave an `if`, whichever side was taken, and those of its two sides."""
        outputs: list[Variable] = []
        left: list[tuple[Variable, ...]] = []
        for tensors in zip(*leaving, strict=True):
            then, otherwise = (self.find(some, found) for some, found in divide(rows, tensors, taken))
            together = [then.channels, otherwise.channels]
            if then.channels is not None and otherwise.channels is not None:
                together.append(choice(condition, then.channels, otherwise.channels))
            met = self.variable(rows, [tensor.shape for tensor in tensors], *together)
            met.hint = then.hint or otherwise.hint
            for row, tensor in zip(rows, tensors, strict=True):
                row.define(tensor, met)
            outputs.append(met)
            left.append((then, otherwise))
        sides = tuple(pair[0] for pair in left), tuple(pair[1] for pair in left)
        return tuple(outputs), sides

    # --- steps of a forward ---

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
        elif (
            not itself
            and any(module is not None and module.children for module in modules)
            and self.is_chain(rows[0], first)
        ):
            found = next(module for module in modules if module is not None)
            entering = self.find(rows, [event.inputs[0] for event in column])
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

    def _members(
        self, rows: Sequence[Row], lists: Sequence[Sequence[Event]], scope: Around, merges: list[Merge]
    ) -> list[Planned]:
        steps: list[Planned] = []
        entering = self.find(rows, [merge.inputs[0] for merge in merges]) if merges[0].inputs else None
        for column in self.columns(rows, lists):
            if entering is not None and merges[0].head != "dense":
                for row, merge in zip(
                    rows, merges, strict=True
                ):  # what enters the group goes by one name in it
                    row.define(merge.inputs[0], entering)
            match column[0]:
                case Bind():
                    self.bind(rows, column, scope)
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

    def _member(self, rows: Sequence[Row], column: list[Member], scope: Around) -> list[Planned]:
        """One member: its steps, or its module in a container that is no plain sequence."""
        modules = [self.module(row, event) for row, event in zip(rows, column, strict=True)]
        if any(module is not None for module in modules):
            return self._group_member(rows, column, scope)
        if column[0].inputs:
            scope = scope.inside({"in": TensorTerm(self.find(rows, [e.inputs[0] for e in column]).channels)})
        return self.flow(rows, [event.events for event in column], scope)

    def _group_member(self, rows: Sequence[Row], column: list[Member], scope: Around) -> list[Planned]:
        if any(row.use.net.uses.get(id(event)) is not None for row, event in zip(rows, column, strict=True)):
            return [self.call(rows, column, scope)]
        found = next(
            m for m in (self.module(row, e) for row, e in zip(rows, column, strict=True)) if m is not None
        )
        entering = self.find(rows, [event.inputs[0] for event in column])
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
        return self.join(rows, merges, inputs, position, scope, [each[2] for each in joined])


def common(values: Sequence[object]) -> Term:
    """The literal that all have; else a term that cannot be used."""
    if not identical(values):
        return UNUSABLE
    try:
        return constant(values[0])
    except Unsettled:
        return UNUSABLE


def divide(rows: Sequence[R], values: Sequence[T], taken: Sequence[bool]) -> list[tuple[list[R], list[T]]]:
    """Rows, and what goes with them, of the side that was taken and of the other."""
    pairs = list(zip(rows, values, taken, strict=True))
    return [
        (
            [row for row, _, side in pairs if side is wanted],
            [value for _, value, side in pairs if side is wanted],
        )
        for wanted in (True, False)
    ]


def are_mixed(column: Sequence[Event]) -> bool:
    """Whether an `if` holds in some rows only."""
    return (
        all(isinstance(event, Branch) for event in column)
        and len({getattr(e, "taken", None) for e in column}) > 1
    )


def are_even(rows: Sequence[Row], column: Sequence[Event]) -> bool:
    """Whether an `if` among members gives one of them on either side."""
    return all(
        len(members(event)) == 1 and len(row.use.net.alive(inside(event))) == 1
        for row, event in zip(rows, column, strict=True)
    )


def word_of(branch: Branch) -> str:
    """What the text calls a condition: the name of a `let` or parameter that it is."""
    expr = branch.condition.expr
    if isinstance(expr, ast.Unary) and expr.operator == "not":
        expr = expr.operand
    return expr.id if isinstance(expr, ast.Name) else ""
