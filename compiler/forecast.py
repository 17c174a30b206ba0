"""A call of a block in; what an equal one gave before, out, so that it need not be elaborated to be counted.

Past `LARGE` layers an elaboration only counts what it has met before: equal calls, and the turns of a repeat
that change no shape. A graph that will pass its limit is so refused before it is built. One that will not is
elaborated again, in full.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

from ..ops.base import Window
from .frames import Argument, Frame, Tensor
from .values import BlockLayer, Builtin, Identity, Repeated, Value

if TYPE_CHECKING:
    from .elaboration import Size

LARGE = 30_000
"""Layers, of the largest graph that is elaborated once in any case: it takes a second."""


class Known(NamedTuple):
    """What an elaborated call made, from one size of the graph to another, and what left it."""

    before: Size
    after: Size
    frame: Frame
    value: Value


class Unlike(Exception):
    """The value can be compared with no other."""


def key_of(layer: BlockLayer, entering: tuple[Tensor, ...]) -> Hashable:
    """The same for two calls that make the same layers; None for one that can be compared with no other."""
    try:
        return layer_key(layer), tuple(tensor.shape for tensor in entering)
    except Unlike:
        return None


def layer_key(value: Value) -> Hashable:
    match value:
        case None | bool() | int() | float() | str():
            return type(value), value
        case Window():
            return value
        case list():
            return tuple(map(layer_key, value))
        case Identity():
            return Identity
        case Builtin(op=op, bound=bound):
            return op, arguments_key(bound)
        case BlockLayer(definition=definition, bound=bound, rest=rest):
            return id(definition), arguments_key(bound), arguments_key(rest)
        case Repeated(layer=layer, times=times):
            return Repeated, layer_key(layer), times
    raise Unlike


def arguments_key(arguments: dict[str, Argument]) -> Hashable:
    return tuple(sorted((name, layer_key(argument.value)) for name, argument in arguments.items()))
