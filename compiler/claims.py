"""An expectation and the facts of its net in; the outcome of each claim out."""

from __future__ import annotations

from msgspec import Struct

from ..dsl import ast
from ..dsl.diagnostics import Diagnostic
from ..dsl.source import Place
from ..ops.base import Window
from .facts import Facts
from .faults import Fault, Report, Silent, text_of
from .functions import is_number
from .operators import same
from .printed import agrees
from .program import FileScope
from .receptive import Span
from .sides import Asking, FactsOf, Side
from .values import Function, Layer, MergeWord, NetValue, Value, describe


class Outcome(Struct, frozen=True, eq=False):
    """One line of an expectation: what it speaks of, what is `printed`, what is `computed`, whether it holds.

    `holds` is None for what is only reported; what cannot be judged does not hold: `diagnostic` tells why.
    `reason` is why a source is said to be wrong (`!~`).
    """

    place: Place
    quantity: str
    operator: str
    printed: str
    computed: str
    holds: bool | None
    source: str
    reason: str = ""
    diagnostic: Diagnostic | None = None


def check(item: ast.Item, scope: FileScope, net: Facts, facts_of: FactsOf) -> list[Outcome]:
    """Check all that an expectation (`item.tree`) claims of `net`; `scope` has the names of its file."""
    expect = item.tree
    assert isinstance(expect, ast.Expect)
    asking = Asking(item, scope, net, facts_of)
    return [
        report(asking, line, expect.source or "")
        if isinstance(line, ast.Reported)
        else judge(asking, line, expect.source or "")
        for line in expect.claims
    ]


def report(asking: Asking, line: ast.Reported, source: str) -> Outcome:
    """A figure that no compiler can compute is kept as it is."""
    place = asking.item.place(line)
    diagnostic = None
    try:
        asking.ask(line.value, None)
    except (Fault, Silent) as failure:
        diagnostic = diagnose(failure)
    printed = text_of(asking.item, line.value)
    return Outcome(place, line.name.id, "reported", printed, "", None, line.source or source, "", diagnostic)


def judge(asking: Asking, claim: ast.Claim, source: str) -> Outcome:
    """One claim; a mistake in it is part of the outcome."""
    place = asking.item.place(claim)
    quantity, printed = text_of(asking.item, claim.left), text_of(asking.item, claim.right)
    if claim.row is not None:
        quantity = f"{text_of(asking.item, claim.row)}: {quantity}"
    disputes = claim.operator == "!~"
    reason = (claim.source or "") if disputes else ""
    source = source if disputes else claim.source or source
    computed, holds, diagnostic = "", False, None
    try:
        left, right = asking.ask(claim.left, claim.row), asking.ask(claim.right, claim.row)
        refuse_empty(asking, claim, left, right)
        computed = show(left.value, claim.left)
        printed = show(right.value, claim.right) if right.computed else printed
        holds = hold(asking, claim, left.value, right.value)
    except Silent:
        return Outcome(place, quantity, claim.operator, printed, "", False, source, reason)
    except Fault as fault:
        diagnostic = diagnose(fault)
    if diagnostic is None and not holds:
        message = explain(claim.operator, quantity, computed, printed)
        agreeing = "==" if literal_of(asking, claim.right) is None else "~="
        help = f"write `{agreeing}`" if claim.operator == "!~" else ""
        diagnostic = diagnose(Fault("failed-claim", message, place, f"computed: {computed}", help=help))
    return Outcome(place, quantity, claim.operator, printed, computed, holds, source, reason, diagnostic)


def refuse_empty(asking: Asking, claim: ast.Claim, left: Side, right: Side) -> None:
    """A claim must say something of a net, and a dispute why."""
    if not left.computed and not right.computed:
        raise asking.fault(
            claim,
            "both sides are constants, so this claims nothing of the net",
            "compare with a figure such as `params`",
        )
    for expr, side in ((claim.left, left), (claim.right, right)):
        for value in side.value if isinstance(side.value, list) else [side.value]:
            if isinstance(value, (Layer, MergeWord, Function, NetValue)):
                message = f"a claim compares figures, and this is {describe(value)}"
                raise asking.fault(expr, message, "compare with a figure such as `params`", "wrong-type")
    if claim.operator == "!~" and not claim.source:
        raise asking.fault(
            claim, "`!~` must say why the source is wrong", 'add the reason: `macs !~ 3.8G "..."`'
        )


