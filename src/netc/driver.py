"""A spec in; its net's graph, the tables beside it and all that is wrong with it out.

Nothing that a user wrote raises here. The command line, the Python API, editors and the tests compile
through this module only.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .compiler.evaluate import evaluate_alone
from .compiler.facts import Facts
from .compiler.faults import Fault, Silent
from .compiler.graph import Graph
from .compiler.imports import resolve
from .compiler.limits import Limits
from .compiler.lower import choose, is_template, lower, net_named
from .compiler.program import Program
from .compiler.suggestions import suggest
from .compiler.values import NetValue, Value
from .dsl.diagnostics import Diagnostic
from .dsl.parser import DEFINITIONS
from .files import Spec
from .settings import Misused, Setting, read_overrides

if TYPE_CHECKING:
    from .training.recipes import Reading
    from .verdict import Verdict

RECURSION = 80_000
"""Python frames: enough for the deepest nesting and the longest chain of calls that the language allows."""
MOST_MISTAKES = 10_000
"""Of the nets of a file, after which no further net is looked at: most are the same, of shared blocks."""


@contextmanager
def quiet_machine() -> Iterator[None]:
    """Meanwhile no cyclic garbage collection (its cost grows with the graph), and room for deep recursion."""
    collecting, depth_before = gc.isenabled(), sys.getrecursionlimit()
    gc.disable()
    sys.setrecursionlimit(max(RECURSION, depth_before))
    try:
        yield
    finally:
        sys.setrecursionlimit(depth_before)
        if collecting:
            gc.enable()


class Compiled(Struct, frozen=True, eq=False):
    """A net without mistakes: `training` are the facts of its graph with the auxiliary heads, `inference`
    those of the graph without (the same object where there are none). `doc` describes its file, `parameters`
    are the names of what `--set` may give; `lower` makes the graph again with other values of some, or None
    where these do not fit."""

    name: str
    doc: str
    parameters: tuple[str, ...]
    training: Facts
    lower: Callable[[Mapping[str, Value]], Graph | None]

    @property
    def inference(self) -> Facts:
        return self.training.inference

    def source(self, aux: bool = True) -> str:
        """Its PyTorch module; without the auxiliary heads where not `aux`."""
        from importlib.metadata import version

        from .codegen.pytorch import emit

        facts = self.training if aux else self.inference

        def lower_again(values: Mapping[str, Value]) -> Graph | None:
            graph = self.lower(values)
            return graph if graph is None or aux else Facts(graph).inference.graph

        with quiet_machine():
            return emit(
                facts.graph,
                shapes=facts.shapes,
                costs=self.inference.costs,
                lower_again=lower_again,
                doc=self.doc,
                version=version("netc"),
            )


class Result(Struct, frozen=True, eq=False):
    """What could be computed of one net, and what is wrong. `net` is None where none could be chosen,
    `compiled` where it has mistakes."""

    net: str | None
    compiled: Compiled | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def failed(self) -> bool:
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def compile(
    spec: Spec,
    *,
    settings: Mapping[str, Setting | Value] | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    limits: Limits | None = None,
) -> Result:
    """Elaborate the net that `spec` means. `settings` bind its parameters anew; `inputs` are sizes without
    the batch by the inputs' names, under `""` that of the first; raises `Misused` where there is no such."""
    with quiet_machine():
        program = resolve(spec.source, spec.load, DEFINITIONS, limits)
        before = program.report.take()
        result = compile_net(program, spec, settings or {}, inputs or {}, limits, broken=bool(before))
        return replace(result, diagnostics=in_order([*before, *result.diagnostics]))


def compile_net(
    program: Program,
    spec: Spec,
    settings: Mapping[str, Setting | Value],
    inputs: Mapping[str, tuple[int, ...]],
    limits: Limits | None,
    broken: bool,
) -> Result:
    """The net that `spec` means in `program`; the text may be `broken`: a net that what is wrong with it does
    not touch compiles all the same."""
    net = compiled = None

    def lower_again(others: Mapping[str, Value]) -> Graph | None:
        assert net is not None
        try:
            return lower(program, net, settings={**values, **others}, inputs=inputs, limits=limits)
        finally:
            program.report.take()  # that other values do not fit is no mistake of the spec

    try:
        net = choose_set(program, spec, settings)
        values = evaluate_settings(program, net, settings)
        parameters = parameters_of(net_named(program, net))
        facts = facts_of(program, net, values, inputs, limits=limits)
        if facts is not None:
            refuse_unknown_inputs(facts.graph, inputs)
            compiled = Compiled(net, program.scope.docstring, parameters, facts, lower_again)
    except Fault as fault:
        if not broken or net is not None:  # that a broken text has no such net goes without saying
            program.report.add(fault)
    except Silent:
        pass
    return Result(net, compiled, in_order(program.report.take()))


def parameters_of(net: NetValue) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in net.definition.parameters if not parameter.rest)


def choose_set(program: Program, spec: Spec, settings: Mapping[str, object]) -> str:
    """The net that `spec` means, which may be a template where it has `settings`. Raises `Fault`."""
    stem = PurePath(spec.source.name).stem
    given_a_template = spec.net is None and settings and program.scope.defines_net(stem)
    return choose(program, stem if given_a_template else spec.net, stem)


def evaluate_settings(
    program: Program, net: str, settings: Mapping[str, Setting | Value]
) -> dict[str, Value]:
    """The values of settings. Raises `Misused` where the net has no such parameter, `Fault` and `Silent`."""
    refuse_unknown_settings(parameters_of(net_named(program, net)), net, settings)
    return {
        name: evaluate_alone(program.scope, given.item, given.expr) if isinstance(given, Setting) else given
        for name, given in settings.items()
    }


