"""The plan of a class in; how long each of its tensors is needed, and under which name it goes, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .phrases import Value
from .plan import ClassPlan, Event, Family, Fork, Step, Tap, Variable
from .python_text import TAKEN

SPARE = ("out", "y", "z")


class Tensors:
    """The tensors of one `forward`. Time is counted in steps: what is read later than now is live."""

    def __init__(self, plan: ClassPlan, input_names: Sequence[str]) -> None:
        self.plan = plan
        self.known = {parameter.name for parameter in plan.parameters}
        self.taps = [step for step in plan.steps if isinstance(step, Tap)]
        self.body = [step for step in plan.steps if not isinstance(step, Tap)]
        self.outermost = {id(step) for step in self.body}
        self.readers: Counter[int] = Counter()
        """How often each tensor is read, by the `id` of its variable, as in the tables below."""
        self.joins: dict[int, tuple[Step, int]] = {}
        """The last step that reads a tensor, and the place in which it does."""
        self.last: dict[int, int] = {}
        self.reads: dict[int, list[int]] = {}
        self.passing: dict[int, tuple[Variable, int]] = {}
        """What a fork gives where a tensor passes it by, and when the fork ends."""
        self.side_ends = 0
        """Until when the side of a fork runs that is being written."""
        self.clock = 0
        self.values: dict[int, Value] = {}
        """How each tensor is written so far."""
        self.pending: dict[str, int] = {}
        """Until when expressions read a name that stand in no line yet."""
        self.holders: dict[str, Variable] = {}
        """What each name stands for."""
        self.reserved: dict[int, str] = {}
        """The names that tensors must have: what both sides of a fork assign."""
        self.declared: set[str] = set(input_names)
        self.inputs = {id(variable) for variable in plan.inputs}
        if plan.kind == "net" and len(plan.outputs) == 1:
            plan.outputs[0].hint = "logits"
        self._count(self.body)
        for tap in self.taps:
            self._count(tap.steps)
        self.clock += 1
        for tap in self.taps:
            self._read(tap.value)
        for variable in plan.outputs:
            self._read(variable)
        for name, variable in zip(input_names, plan.inputs, strict=True):
            self.values[id(variable)] = Value(name, reads=frozenset((name,)))
            self.holders[name] = variable
        self.clock = 0

    def _read(self, variable: Variable) -> None:
        self.readers[id(variable)] += 1
        self.last[id(variable)] = max(self.clock, self.last.get(id(variable), 0))
        self.reads.setdefault(id(variable), []).append(self.clock)

    def _count(self, steps: Iterable[Event]) -> None:
        for step in steps:
            self.clock += 1
            match step:
                case Step(inputs=inputs):
                    for position, variable in enumerate(inputs):
                        self._read(variable)
                        self.joins[id(variable)] = (step, position)
                case Fork(then=then, otherwise=otherwise, sides=sides):
                    self._count(then)
                    self._count(otherwise)
                    self.clock += 1
                    for side in sides:
                        for variable, output in zip(side, step.outputs, strict=True):
                            self._read(variable)
                            self.passing.setdefault(id(variable), (output, self.clock))
                case Family(input=variable):
                    self._read(variable)

    def is_live(self, name: str) -> bool:
        """Whether what has that name is still read, or it stands in an expression not yet written."""
        holder = self.holders.get(name)
        if (
            holder is not None
            and self.last.get(id(holder), 0) > self.clock
            and str(self.values[id(holder)]) == name
        ):
            return True
        return self.is_pending(name)

    def is_pending(self, name: str) -> bool:
        """Whether an expression that is not yet written reads what has that name."""
        return self.pending.get(name, 0) > self.clock

    def is_read_here(self, name: str) -> bool:
        """Whether this side of a fork still reads what has that name."""
        holder = self.holders.get(name)
        reads = self.reads.get(id(holder), ()) if holder is not None else ()
        return any(self.clock < at <= self.side_ends for at in reads)

    def name(self, output: Variable, inputs: Sequence[Variable], lasting: bool = False) -> str:
        """A name: the label where it is read later on, or is `lasting`; else the one that flows."""
        name = self.reserved.get(id(output))
        if name is None or self.is_read_here(name):
            name = self.choose(output, inputs, lasting)
        self.values[id(output)] = Value(name, typed=name in self.declared, reads=frozenset((name,)))
        self.holders[name] = output
        return name

    def _becomes(self, output: Variable) -> tuple[Variable, int]:
        """What takes its name over in the end, and when: a sum goes by the name of its first member, and what
        a fork gives by that of the tensor that passes it."""
        becomes, since = output, self.clock
        while True:
            through, end = self.passing.get(id(becomes), (None, 0))
            if through is not None and self.last.get(id(becomes), 0) <= end:
                becomes, since = through, end
                continue
            if self.readers[id(becomes)] != 1 or id(becomes) not in self.joins:
                return becomes, since
            reader, position = self.joins[id(becomes)]
            if not reader.overwrites or position:
                return becomes, since
            becomes, since = reader.outputs[0], self.last.get(id(becomes), 0)

    def choose(self, output: Variable, inputs: Sequence[Variable], lasting: bool = False) -> str:
        becomes, since = self._becomes(output)
        lasting |= self.readers[id(becomes)] > 1 or self.last.get(id(becomes), 0) > since + 1
        hint = becomes.hint.lower()  # a variable is not spelled as a module may be
        if lasting and hint and hint.isidentifier() and hint not in TAKEN and not self.is_live(hint):
            return hint
        candidates = [
            str(self.values[id(variable)])
            for variable in inputs
            if id(variable) not in self.inputs or self.plan.kind != "net"
        ]
        candidates = [name for name in candidates if name in ("x", *SPARE)]
        for name in (*candidates, "x", *SPARE):
            if not self.is_live(name):
                return name
        number = 2
        while self.is_live(f"x{number}"):
            number += 1
        return f"x{number}"
