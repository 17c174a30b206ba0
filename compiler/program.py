"""A parsed file in, the names that its text can use out: its own, those of `use`, and the built-in ones."""

from __future__ import annotations

import itertools
from functools import cached_property

from msgspec import Struct

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.source import Place
from ..ops.arguments import parameters
from ..ops.registry import LAYERS
from .faults import POISON, Fault, Report, Silent
from .limits import Limits
from .unknown import refuse_net, word_of
from .values import BlockLayer, Builtin, Function, Identity, MergeWord, NetValue, Value

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


MOST_KNOWN = 1_000
"""Names of a file among which a near one is looked for."""


class Import(Struct, frozen=True, eq=False):
    """A name taken from another file, by the item `use`."""

    scope: FileScope
    name: str
    use: ast.Item


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
        self.contested: dict[str, Import] = {}
        """What a further file has of a name of `imports` that no list takes."""
        self._values: dict[str, Value] = {}
        self._open: list[str] = []
        self.missed: set[str] = set()
        """Names of other files that were perhaps meant where a `use` lists what is not there."""
        self.blind = False
        """Whether all of a file should be here that could not be read, so that any name may be one of its."""

    def known(self) -> list[str]:
        """For suggestions, so with those whose items could not be read; of very many, the first."""
        own = itertools.chain(self.definitions, self.imports, self.file.broken - {"*"})
        return [*BUILTINS, *itertools.islice(own, MOST_KNOWN)]

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

    def is_contested(self, name: str) -> bool:
        """Whether several files bring the name, none of them by a list."""
        return name in self.contested and name not in self.definitions

    def refuse_contested(self, name: str, place: Place) -> Fault:
        """The fault for such a name, used at `place`."""
        uses = [self.imports[name].use, self.contested[name].use]
        modules = [use.tree.module for use in uses if isinstance(use.tree, ast.Use)]
        first, other = (f"`{module.id}.net`" for module in modules)
        return Fault(
            "ambiguous-name",
            f"both {first} and {other} have a `{name}`",
            place,
            "which one?",
            tuple(Note(use.place(m), f"brings `{name}`") for use, m in zip(uses, modules, strict=True)),
            f"take it from one of them: `use {modules[0].id} ({name})`",
        )

    def parameters_of(self, name: str) -> tuple[str, list[str]] | None:
        """What a layer, block or net is called, and its parameters; None for others, and where any name will
        do."""
        if self.is_contested(name):
            return None
        origin = self.imports.get(name)
        scope, name = (origin.scope, origin.name) if origin and name not in self.definitions else (self, name)
        item = scope.definitions.get(name)
        builtin = BUILTINS.get(name) if item is None and scope is self else None
        if item is not None and isinstance(item.tree, (ast.Block, ast.Net)):
            if any(parameter.rest for parameter in item.tree.parameters):
                return None
            kind = "block" if isinstance(item.tree, ast.Block) else "net"
            return f"the {kind} `{name}`", [parameter.name for parameter in item.tree.parameters]
        if isinstance(builtin, Builtin):
            return f"the layer `{name}`", [parameter.name for parameter in parameters(builtin.op)]
        return None

    def lost(self, name: str) -> bool:
        """Whether an item or a file that could not be read, or a wrong `use`, would have given it: then it
        stays silent."""
        return self.blind or name in self.missed or not self.file.broken.isdisjoint((name, "*"))

    def miss(self, use: ast.Use) -> None:
        """The file of `use` could not be read: the names that it would have brought stay silent."""
        self.blind |= use.names is None
        for name in use.names or ():
            self.spoil(name.id)

    def spoil(self, name: str) -> None:
        """What should have that name could not be had: it stays silent."""
        if name not in self.definitions:
            self._values.setdefault(name, POISON)

    def ruin(self, name: str) -> None:
        """What has that name is broken: what it does stays silent."""
        self._values[name] = POISON

    def net_names(self) -> list[str]:
        """The nets that this file defines, in its order."""
        return list(self._nets)

    @cached_property
    def _nets(self) -> tuple[str, ...]:
        """The same, asked for when the file has been read."""
        return tuple(filter(self.defines_net, self.definitions))

    @cached_property
    def all_net_names(self) -> tuple[str, ...]:
        """The nets that this file defines or takes from others, asked for when it has been read."""
        imported = (name for name, origin in self.imports.items() if origin.scope.defines_net(origin.name))
        return (*self._nets, *imported)

    def defines_net(self, name: str) -> bool:
        """Whether this file defines a net of that name."""
        item = self.definitions.get(name)
        return item is not None and isinstance(item.tree, (ast.Net, ast.NetAlias))

    @cached_property
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
            case ast.NetAlias(value=expr) | ast.Constants(value=expr):
                from .evaluate import evaluate_alone  # evaluation looks names up here

                if name in self._open:
                    raise self._circle(name)
                self._open.append(name)
                try:
                    if isinstance(item.tree, ast.NetAlias):
                        self._refuse_unknown_net(item, expr)
                    return evaluate_alone(self, item, expr)
                except Silent:
                    return POISON
                except Fault as fault:
                    self.report.add(fault)
                    return POISON
                finally:
                    self._open.pop()
        raise AssertionError(item.tree)

    def _circle(self, name: str) -> Fault:
        """`let`s and nets that need each other's values; those that are open lead back to `name`."""
        way = self._open[self._open.index(name) :]
        places = [name_place(self.definitions[each]) for each in way]
        chain = "" if len(way) == 1 else f": {' -> '.join((*way, name))}"
        causes = tuple(
            Note(place, f"`{user}` needs this") for user, place in zip(way, places[1:], strict=False)
        )
        message = f"`{name}` is defined by itself{chain}"
        help = "give one of them a value of its own" if causes else "give it a value of its own"
        return Fault("use-before-definition", message, places[0], "needs its own value", causes, help)

    def _refuse_unknown_net(self, item: ast.Item, expr: ast.Expr) -> None:
        """Raise `Fault` where the word that should name the net of `net name = word(...)` means nothing."""
        word = word_of(expr)
        if word is not None and not self.knows(word.id):
            raise refuse_net(word, item, self.all_net_names)


def name_place(item: ast.Item) -> Place:
    """Where a definition has its name."""
    assert isinstance(item.tree, (ast.Block, ast.Net, ast.NetAlias, ast.Constants))
    return item.place(item.tree.name)


class Program(Struct, frozen=True, eq=False):
    """A file with everything that it uses."""

    scope: FileScope
    report: Report
