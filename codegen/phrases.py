"""One step of a plan and its operands in, the Python expression of its value out."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from msgspec import Struct

from ..ops.base import Callee
from .children import argument
from .expressions import Expr, Name
from .home import Home
from .kept import Kept
from .lines import Brackets, Infix, Piece
from .plan import Given, Step, Variable
from .readings import free, substitute, text

SUM = re.compile(r"\{0\}( \+ \{\d+\})+|\{0\}( \* \{\d+\})+")
"""The formulas that are one operator over all operands."""


class Value(Struct, frozen=True):
    """How a tensor is written. `depth` counts nested calls; `typed`: a checker knows that it is a tensor;
    `atomic`: an operator next to it needs no brackets; `reads` are the names in it."""

    piece: Piece
    depth: int = 0
    typed: bool = True
    atomic: bool = True
    reads: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return str(self.piece)


def express(step: Step, operands: list[Value], home: Home, kept: Kept) -> Value:
    """What the step gives."""
    if step.flattens:
        operands = [flatten(operands[0]), *operands[1:]]
    reads = frozenset[str]().union(*(operand.reads for operand in operands))
    depth = max((operand.depth for operand in operands), default=0) + 1
    pieces = tuple(operand.piece for operand in operands)
    if step.attribute is not None or step.reference is not None:
        return Value(Brackets(head(step, home, kept), pieces), depth, False, True, reads)
    given = tuple(Given(entry.name, stored(entry.value, kept)) for entry in step.given)
    if isinstance(step.function, str):
        return fill(step, operands, given, depth, reads)
    assert isinstance(step.function, Callee)
    items: list[Piece] = [Brackets("", pieces, "[]")] if step.function.listed else list(pieces)
    items += [argument(entry, home.reach) for entry in given]
    if step.training:
        items.append("training=self.training")
    typed = step.function.path.startswith(("F.", "torch."))
    return Value(Brackets(step.function.path, tuple(items)), depth, typed, True, reads)


def head(step: Step, home: Home, kept: Kept) -> str:
    """How the module that a step calls is reached."""
    if step.holder is not None:
        return f"self.{kept.held[step.holder]}[0]"
    if step.reference is not None:
        return home.reach(step.reference)
    return home.child(step.attribute or "")


def flatten(operand: Value) -> Value:
    return Value(Brackets("torch.flatten", (operand.piece, "1")), operand.depth, True, True, operand.reads)


def fill(
    step: Step, operands: list[Value], given: Sequence[Given], depth: int, reads: frozenset[str]
) -> Value:
    """A formula with its operands and arguments in their places."""
    assert isinstance(step.function, str)
    pattern = step.function.removesuffix("[{index}]") if len(step.outputs) > 1 else step.function
    places = {
        str(position): str(operand) if operand.atomic else f"({operand})"
        for position, operand in enumerate(operands)
    }
    if SUM.fullmatch(pattern):
        return Value(
            Infix(pattern[4], tuple(places.values())),
            depth,
            all(operand.typed for operand in operands),
            False,
            reads,
        )
    written = {
        entry.name: entry.value if isinstance(entry.value, str) else text(entry.value) for entry in given
    }
    filled = re.sub(r":\{(\w+)\}", lambda match: spaced(str(written[match[1]])), pattern)
    filled = re.sub(r"\{(\w+)\}", lambda match: places.get(match[1]) or str(written[match[1]]), filled)
    atomic = re.fullmatch(r"[\w.]+\(.*\)|[\w.]+\[.*\]|[\w.]+", filled) is not None and balanced(filled)
    typed = all(operand.typed for operand in operands) or filled.startswith(("F.", "torch."))
    return Value(filled, depth, typed, atomic, reads)


def stored(value: Expr | str, kept: Kept) -> Expr | str:
    """Parameters as `forward` reads them."""
    if isinstance(value, str):
        return value
    return substitute(value, {name: Name(f"self.{kept.stored[name]}") for name in free(value)})


def spaced(bound: str) -> str:
    """A bound of a slice after its colon, as the formatter sets it."""
    return f":{bound}" if re.fullmatch(r"\w+", bound) else f": {bound}"


def balanced(filled: str) -> bool:
    """Whether the brackets that close the text are those that its first word opens."""
    depth = 0
    for position, character in enumerate(filled):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character in ")]" and position < len(filled) - 1:
            return filled[position + 1] in ".["
    return True


def shape_text(variable: Variable, known: Container[str]) -> str:
    """`64 x 112 x 112`, where it is the same in every use but for channels that have a formula over
    `known`."""
    first = variable.shapes[0]
    if any(shape.spatial != first.spatial for shape in variable.shapes):
        return ""
    channels = str(first.channels)
    if variable.shape is None:
        if variable.channels is None or not all(name in known for name in free(variable.channels)):
            return ""
        channels = text(variable.channels)
        if len(channels) > 24:
            return ""
        if " " in channels:
            channels = f"({channels})"
    return " x ".join((channels, *map(str, first.spatial)))
