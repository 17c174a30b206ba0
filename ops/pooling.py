"""Pooling: `maxpool`, `avgpool`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated

from msgspec import Meta
from msgspec.structs import force_setattr

from .arithmetic import equation, padded, shorten, size_lines, times, torch_margins
from .base import MAP, SEQUENCE, Cost, Example, Line, Padding, Reject, Saved, Shape, Sizes, Window
from .forms import Callee, Emit, Slot
from .windowed import Windowed, name_window, refuse_window


class Pool(Windowed, frozen=True, kw_only=True):
    """What `maxpool` and `avgpool` have in common."""

    family = "pooling"
    ranks = (1, 2)
    activations = True

    window: Annotated[Window, Meta(ge=1, description="the size of the window, and a stride after `/`")]
    pad: Annotated[
        Padding,
        Meta(description="padding, at most half the window; `tf` is TensorFlow's lopsided SAME"),
    ] = 0
    ceil: Annotated[bool, Meta(description="whether a window may begin that the input does not fill")] = False
    stride: Annotated[
        Sizes | None, Meta(ge=1, description="the stride; without one, the size of the window")
    ] = None

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        self.check_padding()
        sizes = [entering.channels]
        for n, wide, (before, _), k, s in zip(
            entering.spatial,
            self.padded_sizes(entering),
            self.margins(entering.spatial),
            self.window.size,
            self.strides(),
            strict=True,
        ):
            room = wide - k
            if room < 0 and not (self.ceil and room + s - 1 >= 0):
                around = "" if self.pad in (0, "same") else str(self.pad).strip("()")
                raise refuse_window(name_window(self.window.size), entering, around)
            size = (room + (s - 1 if self.ceil and self.pad != "tf" else 0)) // s + 1
            if self.ceil and (size - 1) * s >= n + before:
                size -= 1  # PyTorch: the last window starts inside the input or the padding before it
            sizes.append(size)
        return Shape(tuple(sizes))

    def check_padding(self) -> None:
        """A window that holds padding alone would have no value; PyTorch asks for this much too."""
        if self.pad in (0, "tf", "same"):
            return
        for (before, after), k in zip(self.margins(()), self.window.size, strict=True):
            if max(before, after) > k // 2:
                strided = self.strides() != self.window.size
                other = f"`pad({max(before, after)})` before it pads more"
                raise Reject(
                    "out-of-range",
                    f"`pad` is {max(before, after)}, more than half of the window ({k // 2})",
                    blame="pad",
                    help=f"write `pad={k // 2}` or less; "
                    + (other if strided else f"a stride is `stride={max(before, after)}`"),
                )
        if self.ceil and self.uneven:
            raise Reject(
                "out-of-range",
                "`ceil` needs the same padding on both sides",
                blame="ceil",
                help="write the rounding into the padding: `pad=[[0, 1], [0, 1]]`",
            )

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """One operation for each place of each window, padding included."""
        return Cost(elementwise=output.elements * prod(self.window.size))

    def slots(self) -> tuple[Slot, ...]:
        kernel = shorten(self.window.size)
        stride = shorten(self.strides())
        return (
            Slot("kernel_size", kernel, "kernel"),
            Slot("stride", stride, "stride", default=kernel, keyword=True),
            self.padding_slot(),
            Slot("ceil_mode", self.ceil, "ceil", default=False, keyword=True),
        )

    def padding_slot(self) -> Slot:
        values = shorten(tuple(before for before, _ in self.margins(())))
        if self.pad != "same":
            return Slot("padding", values, "pad", default=0, keyword=True)
        entries = ", ".join(f"(kernel[{i}] - 1) // 2" for i in range(len(self.window.size)))
        one = "," if len(self.window.size) == 1 else ""
        return Slot("padding", values, "(kernel - 1) // 2", default=0, keyword=True, each=f"({entries}{one})")

    def bare_slots(self) -> tuple[Slot, ...]:
        """For the forms that pad by a step of their own."""
        kernel, stride = shorten(self.window.size), shorten(self.strides())
        slots = (Slot("kernel", kernel, "kernel"), Slot("stride", stride, "stride"))
        return slots if self.pad == "tf" else (*slots, Slot("margins", torch_margins(self.margins(()))))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        entering = inputs[0]
        formulas = []
        for n, (before, after), k, s, size in zip(
            entering.spatial,
            self.margins(entering.spatial),
            self.window.size,
            self.strides(),
            output.spatial,
            strict=True,
        ):
            room = f"{padded(n, before, after)} - {k}"
            if self.pad == "tf":
                formulas.append(f"ceil({n} / {s})")
            elif self.ceil:
                dropped = -((k - n - before - after) // s) + 1 - size
                formulas.append(f"ceil(({room}) / {s}) + 1{f' - {dropped}' if dropped else ''}")
            else:
                formulas.append(f"({room}) // {s} + 1")
        cost = self.cost(inputs, output)
        places = f"{times(self.window.size)} * {times(output.dims)}"
        return (*size_lines(formulas, output), equation("elementwise", places, cost.elementwise))


class MaxPool(Pool, frozen=True, kw_only=True):
    """The largest value in each window."""

    name = "maxpool"
    positions = ("window", "pad", "ceil", "stride")
    examples = (
        Example("3x3/2, pad=1", (MAP,)),
        Example("3x3/2, ceil=true", (MAP,)),
        Example("2", (MAP,)),
        Example('3x3/2, pad="tf"', (MAP,)),
        Example("3x3/2, pad=[[0, 1], [0, 1]]", (MAP,)),
        Example("3, stride=2", (SEQUENCE,)),
    )

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, or its padded copy, and where each maximum was (8 bytes each)."""
        where = 8 * output.elements
        if self.uneven:
            return Saved(extra=self.padded_bytes(inputs[0]) + where, indices=where)
        return Saved(inputs=(0,), extra=where, indices=where)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        rank = output.rank
        if not self.uneven:
            slots = self.slots()
            return Emit(Callee(f"nn.MaxPool{rank}d", slots), Callee(f"F.max_pool{rank}d", slots))
        margins = "same_margins({0}, {kernel}, {stride})" if self.pad == "tf" else "{margins}"
        padded = f'F.pad({{0}}, {margins}, value=float("-inf"))'
        return Emit(
            function=f"F.max_pool{rank}d({padded}, {{kernel}}, {{stride}})",
            slots=self.bare_slots(),
            support=("same_margins",) if self.pad == "tf" else (),
        )


