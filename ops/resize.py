"""Layers that take their size from another tensor, or a factor: `crop`, `resize`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal

from msgspec import Meta

from .arithmetic import equation, size_lines, times
from .base import MAP, SEQUENCE, Cost, Example, Line, Numbers, Reach, Reject, Shape
from .forms import Callee, Emit, Plain, Slot
from .shape import Move


class Crop(Move, frozen=True):
    """The centre of a map, as large as another tensor; where it cannot be centred, nearer the start."""

    name = "crop"
    arity = 2
    tensors = ("like",)
    alias = True
    examples = (
        Example("", (MAP, Shape((3, 8, 7)))),
        Example("", (SEQUENCE, Shape((2, 11)))),
    )

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        entering, like = self.with_like(inputs)
        for size, wanted in zip(entering.spatial, like.spatial, strict=True):
            if wanted > size:
                larger = any(
                    size > wanted for size, wanted in zip(entering.spatial, like.spatial, strict=True)
                )
                raise Reject(
                    "crop-too-large",
                    f"{entering} cannot be cropped to the size of {like}",
                    blame="like",
                    help="`resize(like=...)` takes any size"
                    if larger
                    else "crop the other one to the size of this; or `resize(like=...)` enlarges this",
                    aspect="size",
                )
        return Shape((entering.channels, *like.spatial), entering.dtype)

    def with_like(self, inputs: Sequence[Shape]) -> tuple[Shape, Shape]:
        if len(inputs) == 1:
            raise Reject(
                "missing-argument",
                "`crop` needs `like`, the tensor whose size is meant",
                blame="like",
                help="write `crop(like=in)`, or another tensor's label",
            )
        self.admit(inputs)
        check_like(inputs)
        return inputs[0], inputs[1]

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        ones = (1,) * output.rank
        starts = zip(inputs[0].spatial, output.spatial, strict=True)
        return Reach(ones, ones, tuple(-((size - wanted) // 2) for size, wanted in starts))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(function=Callee("crop_like"), support=("crop_like",))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cuts = [
            f"{size} - {(size - wanted) // 2} - {size - wanted - (size - wanted) // 2}"
            for size, wanted in zip(inputs[0].spatial, output.spatial, strict=True)
        ]
        return size_lines(cuts, output)


def check_like(inputs: Sequence[Shape]) -> None:
    entering, like = inputs
    if like.rank != entering.rank:
        raise Reject(
            "rank-mismatch",
            f"{entering.describe()} cannot take its size from {like.describe()}",
            blame="like",
            help="`like` wants a tensor of as many dimensions",
            aspect="rank",
        )


class Resize(Move, frozen=True):
    """A map enlarged or reduced, by a factor (`scale`) or to the size of another tensor (`like`)."""

    name = "resize"
    autocast = "full"
    arity = 2
    tensors = ("like",)
    dtypes = ("float32",)
    examples = (
        Example("2", (MAP,)),
        Example('2, mode="bilinear"', (MAP,)),
        Example('[2, 3], mode="bicubic"', (MAP,)),
        Example("0.5", (MAP,)),
        Example('mode="bilinear"', (MAP, Shape((3, 21, 30)))),
        Example("3", (SEQUENCE,)),
        Example('2, mode="linear"', (SEQUENCE,)),
    )

    scale: Annotated[
        Numbers | None, Meta(gt=0, description="the factor, or one for each dimension; or else `like`")
    ] = None
    mode: Annotated[
        Literal["nearest", "linear", "bilinear", "bicubic"],
        Meta(description="how values between are found: `linear` for sequences, the last two for maps"),
    ] = "nearest"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        if self.mode != "nearest" and (self.mode == "linear") != (entering.rank == 1):
            fitting = '"linear"' if entering.rank == 1 else '"bilinear"'
            raise Reject(
                "rank-mismatch",
                f'`mode="{self.mode}"` does not suit {entering.describe()}',
                blame="mode",
                help=f"write `mode={fitting}`",
                aspect="rank",
            )
        if len(inputs) == 2:
            if self.scale is not None:
                raise Reject(
                    "repeated-argument",
                    "`scale` and `like` both say how large",
                    blame="scale",
                    help="give one of them",
                )
            check_like(inputs)
            return Shape((entering.channels, *inputs[1].spatial))
        if self.scale is None:
            raise Reject(
                "missing-argument",
                "`resize` needs `scale` or `like`",
                blame="scale",
                help="write `resize(2)`, or `resize(like=...)` with a tensor",
            )
        sizes = [
            int(size * scale)
            for size, scale in zip(entering.spatial, self.scales(entering.rank), strict=True)
        ]
        if 0 in sizes:
            least = max(1 / size for size in entering.spatial)
            raise Reject(
                "out-of-range",
                f"`scale` leaves nothing of {entering}",
                blame="scale",
                help=f"{ceil(least * 1e4) / 1e4:g} or more leaves something; `gap` makes 1 of any size",
                aspect="size",
            )
        return Shape((entering.channels, *sizes))

    def scales(self, rank: int) -> tuple[float, ...]:
        scale = self.scale
        assert scale is not None
        if not isinstance(scale, tuple):
            return (scale,) * rank
        if len(scale) != rank:
            from .mending import spell
            from .settle import refuse_dimensions

            refuse_dimensions("scale", [spell(factor) for factor in scale], rank)
        return scale

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """A multiply-add for each element that is weighed in."""
        taps = {"nearest": 0, "linear": 2, "bilinear": 4, "bicubic": 16}[self.mode]
        return Cost(elementwise=taps * output.elements)

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        """On a grid `p` times as fine, for a ratio of p to q, a step is q and the kernel is spread by p."""
        size, stride, before, up = [], [], [], []
        for ratio in self.ratios(inputs[0], output):
            p, q = ratio.numerator, ratio.denominator
            up.append(p)
            stride.append(q)
            if self.mode == "nearest":
                before.append(p - 1)
                size.append(p)
            else:
                width = p * (2 if self.mode == "bicubic" else 1)
                ahead = ceil(width - Fraction(q - p, 2)) - 1
                before.append(ahead)
                size.append(ahead + ceil(width + Fraction(q - p, 2)))
        return Reach(tuple(size), tuple(stride), tuple(before), tuple(up))

    def ratios(self, entering: Shape, output: Shape) -> tuple[Fraction, ...]:
        if self.scale is None:
            sizes = zip(output.spatial, entering.spatial, strict=True)
            return tuple(Fraction(after, before) for after, before in sizes)
        return tuple(Fraction(scale).limit_denominator(1000) for scale in self.scales(entering.rank))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        mode = Slot("mode", self.mode, "mode", default="nearest", keyword=True)
        if len(inputs) == 2:
            text = "F.interpolate({0}, size={1}.shape[2:]" + (', mode="{mode}")' if not mode.omitted else ")")
            return Emit(function=text.replace('"{mode}"', "{mode}"), slots=(mode,))
        scale = Slot("scale_factor", plain(self.scale), "scale", keyword=True)
        return Emit(Callee("nn.Upsample", (scale, mode)), Callee("F.interpolate", (scale, mode)))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cost = self.cost(inputs, output)
        work: tuple[Line, ...] = ()
        if cost.elementwise:
            taps = cost.elementwise // output.elements
            work = (equation("elementwise", f"{taps} * {times(output.dims)}", cost.elementwise),)
        if self.scale is None:
            return work
        scales = zip(inputs[0].spatial, self.scales(output.rank), strict=True)
        return (*size_lines([f"floor({size} * {plain(scale)})" for size, scale in scales], output), *work)


def plain(value: Numbers | None) -> Plain:
    """Whole factors as integers: `scale_factor=2`."""
    if isinstance(value, tuple):
        return tuple(plain(entry) for entry in value)
    return int(value) if value is not None and value == int(value) else value
