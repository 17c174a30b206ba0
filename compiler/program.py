"""A parsed file in, the names that its text can use out: its own, those of `use`, and the built-in ones."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import NamedTuple

from msgspec import Struct

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.parser import DEFINITIONS, parse
from ..dsl.source import Place, Source, Unread
from ..ops.registry import LAYERS
from .faults import POISON, Fault, Report, Silent
from .limits import Limits
from .values import BlockLayer, Builtin, Function, Identity, MergeWord, NetValue, Value

Load = Callable[[str, Source], Source | Unread]
"""The file of `use NAME`, given the source that says so; or why it cannot be had."""

MERGES = ("add", "mul", "max", "mean", "concat", "dense")
FUNCTIONS = [
    "min",
    "floor",
    "ceil",
    "round",
    "abs",
    "len",
    "range",
    "reversed",
    "enumerate",
    "zip",
    "sum",
    "divisible",
    "share",
]  # `max` is a merge word too
BUILTINS: dict[str, Value] = {
    **{name: Builtin(op, {}) for name, op in LAYERS.items() if name not in MERGES},
    **{name: Function(name) for name in FUNCTIONS},
    **{name: MergeWord(name, {}) for name in MERGES},
    "id": Identity(),
}


class Import(Struct, frozen=True, eq=False):
    """A name taken from another file."""

    scope: FileScope
    name: str


class FileScope:
    """The names of one file. Values are found when they are first asked for, so order does not matter."""

    def __init__(self, file: ast.File, report: Report, limits: Limits) -> None:
        self.file = file
        self.source = file.source
        self.report, self.limits = report, limits
        self.definitions: dict[str, ast.Item] = {}
        self.imports: dict[str, Import] = {}
        self.taken: dict[str, Place] = {}
        """Where a `use` lists the name; others come with a whole file."""
        self._values: dict[str, Value] = {}
        self._open: set[str] = set()
        self.blind = False
        """Whether all of a file should be here that could not be read, so that any name may be one of its."""

    def known(self) -> list[str]:
        return [*self.definitions, *self.imports, *BUILTINS]

    def find(self, name: str) -> tuple[bool, Value]:
        """The value of a name of this file, of what it uses, or a built-in one."""
        if name in self._values:
            return True, self._values[name]
        if name in self.definitions:
            value = self._define(name, self.definitions[name])
        elif name in self.imports:
            origin = self.imports[name]
            value = origin.scope.find(origin.name)[1]
        elif name in BUILTINS:
            return True, BUILTINS[name]
        else:
            return self.lost(name), POISON
        self._values[name] = value
        return True, value

    def knows(self, name: str) -> bool:
        """Whether `find` would find something; nothing is evaluated to see it."""
        return (
            name in self.definitions
            or name in self.imports
            or name in BUILTINS
            or name in self._values
            or self.lost(name)
        )

    def lost(self, name: str) -> bool:
        """Whether an item or a file that could not be read would have given it: then it stays silent."""
        return self.blind or not self.file.broken.isdisjoint((name, "*"))

    def miss(self, use: ast.Use) -> None:
        """The file of `use` could not be read: the names that it would have brought stay silent."""
        self.blind |= use.names is None
        for name in use.names or ():
            if name.id not in self.definitions:
                self._values.setdefault(name.id, POISON)

    def net_names(self) -> list[str]:
        """The nets that this file defines, in its order."""
        return [
            name for name, item in self.definitions.items() if isinstance(item.tree, (ast.Net, ast.NetAlias))
        ]

    def docstring(self) -> str:
        """The file's own description: the first docstring."""
        for item in self.file.items:
            if isinstance(item.tree, ast.Docstring):
                return item.tree.text
        return ""

    def _define(self, name: str, item: ast.Item) -> Value:
        match item.tree:
            case ast.Block() as block:
                return BlockLayer(block, self, item, {}, {})
            case ast.Net() as net:
                return NetValue(net, self, item, {})
            case ast.NetAlias(name=place, value=expr) | ast.Constants(name=place, value=expr):
                from .evaluate import evaluate_alone  # evaluation looks names up here

                if name in self._open:
                    raise Fault(
                        "use-before-definition",
                        f"`{name}` is defined by itself",
                        item.place(place),
                        "needs its own value",
                    )
                self._open.add(name)
                try:
                    return evaluate_alone(self, item, expr)
                except Silent:
                    return POISON
                except Fault as fault:
                    self.report.add(fault)
                    return POISON
                finally:
                    self._open.discard(name)
        raise AssertionError(item.tree)


