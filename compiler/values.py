"""The values of the language beside Python's own (int, float, bool, None, str, list) and `Window`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..dsl import ast
from ..ops.base import Op, Window
from .frames import Argument, Shared, Tensor

if TYPE_CHECKING:
    from .program import FileScope
    from .scope import Scope


class Layer(Struct, frozen=True, eq=False):
    """Anything that maps a tensor to a tensor, and is not yet applied."""


class Identity(Layer, frozen=True, eq=False):
    """`id`."""


class Builtin(Layer, frozen=True, eq=False):
    """A layer of the vocabulary with the parameters given so far."""

    op: type[Op]
    bound: dict[str, Argument]


class BlockLayer(Layer, frozen=True, eq=False):
    """A block with the parameters given so far; `rest` holds those for its `...rest`."""

    definition: ast.Block
    scope: FileScope
    item: ast.Item
    bound: dict[str, Argument]
    rest: dict[str, Argument]


class Closure(Layer, frozen=True, eq=False):
    """A chain in parentheses, or a group, with the scope in which it is written."""

    expr: ast.Chain | ast.Group
    scope: Scope


class Repeated(Layer, frozen=True, eq=False):
    """`layer * n`; `site` is that product."""

    layer: Layer
    times: int
    count: Argument
    """`times` with its expression."""
    site: ast.Expr


class SharedLayer(Layer, frozen=True, eq=False):
    """`share(layer)`: one instance."""

    layer: Layer
    shared: Shared


class MergeWord(Struct, frozen=True, eq=False):
    """`add`, `mul`, `max`, `mean`, `concat`, `dense`: the head of a group, or an operation on tensors."""

    head: str
    bound: dict[str, Argument]


class Function(Struct, frozen=True, eq=False):
    """`ceil`, `range`, `divisible` and their like, and `share`."""

    name: str


class Rest(Struct, frozen=True, eq=False):
    """What a `...rest` parameter holds; it can only be passed on."""

    entries: dict[str, Argument]


class NetValue(Struct, frozen=True, eq=False):
    """A net with the parameters given so far; `rest` holds those for its `...rest`."""

    definition: ast.Net
    scope: FileScope
    item: ast.Item
    bound: dict[str, Argument]
    rest: dict[str, Argument] = {}


Value = Any
"""int, float, bool, None, str, list, Window, Layer, Tensor, tuple of tensors, and the words above."""


def describe(value: Value) -> str:
    """What kind of value this is, in the words of the language."""
    match value:
        case bool():
            return "`true`" if value else "`false`"
        case None:
            return "`none`"
        case int() | float():
            return f"the number {value}"
        case str():
            return "a string"
        case list():
            return "a list"
        case Window():
            return f"the window {value}"
        case Tensor():
            return "a tensor"
        case tuple():
            return f"a tuple of {len(value)} tensors"
        case Builtin():
            return f"the layer `{value.op.name}`"
        case BlockLayer():
            return f"the block `{value.definition.name.id}`"
        case Layer():
            return "a layer"
        case MergeWord():
            return f"the group word `{value.head}`"
        case Function():
            return f"the function `{value.name}`"
        case Rest():
            return "further arguments"
        case NetValue():
            return f"the net `{value.definition.name.id}`"
        case _:
            return "this"


def show(value: Value) -> str:
    """A value as it would be written."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, Identity):
        return "id"
    if isinstance(value, (int, float, Window)):
        return str(value)
    told = describe(value)
    if "`" in told:
        return told.split("`")[1]
    return "{ ... }" if isinstance(value, Layer) else told
