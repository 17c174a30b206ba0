"""The tree of a `.net` file: what the parser gives and everything after it reads.

Places are character offsets from the start of the top-level item in which a node stands, so that
an item can be parsed alone and kept by its text; `Item.place` turns them into places of the file.
Nodes are compared by identity: a node is the *site* of what it causes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from .source import Place, Source


class Node(Struct, frozen=True, eq=False):
    """A piece of the text of one item, from offset `start` up to `end`."""

    start: int
    end: int


# --- expressions -------------------------------------------------------------------------------


class Expr(Node, frozen=True, eq=False):
    """Anything that has a value: a number, a list, a layer, a tensor."""


class Number(Expr, frozen=True, eq=False):
    """`64`, `1e-4`, `25.5M`: the value, and the digits as they were written (`~=` reads them)."""

    value: int | float
    text: str


class String(Expr, frozen=True, eq=False):
    value: str


class Constant(Expr, frozen=True, eq=False):
    """`true`, `false` or `none`."""

    value: bool | None


class Dims(Expr, frozen=True, eq=False):
    """`7x7` or `3x224x224`: a window without its stride, or a shape."""

    sizes: tuple[int, ...]


class Name(Expr, frozen=True, eq=False):
    id: str


class List(Expr, frozen=True, eq=False):
    items: tuple[Expr, ...]


class Parts(Node, frozen=True, eq=False):
    """`(width, n)` before `in`: the names of the parts of an entry's part."""

    targets: Targets


Targets = tuple[Name | Parts, ...]
"""What a loop gives names to, turn by turn."""


class Comprehension(Expr, frozen=True, eq=False):
    """`[item for targets in source if condition]`."""

    item: Expr
    targets: Targets
    source: Expr
    condition: Expr | None


class Tuple(Expr, frozen=True, eq=False):
    """`(a, b -> relu)`: several values flowing together."""

    items: tuple[Expr, ...]


class Slice(Expr, frozen=True, eq=False):
    """`:i` and its like; stands only among the items of an `Index`."""

    low: Expr | None
    high: Expr | None


class Index(Expr, frozen=True, eq=False):
    """`depths[i]`, `conv[i, j]`, `depths[:i]`."""

    target: Expr
    items: tuple[Expr, ...]


class Attribute(Expr, frozen=True, eq=False):
    """`in.c`, or a step of a path: `features.norm5`."""

    target: Expr
    name: str


class Argument(Node, frozen=True, eq=False):
    """`value`, `name=value`, or `...value` (`spread`)."""

    name: str | None
    value: Expr
    spread: bool


class Call(Expr, frozen=True, eq=False):
    target: Expr
    arguments: tuple[Argument, ...]


class Unary(Expr, frozen=True, eq=False):
    operator: Literal["-", "not"]
    operand: Expr


class Binary(Expr, frozen=True, eq=False):
    """Arithmetic, comparison (`a < b < c` is `a < b and b < c`), `in`, `not in`, `and`, `or`."""

    operator: str
    left: Expr
    right: Expr


