"""The plan of a class in, its stored conditions out: what `forward` asks that the constructor decided."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from .expressions import Expr, Name, Unary
from .plan import ClassPlan, Event, Fork, Step


class Flag(Struct, frozen=True):
    """One condition of a fork: `self.name`, or its opposite. The first of a name `stores` it."""

    name: str
    condition: Expr
    negated: bool
    stores: bool

    def holds(self) -> str:
        return f"not self.{self.name}" if self.negated else f"self.{self.name}"

    def fails(self) -> str:
        return f"self.{self.name}" if self.negated else f"not self.{self.name}"


def choose_flags(plan: ClassPlan) -> dict[int, Flag]:
    """A flag for each fork, by its `id`; forks of one condition share it."""
    chooser = _Chooser({*attributes_of(plan.steps), *(parameter.name for parameter in plan.parameters)})
    chooser.visit(plan.steps, outermost=True)
    return chooser.flags


class _Chooser:
    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.known: dict[Expr, str] = {}
        """Conditions that are stored whatever holds."""
        self.flags: dict[int, Flag] = {}

    def visit(self, steps: Sequence[Event], outermost: bool) -> None:
        for step in steps:
            if isinstance(step, Fork):
                self.flags[id(step)] = self.choose(step, outermost)
                self.visit(step.then, False)
                self.visit(step.otherwise, False)

    def choose(self, fork: Fork, outermost: bool) -> Flag:
        condition, negated = fork.condition, False
        if isinstance(condition, Unary) and condition.operator == "not":
            condition, negated = condition.operand, True
        if condition in self.known:
            return Flag(self.known[condition], condition, negated, False)
        name = self.free_name(word_for(fork, condition))
        if outermost:
            self.known[condition] = name
        return Flag(name, condition, negated, True)

    def free_name(self, word: str) -> str:
        name, number = word, 1
        while name in self.taken:
            number += 1
            name = f"{word}_{number}"
        self.taken.add(name)
        return name


def word_for(fork: Fork, condition: Expr) -> str:
    """What to call a condition: as the text does, or after what it brings."""
    if isinstance(condition, Name):
        return condition.id
    if fork.hint:
        return fork.hint
    brought = [*sorted(attributes_of(fork.then)), *sorted(attributes_of(fork.otherwise))]
    brought += [variable.hint for variable in fork.outputs if variable.hint]
    return f"has_{brought[0]}" if brought and brought[0].isidentifier() else "takes_branch"


def attributes_of(steps: Sequence[Event]) -> set[str]:
    """The modules that these steps register."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step, Step) and step.attribute is not None and step.make is not None:
            found.add(step.attribute)
        elif isinstance(step, Fork):
            found |= attributes_of(step.then) | attributes_of(step.otherwise)
    return found
