"""An item in, what its names stand for out, as far as the text alone tells: nothing is elaborated.

So a block that no net uses, and the branch of an `if` that no net takes, are read as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct, field

from ..dsl import ast
from .faults import Fault
from .program import BUILTINS, FileScope
from .scope import labels_in
from .sight import Binding, Sight, children, labels_of
from .unknown import SIZES, refuse, refuse_group, refuse_net, refuse_parameter, refuse_path, word_of
from .values import MergeWord


class References(Struct, eq=False):
    """What one item binds, and what it reads from `outside`: of its file, other files, the built-in names."""

    item: ast.Item
    bindings: list[Binding] = field(default_factory=list)
    outside: dict[str, ast.Name] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    flow_is_read: bool = False
    """Whether what enters a block goes on without being named."""


def read_names(item: ast.Item, file: FileScope, most: int) -> References:
    """The names of a block, a net or a `let`, with at most so many faults."""
    return _Reader(item, file, most).read()


def words_in(item: ast.Item) -> set[str]:
    """All words of an expectation or a recipe that may name something of the file."""
    nodes = list(ast.walk(item.tree))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.name for node in nodes if isinstance(node, ast.Attribute)
    }


class _Reader:
    def __init__(self, item: ast.Item, file: FileScope, most: int) -> None:
        self.item, self.file, self.most = item, file, most
        self.sight = Sight(item, file)
        self.found = References(item, self.sight.bindings)
        self.labels_read: set[str] = set()
        self.loops: list[ast.For] = []
        self.net_word: ast.Name | None = None
        self.in_merge = False
        self.unrolled_later = 0
        """How many expressions are open whose groups and chains run only where they are used."""

    def read(self) -> References:
        tree = self.item.tree
        match tree:
            case ast.Block(parameters=given, takes=takes, body=body):
                for name in takes or ():
                    self.sight.keep("taken", name.id, name, tree)
                self.read_parameters(given, tree)
                self.found.flow_is_read |= self.sight.receives(body)
                self.read_statements(body)
            case ast.Net(parameters=given, body=body):
                self.read_parameters(given, tree)
                self.read_statements(body)
            case ast.Constants(value=value):
                self.read_later(value)
            case ast.NetAlias(value=value):
                self.net_word = word_of(value)
                self.read_later(value)
        for label_read in self.labels_read & self.sight.labels.keys():
            for binding in self.sight.labels[label_read]:
                binding.read = True
        return self.found

    def read_parameters(self, given: Iterable[ast.Parameter], tree: ast.Definition) -> None:
        """A default reads the parameters before it."""
        for parameter in given:
            if parameter.default is not None:
                self.read_later(parameter.default)
            self.sight.keep("parameter", parameter.name, parameter, tree)

    # --- statements ---

    def read_statements(self, body: ast.Body) -> None:
        for statement in body.statements:
            self.read_statement(statement)

    def read_statement(self, statement: ast.Statement) -> None:
        for label in labels_of(statement):
            self.read_all(label.indices)
        match statement:
            case ast.Flow(value=value):
                self.read_all((value,))
                for label in statement.labels:
                    self.sight.given[label].makes_module = self.sight.makes_module(statement)
                    self.sight.given[label].passes_on = self.sight.is_identity(value) and not self.in_merge
            case ast.Let(name=name, value=value):
                self.read_later(value)
                self.sight.keep("let", name.id, name, statement)
            case ast.If(condition=condition, then=then, otherwise=otherwise):
                self.read_all((condition,))
                for body in (then, otherwise):
                    if body is not None:
                        with self.sight.braces():
                            self.read_statements(body)
            case ast.For(targets=targets, source=source, body=body):
                self.read_all((source,))
                with self.sight.braces():
                    for target in ast.names_of(targets):
                        self.sight.keep("loop", target.id, target, statement)
                    self.loops.append(statement)
                    self.read_statements(body)
                    self.loops.pop()
            case ast.Input(shape=shape):
                self.read_all((shape,))
            case ast.Output(value=value):
                self.read_all((value,))
            case ast.Aux(arguments=arguments, value=value):
                self.read_all((*(argument.value for argument in arguments), value))

    # --- expressions ---

    def read_later(self, expr: ast.Expr) -> None:
        """An expression whose groups and chains may run only after labels below it have their values."""
        self.unrolled_later += 1
        self.read_all((expr,))
        self.unrolled_later -= 1

    def read_all(self, exprs: Iterable[ast.Node]) -> None:
        for expr in exprs:
            self.read_expression(expr)

    def read_expression(self, expr: ast.Node) -> None:
        match expr:
            case ast.Name():
                self.read_name(expr)
            case ast.Call(target=target, arguments=arguments):
                self.read_all((target, *(argument.value for argument in arguments)))
                self.check_parameters(expr)
            case ast.Group(head=head, body=body):
                if isinstance(head, ast.Name):
                    self.read_head(head)
                elif head is not None:
                    self.read_expression(head)
                outside, self.in_merge = self.in_merge, head is not None
                with self.sight.braces():
                    self.read_statements(body)
                self.in_merge = outside
            case ast.Comprehension(item=item, targets=targets, source=source, condition=condition):
                self.read_expression(source)
                with self.sight.braces():
                    for target in ast.names_of(targets):
                        self.sight.keep("loop", target.id, target, expr)
                    self.read_all((item,) if condition is None else (condition, item))
            case ast.Attribute(target=target, name=name):
                self.read_expression(target)
                self.check_path(expr)
                self.labels_read.add(name)  # a path leads into a labelled group
            case _:
                for inner in children(expr):
                    self.read_expression(inner)

    def read_name(self, node: ast.Name) -> None:
        if node.id == "in":
            self.found.flow_is_read = True
            return
        binding = self.sight.find(node.id)
        if binding is not None:
            binding.read = True
        elif self.file.knows(node.id):
            if self.file.is_contested(node.id):
                self.tell(self.file.refuse_contested, node.id, self.item.place(node))
            self.found.outside.setdefault(node.id, node)
        elif node.id in self.sight.labels:
            self.labels_read.add(node.id)
            if all(self.stands_after(node, label) for label in self.sight.labels[node.id]):
                self.tell(refuse, node, self.item, ())
        elif node is self.net_word:
            self.tell(refuse_net, node, self.item, self.file.all_net_names)
        else:
            self.tell(refuse, node, self.item, self.sight.known())

    def read_head(self, head: ast.Name) -> None:
        """A word before braces, which no label can be."""
        if self.sight.find(head.id) is None and not self.file.knows(head.id):
            groups = [name for name, value in BUILTINS.items() if isinstance(value, MergeWord)]
            self.tell(refuse_group, head, self.item, groups)
        else:
            self.read_name(head)

    def check_parameters(self, expr: ast.Call) -> None:
        """The named arguments of a call whose target is known from the text."""
        target = expr.target
        if not isinstance(target, ast.Name) or self.sight.find(target.id) is not None:
            return
        taken = self.file.parameters_of(target.id)
        if taken is None:
            return
        owner, names = taken
        known = set(names)
        for argument in expr.arguments:
            if argument.name is not None and argument.name not in known:
                self.tell(refuse_parameter, self.item.place(argument), owner, argument.name, names)

    def check_path(self, expr: ast.Attribute) -> None:
        """A step from a tensor or a label: to a size, or to what is labelled within."""
        target, labels = expr.target, set[str]()
        if not isinstance(target, ast.Name) or not self.sight.is_tensor(target):
            return
        if target.id != "in" and self.sight.find(target.id) is None:
            statements = [label.statement for label in self.sight.labels[target.id]]
            if not all(map(self.sight.is_plain, statements)):
                return
            labels = {label.name for statement in statements for label in labels_in(statement)}
        if expr.name not in SIZES and expr.name not in labels:
            self.tell(refuse_path, self.item.place(expr), expr.name, labels - {target.id})

    def tell(self, refuse: Callable[..., Fault], *values: object) -> None:
        """Keep a fault, unless there are so many that more help nobody."""
        if len(self.found.faults) < self.most:
            self.found.faults.append(refuse(*values))

    def stands_after(self, node: ast.Name, label: Binding) -> bool:
        """Whether the label cannot have its value yet; in a loop, an earlier turn may have given it."""
        named, own = label.node, label.statement
        if self.unrolled_later or any(loop.start <= named.start < loop.end for loop in self.loops):
            return False
        return named.start > node.start or own.start <= node.start < own.end
