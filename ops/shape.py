"""Layers that move elements and compute none: cutting, padding, resizing, regrouping of channels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal

from msgspec import Meta

from .arithmetic import each, equation, padded, sides, size_lines, times, torch_margins
from .base import (
    MAP,
    SEQUENCE,
    VECTOR,
    Callee,
    Cost,
    DType,
    Emit,
    Example,
    Line,
    Margins,
    Numbers,
    Op,
    Plain,
    Reach,
    Reject,
    Saved,
    Shape,
    Sizes,
    Slot,
)
from .convolution import check_crop

ANY: tuple[DType, ...] = ("float32", "int64")


class Move(Op, frozen=True):
    """What most have in common: no work, and nothing kept for backward."""

    family = "shape"
    ranks = (1, 2)
    dtypes = ANY

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach | Literal["same", "all"]:
        return "same"


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
                raise Reject(
                    "crop-too-large", f"{entering} cannot be cropped to the size of {like}", blame="like"
                )
        return Shape((entering.channels, *like.spatial), entering.dtype)

    def with_like(self, inputs: Sequence[Shape]) -> tuple[Shape, Shape]:
        if len(inputs) == 1:
            raise Reject(
                "missing-argument", "`crop` needs `like`, the tensor whose size is meant", blame="like"
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
        raise Reject("rank-mismatch", f"{entering} cannot take its size from {like}", blame="like")


class Pad(Move, frozen=True):
    """Padding as a step of its own."""

    name = "pad"
    examples = (
        Example("3", (MAP,)),
        Example('[1, 2], mode="reflect"', (MAP,)),
        Example('2, mode="replicate"', (MAP,)),
        Example('2, mode="circular"', (MAP,)),
        Example("[[0, 1], [-1, 2]]", (MAP,)),
        Example("2", (SEQUENCE,)),
    )

    n: Annotated[Margins, Meta(description="how much on each side; a negative number crops")]
    mode: Annotated[
        Literal["zero", "reflect", "replicate", "circular"],
        Meta(description="what the border is filled with"),
    ] = "zero"

    def margins(self, rank: int) -> tuple[tuple[int, int], ...]:
        return sides(self.n, rank)

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        for size, (before, after) in zip(entering.spatial, self.margins(entering.rank), strict=True):
            check_crop(size, before, after, "n")
            if self.mode != "zero" and min(before, after) < 0:
                raise Reject(
                    "out-of-range", f'`n` is negative, and `mode="{self.mode}"` cannot crop', blame="n"
                )
            most = {"reflect": size - 1, "circular": size}.get(self.mode)
            if most is not None and max(before, after) > most:
                raise Reject(
                    "out-of-range",
                    f'`mode="{self.mode}"` can add at most {most} to a side of {size}, not {max(before, after)}',
                    blame="n",
                )
        return Shape(
            (
                entering.channels,
                *(
                    size + before + after
                    for size, (before, after) in zip(
                        entering.spatial, self.margins(entering.rank), strict=True
                    )
                ),
            ),
            entering.dtype,
        )

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        """Away from the border, where each element is one of the input."""
        ones = (1,) * output.rank
        return Reach(ones, ones, tuple(before for before, _ in self.margins(output.rank)))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        rank = output.rank
        values: Plain = torch_margins(self.margins(rank))
        names = {"zero": "Zero", "reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
        module_value, formula, each_side = values, "", ""
        if isinstance(self.n, int):
            module_value, formula = self.n, "n"
            each_side = f"({', '.join('n' for _ in range(2 * rank))})"
        mode = {"zero": "constant"}.get(self.mode, self.mode)
        return Emit(
            Callee(f"nn.{names[self.mode]}Pad{rank}d", (Slot("padding", module_value, formula),)),
            Callee(
                "F.pad",
                (Slot("pad", values, each_side), Slot("mode", mode, default="constant", keyword=True)),
            ),
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        pairs = zip(inputs[0].spatial, self.margins(output.rank), strict=True)
        return size_lines([padded(size, before, after) for size, (before, after) in pairs], output)


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
                "out-of-range", f"`b` is {self.b}, and there are only {entering.channels} channels", blame="b"
            )
        if self.a >= self.b:
            raise Reject("out-of-range", f"there is no channel from {self.a} up to {self.b}", blame="a")
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
                help="`channels(0, n)` takes the first n",
            )
        return Shape((self.out, *entering.spatial), entering.dtype)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        added = Slot("added", self.out - inputs[0].channels, "out - in_channels")
        return Emit(function=f"F.pad({{0}}, ({'0, ' * (2 * output.rank + 1)}{{added}}))", slots=(added,))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        entering = inputs[0].channels
        return (equation("channels", f"{entering} + {self.out - entering}", output.channels),)


class Subsample(Move, frozen=True):
    """Every `s`-th element in each dimension, from the first."""

    name = "subsample"
    alias = True
    examples = (Example("2", (MAP,)), Example("[2, 3]", (MAP,)), Example("3", (SEQUENCE,)))

    s: Annotated[Sizes, Meta(ge=1, description="the stride")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        sizes = zip(entering.spatial, each(self.s, entering.rank), strict=True)
        return Shape((entering.channels, *(-(-size // step) for size, step in sizes)), entering.dtype)

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        return Reach((1,) * output.rank, each(self.s, output.rank), (0,) * output.rank)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        if isinstance(self.s, int):
            return Emit(function=f"{{0}}[:, :{', ::{s}' * output.rank}]", slots=(Slot("s", self.s, "s"),))
        slots = tuple(Slot(f"s{axis}", step, f"s[{axis}]") for axis, step in enumerate(self.s))
        steps = "".join(f", ::{{{slot.name}}}" for slot in slots)
        return Emit(function=f"{{0}}[:, :{steps}]", slots=slots)

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        sizes = zip(inputs[0].spatial, each(self.s, output.rank), strict=True)
        return size_lines([f"ceil({size} / {step})" for size, step in sizes], output)


class Split(Move, frozen=True):
    """A tuple of `n` equal parts of the channels; the layer is one of them."""

    name = "split"
    ranks = (0, 1, 2)
    alias = True
    internal = ("index",)
    examples = (Example("2", (MAP,)), Example("4", (SEQUENCE,)), Example("2", (VECTOR,)))

    n: Annotated[int, Meta(ge=1, description="how many parts")]
    index: Annotated[int, Meta(ge=0, description="which part, from 0")] = 0

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        if entering.channels % self.n:
            raise Reject(
                "indivisible",
                f"{entering.channels} channels cannot be split into {self.n} equal parts",
                blame="n",
            )
        if self.index >= self.n:
            raise Reject(
                "out-of-range", f"of {self.n} parts there is none with number {self.index}", blame="n"
            )
        return Shape((entering.channels // self.n, *entering.spatial), entering.dtype)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (Slot("n", self.n, "n"), Slot("index", self.index))
        return Emit(function="{0}.chunk({n}, 1)[{index}]", slots=slots)

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (equation("channels", f"{inputs[0].channels} // {self.n}", output.channels),)


class Shuffle(Move, frozen=True):
    """The channels of all groups in turn: the first of each, then the second of each."""

    name = "shuffle"
    dtypes = ("float32",)
    examples = (Example("2", (MAP,)), Example("4", (SEQUENCE,)))

    groups: Annotated[int, Meta(ge=1, description="how many groups the channels form")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        channels = inputs[0].channels
        if channels % self.groups:
            raise Reject(
                "indivisible",
                f"{channels} channels cannot be split into {self.groups} groups",
                blame="groups",
            )
        return inputs[0]

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (Slot("groups", self.groups, "groups"),)
        return Emit(Callee("nn.ChannelShuffle", slots), Callee("F.channel_shuffle", slots))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        channels = output.channels
        return (equation("channels", f"{self.groups}*({channels} // {self.groups})", channels),)


class Reshape(Move, frozen=True):
    """The same elements, in the same order, under another shape."""

    name = "reshape"
    ranks = (0, 1, 2)
    alias = True
    examples = (
        Example("[4, 28, 12]", (MAP,)),
        Example("[16, 10]", (SEQUENCE,)),
        Example("2x2x2", (VECTOR,)),
    )

    shape_: Annotated[tuple[int, ...], Meta(ge=1, description="the new shape, without the batch")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        output = Shape(self.shape_, entering.dtype)
        if output.elements != entering.elements:
            raise Reject(
                "shape-mismatch",
                f"{entering} has {entering.elements:,} elements, and {output} {output.elements:,}",
                blame="shape",
            )
        if output.rank > 2:
            raise Reject("rank-mismatch", f"{output} has more than two spatial dimensions", blame="shape")
        return output

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same", "all"]:
        """Elements keep their places only where nothing changes."""
        return "same" if inputs[0].dims == output.dims else "all"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = tuple(Slot(f"size{axis}", size, f"shape[{axis}]") for axis, size in enumerate(self.shape_))
        sizes = ", ".join(f"{{{slot.name}}}" for slot in slots)
        return Emit(function=f"{{0}}.reshape(-1, {sizes})", slots=slots)

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (Line("elements", f"{times(inputs[0].dims)} = {times(output.dims)} = {output.elements:,}"),)


class Resize(Move, frozen=True):
    """A map enlarged or reduced, by a factor (`scale`) or to the size of another tensor (`like`)."""

    name = "resize"
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
            fitting = '"linear"' if entering.rank == 1 else '"bilinear" or "bicubic"'
            raise Reject(
                "rank-mismatch",
                f'`mode="{self.mode}"` does not suit {entering}',
                blame="mode",
                help=f'use "nearest" or {fitting}',
            )
        if len(inputs) == 2:
            if self.scale is not None:
                raise Reject("repeated-argument", "`scale` and `like` both say how large", blame="scale")
            check_like(inputs)
            return Shape((entering.channels, *inputs[1].spatial))
        if self.scale is None:
            raise Reject("missing-argument", "`resize` needs `scale=` or `like=`", blame="scale")
        sizes = [
            int(size * scale)
            for size, scale in zip(entering.spatial, self.scales(entering.rank), strict=True)
        ]
        if 0 in sizes:
            raise Reject("out-of-range", f"`scale` leaves nothing of {entering}", blame="scale")
        return Shape((entering.channels, *sizes))

    def scales(self, rank: int) -> tuple[float, ...]:
        scale = self.scale
        assert scale is not None
        if not isinstance(scale, tuple):
            return (scale,) * rank
        if len(scale) != rank:
            raise Reject(
                "rank-mismatch",
                f"`scale` has {len(scale)} numbers, and the input {rank} dimensions",
                blame="scale",
            )
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
        return (*size_lines([f"floor({size} * {scale:g})" for size, scale in scales], output), *work)


def plain(value: Numbers | None) -> Plain:
    """Whole factors as integers: `scale_factor=2`."""
    if isinstance(value, tuple):
        return tuple(plain(entry) for entry in value)
    return int(value) if value is not None and value == int(value) else value
