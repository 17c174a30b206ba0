"""Where the channels stand, and tokens: `channels_last`, `channels_first`, `tokens`, `token`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, Literal

from msgspec import Meta

from .arithmetic import equation, times
from .base import LAST_MAP, MAP, SEQUENCE, TOKENS, Example, Line, Reject, Shape
from .forms import Callee, Emit, Slot
from .shape import Move


class Permute(Move, frozen=True):
    """What both directions have in common: a view with the dimensions in another order."""

    alias = True

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        first = tuple(range(output.rank + 2))  # the batch, and what the shape says
        order = (0, *first[2:], 1) if output.layout == "last" else (0, first[-1], *first[1:-1])
        return Emit(
            Callee("Permute", (Slot("dims", order),)),
            f"{{0}}.permute({', '.join(map(str, order))})",
            support=("Permute",),
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return ()


class ChannelsLast(Permute, frozen=True):
    """A map or a sequence with its channels behind its places: H x W x C, N x C."""

    name = "channels_last"
    examples = (Example("", (MAP,)), Example("", (SEQUENCE,)))

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        return Shape((*entering.spatial, entering.channels), entering.dtype, "last")


class ChannelsFirst(Permute, frozen=True):
    """A channels-last map, or tokens, with the channels before the places: C x H x W, C x N."""

    name = "channels_first"
    layouts = ("last",)
    examples = (Example("", (LAST_MAP,)), Example("", (TOKENS,)))

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        return Shape((entering.channels, *entering.spatial), entering.dtype)


class Tokens(Move, frozen=True):
    """The places of a map, row by row, or of a sequence, as tokens: N x C."""

    name = "tokens"
    alias = True
    examples = (Example("", (MAP,)), Example("", (SEQUENCE,)))

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        return Shape((prod(entering.spatial), entering.channels), entering.dtype, "last")

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same", "all"]:
        """The places of a map keep neither rows nor columns."""
        return "same" if inputs[0].rank == 1 else "all"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        flat = "torch.flatten({0}, 2)" if inputs[0].rank == 2 else "{0}"
        return Emit(function=f"{flat}.transpose(1, 2)")

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (equation("tokens", times(inputs[0].spatial), output.dims[0]),)


class Token(Move, frozen=True):
    """One of the tokens, as a vector."""

    name = "token"
    ranks = (1,)
    layouts = ("last",)
    alias = True
    examples = (Example("0", (TOKENS,)), Example("3", (TOKENS,)))

    index: Annotated[int, Meta(ge=0, description="which one, from 0")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        count = inputs[0].dims[0]
        if self.index >= count:
            raise Reject(
                "out-of-range",
                f"of {count} token{'s'[: count != 1]} there is none with number {self.index}",
                blame="index",
                help=f"tokens are counted from 0: the last is {count - 1}",
                aspect="size",
            )
        return Shape((inputs[0].channels,), inputs[0].dtype)

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["all"]:
        """A vector's elements have no place of their own."""
        return "all"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(function="{0}[:, {index}]", slots=(Slot("index", self.index, "index"),))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return ()
