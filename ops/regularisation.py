"""Regularisation, which acts in training only: `dropout`, `drop_path`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from .base import BOTH, MAP, SEQUENCE, VECTOR, Cost, Example, Line, Op, Saved, Shape
from .forms import Callee, Emit, Slot


class Regularisation(Op, frozen=True):
    """What both have in common: at inference they do nothing."""

    family = "regularisation"
    ranks = (0, 1, 2)
    layouts = BOTH

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return inputs[0]

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same"]:
        return "same"

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return ()


class Dropout(Regularisation, frozen=True):
    """In training, zeroes each element with probability `p` and divides the others by 1 - p."""

    name = "dropout"
    examples = (Example("", (MAP,)), Example("0.2", (SEQUENCE,)), Example("0.5", (VECTOR,)))

    p: Annotated[float, Meta(ge=0, le=1, description="the probability that an element is dropped")] = 0.5

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The mask, as numbers."""
        mask = output.bytes if self.p else 0
        return Saved(extra=mask, mask=mask)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (Slot("p", self.p, "p", default=0.5),)
        return Emit(Callee("nn.Dropout", slots), Callee("F.dropout", slots), training=True)


class DropPath(Regularisation, frozen=True):
    """In training, zeroes a sample's whole value with probability `p` and divides the others by 1 - p."""

    name = "drop_path"
    examples = (Example("0.2", (MAP,)), Example("0.2", (SEQUENCE,)), Example("0.2", (VECTOR,)))

    p: Annotated[float, Meta(ge=0, lt=1, description="the probability that a sample is dropped")]

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """One number for the image."""
        return Saved(extra=4 if self.p else 0)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(Callee("DropPath", (Slot("p", self.p, "p"),)), support=("DropPath",))
