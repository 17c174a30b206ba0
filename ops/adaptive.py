"""Pooling to a size that the input does not decide: `gap`, `gmp`, `adaptive`."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod
from typing import Annotated, Literal

from msgspec import Meta

from .arithmetic import equation, shorten, times
from .base import MAP, SEQUENCE, Cost, Example, Line, Op, Reach, Reject, Saved, Shape, Window
from .forms import Callee, Emit, Slot


class GlobalPool(Op, frozen=True):
    """What `gap` and `gmp` have in common."""

    family = "pooling"
    ranks = (1, 2)
    activations = True
    examples = (Example("", (MAP,)), Example("", (SEQUENCE,)))

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        return Shape((entering.channels, *(1,) * entering.rank))

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """One operation an input element."""
        return Cost(elementwise=inputs[0].elements)

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["all"]:
        return "all"

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (equation("elementwise", times(inputs[0].dims), inputs[0].elements),)


class Gap(GlobalPool, frozen=True):
    """The mean of each channel."""

    name = "gap"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        rank, size = output.rank, (Slot("output_size", 1),)
        return Emit(Callee(f"nn.AdaptiveAvgPool{rank}d", size), Callee(f"F.adaptive_avg_pool{rank}d", size))


class Gmp(GlobalPool, frozen=True):
    """The largest value of each channel."""

    name = "gmp"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(inputs=(0,), extra=8 * output.elements, indices=8 * output.elements)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        rank, size = output.rank, (Slot("output_size", 1),)
        return Emit(Callee(f"nn.AdaptiveMaxPool{rank}d", size), Callee(f"F.adaptive_max_pool{rank}d", size))


class Adaptive(Op, frozen=True):
    """The mean of as many parts as the window says, whatever the size of the input."""

    name = "adaptive"
    family = "pooling"
    ranks = (1, 2)
    activations = True
    examples = (Example("7x6", (MAP,)), Example("5", (MAP,)), Example("6", (SEQUENCE,)))

    window: Annotated[Window, Meta(ge=1, description="the size of the output")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        if self.window.stride is not None:
            raise Reject(
                "wrong-type",
                "`adaptive` takes the size of its output, which has no stride",
                blame="window",
                help=f"write `{Window(self.window.size)}`",
            )
        return Shape((inputs[0].channels, *self.window.size))

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """One operation for each element of each part; parts overlap where the sizes do not divide."""
        spans = [part_sizes(n, parts) for n, parts in zip(inputs[0].spatial, output.spatial, strict=True)]
        return Cost(elementwise=output.channels * prod(spans))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved() if set(output.spatial) == {1} else Saved(inputs=(0,))

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        """Part `i` begins at `floor(i * n / parts)` and ends before `ceil((i + 1) * n / parts)`."""
        size, stride, before, up = [], [], [], []
        for n, parts in zip(inputs[0].spatial, output.spatial, strict=True):
            common = gcd(n, parts)
            n, parts = n // common, parts // common
            size.append(n + parts - 1)
            stride.append(n)
            before.append(parts - 1)
            up.append(parts)
        return Reach(tuple(size), tuple(stride), tuple(before), tuple(up))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        rank, size = output.rank, (Slot("output_size", shorten(self.window.size), "kernel"),)
        return Emit(Callee(f"nn.AdaptiveAvgPool{rank}d", size), Callee(f"F.adaptive_avg_pool{rank}d", size))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        spans = [
            f"({n} + {parts} - {gcd(n, parts)})" if n % parts else str(n)
            for n, parts in zip(inputs[0].spatial, output.spatial, strict=True)
        ]
        cost = self.cost(inputs, output)
        return (equation("elementwise", "*".join([str(output.channels), *spans]), cost.elementwise),)


def part_sizes(n: int, parts: int) -> int:
    """The sizes of all parts together: `n`, and one more for each border that falls inside an element."""
    return n + parts - gcd(n, parts)
