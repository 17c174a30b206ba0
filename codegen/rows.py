"""What the uses of a class are while they are lined up: rows with their tensors, names in scope, and how
values compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from ..compiler.frames import Tensor
from .expressions import Unsettled
from .plan import Parameter, Variable
from .terms import Term, plain
from .uses import Use


class Split(Exception):
    """The rows of a class differ in what they do: one key a row."""

    def __init__(self, rows: Sequence[Row], keys: Sequence[object]) -> None:
        super().__init__("these uses need classes of their own")
        self.keys = {id(row): key for row, key in zip(rows, keys, strict=True)}
        self.rows = rows


class Unrolled(Exception):
    """A loop cannot be one in Python."""


class Row(Struct, eq=False):
    """A use of the class, or within a loop one turn of a use: what its tensors are, the loop's variables."""

    use: Use
    index: int
    """Which of the class's uses this is."""
    names: dict[str, Any] = {}
    parent: Row | None = None
    variables: dict[Tensor, tuple[Variable, ...]] = field(default_factory=dict)

    def known(self, tensor: Tensor) -> tuple[Variable, ...]:
        """The variables that a tensor may be, the latest first."""
        row: Row | None = self
        found: tuple[Variable, ...] = ()
        while row is not None:
            found += row.variables.get(tensor, ())
            row = row.parent
        return found

    def define(self, tensor: Tensor, variable: Variable) -> None:
        self.variables[tensor] = (variable, *self.variables.get(tensor, ()))


class Values(Mapping[str, Any]):
    """What the names of the class are in one row."""

    def __init__(self, parameters: dict[str, Parameter], row: Row) -> None:
        self.parameters, self.row = parameters, row

    def __getitem__(self, name: str) -> Any:
        if name in self.row.names:
            return self.row.names[name]
        return self.parameters[name].values[self.row.index]

    def __iter__(self) -> Iterator[str]:
        return iter((*self.row.names, *self.parameters))

    def __len__(self) -> int:
        return len(self.row.names) + len(self.parameters)


class Around(Mapping[str, Term]):
    """Names in scope: those of the text around (`base`, settled when first read), then labels."""

    def __init__(self, base: Mapping[str, Term], names: dict[str, Term], labels: dict[str, Term]) -> None:
        self.base, self.names, self.labels = base, names, labels

    def __getitem__(self, name: str) -> Term:
        if name in self.names:
            return self.names[name]
        if name in self.base:
            return self.base[name]
        if name in self.labels:
            return self.labels[name]
        raise Unsettled(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names or name in self.base or name in self.labels

    def __iter__(self) -> Iterator[str]:
        return iter((*self.names, *self.base, *self.labels))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def inside(self, names: Mapping[str, Term] = {}) -> Around:  # never written to
        """A scope within this one."""
        return Around(self.base, {**self.names, **names}, self.labels)


def spread(value: Any) -> Any:
    """Sizes as they compare: `(3, 3)` is 3."""
    if isinstance(value, tuple) and value and len(set(map(repr, value))) == 1:
        return value[0]
    return value


def same(left: Any, right: Any) -> bool:
    """Whether an expression's value `left` will do for `right`."""
    if isinstance(right, tuple) and not isinstance(left, tuple):
        return False  # what takes a size for each dimension indexes it
    left, right = spread(plain(left)), spread(plain(right))
    if isinstance(left, bool) != isinstance(right, bool) or isinstance(left, str) != isinstance(right, str):
        return False
    if isinstance(left, float) and isinstance(right, int):
        return False  # a count is no float
    return bool(left == right)
