"""Convolutions: `conv` and `dwconv`, over maps and sequences."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated

from msgspec import Meta

from .arithmetic import each, equation, padded, shorten, size_lines, times, torch_margins
from .base import MAP, SEQUENCE, Cost, Example, Line, Padding, Reject, Saved, Shape, Sizes, Window
from .forms import Callee, Emit, Slot
from .windowed import Windowed, name_window, refuse_window


class Convolution(Windowed, frozen=True, kw_only=True):
    """What these and `upconv` have in common; a subclass counts its channels."""

    family = "convolution"
    autocast = "half"
    ranks = (1, 2)
    depth = 1
    activations = True

    window: Annotated[Window, Meta(ge=1, description="the size of the kernel, and a stride after `/`")]
    pad: Annotated[
        Padding,
        Meta(
            description="zeros around the input: `same` is `dilation*(k-1)//2` on each side, "
            "`tf` TensorFlow's lopsided SAME; a negative number crops"
        ),
    ] = "same"
    dilation: Annotated[Sizes, Meta(ge=1, description="distance between the kernel's elements")] = 1
    bias: Annotated[bool, Meta(description="whether a number is added to each output channel")] = True
    stride: Annotated[Sizes, Meta(ge=1, description="the stride, where the window is a plain number")] = 1

    def channels(self, entering: int) -> tuple[int, int]:
        """(output channels, groups), from the input channels."""
        raise NotImplementedError

    def channel_slots(self, entering: int) -> tuple[Slot, Slot]:
        """The arguments that say how many channels leave, and in how many groups."""
        raise NotImplementedError

    def extent(self) -> tuple[int, ...]:
        """The kernel with its holes, in each dimension."""
        size = self.window.size
        return tuple(d * (k - 1) + 1 for k, d in zip(size, each(self.dilation, len(size)), strict=True))

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        sizes = [self.channels(entering.channels)[0]]
        for size, extent, stride in zip(
            self.padded_sizes(entering), self.extent(), self.strides(), strict=True
        ):
            if size < extent:
                raise self.too_large(entering)
            sizes.append((size - extent) // stride + 1)
        return Shape(tuple(sizes))

    def too_large(self, entering: Shape) -> Reject:
        padding = [f"{a} + {b}" if a != b else f"{a}" for a, b in self.margins(entering.spatial)]
        dilated = f" dilated to {'x'.join(map(str, self.extent()))}" if self.dilation != 1 else ""
        return refuse_window(
            name_window(self.window.size) + dilated,
            entering,
            "" if self.pad in (0, "same") else ", ".join(dict.fromkeys(padding)),
        )

    def weight_shape(self, entering: int) -> tuple[int, ...]:
        out, groups = self.channels(entering)
        return (out, entering // groups, *self.window.size)

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        kernel = prod(self.weight_shape(inputs[0].channels))
        biases = output.channels if self.bias else 0
        return Cost(params=kernel + biases, biases=biases, macs=kernel * prod(output.spatial))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input; where it is padded by a step of its own, the padded copy instead."""
        if self.uneven:
            return Saved(extra=self.padded_bytes(inputs[0]))
        return Saved(inputs=(0,))

    def slots(self, entering: int) -> tuple[Slot, ...]:
        """The arguments of `nn.Conv2d` and its like."""
        out_slot, groups_slot = self.channel_slots(entering)
        return (
            Slot("in_channels", entering, "in_channels"),
            out_slot,
            Slot("kernel_size", shorten(self.window.size), "kernel"),
            Slot("stride", self.stride, "stride", default=1, keyword=True),
            *self.padding_slots(),
            Slot("dilation", self.dilation, "dilation", default=1, keyword=True),
            groups_slot,
            Slot("bias", self.bias, "bias", default=True, keyword=True),
        )

    def padding_slots(self) -> tuple[Slot, ...]:
        rank = len(self.window.size)
        if self.pad == "tf":
            return ()
        if self.uneven:
            return (Slot("margins", torch_margins(self.margins(())), keyword=True),)
        return (self.padding_slot(tuple(before for before, _ in self.margins((0,) * rank))),)

    def padding_slot(self, values: tuple[int, ...]) -> Slot:
        if self.pad == "tf" or not isinstance(self.dilation, int):
            return Slot("padding", shorten(values), default=0, keyword=True)
        if self.pad != "same":
            return Slot("padding", shorten(values), "pad", default=0, keyword=True)
        per_dimension = ", ".join(f"dilation * (kernel[{i}] - 1) // 2" for i in range(len(values)))
        return Slot(
            "padding",
            shorten(values),
            "dilation * (kernel - 1) // 2",
            default=0,
            keyword=True,
            each=f"({per_dimension}{',' if len(values) == 1 else ''})",
        )

    def weights(self, entering: int, out: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
        weight = ("weight", self.weight_shape(entering))
        return (weight, ("bias", (out,))) if self.bias else (weight,)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        entering, rank = inputs[0].channels, output.rank
        path = f"nn.Conv{rank}d"
        support: tuple[str, ...] = ()
        if self.pad == "tf":
            path, support = f"Conv{rank}dSame", ("same_margins", f"Conv{rank}dSame")
        elif self.uneven:
            path, support = f"PaddedConv{rank}d", (f"PaddedConv{rank}d",)
        return Emit(
            module=Callee(path, self.slots(entering)),
            support=support,
            weights=self.weights(entering, output.channels),
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        entering = inputs[0]
        formulas = [
            f"ceil({size} / {stride})"
            if self.pad == "tf"
            else f"({padded(size, before, after)} - {self.extent_text(i)}) // {stride} + 1"
            for i, (size, (before, after), stride) in enumerate(
                zip(
                    entering.spatial,
                    self.margins(entering.spatial),
                    each(self.stride, entering.rank),
                    strict=True,
                )
            )
        ]
        cost = self.cost(inputs, output)
        return (
            *size_lines(formulas, output),
            *count_lines(cost, self.weight_text(entering.channels), times(output.spatial)),
        )

    def extent_text(self, dimension: int) -> str:
        """`7`, or with holes `(2*(3 - 1) + 1)`."""
        size = self.window.size[dimension]
        dilation = each(self.dilation, len(self.window.size))[dimension]
        return str(size) if dilation == 1 else f"({dilation}*({size} - 1) + 1)"

    def weight_text(self, entering: int) -> str:
        """`7*7*3*64`, with groups `3*3*(64/32)*64`."""
        out, groups = self.channels(entering)
        per_group = f"({entering}/{groups})" if groups > 1 else str(entering)
        return f"{times(self.window.size)}*{per_group}*{out}"


def count_lines(cost: Cost, weight: str, positions: str) -> tuple[Line, ...]:
    """Parameters, and multiply-adds: weights times the places where they are used."""
    bias = f" + {cost.biases}" if cost.biases else ""
    return (
        equation("params", weight + bias, cost.params),
        equation("macs", f"{weight} * {positions}", cost.macs),
    )


def check_groups(entering: int, out: int, groups: int) -> None:
    if entering % groups == 0 and out % groups == 0:
        return
    from . import mending

    if entering % groups:
        raise Reject(
            "indivisible",
            f"{entering} input channels cannot be split into {groups} groups",
            blame="groups",
            help=mending.divide("`groups`", groups, entering, out),
            aspect="channels",
        )
    raise Reject(
        "indivisible",
        f"{out} output channels cannot be split into {groups} groups",
        blame="groups",
        help=mending.fit_groups(entering, out, groups),
    )


class Conv(Convolution, frozen=True, kw_only=True):
    """Convolution."""

    name = "conv"
    positions = ("window", "out", "pad", "dilation", "groups", "bias", "stride")
    examples = (
        Example("7x7/2, 64, bias=false", (MAP,)),
        Example("3x3, 24, groups=2", (MAP,)),
        Example("1x7, 10, dilation=2", (MAP,)),
        Example('3x3/2, 16, pad="tf"', (MAP,)),
        Example("3x3, 16, pad=[[-1, 1], [-1, 1]]", (MAP,)),
        Example("3, 100, pad=0", (SEQUENCE,)),
    )

    out: Annotated[int, Meta(ge=1, description="output channels")]
    groups: Annotated[int, Meta(ge=1, description="groups of channels that are convolved apart")] = 1

    def channels(self, entering: int) -> tuple[int, int]:
        check_groups(entering, self.out, self.groups)
        return self.out, self.groups

    def channel_slots(self, entering: int) -> tuple[Slot, Slot]:
        return Slot("out_channels", self.out, "out"), Slot("groups", self.groups, "groups", 1, keyword=True)


class DwConv(Convolution, frozen=True, kw_only=True):
    """Depthwise convolution: each channel by itself, with `mult` kernels."""

    name = "dwconv"
    positions = ("window", "mult", "pad", "dilation", "bias", "stride")
    examples = (
        Example("3x3/2, bias=false", (MAP,)),
        Example("5x5, mult=2", (MAP,)),
        Example("3", (SEQUENCE,)),
    )

    mult: Annotated[int, Meta(ge=1, description="output channels for each input channel")] = 1

    def channels(self, entering: int) -> tuple[int, int]:
        return entering * self.mult, entering

    def channel_slots(self, entering: int) -> tuple[Slot, Slot]:
        return (
            Slot("out_channels", entering * self.mult, "in_channels * mult"),
            Slot("groups", entering, "in_channels", 1, keyword=True),
        )
