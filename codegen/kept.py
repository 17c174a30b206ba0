"""The plan of a class in; what its constructor keeps for `forward`, under which attributes, out: parameters,
shared modules, and conditions."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ..compiler.reserved import RESERVED
from .expressions import Expr, Name, Unary
from .plan import ClassPlan, Event, Fork, Step, Tap
from .readings import free


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


class Kept(Struct, frozen=True):
    """Attributes by parameter, of those that `forward` reads and of shared modules that it calls; flags by
    the `id` of their fork."""

    stored: dict[str, str]
    held: dict[str, str]
    flags: dict[int, Flag]


def keep(plan: ClassPlan) -> Kept:
    """Attributes that no module of the class has."""
    chooser = _Chooser({*attributes_of(plan.steps), *RESERVED, "aux_weights"})
    read, called = read_in_forward(plan)
    stored = {p.name: chooser.free_name(p.name) for p in plan.parameters if p.name in read}
    held = {p.name: chooser.free_name(p.name) for p in plan.parameters if p.name in called}
    chooser.known.update((Name(parameter), attribute) for parameter, attribute in stored.items())
    chooser.visit(plan.steps, outermost=True)
    return Kept(stored, held, chooser.flags)


def read_in_forward(plan: ClassPlan) -> tuple[set[str], set[str]]:
    """The parameters that functions in `forward` read, and those that bring a module which it calls."""
    read: set[str] = set()
    called: set[str] = set()

    def visit(event: Event) -> None:
        if not isinstance(event, Step):
            return
        if event.holder is not None:
            called.add(event.holder)
        elif event.attribute is None:
            for given in event.given:
                if not isinstance(given.value, str):
                    read.update(free(given.value))

    plan.walk(visit)
    return read, called


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
        elif isinstance(step, Tap):
            found |= attributes_of(step.steps)
    return found
