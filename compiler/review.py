"""A program in, what its text alone tells is wrong with it out: errors where no net comes, and warnings."""

from __future__ import annotations

from ..dsl import ast
from ..dsl.diagnostics import Diagnostic
from ..dsl.source import Place
from .elaboration import MOST_MISTAKES
from .faults import Report
from .program import FileScope, Program
from .references import References, read_names
from .shadowing import find_shadowing
from .unused import find_unused


def review(program: Program, sound: bool) -> list[Diagnostic]:
    """What is wrong with the file itself, not with those that it uses. That nothing reads a name may follow
    from any mistake, so it is told only of a file that is `sound`."""
    scope = program.scope
    if sound and all(isinstance(item.tree, ast.Docstring) for item in scope.file.items):
        return [warn_of_nothing(scope)]
    definitions = (ast.Block, ast.Net, ast.NetAlias, ast.Constants)
    read: list[References] = []
    report = Report()
    for item in scope.file.items:
        if isinstance(item.tree, definitions):
            read.append(read_names(item, scope, MOST_MISTAKES - len(report.diagnostics)))
            for fault in read[-1].faults:
                report.add(fault)
    found = [*report.diagnostics, *find_shadowing(scope, read)]
    if sound and not report.diagnostics:
        found.extend(find_unused(scope, read))
    return found


def warn_of_nothing(scope: FileScope) -> Diagnostic:
    """A file may hold blocks and no net; one that holds neither was hardly meant so."""
    return Diagnostic(
        "empty",
        "this file defines nothing",
        Place(scope.source, 0, 0),
        help="a net is `net name { input: 3x224x224; ... }`",
        severity="warning",
    )
