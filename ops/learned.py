"""Learned tensors that are no modules: `pos_embed`, `layer_scale`, `prepend_tokens`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from .arithmetic import equation, times
from .base import (
    BOTH,
    LAST_MAP,
    MAP,
    SEQUENCE,
    TOKENS,
    VECTOR,
    Cost,
    Example,
    Line,
    Op,
    Reach,
    Saved,
    Shape,
)
from .forms import Callee, Emit, Slot

PARAMETER = "nn.Parameter"


class Learned(Op, frozen=True):
    """What `pos_embed` and `layer_scale` have in common: each element meets a learned number."""

    family = "elementwise"
    autocast = "full"  # the learned numbers have 32 bits, and the wider of two decides
    layouts = BOTH

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return inputs[0]

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same"]:
        return "same"


class PosEmbed(Learned, frozen=True):
    """Adds a learned number to each element: a position embedding."""

    name = "pos_embed"
    ranks = (1, 2)
    examples = (
        Example("", (TOKENS,)),
        Example("0.01", (MAP,)),
        Example("", (SEQUENCE,)),
        Example("", (LAST_MAP,)),
    )

    std: Annotated[float, Meta(ge=0, description="the standard deviation of the numbers at the start")] = 0.02

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """A table of vectors, as that of `embed`: none of its numbers counts as a bias."""
        return Cost(params=output.elements, elementwise=output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        size, channels = (1, *output.dims), "in_channels"
        places = list(map(str, output.spatial))
        formula = [channels, *places] if output.layout == "first" else [*places, channels]
        slots = (
            Slot("mean", 0.0),
            Slot("std", self.std, "std"),
            Slot("size", size, f"(1, {', '.join(formula)})"),
        )
        return Emit(
            Callee("torch.normal", slots, within=PARAMETER), weights=(("", size),), call="{0} + {self}"
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        elements = times(output.dims)
        return (
            equation("params", elements, output.elements),
            equation("elementwise", elements, output.elements),
        )


class LayerScale(Learned, frozen=True):
    """Multiplies each channel by a learned number, small at the start."""

    name = "layer_scale"
    ranks = (0, 1, 2)
    examples = (
        Example("1e-6", (MAP,)),
        Example("1e-6", (SEQUENCE,)),
        Example("1e-6", (VECTOR,)),
        Example("0.1", (TOKENS,)),
        Example("0.1", (LAST_MAP,)),
    )

    init: Annotated[float, Meta(description="the number of each channel at the start")]

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost(params=output.channels, elementwise=output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(inputs=(0,))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        ones = (1,) * output.rank if output.layout == "first" else ()
        formula = f"({', '.join(['in_channels', *map(str, ones)])}{'' if ones else ','})"
        size = (output.channels, *ones)
        slots = (Slot("size", size, formula), Slot("fill_value", self.init, "init"))
        return Emit(Callee("torch.full", slots, within=PARAMETER), weights=(("", size),), call="{self} * {0}")

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (
            equation("params", str(output.channels), output.channels),
            equation("elementwise", times(output.dims), output.elements),
        )


class PrependTokens(Op, frozen=True):
    """Learned tokens before those that enter, the same for each image: a class token."""

    name = "prepend_tokens"
    family = "shape"
    autocast = "full"
    ranks = (1,)
    layouts = ("last",)
    examples = (Example("", (TOKENS,)), Example("4", (TOKENS,)))

    n: Annotated[int, Meta(ge=1, description="how many")] = 1

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        count, channels = inputs[0].dims
        return Shape((self.n + count, channels), layout="last")

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost(params=self.n * output.channels)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        """Of the tokens that enter each sees its own, `n` places before."""
        return Reach((1,), (1,), (self.n,))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (
            Slot("size0", 1),
            Slot("size1", self.n, "n"),
            Slot("size2", output.channels, "in_channels"),
        )
        return Emit(
            Callee("torch.zeros", slots, within=PARAMETER),
            weights=(("", (1, self.n, output.channels)),),
            call="torch.cat([{self}.expand({0}.shape[0], -1, -1), {0}], 1)",
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        count, channels = inputs[0].dims
        return (
            equation("params", f"{self.n}*{channels}", self.n * channels),
            equation("tokens", f"{self.n} + {count}", output.dims[0]),
        )
