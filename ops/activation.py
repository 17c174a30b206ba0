"""Activations: `relu` and its kin, `softmax`, `maxout`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .arithmetic import check_division, equation, times
from .base import BOTH, MAP, SEQUENCE, TOKENS, VECTOR, Cost, Example, Layout, Line, Op, Saved, Shape
from .forms import Callee, Emit, Slot


class Activation(Op, frozen=True):
    """A function of each element; what its kin have in common."""

    family = "activation"
    ranks = (0, 1, 2)
    layouts: ClassVar[tuple[Layout, ...]] = BOTH
    examples: ClassVar[tuple[Example, ...]] = (
        Example("", (MAP,)),
        Example("", (SEQUENCE,)),
        Example("", (VECTOR,)),
    )

    module: ClassVar[str]
    function: ClassVar[str]
    inplace: ClassVar[bool] = False
    keeps: ClassVar[Literal["input", "output"]]
    """What the derivative is computed from."""
    operations: ClassVar[int] = 1
    """For each element; the evaluation of a function is one."""

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        return inputs[0]

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost(elementwise=self.operations * output.elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(output=True) if self.keeps == "output" else Saved(inputs=(0,))

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Literal["same", "all"]:
        return "same"

    def slots(self) -> tuple[Slot, ...]:
        return ()

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = self.slots()
        return Emit(Callee(self.module, slots), Callee(self.function, slots), inplace=self.inplace)

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        cost = self.cost(inputs, output)
        factor = f"{self.operations} * " if self.operations > 1 else ""
        return (equation("elementwise", factor + times(inputs[0].dims), cost.elementwise),)


class Relu(Activation, frozen=True):
    """max(x, 0)."""

    name = "relu"
    module, function, inplace, keeps = "nn.ReLU", "F.relu", True, "output"


class Relu6(Activation, frozen=True):
    """min(max(x, 0), 6)."""

    name = "relu6"
    module, function, inplace, keeps = "nn.ReLU6", "F.relu6", True, "input"


class Prelu(Activation, frozen=True):
    """x where it is positive, else a learned slope times x: one slope, unless `per_channel`."""

    name = "prelu"
    autocast = "half"
    layouts = ("first",)
    keeps = "input"
    examples = (
        Example("", (MAP,)),
        Example("per_channel=true", (MAP,)),
        Example("per_channel=true", (SEQUENCE,)),
        Example("per_channel=true", (VECTOR,)),
    )

    per_channel: Annotated[bool, Meta(description="whether each channel has a slope of its own")] = False

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost(params=output.channels if self.per_channel else 1, elementwise=output.elements)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        count = output.channels if self.per_channel else 1
        slots = (Slot("num_parameters", count, "in_channels"),) if self.per_channel else ()
        return Emit(Callee("nn.PReLU", slots), weights=(("weight", (count,)),))

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        params = self.cost(inputs, output).params
        return (equation("params", str(params), params), *super().why(inputs, output))


class Signed(Activation, frozen=True):
    """What `leaky` and `elu` have in common: x where it is positive, else something of its sign. In place,
    PyTorch derives from the output, whose sign tells that of x; with a negative factor it refuses."""

    @property
    def factor(self) -> float:
        raise NotImplementedError

    def saved_inplace(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(output=True)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = self.slots()
        return Emit(Callee(self.module, slots), Callee(self.function, slots), inplace=self.factor >= 0)


class Leaky(Signed, frozen=True):
    """x where it is positive, else `slope` times x."""

    name = "leaky"
    module, function, keeps = "nn.LeakyReLU", "F.leaky_relu", "input"

    slope: Annotated[float, Meta(description="the slope for negative values")] = 0.01

    @property
    def factor(self) -> float:
        return self.slope

    def slots(self) -> tuple[Slot, ...]:
        return (Slot("negative_slope", self.slope, "slope", default=0.01, keyword=True),)


class Elu(Signed, frozen=True):
    """x where it is positive, else `alpha` times (exp(x) - 1)."""

    name = "elu"
    module, function, keeps = "nn.ELU", "F.elu", "input"

    alpha: Annotated[float, Meta(description="the negative limit, turned round")] = 1.0

    @property
    def factor(self) -> float:
        return self.alpha

    def slots(self) -> tuple[Slot, ...]:
        return (Slot("alpha", self.alpha, "alpha", default=1.0, keyword=True),)


class Gelu(Activation, frozen=True):
    """x times the normal distribution function of x."""

    name = "gelu"
    module, function, keeps = "nn.GELU", "F.gelu", "input"


class Sigmoid(Activation, frozen=True):
    """1 / (1 + exp(-x))."""

    name = "sigmoid"
    module, function, keeps = "nn.Sigmoid", "torch.sigmoid", "output"


class Tanh(Activation, frozen=True):
    """Hyperbolic tangent."""

    name = "tanh"
    module, function, keeps = "nn.Tanh", "torch.tanh", "output"


class Softmax(Activation, frozen=True):
    """exp(x), divided by its sum over the channels."""

    name = "softmax"
    autocast = "full"
    examples = (*Activation.examples, Example("", (TOKENS,)))
    module, function, keeps = "nn.Softmax", "F.softmax", "output"
    operations = 3

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (Slot("dim", output.axis, keyword=True),)
        return Emit(Callee(self.module, slots), Callee(self.function, slots))


class Swish(Activation, frozen=True):
    """x times sigmoid(x), which PyTorch calls SiLU."""

    name = "swish"
    module, function, inplace, keeps = "nn.SiLU", "F.silu", True, "input"
    operations = 2


class Hswish(Activation, frozen=True):
    """x times relu6(x + 3) / 6."""

    name = "hswish"
    module, function, inplace, keeps = "nn.Hardswish", "F.hardswish", True, "input"
    operations = 2


class Hsigmoid(Activation, frozen=True):
    """relu6(x + 3) / 6."""

    name = "hsigmoid"
    module, function, inplace, keeps = "nn.Hardsigmoid", "F.hardsigmoid", True, "input"


class Maxout(Activation, frozen=True):
    """The largest of each `k` neighbouring channels."""

    name = "maxout"
    layouts = ("first",)
    examples = (Example("2", (MAP,)), Example("4", (SEQUENCE,)), Example("2", (VECTOR,)))

    k: Annotated[int, Meta(ge=1, description="how many channels become one")]

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        self.admit(inputs)
        entering = inputs[0]
        check_division(entering.channels, self.k, f"joined {self.k} by {self.k}", "k")
        return Shape((entering.channels // self.k, *entering.spatial))

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        return Cost(elementwise=inputs[0].elements)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        return Saved(inputs=(0,), output=True)

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        slots = (Slot("k", self.k, "k"),)
        return Emit(
            Callee("Maxout", slots),
            "torch.unflatten({0}, 1, (-1, {k})).amax(2)",
            slots=slots,
            support=("Maxout",),
        )

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        return (
            equation("channels", f"{inputs[0].channels} // {self.k}", output.channels),
            equation("elementwise", times(inputs[0].dims), inputs[0].elements),
        )
