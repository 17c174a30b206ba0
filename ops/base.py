"""The terms of the vocabulary: shapes, costs, refusals, and `Op`, of which each layer is a class.

Nothing here knows text or graphs. A shape leaves the batch out: a map is C x H x W (rank 2), a
sequence C x N (rank 1), a vector C (rank 0). With its channels last a sequence is tokens, N x C, and a
map H x W x C.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from .forms import Emit

DType = Literal["float32", "int64"]
Family = Literal[
    "convolution",
    "pooling",
    "dense",
    "normalisation",
    "activation",
    "regularisation",
    "shape",
    "elementwise",
    "input",
]
Sizes = int | tuple[int, ...]
"""A number per spatial dimension; in a settled layer one integer where all are equal."""
Margins = int | tuple[int, ...] | tuple[tuple[int, int], ...]
"""Padding: the same everywhere, or per dimension, or before and after in each; settled, the shortest."""
Padding = Literal["same", "tf"] | Margins
Numbers = float | tuple[float, ...]
"""A number, or one per channel."""
Counts = int | Sequence[int]
"""A number, or a list of them; settled, a tuple."""


Layout = Literal["first", "last"]
"""Where the channels stand. A vector's are first."""


class Shape(Struct, frozen=True):
    """The size of a tensor without its batch: `(C, H, W)`, `(C, N)` or `(C,)`; `(H, W, C)` or `(N, C)`."""

    dims: tuple[int, ...]
    dtype: DType = "float32"
    layout: Layout = "first"

    @property
    def rank(self) -> int:
        """The number of spatial dimensions: 2 for a map, 1 for a sequence, 0 for a vector."""
        return len(self.dims) - 1

    @property
    def channels(self) -> int:
        return self.dims[0] if self.layout == "first" else self.dims[-1]

    @property
    def spatial(self) -> tuple[int, ...]:
        return self.dims[1:] if self.layout == "first" else self.dims[:-1]

    @property
    def axis(self) -> int:
        """The dimension of the channels in PyTorch, where the batch is dimension 0."""
        return 1 if self.layout == "first" else len(self.dims)

    def with_channels(self, channels: int) -> Shape:
        """As many places, with other channels."""
        places = self.spatial
        dims = (channels, *places) if self.layout == "first" else (*places, channels)
        return Shape(dims, self.dtype, self.layout if places else "first")

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

    @property
    def kind(self) -> str:
        """`a map`"""
        return KINDS.get((self.rank, self.layout), "a tensor")

    def describe(self) -> str:
        """`a map of 3x8x8`"""
        return f"{self.kind} of {self}"


class Window(Struct, frozen=True):
    """`7x7/2`: a kernel size, and a stride where one is written. One entry a spatial dimension.

    In a settled layer it holds the kernel alone: the stride is the layer's field `stride`.
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
    too); `macs` multiply-adds of convolutions and fully connected layers, and of the two products of
    attention; `elementwise` the operations of all other work.
    """

    params: int = 0
    biases: int = 0
    macs: int = 0
    elementwise: int = 0


class Saved(Struct, frozen=True):
    """What backward keeps: inputs by slot, the output, and `extra` bytes of the layer's own (a mask).

    Of `extra`, `indices` are whole numbers, as wide in every precision; `once` is there once for a whole
    batch (float32 statistics); `mask` are numbers of which a GPU keeps one byte each.
    """

    inputs: tuple[int, ...] = ()
    output: bool = False
    extra: int = 0
    indices: int = 0
    once: int = 0
    mask: int = 0