def refuse_unknown_settings(known: Sequence[str], name: str, settings: Mapping[str, object]) -> None:
    """Raise `Misused` where a value is given for a parameter that the net has not."""
    for given in settings:
        if given not in known:
            hint = suggest(given, known) or (f"it has {', '.join(known)}" if known else "it has none")
            raise Misused(f"the net `{name}` has no parameter `{given}`; {hint}")


def refuse_unknown_inputs(graph: Graph, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `Misused` where a size is given for an input that the net has not."""
    known = [node.name for node in graph if node.op.family == "input"]
    for name in sizes:
        if name and name not in known:
            hint = suggest(name, known) or f"it has {', '.join(known)}"
            raise Misused(f"`{graph.name}` has no input `{name}`; {hint}")


def facts_of(
    program: Program,
    net: str | NetValue,
    settings: Mapping[str, Value] | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    *,
    limits: Limits | None = None,
) -> Facts | None:
    """The net's graph, whole, and its tables, of which the counts are made here."""
    graph = lower(program, net, settings=settings, inputs=inputs, limits=limits)
    if graph is None:
        return None
    facts = Facts(graph)  # which verifies the graph, before its first table and after each pass
    _ = facts.inference.costs
    return facts


def check(spec: Spec, *, limits: Limits | None = None) -> list[Result]:
    """Every net that `spec` means; and last, without a net, what else is wrong with its text, if anything:
    with claims (but not whether they hold) and recipes, with what no net uses, and warnings."""
    from .compiler.multiplied import find_multiplied
    from .compiler.review import review
    from .compiler.uneven import find_uneven
    from .verdict import review_claims

    with quiet_machine():
        program = resolve(spec.source, spec.load, limits=limits)
        before = program.report.take()
        results: list[Result] = []
        mistakes = len(before)
        nets = nets_in(program, spec)
        for net in nets:
            if mistakes > MOST_MISTAKES:
                break
            alone = Spec(spec.source, net, spec.folder)
            results.append(compile_net(program, alone, {}, {}, limits, broken=bool(before)))
            mistakes += len(results[-1].diagnostics)
        known: dict[str, Facts | None] = dict.fromkeys(nets)
        known |= {r.net: r.compiled.training for r in results if r.net is not None and r.compiled is not None}
        claims = review_claims(program, spec.net, known, partial(facts_of, program, limits=limits))
        found = [*before, *program.report.take(), *claims]
        sound = not any(d.is_error for d in found) and not any(result.failed for result in results)
        compiled = [result.compiled.training for result in results if result.compiled is not None]
        found += [*find_uneven(compiled, spec.source), *find_multiplied(compiled, spec.source)]
        rest = Result(None, None, in_order([*found, *review(program, sound)]))
        return [*results, rest] if rest.diagnostics or not results else results


def recipe(
    spec: Spec,
    *,
    settings: Mapping[str, Setting | Value] | None = None,
    overrides: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Reading:
    """The recipe with which the net that `spec` means is trained, and what is wrong with it. `overrides` are
    texts in place of its entries, or of `lr`, `momentum` and `weight_decay` of its optimizer; raises
    `Misused` for one that cannot be read. A net without a recipe has the default one."""
    from .training.recipes import Reading, read_recipe
    from .training.serving import find_recipe, review_targets

    given = read_overrides(overrides or {})
    kinds = DEFINITIONS | {"train"}
    with quiet_machine():
        program = resolve(spec.source, spec.load, kinds, limits, used=kinds)
        before = program.report.take()
        reading = Reading(None, ())
        try:
            net = choose_set(program, spec, settings or {})
            values = evaluate_settings(program, net, settings or {})
            for fault in review_targets(program.scope):  # perhaps one of them should name this net
                program.report.add(fault)
            served = find_recipe(program.scope, net, values)
            scope, item = (program.scope, None) if served is None else served
            reading = read_recipe(scope, item, given)
        except Fault as fault:
            program.report.add(fault)
        except Silent:
            pass
        told = in_order([*before, *reading.diagnostics, *program.report.take()])
        sound = not any(diagnostic.is_error for diagnostic in told)
        return replace(reading, recipe=reading.recipe if sound else None, diagnostics=told)


def verify(spec: Spec, *, limits: Limits | None = None) -> Verdict:
    """Check what the file claims of its nets, or of the one that `spec` names."""
    from .verdict import Verdict, judge

    with quiet_machine():
        program = resolve(spec.source, spec.load, limits=limits)
        before = program.report.take()
        verdict = judge(program, spec.net, {}, partial(facts_of, program, limits=limits))
        return Verdict(verdict.expectations, in_order([*before, *verdict.diagnostics]))


def nets_of(spec: Spec) -> list[str]:
    """The nets that `spec` means: the one it names, else all of its file that need no parameters."""
    return nets_in(resolve(spec.source, spec.load, DEFINITIONS), spec)


def nets_in(program: Program, spec: Spec) -> list[str]:
    if spec.net is not None:
        return [spec.net]
    return [name for name in program.scope.net_names() if not is_template(program.scope, name)]


# --- diagnostics ----------------------------------------------------------------------------------


def distinct(results: Sequence[Result]) -> tuple[Diagnostic, ...]:
    """What is wrong with several nets of a file, each mistake once."""
    return in_order([diagnostic for result in results for diagnostic in result.diagnostics])


def in_order(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each place and code once, file by file as they were met, in each in the order of the text."""
    names = dict.fromkeys(diagnostic.place.source.name for diagnostic in diagnostics)
    files = {name: number for number, name in enumerate(names)}
    once = {(d.code, d.place.source.name, d.place.start, d.place.end): d for d in reversed(diagnostics)}
    return tuple(sorted(once.values(), key=lambda d: (files[d.place.source.name], d.place.start)))
