"""Names and what they mean: parameters, `let`s and loop variables, then the file, then labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from ..dsl import ast
from ..dsl.diagnostics import Note
from .faults import POISON, Fault, Silent, inner_text_of
from .frames import Argument, Event, Frame
from .functions import Refusal
from .program import FileScope
from .suggestions import join
from .unknown import refuse
from .values import Value


class Labelled(Struct, eq=False):
    """What a label names: the value, and for a group the labels and the event within it."""

    value: Value
    inner: Labels | None = None
    event: Event | None = None


class Labels(Struct, eq=False):
    """The labels of a frame, or those within a labelled group (`parent` then holds the ones around it)."""

    frame: Frame
    parent: Labels | None = None
    entries: dict[tuple[str, tuple[int | str, ...]], Labelled] = {}
    broken: set[str] = set()
    """Labels, with whatever indices, of statements in which a mistake was reported."""

    def find(self, name: str, indices: tuple[int | str, ...]) -> Labelled | None:
        labels: Labels | None = self
        while labels is not None:
            if (name, indices) in labels.entries:
                return labels.entries[name, indices]
            if name in labels.broken:
                return Labelled(POISON)
            labels = labels.parent
        return None

    def break_off(self, statement: ast.Statement) -> None:
        """A mistake was reported in `statement`: what its labels name is not known."""
        self.broken.update(label.name for label in labels_in(statement))

    def path_to(self, name: str) -> str | None:
        """`features.norm`, for the label `norm` of a labelled group that is in sight."""
        labels: Labels | None = self
        while labels is not None:
            for (outer, indices), labelled in labels.entries.items():
                if labelled.inner is not None and any(key[0] == name for key in labelled.inner.entries):
                    return f"{outer}{show_indices(indices)}.{name}"
            labels = labels.parent
        return None

    def indices_of(self, name: str) -> list[str]:
        """`[0]`, `[1]`, ...: with what indices a label of that name is known."""
        found: list[str] = []
        labels: Labels | None = self
        while labels is not None:
            found += [show_indices(keys) for known, keys in labels.entries if known == name and keys]
            labels = labels.parent
        return found

    def names(self) -> Iterator[str]:
        labels: Labels | None = self
        while labels is not None:
            for name, _ in labels.entries:
                yield name
            labels = labels.parent


def show_indices(indices: tuple[int | str, ...]) -> str:
    """`[1]`, `["b"]`, as they are written after a label."""
    written = ", ".join(f'"{index}"' if isinstance(index, str) else str(index) for index in indices)
    return f"[{written}]" if indices else ""


def labels_in(node: ast.Node) -> Iterator[ast.Label]:
    """All labels that stand in a piece of the text."""
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Label))


class Scope(Struct, eq=False):
    """The names of one pair of braces. `frame` is the frame whose text it is, `here` the tensor that `in`
    means in this block or group (None: look outward)."""

    frame: Frame
    item: ast.Item
    file: FileScope
    labels: Labels
    names: dict[str, Value]
    parent: Scope | None = None
    here: Value = None
    in_loop: bool = False
    """Whether a label here stands in a loop, and so needs an index."""

    def inside(
        self, *, here: Value = None, in_loop: bool | None = None, labels: Labels | None = None
    ) -> Scope:
        """A scope for braces within this one."""
        return Scope(
            self.frame,
            self.item,
            self.file,
            labels or self.labels,
            {},
            self,
            here,
            self.in_loop if in_loop is None else in_loop,
        )

    def outermost(self) -> Scope:
        """The scope of the whole block or net."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def fault(
        self, node: ast.Node, code: str, message: str, marked: str = "", help: str = "", traced: bool = False
    ) -> Fault:
        """The fault at `node`; `traced`: with the places that the names in it got their values from."""
        causes: tuple[Note, ...] = ()
        if traced and isinstance(node, ast.Expr):
            from .provenance import sources

            causes = sources(Argument(None, node, self.frame))
        return Fault(code, message, self.item.place(node), marked, causes, help)

    def attempt(
        self, node: ast.Expr, function: Callable[..., Value], *values: object, parts: Sequence[ast.Expr] = ()
    ) -> Value:
        """A function's value; its refusal as a fault at `node`, or at the one of its `parts` that is refused,
        with the places that the names in it got their values from."""
        try:
            return function(*values)
        except Refusal as refusal:
            if refusal.at is not None and refusal.at < len(parts):
                node = parts[refusal.at]
            help = refusal.help.replace("...", inner_text_of(self.item, node))
            raise self.fault(node, refusal.code, str(refusal), help=help, traced=True) from None

    def local(self, name: str) -> tuple[bool, Value]:
        """The nearest parameter, `let` or loop variable of that name, if there is one."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return True, scope.names[name]
            scope = scope.parent
        return False, None

    def current(self) -> Value:
        """What `in` means here, or None."""
        scope: Scope | None = self
        while scope is not None:
            if scope.here is not None:
                return scope.here
            scope = scope.parent
        return None

    def known(self) -> list[str]:
        """Every name that could be meant here, for suggestions."""
        found: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            found.extend(scope.names)
            scope = scope.parent
        return [*found, *self.file.known(), *self.labels.names()]

    def look_up(self, node: ast.Name) -> Value:
        """The value of a name; a label's value last. Raises `Fault` for an unknown one."""
        name = node.id
        if name == "in":
            return self._checked(node, self._input(node))
        found, value = self.local(name)
        if not found:
            if self.file.is_contested(name):
                raise self.file.refuse_contested(name, self.item.place(node))
            found, value = self.file.find(name)
        if not found:
            labelled = self.labels.find(name, ())
            if labelled is None:
                raise self.unknown(node)
            value = labelled.value
        return self._checked(node, value)

    def hidden(self, expr: ast.Node) -> str:
        """Help where `expr` begins with a name that is a label too: it means what is nearer."""
        while isinstance(expr, (ast.Call, ast.Attribute, ast.Index)):
            expr = expr.target
        if not isinstance(expr, ast.Name) or self.is_label(expr.id):
            return ""
        known = any(name == expr.id for name in self.labels.names())
        return f"`{expr.id}` is not the label here; give the label another name" if known else ""

    def is_label(self, name: str) -> bool:
        """Whether `name` can only be a label here: nothing nearer has that name."""
        return name != "in" and not self.local(name)[0] and not self.file.find(name)[0]

    def _checked(self, node: ast.Name, value: Value) -> Value:
        if value is POISON:
            raise Silent
        return value

    def _input(self, node: ast.Name) -> Value:
        here = self.current()
        if here is None:
            raise self.fault(
                node,
                "misplaced",
                "there is no `in` here: `in` is what enters a block or a group",
                help="name the input",
            )
        return here

    def unknown(self, node: ast.Name) -> Fault:
        """Nothing of that name is known here; a label of it may stand elsewhere."""
        path = self.labels.path_to(node.id)
        if path is not None:
            return self.fault(
                node,
                "unknown-name",
                f"the label `{node.id}` lies in a labelled group, and is reached by its path",
                marked="not known by itself",
                help=f"write `{path}`",
            )
        indices = self.labels.indices_of(node.id)
        if indices:
            return self.fault(
                node,
                "unknown-label",
                f"the label `{node.id}` is known by its indices only",
                marked="which one?",
                help=f"write `{node.id}{indices[-1]}`; there are {join(indices)}",
            )
        if self.labels.frame is not self.frame and any(
            label.name == node.id for label in labels_in(self.item.tree)
        ):
            return self.fault(
                node,
                "unknown-name",
                f"the label `{node.id}` belongs to `{self.frame.name}`: what is passed along cannot bring it",
                marked="not known where this runs",
                help=f"let the block take the value: `block f() takes (x, {node.id})`",
            )
        return refuse(node, self.item, self.known())