class Program(Struct, frozen=True, eq=False):
    """A file with everything that it uses."""

    scope: FileScope
    report: Report


def resolve(
    source: Source, load: Load, kinds: Set[str] | None = None, limits: Limits | None = None
) -> Program:
    """Read `source` and all that it uses; mistakes are in the program's report. `kinds` as for `parse`; of a
    file that is used, only definitions are read."""
    report = Report()
    scope = _Reader(load, report, limits or Limits()).read(source, (), kinds)
    return Program(scope, report)


class Step(NamedTuple):
    """A `use`, and the file in which it stands: the way on which a file was reached."""

    file: str
    place: Place


class _Reader:
    def __init__(self, load: Load, report: Report, limits: Limits) -> None:
        self.load, self.report, self.limits = load, report, limits
        self.files: dict[str, FileScope] = {}

    def read(self, source: Source, way: tuple[Step, ...], kinds: Set[str] | None = DEFINITIONS) -> FileScope:
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
            self._check_parameters(item, tree)
        name = tree.name.id
        earlier = scope.definitions.get(name)
        if earlier is None:
            scope.definitions[name] = item
            return
        self._refuse_second(
            f"`{name}` is defined twice in this file", item.place(tree.name), place_of_name(earlier)
        )

    def _refuse_second(
        self, message: str, place: Place, first: Place, code: str = "duplicate-definition"
    ) -> None:
        """Two things have one name."""
        causes = (Note(first, "first here"),)
        help = "give one of them another name"
        self.report.add(Fault(code, message, place, "again here", causes, help=help))

    def _check_parameters(self, item: ast.Item, tree: ast.Block | ast.Net) -> None:
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
        other = self.files.get(source.name) or self.read(source, way)
        if use.names is None:
            for defined in (*other.definitions, *other.file.broken):
                scope.imports.setdefault(defined, Import(other, defined))
            scope.blind |= other.lost("*")
            return
        for wanted in use.names:
            self._take(scope, other, item, use, wanted)

    def _take(
        self, scope: FileScope, other: FileScope, item: ast.Item, use: ast.Use, wanted: ast.Name
    ) -> None:
        """One name of the list of a `use`."""
        name, place = wanted.id, item.place(wanted)
        if name not in other.definitions and not other.lost(name):
            from .suggestions import suggest

            known = list(other.definitions)
            help = suggest(name, known) or (
                f"it has {', '.join(known[:12])}" if known else "it defines nothing"
            )
            message = f"`{use.module.id}.net` has no `{name}`"
            self.report.add(Fault("unknown-import", message, place, "unknown", help=help))
            if name not in scope.definitions:
                scope._values.setdefault(name, POISON)
            return
        earlier = scope.taken.get(name) or (
            place_of_name(scope.definitions[name]) if name in scope.definitions else None
        )
        if earlier is not None:
            what = "is defined in this file" if name in scope.definitions else "is already taken"
            self._refuse_second(f"`{name}` {what}, and `{use.module.id}.net` brings another", place, earlier)
            return
        scope.taken[name] = place
        scope.imports[name] = Import(other, name)


def place_of_name(item: ast.Item) -> Place:
    """Where a definition has its name."""
    assert isinstance(item.tree, (ast.Block, ast.Net, ast.NetAlias, ast.Constants))
    return item.place(item.tree.name)


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