class Conditional(Expr, frozen=True, eq=False):
    """`then if condition else otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr


class Chain(Expr, frozen=True, eq=False):
    """`a -> b -> c`, two steps at least."""

    steps: tuple[Expr, ...]


class Group(Expr, frozen=True, eq=False):
    """`{ ... }` (no head), `add { ... }`, `mean(drop=0.15) { ... }`; lowering knows the heads."""

    head: Expr | None
    body: Body


# --- statements --------------------------------------------------------------------------------


class Statement(Node, frozen=True, eq=False):
    pass


class Body(Node, frozen=True, eq=False):
    """What stands between braces, the braces included in the place."""

    statements: tuple[Statement, ...]


class Label(Node, frozen=True, eq=False):
    """`name` or `name[i, j]`."""

    name: str
    indices: tuple[Expr, ...]


class Flow(Statement, frozen=True, eq=False):
    """`chain`, `label: chain`, or `(a, b): chain` with several labels."""

    labels: tuple[Label, ...]
    value: Expr


class Let(Statement, frozen=True, eq=False):
    name: Name
    value: Expr


class If(Statement, frozen=True, eq=False):
    """`else if` is an `otherwise` body of one `If`."""

    condition: Expr
    then: Body
    otherwise: Body | None


class For(Statement, frozen=True, eq=False):
    targets: Targets
    source: Expr
    body: Body


class Input(Statement, frozen=True, eq=False):
    """`input name: 3x224x224 as int64`."""

    label: Label | None
    shape: Expr
    dtype: Name | None


class Output(Statement, frozen=True, eq=False):
    label: Label | None
    value: Expr


class Aux(Statement, frozen=True, eq=False):
    """`aux name[i](weight=0.3): chain`."""

    label: Label
    arguments: tuple[Argument, ...]
    value: Expr


# --- top level ---------------------------------------------------------------------------------


class Definition(Node, frozen=True, eq=False):
    """One top-level item."""


class Docstring(Definition, frozen=True, eq=False):
    text: str


class Use(Definition, frozen=True, eq=False):
    """`use resnet (bottleneck, resnet)`; no names: all of them."""

    module: Name
    names: tuple[Name, ...] | None


class Parameter(Node, frozen=True, eq=False):
    """`name`, `name=default`, or `...name` (`rest`)."""

    name: str
    default: Expr | None
    rest: bool


class Constants(Definition, frozen=True, eq=False):
    """`let x = expr` at file level."""

    name: Name
    value: Expr


class Block(Definition, frozen=True, eq=False):
    """`block f(width, ...opts) takes (prev, cur) { ... }`; no `takes`: one input, `in`."""

    name: Name
    parameters: tuple[Parameter, ...]
    takes: tuple[Name, ...] | None
    body: Body


class Net(Definition, frozen=True, eq=False):
    """`net resnet(depths, classes=1000) { ... }`."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Body


class NetAlias(Definition, frozen=True, eq=False):
    """`net resnet50 = resnet(bottleneck, [3, 4, 6, 3])`."""

    name: Name
    value: Expr


class Claim(Node, frozen=True, eq=False):
    """`row: left operator right "source"`; `operator` is one of `== ~= <= !~`.

    `row` is the label before the colon of a line such as `inception3a: shape == 256x28x28, depth == 2`,
    which the parser splits into one claim each. `source` of a `!~` says why the print is wrong.
    """

    row: Expr | None
    left: Expr
    operator: str
    right: Expr
    source: str | None


class Reported(Node, frozen=True, eq=False):
    """`reported top1_error 22.85 "source"`."""

    name: Name
    value: Expr
    source: str | None


class Expect(Definition, frozen=True, eq=False):
    """`expect resnet50 "source" { ... }`; the target may be a call."""

    target: Expr
    source: str | None
    claims: tuple[Claim | Reported, ...]


class Entry(Node, frozen=True, eq=False):
    """`optimizer sgd(lr=0.1)` in a recipe."""

    name: Name
    value: Expr


class Train(Definition, frozen=True, eq=False):
    targets: tuple[Expr, ...]
    entries: tuple[Entry, ...]


class Item(Struct, frozen=True, eq=False):
    """One top-level item, at `offset` of `source`. `tree` is shared by items of equal text; where it is that
    of a text whose slips were `mended`, which were reported, it is what was meant."""

    source: Source
    offset: int
    tree: Definition
    mended: bool = False

    def place(self, node: Node) -> Place:
        return Place(self.source, self.offset + node.start, self.offset + node.end)


class File(Struct, frozen=True, eq=False):
    """A parsed file: the items that could be read, in the order of the text.

    `broken` are the names that the others would have defined (`*`: who knows which): what is said about
    them would follow from the syntax errors that were reported already.
    """

    source: Source
    items: tuple[Item, ...]
    broken: frozenset[str] = frozenset()


def names_of(targets: Targets) -> Iterator[Name]:
    """All of them, in the order of the text."""
    for target in targets:
        if isinstance(target, Name):
            yield target
        else:
            yield from names_of(target.targets)


def walk(node: Node) -> Iterator[Node]:
    """The node and all that stand in it, in the order of their fields."""
    yield node
    for field in node.__struct_fields__:
        value = getattr(node, field)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, Node):
                yield from walk(inner)
