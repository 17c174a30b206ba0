"""Constants: `scale`, `shift`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .arithmetic import equation, times
from .base import MAP, SEQUENCE, VECTOR, Cost, Example, Line, Numbers, Op, Reject, Saved, Shape
from .forms import Callee, Emit, Slot


class Constant(Op, frozen=True):
    """What `scale` and `shift` have in common."""

    family = "elementwise"
    ranks = (0, 1, 2)
    sign: ClassVar[str]

    k: Annotated[Numbers, Meta(description="a number, or a list with one for each channel")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        channels = inputs[0].channels
        if isinstance(self.k, tuple) and len(self.k) != channels:
            raise Reject(
                "shape-mismatch",
                f"a list of {len(self.k)} does not fit {channels} channel{'s'[: channels != 1]}",
                blame="k",
                help=f"write one number for all channels, or {channels}",
                aspect="channels",
            )
        return inputs[0]

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost(elementwise=output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same"]:
        return "same"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        """A list takes a module, which makes a tensor of it."""
        slots, each = (Slot("k", self.k, "k"),), isinstance(self.k, tuple)
        path = f"{'Channel' if each else ''}{type(self).__name__}"
        function = None if each else f"{{0}} {self.sign} {{k}}"
        return Emit(Callee(path, slots), function, slots=slots, support=(path,))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (equation("elementwise", times(output.dims), output.elements),)


class Scale(Constant, frozen=True):
    """Multiplies by a constant."""

    name = "scale"
    sign = "*"
    examples = (
        Example("0.5", (MAP,)),
        Example("[1, 2, 3, 4, 5, 6, 7, 8]", (MAP,)),
        Example("2", (SEQUENCE,)),
        Example("-1", (VECTOR,)),
    )

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The list, as a tensor."""
        listed = 4 * len(self.k) if isinstance(self.k, tuple) else 0
        return Saved(extra=listed, once=listed)


class Shift(Constant, frozen=True):
    """Adds a constant."""

    name = "shift"
    sign = "+"
    examples = (
        Example("0.5", (MAP,)),
        Example("[1, 2, 3, 4, 5, 6, 7, 8]", (MAP,)),
        Example("2", (SEQUENCE,)),
        Example("-1", (VECTOR,)),
    )
