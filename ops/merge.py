"""The merges: `add`, `mul`, `max`, `mean`, `concat`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Annotated, ClassVar, Literal, NoReturn

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
    Layout,
    Line,
    Op,
    Reject,
    Saved,
    Shape,
)
from .forms import Callee, Emit, Slot

TWO_OF_EACH: tuple[Example, ...] = (
    Example("", (MAP, MAP)),
    Example("", (SEQUENCE, SEQUENCE, SEQUENCE)),
    Example("", (VECTOR, VECTOR)),
)
OF_EACH_KIND = (*TWO_OF_EACH, Example("", (TOKENS, TOKENS)), Example("", (LAST_MAP, LAST_MAP)))


class Merge(Op, frozen=True):
    """What the merges have in common; their members come in the order of the text."""

    family = "elementwise"
    ranks = (0, 1, 2)
    layouts: ClassVar[tuple[Layout, ...]] = BOTH
    arity = None
    examples = OF_EACH_KIND

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the members, which must have one."""
        self.admit(inputs)
        first = inputs[0]
        keys = [(other.dims, other.layout) for other in inputs]
        if any(key != keys[0] for key in keys):
            refuse_branches(self.name, inputs, keys)
        return first

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """One operation for each member but the first, an element."""
        return Cost(elementwise=(len(inputs) - 1) * output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved()

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same"]:
        return "same"

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cost = self.cost(inputs, output)
        return (equation("elementwise", f"{len(inputs) - 1} * {times(output.dims)}", cost.elementwise),)


def refuse_branches(name: str, inputs: Sequence[Shape], keys: Sequence[object], help: str = "") -> NoReturn:
    """Blames the branch whose key is not that of most; of two, the second."""
    usual = max(keys, key=keys.count)
    alike = len({entering.kind for entering in inputs}) == 1
    told = [str(entering) if alike else entering.describe() for entering in inputs]
    if name == "concat" and alike and len(inputs) > 2 and inputs[0].rank == 2:
        told = ["x".join(map(str, entering.spatial)) for entering in inputs]
    if len(inputs) > 2 and 2 * keys.count(usual) > len(keys):
        odd = [position for position, key in enumerate(keys) if key != usual]
        rest = told[keys.index(usual)]
        numbers = [str(position + 1) for position in odd]
        if len(odd) == 1:
            message = f"branch {numbers[0]} of `{name}` is {told[odd[0]]}, the others {rest}"
        else:
            listed = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
            message = f"branches {listed} of `{name}` are not {rest}, as the others are"
        raise Reject("shape-mismatch", message, blame=f"input[{odd[0]}]", help=help)
    position = next(i for i, key in enumerate(keys) if key != keys[0])
    shapes = list(dict.fromkeys(told))
    if len(shapes) > 4:
        shapes = [told[0], told[position]]
    message = f"`{name}` joins {', '.join(shapes[:-1])} with {shapes[-1]}"
    raise Reject("shape-mismatch", message, blame=f"input[{position}]", help=help)


def places(inputs: Sequence[Shape]) -> list[str]:
    """`{0}`, `{1}`, ...: where the inputs stand in an expression."""
    return [f"{{{position}}}" for position in range(len(inputs))]


class Add(Merge, frozen=True):
    """The sum of its members."""

    name = "add"

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(function=" + ".join(places(inputs)))


class Mul(Merge, frozen=True):
    """The product of its members: a side of 1 stretches, and a flat vector scales the channels."""

    name = "mul"
    examples = (
        *OF_EACH_KIND,
        Example("", (MAP, Shape((8, 1, 1)))),
        Example("", (MAP, VECTOR)),
        Example("", (MAP, Shape((1, 14, 12)))),
        Example("", (SEQUENCE, VECTOR)),
        Example("", (TOKENS, VECTOR)),
        Example("", (LAST_MAP, VECTOR)),
    )

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        rank = max(entering.rank for entering in inputs)
        layout: Layout = next((entering.layout for entering in inputs if entering.rank), "first")
        dims = [1] * (rank + 1)
        for position, entering in enumerate(inputs):
            ones = (1,) * rank
            flat = (entering.channels, *ones) if layout == "first" else (*ones, entering.channels)
            sides = entering.dims if entering.rank else flat
            if len(sides) != len(dims) or (entering.rank and entering.layout != layout):
                self.refuse(inputs, position)
            for axis, side in enumerate(sides):
                if dims[axis] == 1:
                    dims[axis] = side
                elif side not in (1, dims[axis]):
                    self.refuse(inputs, position)
        return Shape(tuple(dims), layout=layout)

    def refuse(self, inputs: Sequence[Shape], position: int) -> None:
        pair = dict.fromkeys((inputs[0], inputs[position]))
        alike = len({entering.layout for entering in pair}) == 1
        joined = " with ".join(str(entering) if alike else entering.describe() for entering in pair)
        raise Reject(
            "shape-mismatch",
            f"`mul` joins {joined}",
            blame=f"input[{position}]",
            help="a side may also be 1, and a flat vector scales as many channels as it has elements",
        )

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Both factors of each product; of three and more, the products between too."""
        if len(inputs) == 1:
            return Saved()
        products = accumulate_shapes(inputs)[1:-1]
        return Saved(inputs=tuple(range(len(inputs))), extra=sum(product.bytes for product in products))

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        nones = ", None" * output.rank
        flat = f"[:, :{nones}]" if output.layout == "first" else f"[:{nones}]"
        factors = [
            place if entering.rank == output.rank else place + flat
            for place, entering in zip(places(inputs), inputs, strict=True)
        ]
        return Emit(function=" * ".join(factors))


def accumulate_shapes(inputs: Sequence[Shape]) -> list[Shape]:
    """The shapes of the products from the left: of the first, the first two, and so on."""
    return [Mul().shape(inputs[: count + 1]) for count in range(len(inputs))]


class Max(Merge, frozen=True):
    """The largest of its members, element by element."""

    name = "max"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Both sides of each comparison; of three and more, the maxima between too."""
        if len(inputs) == 1:
            return Saved()
        return Saved(inputs=tuple(range(len(inputs))), extra=(len(inputs) - 2) * output.bytes)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(function=reduce(lambda left, right: f"torch.maximum({left}, {right})", places(inputs)))


class Mean(Merge, frozen=True):
    """The mean of its members; in training those that are dropped do not count."""

    name = "mean"
    examples = (*OF_EACH_KIND, *(Example("drop=0.15", example.inputs) for example in OF_EACH_KIND))

    drop: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="the probability that a member is dropped for a sample in training; never all",
        ),
    ] = 0.0

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        """The sum, and the division."""
        return Cost(elementwise=len(inputs) * output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """With `drop`, the weight of each member."""
        return Saved(extra=4 * len(inputs) if self.drop else 0)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        if self.drop:
            return Emit(Callee("DropMean", (Slot("drop", self.drop, "drop"),)), support=("DropMean",))
        return Emit(function=f"({' + '.join(places(inputs))}) / {len(inputs)}")

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cost = self.cost(inputs, output)
        return (equation("elementwise", f"{len(inputs)} * {times(output.dims)}", cost.elementwise),)


class Concat(Merge, frozen=True):
    """Its members one after the other, over the channels."""

    name = "concat"
    dtypes = ("float32", "int64")
    examples = (
        Example("", (MAP, Shape((3, 14, 12)))),
        Example("", (SEQUENCE, SEQUENCE, SEQUENCE)),
        Example("", (VECTOR, Shape((5,)))),
        Example("", (TOKENS, Shape((20, 3), layout="last"))),
        Example("", (LAST_MAP, LAST_MAP)),
    )

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        first = inputs[0]
        keys = [(other.kind, other.spatial, other.dtype) for other in inputs]
        if any(key != keys[0] for key in keys):
            refuse_branches("concat", inputs, keys, "all but the channels must be equal")
        return first.with_channels(sum(entering.channels for entering in inputs))

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost()

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        return Emit(function=Callee("torch.cat", (Slot("dim", output.axis),), listed=True))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        parts = " + ".join(str(entering.channels) for entering in inputs)
        return (equation("channels", parts, output.channels),)
