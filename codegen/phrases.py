"""One step of a plan and its operands in, the Python expression of its value out."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence

from msgspec import Struct

from ..ops.forms import Callee
from .children import argument
from .expressions import Expr, Name
from .home import Home
from .kept import Kept
from .lines import Brackets, Grouped, Infix, Piece, Prefixed
from .plan import Given, Step, Variable
from .readings import free, substitute, text

TERM = r"\{\d+\}(?:\[[^\]]*\])?"
CHAIN = re.compile(rf"{TERM}(?: (?P<operator>[+*]) {TERM})(?: (?P=operator) {TERM})*")
"""The formulas that are one operator over all operands, which may have an index each."""
PRODUCT = re.compile(r"\{0\} \* \{[a-z]\w*\}")
SHIFTED = re.compile(r"\{0\} \+ \{[a-z]\w*\}")
MEAN = re.compile(rf"\((?P<sum>{TERM}(?: \+ {TERM})+)\)(?P<after> / \d+)")


class Value(Struct, frozen=True):
    """How a tensor is written. `depth` counts nested calls; `typed`: a checker knows that it is a tensor;
    `atomic`: an operator next to it needs no brackets; `product`: at least a `+` needs none; `reads` are the
    names in it."""

    piece: Piece
    depth: int = 0
    typed: bool = True
    atomic: bool = True
    reads: frozenset[str] = frozenset()
    product: bool = False

    def __str__(self) -> str:
        return str(self.piece)


def express(step: Step, operands: list[Value], home: Home, kept: Kept) -> Value:
    """What the step gives."""
    if step.flattens:
        operands = [flatten(operands[0]), *operands[1:]]
    reads = frozenset[str]().union(*(operand.reads for operand in operands))
    depth = max((operand.depth for operand in operands), default=0) + 1
    pieces = tuple(operand.piece for operand in operands)
    if step.call:
        return fill(step, step.call.replace("{self}", head(step, home, kept)), operands, (), depth, reads)
    if step.attribute is not None or step.reference is not None:
        return Value(Brackets(head(step, home, kept), pieces), depth, False, True, reads)
    given = tuple(Given(entry.name, stored(entry.value, kept)) for entry in step.given)
    if isinstance(step.function, str):
        return fill(step, step.function, operands, given, depth, reads)
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
        return home.reach(step.reference, step.tensor)
    return home.child(step.attribute or "", step.tensor)


def flatten(operand: Value) -> Value:
    return Value(Brackets("torch.flatten", (operand.piece, "1")), operand.depth, True, True, operand.reads)


def fill(
    step: Step,
    formula: str,
    operands: list[Value],
    given: Sequence[Given],
    depth: int,
    reads: frozenset[str],
) -> Value:
    """A formula with its operands and arguments in their places."""
    pattern = formula.removesuffix("[{index}]") if len(step.outputs) > 1 else formula
    chain, mean = CHAIN.fullmatch(pattern), MEAN.fullmatch(pattern)
    adds = chain is not None and is_sum(pattern)
    places = {
        str(position): str(operand) if operand.atomic or (adds and operand.product) else f"({operand})"
        for position, operand in enumerate(operands)
    }
    typed = all(operand.typed for operand in operands)
    if chain is not None:
        terms = pattern.split(f" {chain['operator']} ")
        piece = Infix(chain["operator"], tuple(put(term, places) for term in terms))
        return Value(piece, depth, typed, False, reads, product=not adds)
    if mean is not None:
        terms = mean["sum"].split(" + ")
        total = Infix("+", tuple(put(term, places) for term in terms))
        return Value(Grouped(total, mean["after"]), depth, typed, False, reads)
    written = {
        entry.name or "": entry.value if isinstance(entry.value, str) else text(entry.value)
        for entry in given
    }
    if is_constant(pattern):
        constant, product = of_constant(pattern, operands[0], written)
        return Value(constant, max(1, operands[0].depth), typed, False, reads, product)
    bounds = re.compile(r"(?:\{(\w+)\})?:\{(\w+)\}")
    filled = bounds.sub(lambda match: spaced(written.get(match[1] or "", ""), written[match[2]]), pattern)
    filled = put(filled, {**written, **places})
    atomic = re.fullmatch(r"[\w.]+\(.*\)|[\w.]+\[.*\]|[\w.]+", filled) is not None and balanced(filled)
    typed |= filled.startswith(("F.", "torch."))
    return Value(as_call(filled), depth, typed, atomic, reads)


def is_sum(formula: object) -> bool:
    """Whether a formula adds up all operands."""
    found = CHAIN.fullmatch(formula) if isinstance(formula, str) else None
    return found is not None and found["operator"] == "+"


def is_constant(formula: object) -> bool:
    """Whether a formula scales or shifts its one operand."""
    return isinstance(formula, str) and bool(PRODUCT.fullmatch(formula) or SHIFTED.fullmatch(formula))


def of_constant(formula: str, operand: Value, written: Mapping[str, str]) -> tuple[str, bool]:
    """`x * 2`, but `-x` for -1; `x + 2`, `x - 2`, and `1 - x` for what is -x. Whether it is a product."""
    (by,) = written.values()
    by = by if re.fullmatch(r"-?[\w.]+", by) else f"({by})"
    if PRODUCT.fullmatch(formula):
        place = str(operand) if operand.atomic else f"({operand})"
        return (f"-{place}", False) if by == "-1" else (f"{place} * {by}", True)
    place = str(operand) if operand.atomic or operand.product else f"({operand})"
    if str(operand).startswith("-"):
        return f"{by} - {str(operand).removeprefix('-')}", False
    return (f"{place} - {by.removeprefix('-')}" if by.startswith("-") else f"{place} + {by}"), False


def put(pattern: str, places: Mapping[str, str]) -> str:
    """The pattern with what belongs in its places."""
    return re.sub(r"\{(\w+)\}", lambda match: str(places[match[1]]), pattern)


def as_call(written: str) -> Piece:
    """A call as brackets, which can be broken; other text as it stands."""
    found = re.fullmatch(r"(?P<name>\w+=)?(?P<head>[\w.]+)\((?P<items>.+)\)", written)
    if found is None:
        return written
    items, depth = [""], 0
    for character in found["items"]:
        depth += (character in "([") - (character in ")]")
        if depth < 0:  # `a(b).c(d)`
            return written
        if character == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    call = Brackets(found["head"], tuple(as_call(item.strip()) for item in items))
    return Prefixed(found["name"], call) if found["name"] else call


def stored(value: Expr | str, kept: Kept) -> Expr | str:
    """Parameters as `forward` reads them."""
    if isinstance(value, str):
        return value
    return substitute(value, {name: Name(f"self.{kept.stored[name]}") for name in free(value)})


def spaced(low: str, high: str) -> str:
    """The bounds of a slice, as the formatter sets them: apart where one is more than a word."""
    if re.fullmatch(r"\w*", low) and re.fullmatch(r"\w+", high):
        return f"{low}:{high}"
    return f"{low} : {high}".lstrip()


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
    if any(shape.with_channels(first.channels) != first for shape in variable.shapes):
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
    places = list(map(str, first.spatial))
    return " x ".join([channels, *places] if first.layout == "first" else [*places, channels])
