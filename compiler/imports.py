"""A file's text in, its names and those of all files that it uses out: parsed, defined once, taken along."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import NamedTuple

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.parser import DEFINITIONS, parse
from ..dsl.source import Place, Source, Unread
from .faults import Fault, Report
from .limits import Limits
from .program import FileScope, Import, Program, name_place
from .suggestions import measure, suggest

Load = Callable[[str, Source], Source | Unread]
"""The file of `use NAME`, given the source that says so; or why it cannot be had."""


def resolve(
    source: Source,
    load: Load,
    kinds: Set[str] | None = None,
    limits: Limits | None = None,
    used: Set[str] = DEFINITIONS,
) -> Program:
    """Read `source` and all that it uses; mistakes are in the program's report. `kinds` as for `parse`, and
    `used` likewise of the files that are used."""
    report = Report()
    scope = _Reader(load, report, limits or Limits(), used).read(source, (), kinds)
    return Program(scope, report)


class Step(NamedTuple):
    """A `use`, and the file in which it stands: the way on which a file was reached."""

    file: str
    place: Place


class _Reader:
    """Reads files, each once, and fills their scopes."""

    def __init__(self, load: Load, report: Report, limits: Limits, used: Set[str]) -> None:
        self.load, self.report, self.limits, self.used = load, report, limits, used
        self.files: dict[str, FileScope] = {}

    def read(self, source: Source, way: tuple[Step, ...], kinds: Set[str] | None) -> FileScope:
        """The scope of a file, which was reached by `way`."""
        file, diagnostics = parse(source, kinds, self.limits)
        self.report.diagnostics.extend(diagnostics)
        scope = self.files[source.name] = FileScope(file, self.report, self.limits)
        for item in file.items:
            self._add(scope, item)
        for item in file.items:
            if isinstance(item.tree, ast.Use):
                self._import(scope, item, item.tree, (*way, Step(source.name, item.place(item.tree.module))))
        return scope

    def _add(self, scope: FileScope, item: ast.Item) -> None:
        tree = item.tree
        if not isinstance(tree, (ast.Block, ast.Net, ast.NetAlias, ast.Constants)):
            return
        if isinstance(tree, (ast.Block, ast.Net)):
            self._check_parameters(scope, item, tree)
        name = tree.name.id
        earlier = scope.definitions.get(name)
        if earlier is None:
            scope.definitions[name] = item
            return
        self._refuse_second(
            f"`{name}` is defined twice in this file", item.place(tree.name), name_place(earlier)
        )
        if parameters_of(item) is None or parameters_of(earlier) != parameters_of(
            item
        ):  # who knows which of them is meant
            scope.ruin(name)

    def _refuse_second(
        self, message: str, place: Place, first: Place, code: str = "duplicate-definition"
    ) -> None:
        """Two things have one name."""
        causes = (Note(first, "first here"),)
        help = "give one of them another name"
        self.report.add(Fault(code, message, place, "again here", causes, help=help))

    def _check_parameters(self, scope: FileScope, item: ast.Item, tree: ast.Block | ast.Net) -> None:
        """Parameters and the values that a block takes are named apart."""
        named: list[tuple[str, ast.Node]] = [(parameter.name, parameter) for parameter in tree.parameters]
        if isinstance(tree, ast.Block):
            named += [(name.id, name) for name in tree.takes or ()]
        seen: dict[str, ast.Node] = {}
        for name, node in named:
            earlier = seen.setdefault(name, node)
            if earlier is not node:
                message = f"`{tree.name.id}` has two parameters `{name}`"
                self._refuse_second(message, item.place(node), item.place(earlier), "duplicate-parameter")
                scope.ruin(tree.name.id)

    def _import(self, scope: FileScope, item: ast.Item, use: ast.Use, way: tuple[Step, ...]) -> None:
        place = item.place(use.module)
        source = self.load(use.module.id, scope.source)
        if isinstance(source, Unread):
            self.report.add(Fault("missing-file", source.message, place, "needed here", help=source.help))
            scope.miss(use)
            return
        if any(step.file == source.name for step in way):
            self.report.add(_cycle(way, source.name))
            scope.miss(use)
            return
        other = self.files.get(source.name) or self.read(source, way, self.used)
        if use.names is None:
            for defined in (*other.definitions, *other.file.broken):
                brought = Import(other, defined, item)
                earlier = scope.imports.setdefault(defined, brought)
                if earlier.scope is other or defined in scope.taken:
                    continue
                if not (other.lost(defined) or earlier.scope.lost(defined)):
                    scope.contested.setdefault(defined, brought)
            scope.blind |= other.lost("*")
            return
        listed = {wanted.id for wanted in use.names}
        for wanted in use.names:
            self._take(scope, other, item, use, wanted, listed)

    def _take(
        self,
        scope: FileScope,
        other: FileScope,
        item: ast.Item,
        use: ast.Use,
        wanted: ast.Name,
        listed: Set[str],
    ) -> None:
        """One name of the list of a `use`."""
        name, place = wanted.id, item.place(wanted)
        if name not in other.definitions and not other.lost(name):
            known = list(other.definitions)
            help = suggest(name, known) or (
                f"it has {', '.join(known[:12])}" if known else "it defines nothing"
            )
            message = f"`{use.module.id}.net` has no `{name}`"
            self.report.add(Fault("unknown-import", message, place, "unknown", help=help))
            scope.spoil(name)
            missed = set(known) - listed  # one of these, most likely the nearest, was meant
            near = {known_name for known_name in missed if measure(name, known_name) is not None}
            scope.missed |= near or missed
            return
        earlier = scope.taken.get(name) or (
            name_place(scope.definitions[name]) if name in scope.definitions else None
        )
        if earlier is not None:
            what = "is defined in this file" if name in scope.definitions else "is already taken"
            self._refuse_second(f"`{name}` {what}, and `{use.module.id}.net` brings another", place, earlier)
            return
        scope.taken[name] = place
        scope.contested.pop(name, None)
        scope.imports[name] = Import(other, name, item)


def parameters_of(item: ast.Item) -> tuple[str, ...] | None:
    """The names of a definition's parameters; None where it has a value."""
    tree = item.tree
    return tuple(p.name for p in tree.parameters) if isinstance(tree, (ast.Block, ast.Net)) else None


def _cycle(way: tuple[Step, ...], closing: str) -> Fault:
    """The last step of `way` leads back to the file `closing`."""
    *steps, last = way[next(i for i, step in enumerate(way) if step.file == closing) :]
    if not steps:
        return Fault(
            "import-cycle",
            "this file uses itself",
            last.place,
            "this very file",
            help="`use` looks beside the file first; under another name this file can use the bundled one",
        )
    chain = " -> ".join((*(step.file for step in steps), last.file, closing))
    users = (*(step.file for step in steps[1:]), last.file)
    causes = tuple(Note(step.place, f"leads to {user}") for step, user in zip(steps, users, strict=True))
    return Fault(
        "import-cycle",
        f"these files use each other: {chain}",
        last.place,
        "closes the circle",
        causes,
        help="move what both need into a file of its own, and use that",
    )