def explain(operator: str, quantity: str, computed: str, printed: str) -> str:
    """What is true where a claim does not hold."""
    match operator:
        case "!~":
            return f"`{quantity}` is {computed}, which is what the source prints: {printed}"
        case "<=":
            return f"`{quantity}` is {computed}, over the budget of {printed}"
        case "~=":
            return f"`{quantity}` is {computed}, which neither rounds nor truncates to {printed}"
    return f"`{quantity}` is {computed}, not {printed}"


# --- comparing ---


def hold(asking: Asking, claim: ast.Claim, left: Value, right: Value) -> bool:
    """Whether a claim holds, given the values of its sides."""
    literal = literal_of(asking, claim.right)
    match claim.operator:
        case "==":
            return equal(left, right)
        case "<=":
            for side, value in ((claim.left, left), (claim.right, right)):
                if not is_number(value):
                    raise asking.fault(side, f"a budget is for numbers, and this is {describe_figure(value)}")
            return bool(left <= right)
        case "!~" if literal is None:
            return not equal(left, right)
    if literal is None:
        raise asking.fault(
            claim.right, "`~=` reads the digits of a number, and this is none", "compare exactly with `==`"
        )
    if not is_number(left):
        raise asking.fault(
            claim.left,
            f"`~=` is for numbers, and this is {describe_figure(left)}",
            "compare exactly with `==`",
        )
    return agrees(literal, left) == (claim.operator == "~=")


def literal_of(asking: Asking, expr: ast.Expr) -> str | None:
    """The digits of a number as they are written; None where it is no literal."""
    match expr:
        case ast.Number(text=text):
            return text
        case ast.Unary(operator="-", operand=ast.Number(text=text)):
            return f"-{text}"
    return None


def equal(left: Value, right: Value) -> bool:
    """Whether two values are one. A vector's shape is its length, a receptive field its sizes, and a window
    without a stride has the stride 1."""
    left, right = settle_strides(left), settle_strides(right)
    if is_field(right) and not is_field(left):
        left, right = right, left
    if is_field(left):
        return equal_fields(left, right)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, list) and len(one) == 1 and is_number(other):
            return same(one[0], other)
    return same(left, right)


def settle_strides(value: Value) -> Value:
    """Windows, in lists too, without a stride of 1, which may be written or not."""
    if isinstance(value, list):
        return [settle_strides(entry) for entry in value]
    if isinstance(value, Window) and value.stride is not None and set(value.stride) == {1}:
        return Window(value.size)
    return value


def describe_figure(value: Value) -> str:
    """What kind of figure this is, in the words of the language."""
    if is_field(value):
        return "a receptive field"
    return "a shape or a list" if isinstance(value, list) else describe(value)


def is_field(value: Value) -> bool:
    return isinstance(value, tuple) and all(isinstance(span, Span) for span in value)


def equal_fields(field: tuple[Span, ...], value: Value) -> bool:
    """`99` and `99x99` are sizes; `[99, 8, -45]` is size, jump and offset, in every dimension; a list of such
    has one for each."""
    if isinstance(value, tuple):
        return field == value
    if isinstance(value, Window):
        return value.stride is None and value.size == tuple(span.size for span in field)
    if isinstance(value, list) and value and all(isinstance(entry, list) for entry in value):
        return len(value) == len(field) and all(map(equal_span, field, value))
    return all(equal_span(span, value) for span in field)


def equal_span(span: Span, value: Value) -> bool:
    if isinstance(value, list):
        return value == [span.size, span.jump, span.offset]
    return is_number(value) and span.size == value


def show(value: Value, expr: ast.Expr) -> str:
    """A value as a table shows it: `64x56x56`, but `[64, 56, 56]` where `expr` lists it."""
    if is_field(value):
        spans = [f"({span.size}, {span.jump}, {span.offset})" for span in value]
        return spans[0] if len(set(spans)) == 1 else " x ".join(spans)
    listed = isinstance(expr, (ast.List, ast.Comprehension))
    if isinstance(value, list) and (listed or any(isinstance(entry, Window) for entry in value)):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, list) and not any(isinstance(entry, list) for entry in value):
        return "x".join(map(str, value))
    if isinstance(value, bool) or not is_number(value):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def diagnose(failure: Fault | Silent) -> Diagnostic | None:
    """A mistake as it is told; None where it has been told."""
    if isinstance(failure, Silent):
        return None
    report = Report()
    report.add(failure)
    return report.diagnostics[0]