class AvgPool(Pool, frozen=True, kw_only=True):
    """The mean of each window."""

    name = "avgpool"
    positions = ("window", "pad", "ceil", "count_pad", "stride")
    examples = (
        Example("2x2/2", (MAP,)),
        Example("3x3/1, pad=1, count_pad=false", (MAP,)),
        Example("3x3/2, pad=1, ceil=true", (MAP,)),
        Example('3x3/2, pad="tf"', (MAP,)),
        Example('3x3/2, pad="tf", count_pad=true', (MAP,)),
        Example("3x3/2, pad=[[0, 1], [0, 1]], count_pad=false", (MAP,)),
        Example("4", (SEQUENCE,)),
    )

    count_pad: Annotated[
        bool | None,
        Meta(description='whether padding counts as zeros; unless it is said, not with `pad="tf"`'),
    ] = None

    def __post_init__(self) -> None:
        if self.count_pad is None:
            force_setattr(self, "count_pad", self.pad != "tf")

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, or its padded copy, and how much of each window is inside, where that counts."""
        if not self.uneven:
            return Saved(inputs=(0,))
        inside = 0 if self.count_pad else 4 * prod(output.spatial)
        return Saved(extra=self.padded_bytes(inputs[0]) + inside)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        rank = output.rank
        if not self.uneven:
            counting = Slot("count_include_pad", self.count_pad, "count_pad", default=True, keyword=True)
            slots = (*self.slots(), counting)
            return Emit(Callee(f"nn.AvgPool{rank}d", slots), Callee(f"F.avg_pool{rank}d", slots))
        margins, support = "{margins}", []
        if self.pad == "tf":
            margins, support = "same_margins({0}, {kernel}, {stride})", ["same_margins"]
        text = f"F.avg_pool{rank}d(F.pad({{0}}, {margins}), {{kernel}}, {{stride}})"
        if not self.count_pad:
            text = f"avg_pool{rank}d_inside({{0}}, {margins}, {{kernel}}, {{stride}})"
            support.append(f"avg_pool{rank}d_inside")
        return Emit(function=text, slots=self.bare_slots(), support=tuple(support))
