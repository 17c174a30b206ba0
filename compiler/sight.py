"""The text of an item in; what it binds, and what a name means at a place of it, out: no value is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from msgspec import Struct

from ..dsl import ast
from .program import BUILTINS, FileScope
from .values import MergeWord


class Binding(Struct, eq=False):
    """A name that the text of one item gives to something, at `node`, and whether anything there reads it."""

    kind: Literal["parameter", "taken", "let", "loop", "label"]
    name: str
    node: ast.Node
    statement: ast.Node
    read: bool = False
    makes_module: bool = True
    """Of a label: whether the generated module would miss it."""
    passes_on: bool = False
    """Of a label: whether its statement only passes the value on, and is no member of a merge."""


class Sight:
    """What is in sight where the text is being read. All labels are known from the start: they may be used
    before them, in a group that runs later."""

    def __init__(self, item: ast.Item, file: FileScope) -> None:
        self.file = file
        self.bindings: list[Binding] = []
        self.scopes: list[dict[str, Binding]] = [{}]
        self.labels: dict[str, list[Binding]] = {}
        self.given: dict[ast.Label, Binding] = {}
        for inner in ast.walk(item.tree):
            if isinstance(inner, (ast.Flow, ast.Input, ast.Output, ast.Aux)):
                for label in labels_of(inner):
                    binding = self.given[label] = self.bind("label", label.name, label, inner)
                    self.labels.setdefault(label.name, []).append(binding)

    def bind(
        self,
        kind: Literal["parameter", "taken", "let", "loop", "label"],
        name: str,
        node: ast.Node,
        statement: ast.Node,
    ) -> Binding:
        binding = Binding(kind, name, node, statement)
        self.bindings.append(binding)
        return binding

    def keep(
        self,
        kind: Literal["parameter", "taken", "let", "loop"],
        name: str,
        node: ast.Node,
        statement: ast.Node,
    ) -> None:
        """Bind a name for the rest of the braces."""
        self.scopes[-1][name] = self.bind(kind, name, node, statement)

    @contextmanager
    def braces(self) -> Iterator[None]:
        self.scopes.append({})
        try:
            yield
        finally:
            self.scopes.pop()

    def find(self, name: str) -> Binding | None:
        """The nearest parameter, `let` or loop variable."""
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def known(self) -> list[str]:
        return [*(name for scope in self.scopes for name in scope), *self.file.known(), *self.labels]

    # --- what a name is ---

    def is_identity(self, expr: ast.Expr) -> bool:
        """Whether this is the word `id`, as it is built in."""
        if not isinstance(expr, ast.Name) or expr.id != "id" or self.find("id") is not None:
            return False
        return "id" not in self.file.definitions and "id" not in self.file.imports

    def is_tensor(self, expr: ast.Expr) -> bool:
        """Whether a chain that begins with `expr` starts with a value there."""
        match expr:
            case ast.Name(id=name):
                binding = self.find(name)
                if binding is not None:
                    return binding.kind == "taken"
                return name == "in" or (name in self.labels and not self.file.knows(name))
            case ast.Attribute(target=target) | ast.Index(target=target):
                return self.is_tensor(target)
            case ast.Tuple(items=items):
                return any(self.is_tensor(item) for item in items)
            case ast.Chain(steps=steps):
                return self.is_tensor(steps[0])
            case ast.Call(target=ast.Name(id=name), arguments=arguments):
                return isinstance(BUILTINS.get(name), MergeWord) and any(
                    self.is_tensor(argument.value) for argument in arguments
                )
        return False

    def is_plain(self, statement: ast.Node) -> bool:
        """Whether all labels within a statement's value stand there: no parameter or `let` brings others."""
        match statement:
            case ast.Input() | ast.Flow(value=ast.Group()):
                return True
            case ast.Flow(value=ast.Name(id=name) | ast.Call(target=ast.Name(id=name))):
                return self.find(name) is None and self.file.parameters_of(name) is not None
        return False

    def makes_module(self, statement: ast.Flow) -> bool:
        """Whether a statement's label is a module: not on `id`, a tuple or an operation on named values."""
        value = statement.value
        first, *rest = value.steps if isinstance(value, ast.Chain) else (value,)
        if len(statement.labels) > 1:
            return False
        if rest:
            return True
        return not (self.is_identity(first) or isinstance(first, ast.Tuple) or self.is_tensor(first))

    def receives(self, body: ast.Body) -> bool:
        """Whether the first statement that gives a value takes what enters the block."""
        for statement in body.statements:
            if isinstance(statement, ast.Flow):
                return not self.is_tensor(statement.value)
            if not isinstance(statement, ast.Let):
                return True
        return True


def labels_of(statement: ast.Node) -> tuple[ast.Label, ...]:
    """The labels that stand before a statement's colon."""
    match statement:
        case ast.Flow(labels=labels):
            return labels
        case ast.Input(label=ast.Label() as label) | ast.Output(label=ast.Label() as label):
            return (label,)
        case ast.Aux(label=label):
            return (label,)
    return ()


def children(node: ast.Node) -> Iterator[ast.Node]:
    """The nodes that stand straight in a node."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, ast.Node):
                yield inner
