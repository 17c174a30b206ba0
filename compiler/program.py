"""A parsed file in, the names that its text can use out: its own, those of `use`, and the built-in ones."""

from __future__ import annotations

from collections.abc import Callable, Set

from msgspec import Struct

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.parser import DEFINITIONS, parse
from ..dsl.source import Place, Source
from ..ops.registry import LAYERS
from .faults import POISON, Fault, Report, Silent
from .limits import Limits
from .values import BlockLayer, Builtin, Function, Identity, MergeWord, NetValue, Value

Load = Callable[[str, Source], Source | str | None]
"""The file of `use NAME`, given the source that says so; None if there is none, or why it is unreadable."""

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

    def __init__(self, file: ast.File, report: Report) -> None:
        self.file = file
        self.source = file.source
        self.report = report
        self.definitions: dict[str, ast.Item] = {}
        self.imports: dict[str, Import] = {}
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


class _Reader:
    def __init__(self, load: Load, report: Report, limits: Limits) -> None:
        self.load, self.report, self.limits = load, report, limits
        self.files: dict[str, FileScope] = {}

    def read(self, source: Source, users: tuple[str, ...], kinds: Set[str] | None = DEFINITIONS) -> FileScope:
        """The scope of a file; `users` are the names of the files that led here."""
        file, diagnostics = parse(source, kinds, self.limits)
        self.report.diagnostics.extend(diagnostics)
        scope = self.files[source.name] = FileScope(file, self.report)
        for item in file.items:
            self._add(scope, item)
        for item in file.items:
            if isinstance(item.tree, ast.Use):
                self._import(scope, item, item.tree, (*users, source.name))
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
        assert isinstance(earlier.tree, (ast.Block, ast.Net, ast.NetAlias, ast.Constants))
        self.report.add(
            Fault(
                "duplicate-definition",
                f"`{name}` is defined twice in this file",
                item.place(tree.name),
                "again here",
                (Note(earlier.place(earlier.tree.name), "first here"),),
                help="give one of them another name",
            )
        )

    def _check_parameters(self, item: ast.Item, tree: ast.Block | ast.Net) -> None:
        """Parameters and the values that a block takes are named apart."""
        named: list[tuple[str, ast.Node]] = [(parameter.name, parameter) for parameter in tree.parameters]
        if isinstance(tree, ast.Block):
            named += [(name.id, name) for name in tree.takes or ()]
        seen: dict[str, ast.Node] = {}
        for name, node in named:
            earlier = seen.setdefault(name, node)
            if earlier is not node:
                self.report.add(
                    Fault(
                        "duplicate-parameter",
                        f"`{tree.name.id}` has two parameters `{name}`",
                        item.place(node),
                        "again here",
                        (Note(item.place(earlier), "first here"),),
                        help="give one of them another name",
                    )
                )

    def _import(self, scope: FileScope, item: ast.Item, use: ast.Use, users: tuple[str, ...]) -> None:
        from .suggestions import suggest

        place = item.place(use.module)
        source = self.load(use.module.id, scope.source)
        if source is None or isinstance(source, str):
            missing = f"there is no `{use.module.id}.net` beside this file or among the bundled specs"
            self.report.add(
                Fault("missing-file", source or missing, place, "not read" if source else "not found")
            )
            scope.miss(use)
            return
        if source.name in users:
            self.report.add(_cycle(users[users.index(source.name) :], place))
            scope.miss(use)
            return
        other = self.files.get(source.name) or self.read(source, users)
        if use.names is None:
            for defined in (*other.definitions, *other.file.broken):
                scope.imports.setdefault(defined, Import(other, defined))
            scope.blind |= other.lost("*")
            return
        for wanted in use.names:
            if wanted.id in other.definitions or other.lost(wanted.id):
                scope.imports[wanted.id] = Import(other, wanted.id)
                continue
            self.report.add(
                Fault(
                    "unknown-import",
                    f"`{use.module.id}.net` has no `{wanted.id}`",
                    item.place(wanted),
                    "unknown",
                    help=suggest(wanted.id, list(other.definitions)),
                )
            )
            scope._values.setdefault(wanted.id, POISON)


def _cycle(files: tuple[str, ...], place: Place) -> Fault:
    if len(files) == 1:
        return Fault(
            "import-cycle",
            "this file uses itself",
            place,
            "this very file",
            help="`use` looks beside the file first; under another name this file can use the bundled one",
        )
    chain = " -> ".join((*files, files[0]))
    return Fault("import-cycle", f"these files use each other: {chain}", place, "closes the cycle")