class Reach(Struct, frozen=True):
    """Which input elements an output element sees, per spatial dimension, borders aside.

    Output `i` sees the elements from `i * stride - before` on, `size` of them, on a grid `up` times as
    fine as the input, of which each `up`-th point is an input element (1 but for layers that enlarge).
    Exact for convolutions, transposed ones, pools, resizing by any ratio, crops (a negative `before`), but
    that holes count as seen: the gaps of a dilated kernel, the taps of bicubic resizing whose weight is 0.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    up: tuple[int, ...] = ()

    def interval(self, dimension: int, first: int, last: int) -> tuple[int, int]:
        """The first and last input element that outputs `first` to `last` see; it may pass the borders."""
        stride, before = self.stride[dimension], self.before[dimension]
        up = self.up[dimension] if self.up else 1
        low = -((before - first * stride) // up)
        high = (last * stride - before + self.size[dimension] - 1) // up
        return low, high

    def jump(self, dimension: int) -> Fraction:
        """How many input elements lie between the places of two neighbouring outputs."""
        return Fraction(self.stride[dimension], self.up[dimension] if self.up else 1)


class Line(Struct, frozen=True):
    """One line of arithmetic for a teacher: `height`: `(224 + 2*3 - 7) // 2 + 1 = 112`."""

    what: str
    arithmetic: str


class Example(Struct, frozen=True):
    """Arguments, as they would be written (`3x3, 64` of `conv(3x3, 64)`), and input shapes that they fit."""

    arguments: str
    inputs: tuple[Shape, ...]


Aspect = Literal["", "channels", "size", "rank", "dtype", "shape"]
"""What of a tensor: its channels, its spatial size, whether it is a map, what it holds, its whole shape."""


class Reject(Exception):
    """A rule refuses. `blame` names what it refuses: a parameter, `input`, or `input[1]`; `aspect` is what of
    the inputs does not suit it, if anything. In `help`, `...` stands for the blamed argument's text; `write`
    is what should stand in its place, where that is sure."""

    def __init__(
        self,
        code: str,
        message: str,
        blame: str = "input",
        help: str = "",
        aspect: Aspect = "",
        write: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.blame, self.help = code, message, blame, help
        self.aspect: Aspect = aspect
        self.write = write


MAP, SEQUENCE, VECTOR = Shape((8, 14, 12)), Shape((8, 20)), Shape((8,))
TOKENS, LAST_MAP = Shape((20, 8), layout="last"), Shape((14, 12, 8), layout="last")
"""What examples are given of: small, and a different size in each dimension."""

KINDS: dict[tuple[int, Layout], str] = {
    (0, "first"): "a vector",
    (1, "first"): "a sequence",
    (2, "first"): "a map",
    (1, "last"): "tokens",
    (2, "last"): "a channels-last map",
}
BOTH: tuple[Layout, ...] = ("first", "last")
DTYPES = {"float32": "numbers with a point (float32)", "int64": "whole numbers (int64)"}


class Op(Struct, frozen=True):
    """A layer with its arguments settled for the rank of its input. Its fields are its parameters.

    A subclass is one layer type: the first line of its docstring is its description, each field's
    `Annotated[..., Meta(description=...)]` that of a parameter. A rule that is missing raises: never zero.
    """

    name: ClassVar[str]
    family: ClassVar[Family]
    ranks: ClassVar[tuple[int, ...]]
    """The spatial ranks of input 0 that it accepts."""
    layouts: ClassVar[tuple[Layout, ...]] = ("first",)
    """Where the channels of input 0 may stand; a vector suits every layout."""
    arity: ClassVar[int | None] = 1
    """How many tensors enter, those of `tensors` included; None for any number (merges)."""
    tensors: ClassVar[tuple[str, ...]] = ()
    """Parameters that take a tensor (`like`): they enter as the inputs after the first and are no fields."""
    positions: ClassVar[tuple[str, ...]] = ()
    """The order of the parameters where it is not that of the fields."""
    internal: ClassVar[tuple[str, ...]] = ()
    """Fields that the compiler sets and nobody writes (which part of a `split` this is)."""
    dtypes: ClassVar[tuple[DType, ...]] = ("float32",)
    """What its inputs may hold."""
    depth: ClassVar[int] = 0
    """1 for convolutions and fully connected layers: what the depth of a net counts."""
    activations: ClassVar[bool] = False
    """Whether its output counts among the activations (convolutions, pools, fully connected layers)."""
    alias: ClassVar[bool] = False
    """Whether its output shares the memory of its input."""
    autocast: ClassVar[Literal["half", "full", "widest"]] = "widest"
    """What CUDA's autocast computes it in: 16 bits, 32, or as wide as the widest of its inputs."""
    examples: ClassVar[tuple[Example, ...]] = ()
    """One at least for each rank."""

    @classmethod
    def suits(cls, entering: Shape) -> bool:
        """Whether input 0 may be of this rank and layout."""
        rank = len(entering.dims) - 1
        return rank in cls.ranks and (rank == 0 or entering.layout in cls.layouts)

    @classmethod
    def admit(cls, inputs: Sequence[Shape]) -> None:
        """Raises `Reject` where the number of inputs, a rank or a dtype is not what the layer takes."""
        for position, entering in enumerate(inputs):
            if entering.dtype not in cls.dtypes:
                raise Reject(
                    "dtype-mismatch",
                    f"`{cls.name}` needs {DTYPES[cls.dtypes[0]]}, and receives {DTYPES[entering.dtype]}",
                    blame=f"input[{position}]" if position else "input",
                    help="`embed(vocab, dim)` turns numbers of words into vectors"
                    if entering.dtype == "int64"
                    else "",
                    aspect="dtype",
                )
        if inputs and not cls.suits(inputs[0]):
            from .mending import change_rank, list_kinds

            raise Reject(
                "rank-mismatch",
                f"`{cls.name}` needs {list_kinds(cls)}, and receives {inputs[0].describe()}",
                help=change_rank(cls, inputs[0]),
                aspect="rank",
            )
        if cls.arity is not None:
            fewest = cls.arity - len(cls.tensors)
            if not fewest <= len(inputs) <= cls.arity:
                count = len(inputs)
                raise Reject(
                    "wrong-arity",
                    f"`{cls.name}` takes {fewest or 'no'} value{'s'[: fewest != 1]}, not {count}",
                )
        elif not inputs:
            raise Reject("wrong-arity", f"`{cls.name}` of nothing has no value")

    @property
    def parts(self) -> int:
        """How many values a use of it gives, each of a layer of its own (`split`)."""
        return 1

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The shape of the output; raises `Reject` where the inputs do not fit."""
        raise NotImplementedError(f"`{self.name}` has no rule for shapes")

    def cost(self, inputs: Sequence[Shape], output: Shape) -> Cost:
        raise NotImplementedError(f"`{self.name}` has no rule for costs")

    def activated(self, inputs: Sequence[Shape], output: Shape) -> int:
        """How many elements count among the activations."""
        return output.elements if self.activations else 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        raise NotImplementedError(f"`{self.name}` has no rule for what backward keeps")

    def saved_inplace(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """What backward keeps where the output overwrites input 0, which is copied first if it is needed."""
        saved = self.saved(inputs, output)
        if 0 not in saved.inputs:
            return saved
        others = tuple(slot for slot in saved.inputs if slot)
        return replace(saved, inputs=others, extra=saved.extra + inputs[0].bytes)

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach | Literal["same", "all"]:
        """`same`: each element sees its own place only; `all`: every element sees the whole input."""
        raise NotImplementedError(f"`{self.name}` has no rule for its receptive field")

    def torch(self, inputs: Sequence[Shape], output: Shape) -> Emit:
        raise NotImplementedError(f"`{self.name}` has no form in PyTorch")

    def why(self, inputs: Sequence[Shape], output: Shape) -> tuple[Line, ...]:
        """The arithmetic behind `shape` and `cost`, as formulas with numbers."""
        raise NotImplementedError(f"`{self.name}` does not explain itself")
