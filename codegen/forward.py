"""The plan of a class in, the lines of its `forward` out: steps become expressions, tensors get names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..ops.forms import Callee
from .home import Home
from .kept import Kept
from .lines import STEP, WIDTH, Brackets, comment, lay_out
from .phrases import Value, express, is_constant, is_sum, shape_text
from .plan import ClassPlan, Event, Family, Fork, Step, Variable
from .tensors import Tensors

NESTED = 3
"""Calls on one line: `relu(bn(conv(x)))`."""
NARROW = 52
"""How long an expression may be to stand within another."""


class Forward(Tensors):
    """Writes one `forward`."""

    def __init__(self, plan: ClassPlan, home: Home, kept: Kept, input_names: Sequence[str]) -> None:
        super().__init__(plan, input_names)
        self.home, self.kept = home, kept
        self.lines: list[str] = []

    # --- statements ---

    def write(self) -> list[str]:
        """The lines of the body, without those that return."""
        if self.body and isinstance(self.body[0], Family):
            self._family(self.body[0])
            return self.lines
        self._run(self.body, 2)
        return self.lines

    def _run(self, steps: Sequence[Event], indent: int) -> None:
        for position, step in enumerate(steps):
            self.clock += 1
            following = steps[position + 1] if position + 1 < len(steps) else None
            if isinstance(step, Fork):
                self._fork(step, indent)
            elif isinstance(step, Step) and step.outputs:
                self._step(step, following, indent)

    def _step(self, step: Step, following: Event | None, indent: int) -> None:
        operands = [self.values[id(variable)] for variable in step.inputs]
        if len(step.outputs) != 1:
            self._several(step, operands, indent)
            return
        output = step.outputs[0]
        if step.overwrites and self._overwrite(step, operands, output, indent):
            return
        value = express(step, operands, self.home, self.kept)
        if self._stays_open(step, output, value, following, indent):
            self.values[id(output)] = value
            for name in value.reads:
                self.pending[name] = max(self.pending.get(name, 0), self.last.get(id(output), 0))
            return
        self._assign(output, value, step.inputs, indent)

    def _stays_open(
        self, step: Step, output: Variable, value: Value, following: Event | None, indent: int
    ) -> bool:
        """Whether the value is written where it is read, without a name of its own."""
        if id(output) in self.reserved or self.readers[id(output)] != 1:
            return False
        if any(output is tap.value for tap in self.taps):
            return True
        if any(output is leaving for leaving in self.plan.outputs):
            return following is None and indent == 2 and not self.taps
        if id(output) not in self.joins:
            return False
        reader, position = self.joins[id(output)]
        if times_read(reader, position) > 1:
            return False
        width = len(str(value))
        if reader is following and (reader.light or (reader.flattens and value.depth == 1 and step.light)):
            return value.depth < NESTED and width + (20 if reader.training else 0) <= NARROW
        if value.product and is_sum(reader.function):
            return width <= NARROW
        if is_constant(reader.function) and (is_constant(step.function) or value.depth == 1):
            return width <= NARROW and reader is following
        if len(reader.inputs) > 1:
            if reader.overwrites and position == 0:
                return False
            room = NARROW if isinstance(reader.function, Callee) else 2 * NARROW // len(reader.inputs)
            in_reach = indent == 2 and id(reader) in self.outermost
            fits = value.atomic or (is_constant(step.function) or is_sum(step.function))
            return value.depth <= 2 and fits and width <= room and in_reach
        return False

    def _overwrite(self, step: Step, operands: list[Value], output: Variable, indent: int) -> bool:
        """`out += other`, where the sum may take the place of its first member."""
        first = step.inputs[0]
        name = str(operands[0])
        if (
            len(operands) != 2
            or self.readers[id(first)] != 1
            or self.holders.get(name) is not first
            or id(first) in self.inputs
        ):
            return False
        if id(output) in self.reserved:
            return False
        self.lines.extend(lay_out(operands[1].piece, indent, f"{name} += "))
        self.values[id(output)] = self.values[id(first)]
        self.holders[name] = output
        return True

    def _several(self, step: Step, operands: list[Value], indent: int) -> None:
        value = express(step, operands, self.home, self.kept)
        names = [
            self.name(output, step.inputs if position == 0 else (), lasting=True)
            if self.readers[id(output)]
            else "_"
            for position, output in enumerate(step.outputs)
        ]
        self.lines.extend(lay_out(value.piece, indent, f"{', '.join(names)} = "))

    def _assign(self, output: Variable, value: Value, inputs: Sequence[Variable], indent: int) -> None:
        if len(output.hint) + len(str(value)) + 3 + len(STEP) * indent > WIDTH:
            output.hint = ""  # a shorter name keeps the line whole
        name = self.name(output, inputs)
        lines = lay_out(value.piece, indent, f"{name} = ")
        self.lines.extend(comment(lines, shape_text(output, self.known)))

    # --- forks and families ---

    def _fork(self, fork: Fork, indent: int) -> None:
        flag = self.kept.flags[id(fork)]
        end = self.clock + size(fork.then) + size(fork.otherwise) + 1
        targets: list[str] = []
        for position, output in enumerate(fork.outputs):
            pair = [side[position] for side in fork.sides]
            passing = next(
                (v for v in pair if id(v) in self.values and str(self.values[id(v)]).isidentifier()), None
            )
            dies = (
                passing is not None
                and self.last.get(id(passing), 0) <= end
                and not self.is_pending(str(self.values[id(passing)]))
            )
            if passing is not None and dies and (id(passing) not in self.inputs or self.plan.kind != "net"):
                targets.append(str(self.values[id(passing)]))
            else:
                targets.append(self.choose(output, ()))
        before = dict(self.values), dict(self.holders)
        written = []
        for steps, leaving in zip((fork.then, fork.otherwise), fork.sides, strict=True):
            lines, self.lines = self.lines, []
            self.values, self.holders = dict(before[0]), dict(before[1])
            for target, variable in zip(targets, leaving, strict=True):
                self.reserved[id(variable)] = target
            before_end, self.side_ends = self.side_ends, self.clock + size(steps)
            self._run(steps, indent + 1)
            self.side_ends = before_end
            for target, variable in zip(targets, leaving, strict=True):
                value = self.values[id(variable)]
                if str(value) != target:
                    self.lines.extend(lay_out(value.piece, indent + 1, f"{target} = "))
                self.reserved.pop(id(variable), None)
            written.append(self.lines)
            self.lines = lines
        self.clock += 1
        self.values, self.holders = before
        then, otherwise = written
        margin = STEP * indent
        if code_of(then) == code_of(otherwise):  # the modules differ, the calls do not
            self.lines += [line.removeprefix(STEP) for line in then]
            then = otherwise = []
        choice = (
            ternary(otherwise, then, flag.fails(), targets)
            if flag.negated
            else ternary(then, otherwise, flag.holds(), targets)
        )
        if choice is not None and len(choice) + len(margin) <= WIDTH:
            self.lines.append(margin + choice)
        elif then:
            head = f"{margin}if {flag.holds()}:"
            self.lines += then if self._last_statement(margin) == head else [head, *then]
            if otherwise:
                self.lines += [f"{margin}else:", *otherwise]
        elif otherwise:
            self.lines += [f"{margin}if {flag.fails()}:", *otherwise]
        for target, output in zip(targets, fork.outputs, strict=True):
            self.values[id(output)] = Value(target, typed=target in self.declared, reads=frozenset((target,)))
            self.holders[target] = output

    def _last_statement(self, margin: str) -> str:
        """The first line of the last statement; of an `if` with an `else`, this."""
        return next((line for line in reversed(self.lines) if not line.startswith(margin + STEP)), "")

    def _family(self, family: Family) -> None:
        axis = family.output.shapes[0].axis
        name = str(self.values[id(family.input)])
        margin = STEP * 2
        if family.head == "dense":
            self.lines += [
                f"{margin}for layer in self{'.values()' if family.key is not None else ''}:",
                f"{margin}{STEP}{name} = torch.cat([{name}, layer({name})], {axis})",
            ]
            self.values[id(family.output)] = Value(name, typed=True, reads=frozenset((name,)))
            return
        members = f"[branch({name}) for branch in self{'.values()' if family.key is not None else ''}]"
        if family.head == "concat":
            value = Value(Brackets("torch.cat", (members, str(axis))), 1, True, True, frozenset((name,)))
        else:
            self.lines += [f"{margin}branches = {members}"]
            value = Value("sum(branches[1:], branches[0])", 1, False, True, frozenset(("branches",)))
        self.values[id(family.output)] = value

    # --- the end ---

    def leave(self) -> None:
        """Return what a block returns: one tensor, or several."""
        outputs = self.plan.outputs
        values = [self.values[id(variable)] for variable in outputs]
        if len(values) == 1:
            self.give(values[0], shape_text(outputs[0], self.known), 2)
            return
        together = f"{STEP * 2}return {', '.join(map(str, values))}"
        self.lines.extend(
            [together]
            if len(together) <= WIDTH
            else lay_out(Brackets("", tuple(value.piece for value in values)), 2, "return ")
        )

    def give(self, value: Value, shape: str, indent: int, name: str = "") -> None:
        """Return one tensor, under a name of its own where a checker would not see that it is one."""
        if value.typed:
            lines = lay_out(value.piece, indent, "return ")
            self.lines.extend(comment(lines, shape if value.depth else ""))
            return
        if value.depth == 0 and self.annotate(str(value)):
            self.lines.append(f"{STEP * indent}return {value}")
            return
        self.lines.extend(self.declare(value, shape, indent, name))

    def annotate(self, name: str) -> bool:
        """Say at its first assignment that `name` is a tensor; whether there is one."""
        for position, line in enumerate(self.lines):
            margin = line[: len(line) - len(line.lstrip())]
            if line.startswith(f"{margin}{name} = "):
                code, _, remark = line.partition("  # ")
                longer = f"{margin}{name}: Tensor = {code[len(margin) + len(name) + 3 :]}"
                if len(longer) > WIDTH:
                    self.lines.insert(position, f"{margin}{name}: Tensor")
                else:
                    self.lines[position : position + 1] = comment([longer], remark)
                return True
        return False

    def declare(self, value: Value, shape: str, indent: int, name: str) -> list[str]:
        used = {match for line in self.lines for match in re.findall(r"\b\w+\b", line)} | self.declared
        free_name = next(
            each for each in (name, "out", "y", "z", "result", "result_") if each and each not in used
        )
        lines = lay_out(value.piece, indent, f"{free_name}: Tensor = ")
        return [*comment(lines, shape), f"{STEP * indent}return {free_name}"]


def times_read(step: Step, position: int) -> int:
    """How often an operand stands in what the step is written as."""
    formula = step.call or (step.function if isinstance(step.function, str) else "")
    return formula.count(f"{{{position}}}")


def ternary(then: list[str], otherwise: list[str], condition: str, targets: list[str]) -> str | None:
    """`target = a if condition else b`, where each side is one assignment."""
    if len(then) != 1 or len(otherwise) != 1 or len(targets) != 1:
        return None
    head = f"{targets[0]} = "
    left, right = (side[0].strip().partition("  # ")[0] for side in (then, otherwise))
    if not left.startswith(head) or not right.startswith(head):
        return None
    return f"{left} if {condition} else {right.removeprefix(head)}"


def code_of(lines: Sequence[str]) -> list[str]:
    """The lines without their comments, which show shapes."""
    return [line.partition("  # ")[0] for line in lines]


def size(steps: Iterable[Event]) -> int:
    """How many steps the clock will count."""
    total = 0
    for step in steps:
        total += 1
        if isinstance(step, Fork):
            total += size(step.then) + size(step.otherwise) + 1
    return total
