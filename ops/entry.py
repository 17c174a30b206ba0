"""What enters a net: `input`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from .base import Cost, DType, Example, Line, Op, Reject, Saved, Shape
from .forms import Emit


class Input(Op, frozen=True):
    """A tensor that enters the net: a map C x H x W, a sequence C x N, or a vector."""

    name = "input"
    family = "input"
    ranks = ()
    arity = 0
    activations = True
    examples = (Example("3x8x9", ()), Example("3x8", ()), Example('[20], dtype="int64"', ()))

    shape_: Annotated[tuple[int, ...], Meta(ge=1, description="the shape, without the batch")]
    dtype: Annotated[DType, Meta(description="what it holds")] = "float32"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        if not 1 <= len(self.shape_) <= 3:
            given = "x".join(map(str, self.shape_)) or "nothing"
            raise Reject(
                "rank-mismatch",
                f"an input has one to three dimensions, and {given} has {len(self.shape_)}",
                blame="shape",
                help="the batch is left out: `3x224x224`",
            )
        return Shape(self.shape_, self.dtype)

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same"]:
        return "same"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        """An argument of `forward`, and no layer."""
        return Emit()

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return ()
