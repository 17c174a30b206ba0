"""Attention: `mha`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from .arithmetic import check_division, equation
from .base import TOKENS, Cost, Example, Line, Op, Saved, Shape
from .forms import Callee, Emit, Slot


class Mha(Op, frozen=True):
    """Multi-head self-attention: each token becomes a mean of all, weighted by softmax(q k / sqrt(d)).

    Queries, keys and values are projections of the tokens, split into heads of d channels; the heads' means
    are joined and projected once more (Vaswani et al. 2017, section 3.2).
    """

    name = "mha"
    family = "dense"
    autocast = "half"
    ranks = (1,)
    layouts = ("last",)
    depth = 2  # the projection of the values, and that of the heads
    activations = True
    examples = (
        Example("2", (TOKENS,)),
        Example("4, bias=false", (TOKENS,)),
        Example("2, dropout=0.1", (TOKENS,)),
    )

    heads: Annotated[int, Meta(ge=1, description="how many heads the channels are split into")]
    dropout: Annotated[
        float,
        Meta(ge=0, lt=1, description="the probability that a weight of the mean is dropped in training"),
    ] = 0.0
    bias: Annotated[bool, Meta(description="whether the projections add a number to each channel")] = True

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        check_division(inputs[0].channels, self.heads, f"split into {self.heads} heads", "heads")
        return inputs[0]

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """The four projections, and the two products: of queries and keys, of their softmax and the values.
        The scaling of the queries and the softmax are elementwise."""
        count, channels = output.dims
        biases = 4 * channels if self.bias else 0
        return Cost(
            params=4 * channels * channels + biases,
            biases=biases,
            macs=4 * channels * channels * count + 2 * count * count * channels,
            elementwise=count * channels + 3 * self.heads * count * count,
        )

    def activated(self, inputs: Sequence[Shape], output: Shape) -> int:
        """What the four projections put out."""
        return 4 * output.elements

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, queries, keys and values, and the heads' means. The weights of these are computed again
        in backward from their sums; with dropout they are kept: scaled, dropped, and the mask, beside scaled
        copies of queries and keys."""
        weights = self.heads * output.dims[0] ** 2
        if self.dropout:
            return Saved(inputs=(0,), extra=6 * output.bytes + 3 * 4 * weights)
        return Saved(inputs=(0,), extra=4 * output.bytes + 4 * self.heads * output.dims[0])

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["all"]:
        return "all"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        channels = output.channels
        slots = (
            Slot("embed_dim", channels, "in_channels"),
            Slot("num_heads", self.heads, "heads"),
            Slot("dropout", self.dropout, "dropout", default=0.0, keyword=True),
            Slot("bias", self.bias, "bias", default=True, keyword=True),
            Slot("batch_first", True, keyword=True),
        )
        weights = (
            ("in_proj_weight", (3 * channels, channels)),
            ("in_proj_bias", (3 * channels,)),
            ("out_proj.weight", (channels, channels)),
            ("out_proj.bias", (channels,)),
        )
        return Emit(
            Callee("nn.MultiheadAttention", slots),
            weights=tuple(entry for entry in weights if self.bias or not entry[0].endswith("bias")),
            call="{self}({0}, {0}, {0}, need_weights=False)[0]",
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cost = self.cost(inputs, output)
        count, channels = output.dims
        projections = f"4*{channels}*{channels}"
        return (
            equation("params", projections + (f" + 4*{channels}" if self.bias else ""), cost.params),
            equation("macs", f"{projections}*{count} + 2*{count}*{count}*{channels}", cost.macs),
            equation("elementwise", f"{count}*{channels} + 3*{self.heads}*{count}*{count}", cost.elementwise),
        )
