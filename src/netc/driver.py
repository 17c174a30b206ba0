"""A spec in; its net's graph, the tables beside it and all that is wrong with it out.

Nothing that a user wrote raises here. The command line, the Python API, editors and the tests compile
through this module only.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import PurePath

from .compiler.evaluate import evaluate_alone
from .compiler.facts import Facts
from .compiler.faults import Fault, Silent
from .compiler.graph import Graph
from .compiler.limits import Limits
from .compiler.lower import choose, is_template, lower
from .compiler.program import Program, resolve
from .compiler.values import Value
from .dsl.diagnostics import Diagnostic
from .files import Spec
from .settings import Setting

RECURSION = 10_000
"""Python frames: enough for the deepest nesting and the longest chain of calls that the language allows."""


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


class Result:
    """What could be computed. `net` is None where no net could be chosen, `training` and `inference` (without
    auxiliary heads; the same object where there are none) where the net has mistakes."""

    def __init__(
        self,
        spec: Spec,
        net: str | None,
        program: Program | None,
        graph: Graph | None,
        diagnostics: tuple[Diagnostic, ...],
    ) -> None:
        self.spec, self.net, self.program, self.diagnostics = spec, net, program, diagnostics
        self.training = Facts(graph) if graph is not None else None

    @cached_property
    def inference(self) -> Facts | None:
        return self.training.inference if self.training is not None else None

    @property
    def failed(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.diagnostics)


def compile(
    spec: Spec,
    *,
    settings: Mapping[str, Setting | Value] | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    limits: Limits | None = None,
) -> Result:
    """Elaborate the net that `spec` means. `settings` bind its parameters anew; `inputs` are sizes without
    the batch by the inputs' names, under `""` that of the first."""
    with quiet_machine():
        program = resolve(spec.source, spec.load)
        net = None
        graph = None
        try:
            net = choose(program, spec.net, PurePath(spec.source.name).stem)
            values = {
                name: evaluate_alone(program.scope, given.item, given.expr)
                if isinstance(given, Setting)
                else given
                for name, given in (settings or {}).items()
            }
            graph = lower(program, net, settings=values, inputs=inputs, limits=limits)
        except Fault as fault:
            program.report.add(fault)
        except Silent:
            pass
        result = Result(spec, net, program, graph, in_order(program.report.diagnostics))
        if result.inference is not None:
            _ = result.inference.costs
        return result


def nets_of(spec: Spec) -> list[str]:
    """The nets that `spec` means: the one it names, else all of its file that need no parameters."""
    if spec.net is not None:
        return [spec.net]
    program = resolve(spec.source, spec.load)
    return [name for name in program.scope.net_names() if not is_template(program.scope, name)]


def check(spec: Spec, *, limits: Limits | None = None) -> list[Result]:
    """Every net that `spec` means; for a file without one, what can be said about its text."""
    nets = nets_of(spec)
    if not nets:
        program = resolve(spec.source, spec.load)
        return [Result(spec, None, program, None, in_order(program.report.diagnostics))]
    return [compile(Spec(spec.source, net, spec.folder), limits=limits) for net in nets]


def distinct(results: Sequence[Result]) -> tuple[Diagnostic, ...]:
    """What is wrong with several nets of a file, each mistake once."""
    return in_order([diagnostic for result in results for diagnostic in result.diagnostics])


def in_order(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each place and code once, file by file as they were met, in each in the order of the text."""
    names = dict.fromkeys(diagnostic.place.source.name for diagnostic in diagnostics)
    files = {name: number for number, name in enumerate(names)}
    once = {(d.code, d.place.source.name, d.place.start, d.place.end): d for d in reversed(diagnostics)}
    return tuple(sorted(once.values(), key=lambda d: (files[d.place.source.name], d.place.start)))
