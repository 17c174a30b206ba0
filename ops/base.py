"""The terms of the vocabulary: shapes, costs, what PyTorch is told, and `Op`, of which each layer is a class.

Nothing here knows text or graphs. A shape leaves the batch out: a map is C x H x W (rank 2), a
sequence C x N (rank 1), a vector C (rank 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

DType = Literal["float32", "int64"]
Family = Literal[
    "convolution", "pooling", "dense", "normalisation", "activation", "regularisation", "shape", "elementwise", "input"
]
Plain = int | float | bool | str | None | tuple["Plain", ...]
"""What a PyTorch argument can be."""


class Shape(Struct, frozen=True):
    """The size of a tensor without its batch: `(C, H, W)`, `(C, N)` or `(C,)`."""

    dims: tuple[int, ...]
    dtype: DType = "float32"

    @property
    def rank(self) -> int:
        """The number of spatial dimensions: 2 for a map, 1 for a sequence, 0 for a vector."""
        return len(self.dims) - 1

    @property
    def channels(self) -> int:
        return self.dims[0]

    @property
    def spatial(self) -> tuple[int, ...]:
        return self.dims[1:]

    @property
    def elements(self) -> int:
        product = 1
        for size in self.dims:
            product *= size
        return product

    @property
    def bytes(self) -> int:
        """For one image: 4 bytes an element, 8 for int64."""
        return self.elements * (8 if self.dtype == "int64" else 4)

    def __str__(self) -> str:
        return "x".join(map(str, self.dims))


class Window(Struct, frozen=True):
    """`7x7/2`: a kernel size, and a stride where one is written. One entry a spatial dimension.

    A window of one entry made from a plain integer (`plain`) means that size in every dimension.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...] | None = None

    def __str__(self) -> str:
        text = "x".join(map(str, self.size))
        if self.stride is not None and set(self.stride) != {1}:
            same = len(set(self.stride)) == 1
            text += f"/{self.stride[0] if same else 'x'.join(map(str, self.stride))}"
        return text


class Cost(Struct, frozen=True):
    """What one use of a layer costs for one image, exactly.

    `params` counts trainable numbers, `biases` those of them that are added (a batch norm's shift
    too); `macs` multiply-adds of convolutions and fully connected layers; `elementwise` the
    operations of all other work.
    """

    params: int = 0
    biases: int = 0
    macs: int = 0
    elementwise: int = 0


class Saved(Struct, frozen=True):
    """What backward keeps: inputs by slot, the output, and `extra` bytes of the layer's own (a mask, indices)."""

    inputs: tuple[int, ...] = ()
    output: bool = False
    extra: int = 0


class Reach(Struct, frozen=True):
    """How an output element sees the input, per spatial dimension: `size` elements, `stride` apart from
    those of its neighbour, the first of them `before` elements ahead of the output's own place.

    `up` is the number of output elements per input element where a layer enlarges (then `stride` is 1).
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    up: tuple[int, ...] = ()


class Slot(Struct, frozen=True):
    """One argument of a PyTorch callee.

    `formula` is a Python expression that gives `value` for all legal arguments: over the layer's own
    parameters by their names in the language (`out`, `groups`, `p`), `kernel` and `stride` (the parts of
    a window, each one integer where all its entries are equal), `in_channels` (channels of input 0), and
    for a layer that flattens `in_features`. Empty where only the literal can be printed.
    Left out where `value` equals `default`; `keyword` slots are printed as `name=value`.
    """

    name: str
    value: Plain
    formula: str = ""
    default: Plain | msgspec.UnsetType = msgspec.UNSET
    keyword: bool = False


class Callee(Struct, frozen=True):
    """`nn.Conv2d`, `F.max_pool2d`, or the name of a support class or function, with its arguments.

    A function takes the input tensors first, or as one list where `listed`.
    """

    path: str
    slots: tuple[Slot, ...] = ()
    listed: bool = False


class Emit(Struct, frozen=True):
    """How a layer is written in PyTorch: as a module, and as what stands in `forward`.

    `module` is None for what has no module form (merges, crops). `function` is a callee, or an
    expression with `{0}`, `{1}` for the inputs, `{inputs}` for all of them, and `{slot}` for slots of `slots`;
    None where only the module will do (weights, buffers). `inplace`: accepts `inplace=True` in both forms.
    `support` names the snippets of `codegen/templates/support/` that the generated file must then hold.
    `weights` are the attribute names of parameters and buffers with their shapes, as in the `state_dict`.
    """

    module: Callee | None = None
    function: Callee | str | None = None
    slots: tuple[Slot, ...] = ()
    inplace: bool = False
    training: bool = False
    """The function takes `self.training` as a further argument named `training`."""
    support: tuple[str, ...] = ()
    weights: tuple[tuple[str, tuple[int, ...]], ...] = ()


class Line(Struct, frozen=True):
    """One line of arithmetic for a teacher: `height`: `(224 + 2*3 - 7) // 2 + 1 = 112`."""

    what: str
    arithmetic: str


class Example(Struct, frozen=True):
    """Arguments, as they would be written (`conv(3x3, 64)` without the name), and input shapes that they fit."""

    arguments: str
    inputs: tuple[Shape, ...]


class Reject(Exception):
    """A rule refuses. `blame` names what it refuses: a parameter, `input`, or `input[1]`."""

    def __init__(self, code: str, message: str, blame: str = "input", help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.blame, self.help = code, message, blame, help


class Op(Struct, frozen=True):
    """A layer with its arguments settled for the rank of its input. Its fields are its parameters.

    A subclass is one layer type: the first line of its docstring is its description, each field's
    `Annotated[..., Meta(description=...)]` that of a parameter. A rule that is missing raises: never zero.
    """

    name: ClassVar[str]
    family: ClassVar[Family]
    ranks: ClassVar[tuple[int, ...]]
    """The spatial ranks of input 0 that it accepts."""
    arity: ClassVar[int | None] = 1
    """How many tensors enter; None for any number (merges)."""
    depth: ClassVar[int] = 0
    """1 for convolutions and fully connected layers: what the depth of a net counts."""
    activations: ClassVar[bool] = False
    """Whether its output counts among the activations (convolutions, pools, fully connected layers)."""
    alias: ClassVar[bool] = False
    """Whether its output shares the memory of its input."""
    examples: ClassVar[tuple[Example, ...]] = ()
    """One at least for each rank."""

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The shape of the output; raises `Reject` where the inputs do not fit."""
        raise NotImplementedError(f"`{self.name}` has no rule for shapes")

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        raise NotImplementedError(f"`{self.name}` has no rule for costs")

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        raise NotImplementedError(f"`{self.name}` has no rule for what backward keeps")

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach | Literal["same", "all"]:
        """`same`: each element sees its own place only; `all`: every element sees the whole input."""
        raise NotImplementedError(f"`{self.name}` has no rule for its receptive field")

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        raise NotImplementedError(f"`{self.name}` has no form in PyTorch")

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        """The arithmetic behind `shape` and `cost`, as formulas with numbers."""
        raise NotImplementedError(f"`{self.name}` does not explain itself")
