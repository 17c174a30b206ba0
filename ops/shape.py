"""Layers that move elements and compute none: cutting, padding, resizing, regrouping of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .arithmetic import each, padded, sides, size_lines, times, torch_margins
from .base import (
    MAP,
    SEQUENCE,
    VECTOR,
    Cost,
    DType,
    Example,
    Line,
    Margins,
    Op,
    Reach,
    Reject,
    Saved,
    Shape,
    Sizes,
)
from .forms import Callee, Emit, Plain, Slot
from .windowed import check_crop

ANY: tuple[DType, ...] = ("float32", "int64")


class Move(Op, frozen=True):
    """What most have in common: no work, and nothing kept for backward."""

    family = "shape"
    ranks: ClassVar[tuple[int, ...]] = (1, 2)
    dtypes = ANY

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach | Literal["same", "all"]:
        return "same"


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
                    "out-of-range",
                    f'`n` is negative, and `mode="{self.mode}"` cannot crop',
                    blame="n",
                    help="without `mode` a negative number crops",
                )
            most = {"reflect": size - 1, "circular": size}.get(self.mode)
            if most is not None and max(before, after) > most:
                raise Reject(
                    "out-of-range",
                    f'`mode="{self.mode}"` adds at most {most} to a side of {size}, not {max(before, after)}',
                    blame="n",
                    help=f'write {most} or less; `mode="replicate"` has no limit',
                    aspect="size",
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

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Two of PyTorch's paddings keep their input, if only for its size."""
        return Saved(inputs=(0,)) if self.mode in ("reflect", "replicate") else Saved()

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
            from .mending import fit_shape

            raise Reject(
                "shape-mismatch",
                f"{entering} has {entering.elements:,} elements, and {output} {output.elements:,}",
                blame="shape",
                help=fit_shape(entering, self.shape_),
                aspect="shape",
            )
        if output.rank > 2:
            raise Reject(
                "rank-mismatch",
                f"{output} has more than two spatial dimensions",
                blame="shape",
                help="a shape is C x H x W, C x N or C; the batch is left out",
            )
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
