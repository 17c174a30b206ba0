"""The plan of a class in; what its constructor keeps for `forward`, under which attributes, out: parameters,
shared modules, and conditions."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ..compiler.reserved import RESERVED
from .expressions import Expr, Name, Unary, unary
from .plan import ClassPlan, Event, Fork, Step, Tap
from .readings import free, substitute, text


class Flag(Struct, frozen=True):
    """One condition of a fork, or its opposite: over parameters, as the constructor has it, and as `forward`
    reads it. The first that needs an attribute of its own `stores` it."""

    condition: Expr
    read: Expr
    negated: bool
    stores: str = ""

    def holds(self) -> str:
        return text(unary("not", self.read) if self.negated else self.read)

    def fails(self) -> str:
        return text(self.read if self.negated else unary("not", self.read))


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
    read |= tested(plan, read)
    stored = {p.name: chooser.free_name(p.name) for p in plan.parameters if p.name in read}
    held = {p.name: chooser.free_name(p.name) for p in plan.parameters if p.name in called}
    chooser.stored.update((name, Name(f"self.{attribute}")) for name, attribute in stored.items())
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


def tested(plan: ClassPlan, read: set[str]) -> set[str]:
    """The parameters that a condition of `forward` reads as it stands, `if self.stride > 1`: one alone, or
    those that are kept anyway. Of other conditions the value is kept."""
    found: set[str] = set()
    parameters = {parameter.name for parameter in plan.parameters}

    def visit(event: Event) -> None:
        if isinstance(event, Fork):
            names = free(event.condition)
            alone = len(names) == 1 and not event.hint
            if names <= parameters and (alone or names <= read):
                found.update(names)

    plan.walk(visit)
    return found


class _Chooser:
    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.stored: dict[str, Expr] = {}
        """How `forward` reads the parameters that are kept."""
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
        if free(condition) <= self.stored.keys():
            return Flag(condition, substitute(condition, self.stored), negated)
        if condition in self.known:
            return Flag(condition, Name(f"self.{self.known[condition]}"), negated)
        name = self.free_name(word_for(fork))
        if outermost:
            self.known[condition] = name
        return Flag(condition, Name(f"self.{name}"), negated, name)

    def free_name(self, word: str) -> str:
        name, number = word, 1
        while name in self.taken:
            number += 1
            name = f"{word}_{number}"
        self.taken.add(name)
        return name


def word_for(fork: Fork) -> str:
    """What to call a condition: as the text does, or after what it brings."""
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
