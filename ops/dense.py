"""Dense layers: `fc`, `linear`, `embed`, `flatten`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, Literal

from msgspec import Meta

from .arithmetic import equation, times
from .base import LAST_MAP, MAP, SEQUENCE, TOKENS, VECTOR, Cost, Example, Line, Op, Reach, Saved, Shape
from .forms import Callee, Emit, Slot


class FullyConnected(Op, frozen=True):
    """What `fc` and `linear` have in common: weighted sums of what enters, of all of it or at each place."""

    family = "dense"
    autocast = "half"
    ranks = (0, 1, 2)
    depth = 1
    activations = True

    out: Annotated[int, Meta(ge=1, description="output channels")]
    bias: Annotated[bool, Meta(description="whether a number is added to each output channel")] = True

    @staticmethod
    def flattens(entering: Shape) -> bool:
        """Whether what enters is made a vector first."""
        return False

    def features(self, entering: Shape) -> int:
        """How many numbers are summed up."""
        return entering.elements if self.flattens(entering) else entering.channels

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        weights = self.features(inputs[0]) * self.out
        biases = self.out if self.bias else 0
        return Cost(params=weights + biases, biases=biases, macs=weights * prod(output.spatial))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(inputs=(0,))

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same", "all"]:
        return "same" if output.rank else "all"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        features, flattens = self.features(inputs[0]), self.flattens(inputs[0])
        weights: tuple[tuple[str, tuple[int, ...]], ...] = (("weight", (self.out, features)),)
        slots = (
            Slot("in_features", features, "in_features" if flattens else "in_channels"),
            Slot("out_features", self.out, "out"),
            Slot("bias", self.bias, "bias", default=True, keyword=True),
        )
        return Emit(
            Callee("nn.Linear", slots),
            flattens=flattens,
            weights=(*weights, ("bias", (self.out,))) if self.bias else weights,
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        entering, cost = inputs[0], self.cost(inputs, output)
        weight = f"{times(entering.dims) if self.flattens(entering) else entering.channels}*{self.out}"
        places = f" * {times(output.spatial)}" if output.rank else ""
        return (
            equation("params", weight + (f" + {self.out}" if self.bias else ""), cost.params),
            equation("macs", weight + places, cost.macs),
        )


class Fc(FullyConnected, frozen=True):
    """Fully connected layer; what is not flat is flattened first."""

    name = "fc"
    examples = (Example("10", (VECTOR,)), Example("10, bias=false", (MAP,)), Example("10", (SEQUENCE,)))

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return Shape((self.out,))

    @staticmethod
    def flattens(entering: Shape) -> bool:
        return entering.rank > 0


class Linear(FullyConnected, frozen=True):
    """Fully connected layer over the channels, at each place by itself."""

    name = "linear"
    layouts = ("last",)
    examples = (
        Example("16", (TOKENS,)),
        Example("16, bias=false", (LAST_MAP,)),
        Example("16", (VECTOR,)),
    )

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return inputs[0].with_channels(self.out)


class Embed(Op, frozen=True):
    """A vector for each whole number: a list of N becomes a sequence, dim x N."""

    name = "embed"
    family = "dense"
    autocast = "full"
    ranks = (0,)
    dtypes = ("int64",)
    examples = (Example("50, 16", (Shape((20,), "int64"),)),)

    vocab: Annotated[int, Meta(ge=1, description="how many different numbers there are, from 0")]
    dim: Annotated[int, Meta(ge=1, description="length of the vectors, the channels of the sequence")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return Shape((self.dim, inputs[0].channels))

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost(params=self.vocab * self.dim)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(inputs=(0,))

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        """Along the list that enters, whose elements become the places of the sequence."""
        return Reach((1,), (1,), (0,))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (Slot("num_embeddings", self.vocab, "vocab"), Slot("embedding_dim", self.dim, "dim"))
        return Emit(
            Callee("ChannelEmbedding", slots),
            support=("ChannelEmbedding",),
            weights=(("weight", (self.vocab, self.dim)),),
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (equation("params", f"{self.vocab}*{self.dim}", self.vocab * self.dim),)


class Flatten(Op, frozen=True):
    """All elements as one vector, channel by channel."""

    name = "flatten"
    family = "dense"
    ranks = (0, 1, 2)
    dtypes = ("float32", "int64")
    alias = True
    examples = (Example("", (MAP,)), Example("", (SEQUENCE,)), Example("", (VECTOR,)))

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return Shape((inputs[0].elements,), inputs[0].dtype)

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same", "all"]:
        """A vector's elements have no place of their own; what they see is the whole map."""
        return "all" if inputs[0].rank else "same"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(Callee("nn.Flatten"), Callee("torch.flatten", (Slot("start_dim", 1),)))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (equation("features", times(inputs[0].dims), output.channels),)
