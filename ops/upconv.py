"""Transposed convolution: `upconv`, over maps and sequences."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated

from msgspec import Meta

from .arithmetic import each, shorten, size_lines, times, torch_margins
from .base import MAP, SEQUENCE, Cost, Example, Line, Reach, Reject, Saved, Shape, Sizes
from .convolution import Convolution, check_groups, count_lines
from .forms import Callee, Emit, Slot


class UpConv(Convolution, frozen=True, kw_only=True):
    """Transposed convolution, which enlarges by its stride."""

    name = "upconv"
    positions = ("window", "out", "output_pad", "pad", "dilation", "groups", "bias", "stride")
    examples = (
        Example("2x2/2, 12", (MAP,)),
        Example("3x3/2, 12, output_pad=1, groups=2", (MAP,)),
        Example('5x5/2, 12, pad="tf"', (MAP,)),
        Example("4, 12, stride=2", (SEQUENCE,)),
    )

    out: Annotated[int, Meta(ge=1, description="output channels")]
    output_pad: Annotated[Sizes, Meta(ge=0, description="rows added at the end, less than the stride")] = 0
    groups: Annotated[int, Meta(ge=1, description="groups of channels that are convolved apart")] = 1

    def channels(self, entering: int) -> tuple[int, int]:
        check_groups(entering, self.out, self.groups)
        return self.out, self.groups

    def channel_slots(self, entering: int) -> tuple[Slot, Slot]:
        return Slot("out_channels", self.out, "out"), Slot("groups", self.groups, "groups", 1, keyword=True)

    def crops(self, rank: int) -> tuple[tuple[int, int], ...]:
        """What padding takes from the full result, before and after, in each dimension."""
        if self.pad == "tf":
            surplus = (
                extent - stride for extent, stride in zip(self.extent(), each(self.stride, rank), strict=True)
            )
            return tuple((max(total, 0) // 2, max(total, 0) - max(total, 0) // 2) for total in surplus)
        return self.margins((0,) * rank)

    def additions(self, rank: int) -> tuple[int, ...]:
        """Rows added at the end; `pad="tf"` needs them where the stride is wider than the kernel."""
        if self.pad == "tf":
            return tuple(
                max(stride - extent, 0)
                for extent, stride in zip(self.extent(), each(self.stride, rank), strict=True)
            )
        return each(self.output_pad, rank)

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering, rank = inputs[0], inputs[0].rank
        self.check_output_pad(rank)
        sizes = [self.channels(entering.channels)[0]]
        for size, (before, after), extent, stride, added in zip(
            entering.spatial,
            self.crops(rank),
            self.extent(),
            each(self.stride, rank),
            self.additions(rank),
            strict=True,
        ):
            if before < 0 or after < 0:
                raise Reject(
                    "out-of-range",
                    "`pad` of `upconv` crops its result and cannot be negative",
                    blame="pad",
                    help="`output_pad` or a `pad` after it adds rows",
                )
            full = (size - 1) * stride + extent + added
            if before + after >= full:
                raise Reject(
                    "crop-too-large",
                    f"padding {before} + {after} leaves nothing of the {full} computed",
                    blame="pad",
                    help=f"write `pad={(full - 1) // 2}`{' or less' if full > 2 else ''}",
                    aspect="size",
                )
            sizes.append(full - before - after)
        return Shape(tuple(sizes))

    def check_output_pad(self, rank: int) -> None:
        if self.pad == "tf" and self.output_pad != 0:
            raise Reject(
                "out-of-range",
                'with `pad="tf"` the output is the input times the stride',
                blame="output_pad",
                help="leave `output_pad` out",
            )
        limits = zip(
            each(self.output_pad, rank), each(self.stride, rank), each(self.dilation, rank), strict=True
        )
        for added, stride, dilation in limits:
            if added and added >= max(stride, dilation):
                most = max(stride, dilation) - 1
                raise Reject(
                    "out-of-range",
                    f"`output_pad` is {added}, and must be less than the stride ({stride}) or the dilation",
                    blame="output_pad",
                    help=f"write `output_pad={most}` or less" if most else "leave it out",
                )

    def weight_shape(self, entering: int) -> tuple[int, ...]:
        out, groups = self.channels(entering)
        return (entering, out // groups, *self.window.size)

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """Each input element meets each weight of its channel, also those whose product padding cuts off."""
        kernel = prod(self.weight_shape(inputs[0].channels))
        biases = output.channels if self.bias else 0
        return Cost(params=kernel + biases, biases=biases, macs=kernel * prod(inputs[0].spatial))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(inputs=(0,))

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        """The input spread by the stride and convolved with the kernel turned round."""
        rank = output.rank
        before = tuple(
            extent - 1 - crop for extent, (crop, _) in zip(self.extent(), self.crops(rank), strict=True)
        )
        return Reach(self.extent(), (1,) * rank, before, up=each(self.stride, rank))

    @property
    def uneven(self) -> bool:
        return any(before != after for before, after in self.crops(len(self.window.size)))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        entering, rank = inputs[0].channels, output.rank
        path = f"CroppedConvTranspose{rank}d" if self.uneven else f"nn.ConvTranspose{rank}d"
        return Emit(
            module=Callee(path, self.slots(entering)),
            support=(path,) if self.uneven else (),
            weights=self.weights(entering, output.channels),
        )

    def padding_slots(self) -> tuple[Slot, ...]:
        rank = len(self.window.size)
        if self.uneven:
            margins: tuple[Slot, ...] = (
                Slot("margins", torch_margins([(-a, -b) for a, b in self.crops(rank)]), keyword=True),
            )
        else:
            margins = (self.padding_slot(tuple(before for before, _ in self.crops(rank))),)
        formula = "output_pad" if self.pad != "tf" else ""
        added = Slot("output_padding", shorten(self.additions(rank)), formula, default=0, keyword=True)
        return (*margins, added)

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        entering, rank = inputs[0], output.rank
        strides, additions = each(self.stride, rank), self.additions(rank)
        formulas = []
        for i, (before, after) in enumerate(self.crops(rank)):
            full = f"({entering.spatial[i]} - 1)*{strides[i]} + {self.extent_text(i)}"
            added = f" + {additions[i]}" if additions[i] else ""
            formulas.append(full + cut(before, after) + added)
        weight = self.weight_text(entering.channels)
        return (
            *size_lines(formulas, output),
            *count_lines(self.cost(inputs, output), weight, times(entering.spatial)),
        )


def cut(before: int, after: int) -> str:
    """What padding takes away, as it is written: ` - 2*1`, ` - 1 - 0`."""
    if before != after:
        return f" - {before} - {after}"
    return f" - 2*{before}" if before else ""
