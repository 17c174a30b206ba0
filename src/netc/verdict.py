"""A program with claims and recipes in; what became of each claim, and what is wrong with their text, out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct

from .compiler.claims import Outcome
from .compiler.claims import check as check_claims
from .compiler.facts import Facts
from .compiler.faults import Fault, Silent, text_of
from .compiler.program import Program
from .compiler.targets import complete_net_at, names_net
from .compiler.values import NetValue, Value
from .dsl import ast
from .dsl.diagnostics import Diagnostic

Compute = Callable[[str | NetValue], Facts | None]
"""The facts of a net; None where it has mistakes, which are in the program's report."""


class Expectation(Struct, frozen=True, eq=False):
    """An `expect`, with `title` as its text names the net, and the outcome of each of its claims (none where
    the net has mistakes)."""

    title: str
    item: ast.Item
    outcomes: tuple[Outcome, ...]


class Verdict(Struct, frozen=True, eq=False):
    """The expectations of a file, and what is wrong with it beside them."""

    expectations: tuple[Expectation, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def failed(self) -> bool:
        outcomes = (outcome for expectation in self.expectations for outcome in expectation.outcomes)
        return any(outcome.holds is False for outcome in outcomes) or any(
            diagnostic.is_error for diagnostic in self.diagnostics
        )


def judge(program: Program, net: str | None, known: Mapping[str, Facts | None], compute: Compute) -> Verdict:
    """The claims of `net`, or of all nets; `known` are the facts of nets by what names them, None where a net
    has mistakes, which were reported."""
    known = dict(known)
    diagnostics: list[Diagnostic] = []

    def facts_at(item: ast.Item, expr: ast.Expr, names: Mapping[str, Value]) -> Facts:
        """The facts of the net that `expr` names; it may use `names` too."""
        text = text_of(item, expr)
        if names and not isinstance(expr, ast.Name):
            text += f" with {dict(names)}"
        if text not in known:
            value = complete_net_at(program.scope, item, expr, names)
            named = expr.id if isinstance(expr, ast.Name) else value
            known[text] = compute(named)
            diagnostics.extend(program.report.take())
        facts = known[text]
        if facts is None:
            raise Silent  # the net has mistakes, which have been reported
        return facts

    def facts_if_net(item: ast.Item, expr: ast.Expr, names: Mapping[str, Value]) -> Facts | None:
        """As `facts_at`; None where `expr` names something else."""
        return facts_at(item, expr, names) if names_net(program.scope, item, expr, names) else None

    expectations = []
    for item in program.scope.file.items:
        expect = item.tree
        if not isinstance(expect, ast.Expect) or net not in (None, base_name(expect.target)):
            continue
        outcomes: list[Outcome] = []
        try:
            outcomes = check_claims(
                item, program.scope, facts_at(item, expect.target, {}), partial(facts_if_net, item)
            )
        except Fault as fault:
            program.report.add(fault)
        except Silent:
            pass
        diagnostics.extend(program.report.take())
        if any(map(fails, outcomes)):
            from .compiler.mended import rests_on_mended

            if rests_on_mended(item, program.scope):
                outcomes = [outcome for outcome in outcomes if not fails(outcome)]
        expectations.append(Expectation(text_of(item, expect.target), item, tuple(outcomes)))
    return Verdict(tuple(expectations), tuple(diagnostics))


def fails(outcome: Outcome) -> bool:
    """Whether a claim that can be judged does not hold, or its net has mistakes."""
    return outcome.holds is False and (
        outcome.diagnostic is None or outcome.diagnostic.code == "failed-claim"
    )


def base_name(expr: ast.Expr) -> str:
    """`mobilenet_v1` of `mobilenet_v1(alpha=0.5)`."""
    while isinstance(expr, ast.Call):
        expr = expr.target
    return expr.id if isinstance(expr, ast.Name) else ""


def review_claims(
    program: Program, net: str | None, known: Mapping[str, Facts | None], compute: Compute
) -> Iterator[Diagnostic]:
    """What is wrong with the text of claims and recipes, but not whether the claims hold; else as `judge`."""
    verdict = judge(program, net, known, compute)
    yield from verdict.diagnostics
    for outcome in (outcome for expectation in verdict.expectations for outcome in expectation.outcomes):
        if outcome.diagnostic is not None and outcome.diagnostic.code != "failed-claim":
            yield outcome.diagnostic
    if any(isinstance(item.tree, ast.Train) for item in program.scope.file.items):
        from .training.recipes import review_recipes

        yield from review_recipes(program.scope)
