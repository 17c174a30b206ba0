"""Normalisation: `bn`, `lrn`, `ln`, `gn`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .arithmetic import check_division, equation, times
from .base import BOTH, LAST_MAP, MAP, SEQUENCE, TOKENS, VECTOR, Cost, Example, Line, Op, Saved, Shape
from .forms import Callee, Emit, Slot


class Normalisation(Op, frozen=True):
    """What `bn`, `ln` and `gn` have in common: a scale and a shift for each channel."""

    family = "normalisation"
    ranks = (0, 1, 2)
    examples: ClassVar[tuple[Example, ...]] = (
        Example("", (MAP,)),
        Example("", (SEQUENCE,)),
        Example("", (VECTOR,)),
    )

    operations: ClassVar[int]
    """For each element, at inference."""

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return inputs[0]

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        channels = output.channels
        return Cost(params=2 * channels, biases=channels, elementwise=self.operations * output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and a mean and a deviation (4 bytes each) of each group that is normalised."""
        return Saved(inputs=(0,), extra=8 * self.statistics(output))

    def statistics(self, output: Shape) -> int:
        """How many groups are normalised."""
        raise NotImplementedError

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same", "all"]:
        return "same"

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cost = self.cost(inputs, output)
        return (
            equation("params", f"2*{output.channels}", cost.params),
            equation("elementwise", f"{self.operations} * {times(output.dims)}", cost.elementwise),
        )


class Bn(Normalisation, frozen=True):
    """Batch normalisation: each channel by its statistics over the batch, at inference by running means."""

    name = "bn"
    operations = 2  # at inference it is a scale and a shift

    eps: Annotated[float, Meta(ge=0, description="added to the variance")] = 1e-5
    momentum: Annotated[
        float, Meta(ge=0, le=1, description="the weight of a new batch in the running means")
    ] = 0.1

    def statistics(self, output: Shape) -> int:
        return output.channels

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        saved = super().saved(inputs, output)
        return Saved(saved.inputs, extra=saved.extra, once=saved.extra)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        channels = (output.channels,)
        slots = (
            Slot("num_features", output.channels, "in_channels"),
            Slot("eps", self.eps, "eps", default=1e-5, keyword=True),
            Slot("momentum", self.momentum, "momentum", default=0.1, keyword=True),
        )
        names = ("weight", "bias", "running_mean", "running_var")
        return Emit(
            Callee(f"nn.BatchNorm{max(output.rank, 1)}d", slots),
            weights=(*((name, channels) for name in names), ("num_batches_tracked", ())),
        )


class Ln(Normalisation, frozen=True):
    """Layer normalisation over the channels, at each position by itself."""

    name = "ln"
    layouts = BOTH
    autocast = "full"
    operations = 8  # sum, difference, its square, sum, and scaling by the deviation and the weight, shift
    examples = (*Normalisation.examples, Example("eps=1e-6", (TOKENS,)), Example("", (LAST_MAP,)))

    eps: Annotated[float, Meta(ge=0, description="added to the variance")] = 1e-5

    def statistics(self, output: Shape) -> int:
        return prod(output.spatial)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        behind = output.rank > 0 and output.layout == "first"
        path = "ChannelNorm" if behind else "nn.LayerNorm"
        slots = (
            Slot("normalized_shape", output.channels, "in_channels"),
            Slot("eps", self.eps, "eps", default=1e-5, keyword=True),
        )
        weights = (("weight", (output.channels,)), ("bias", (output.channels,)))
        return Emit(Callee(path, slots), support=("ChannelNorm",) if behind else (), weights=weights)


class Gn(Normalisation, frozen=True):
    """Group normalisation: over each group of channels and all positions."""

    name = "gn"
    autocast = "full"
    operations = 8
    examples = (Example("4", (MAP,)), Example("2", (SEQUENCE,)), Example("2", (VECTOR,)))

    groups: Annotated[int, Meta(ge=1, description="how many groups the channels are split into")]
    eps: Annotated[float, Meta(ge=0, description="added to the variance")] = 1e-5

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        check_division(inputs[0].channels, self.groups, f"split into {self.groups} groups", "groups")
        return inputs[0]

    def statistics(self, output: Shape) -> int:
        return self.groups

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same", "all"]:
        return "all" if output.rank else "same"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        channels = output.channels
        slots = (
            Slot("num_groups", self.groups, "groups"),
            Slot("num_channels", channels, "in_channels"),
            Slot("eps", self.eps, "eps", default=1e-5, keyword=True),
        )
        return Emit(Callee("nn.GroupNorm", slots), weights=(("weight", (channels,)), ("bias", (channels,))))


class Lrn(Op, frozen=True):
    """Local response normalisation: x / (k + alpha * mean of the squares of `size` channels)^beta."""

    name = "lrn"
    family = "normalisation"
    autocast = "full"
    ranks = (1, 2)
    examples = (Example("5", (MAP,)), Example("4, alpha=0.001, k=1", (SEQUENCE,)))

    size: Annotated[int, Meta(ge=1, description="how many neighbouring channels count")]
    alpha: Annotated[float, Meta(description="the factor of the mean of the squares")] = 1e-4
    beta: Annotated[float, Meta(description="the exponent")] = 0.75
    k: Annotated[float, Meta(description="what is added to the mean of the squares")] = 2.0

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return inputs[0]

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """A square, the sum of the window, its scaling, shift and power, and the quotient."""
        return Cost(elementwise=(self.size + 5) * output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, its squares with `size - 1` channels of padding, their mean and its power."""
        sizes = 3 * output.channels + self.size - 1
        return Saved(inputs=(0,), extra=4 * sizes * prod(output.spatial))

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same"]:
        return "same"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (
            Slot("size", self.size, "size"),
            Slot("alpha", self.alpha, "alpha", default=1e-4, keyword=True),
            Slot("beta", self.beta, "beta", default=0.75, keyword=True),
            Slot("k", self.k, "k", default=1.0, keyword=True),
        )
        return Emit(Callee("nn.LocalResponseNorm", slots), Callee("F.local_response_norm", slots))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cost = self.cost(inputs, output)
        return (equation("elementwise", f"({self.size} + 5) * {times(output.dims)}", cost.elementwise),)
