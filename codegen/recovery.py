"""Uses of one class in, its plan out: their events are lined up, and what differs becomes a parameter.

Two ways through a body: as a chain of modules (an `nn.Sequential`), or as steps of a `forward`.
Where uses do not line up, `Split` is raised with a key for each, and every part gets a class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .flows import Flows
from .plan import ClassPlan, Variable
from .rows import Around
from .settling import Settling
from .terms import TensorTerm, Term
from .uses import Use


class Recovery(Flows):
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
        event = first.module.event
        single = first.kind == "container" and event is not None and len(event.inputs) == 1
        flowing = event.inputs[0] if single and event is not None else None
        entering: dict[str, Term] = {}
        for position in range(len(first.inputs)):
            tensors = [use.inputs[position] for use in self.uses]
            hint = takes[position] if takes else first.net.hints.get(first.inputs[position], "")
            alone = len(first.inputs) == 1 or first.inputs[position] is flowing
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
        if first.kind == "block" and len(self.inputs) == 1:
            entering["in"] = TensorTerm(self.inputs[0].channels)
        elif flowing is not None and flowing in first.inputs:
            entering["in"] = TensorTerm(self.inputs[first.inputs.index(flowing)].channels)
        self.settling.entering = entering
