"""Layers that take, add or reorder channels: `channels`, `pad_channels`, `split`, `shuffle`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from .arithmetic import check_division, equation
from .base import MAP, SEQUENCE, VECTOR, Counts, Example, Line, Reject, Shape
from .forms import Callee, Emit, Slot
from .shape import Move


class Channels(Move, frozen=True):
    """The channels from `a` up to `b`."""

    name = "channels"
    ranks = (0, 1, 2)
    alias = True
    examples = (Example("2, 5", (MAP,)), Example("0, 8", (SEQUENCE,)), Example("1, 2", (VECTOR,)))

    a: Annotated[int, Meta(ge=0, description="the first channel")]
    b: Annotated[int, Meta(ge=1, description="the channel after the last")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        if self.b > entering.channels:
            raise Reject(
                "out-of-range",
                f"`b` is {self.b}, and there are only {entering.channels} channels",
                blame="b",
                help=f"`channels({self.a}, {entering.channels})` takes those from {self.a} on"
                if self.a < entering.channels
                else f"`channels(0, {entering.channels})` takes all of them",
                aspect="channels",
            )
        if self.a >= self.b:
            fitting = (self.b, self.a) if self.b < self.a else (self.a, self.a + 1)
            raise Reject(
                "out-of-range",
                f"there is no channel from {self.a} up to {self.b}",
                blame="a",
                help=f"`channels({fitting[0]}, {fitting[1]})` takes {fitting[1] - fitting[0]}",
            )
        return Shape((self.b - self.a, *entering.spatial), entering.dtype)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(function="{0}[:, {a}:{b}]", slots=(Slot("a", self.a, "a"), Slot("b", self.b, "b")))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (equation("channels", f"{self.b} - {self.a}", output.channels),)


class PadChannels(Move, frozen=True):
    """Channels of zeros at the end, up to `out` of them."""

    name = "pad_channels"
    ranks = (0, 1, 2)
    examples = (Example("11", (MAP,)), Example("16", (SEQUENCE,)), Example("9", (VECTOR,)))

    out: Annotated[int, Meta(ge=1, description="output channels")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        if self.out < entering.channels:
            raise Reject(
                "out-of-range",
                f"`out` is {self.out}, less than the {entering.channels} channels that enter",
                blame="out",
                help=f"`channels(0, {self.out})` takes the first {self.out}",
                aspect="channels",
            )
        return Shape((self.out, *entering.spatial), entering.dtype)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        added = Slot("added", self.out - inputs[0].channels, "out - in_channels")
        return Emit(function=f"F.pad({{0}}, ({'0, ' * (2 * output.rank + 1)}{{added}}))", slots=(added,))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        entering = inputs[0].channels
        return (equation("channels", f"{entering} + {self.out - entering}", output.channels),)


class Split(Move, frozen=True):
    """A tuple of `n` equal parts of the channels, or of parts of the sizes `n`; the layer is one of them."""

    name = "split"
    ranks = (0, 1, 2)
    alias = True
    internal = ("index",)
    examples = (
        Example("2", (MAP,)),
        Example("[5, 2, 1]", (MAP,)),
        Example("4", (SEQUENCE,)),
        Example("2", (VECTOR,)),
    )

    n: Annotated[Counts, Meta(ge=1, description="how many equal parts, or the size of each")]
    index: Annotated[int, Meta(ge=0, description="which part, from 0")] = 0

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        channels = inputs[0].channels
        sizes = self.sizes(channels)
        if self.index >= len(sizes):
            raise Reject(
                "out-of-range", f"of {len(sizes)} parts there is none with number {self.index}", blame="n"
            )
        return Shape((sizes[self.index], *inputs[0].spatial), inputs[0].dtype)

    @property
    def parts(self) -> int:
        return self.n if isinstance(self.n, int) else len(self.n)

    def sizes(self, channels: int) -> tuple[int, ...]:
        """The channels of each part."""
        if isinstance(self.n, int):
            check_division(channels, self.n, f"split into {self.n} equal parts", "n")
            return (channels // self.n,) * self.n
        rest = channels - sum(self.n[:-1])
        if rest != self.n[-1]:
            fitting = ", ".join(map(str, (*self.n[:-1], rest)))
            sizes = f"`[{fitting}]`" if rest > 0 else f"sizes that are {channels} together"
            raise Reject(
                "shape-mismatch",
                f"parts of {' and '.join(map(str, self.n))} channels are {sum(self.n)}, and {channels} enter",
                blame="n",
                help=f"write {sizes}, or a number of equal parts",
                aspect="channels",
            )
        return tuple(self.n)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        n = self.n if isinstance(self.n, int) else tuple(self.n)
        method = "chunk" if isinstance(n, int) else "split_with_sizes"  # `split` has no types
        slots = (Slot("n", n, "n"), Slot("index", self.index))
        return Emit(function=f"{{0}}.{method}({{n}}, 1)[{{index}}]", slots=slots)

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        channels = inputs[0].channels
        if isinstance(self.n, int):
            return (equation("channels", f"{channels} // {self.n}", output.channels),)
        others = [size for index, size in enumerate(self.n) if index != self.index]
        return (equation("channels", " - ".join(map(str, (channels, *others))), output.channels),)


class Shuffle(Move, frozen=True):
    """The channels of all groups in turn: the first of each, then the second of each."""

    name = "shuffle"
    dtypes = ("float32",)
    examples = (Example("2", (MAP,)), Example("4", (SEQUENCE,)))

    groups: Annotated[int, Meta(ge=1, description="how many groups the channels form")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        check_division(inputs[0].channels, self.groups, f"split into {self.groups} groups", "groups")
        return inputs[0]

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (Slot("groups", self.groups, "groups"),)
        return Emit(Callee("nn.ChannelShuffle", slots), Callee("F.channel_shuffle", slots))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        channels = output.channels
        return (equation("channels", f"{self.groups}*({channels} // {self.groups})", channels),)
