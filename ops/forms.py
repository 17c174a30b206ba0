"""What a layer is in PyTorch: the callees of its forms and their arguments, data that is printed later."""

from __future__ import annotations

import msgspec
from msgspec import Struct

Plain = int | float | bool | str | None | tuple["Plain", ...]
"""What a PyTorch argument can be."""


class Slot(Struct, frozen=True):
    """One argument of a PyTorch callee.

    `formula` is a Python expression that gives `value` for all legal arguments: over the layer's own
    parameters by their names in the language (`out`, `groups`, `p`), `kernel` and `stride` (the parts of
    a window, each one integer where all its entries are equal), `in_channels` (channels of input 0), and
    for a layer that flattens `in_features`. Empty where only the literal can be printed.
    Left out where `value` equals `default`; `keyword` slots are printed as `name=value`.
    `each` is the formula for the case that `kernel` is a tuple (`dilation * (kernel[0] - 1) // 2` for each
    dimension), where that differs.
    """

    name: str
    value: Plain
    formula: str = ""
    default: Plain | msgspec.UnsetType = msgspec.UNSET
    keyword: bool = False
    each: str = ""

    @property
    def omitted(self) -> bool:
        """Whether the value is the callee's own default, so that nothing need be printed."""
        return self.default is not msgspec.UNSET and self.value == self.default


class Callee(Struct, frozen=True):
    """`nn.Conv2d`, `F.max_pool2d`, or the name of a support class or function, with its arguments.

    A function takes the input tensors first, or as one list where `listed`. `within`: the constructor that
    takes what this makes, `nn.Parameter` where the layer is a learned tensor and no module.
    """

    path: str
    slots: tuple[Slot, ...] = ()
    listed: bool = False
    within: str = ""


class Emit(Struct, frozen=True):
    """How a layer is written in PyTorch: as a module, and as what stands in `forward`.

    `module` is None for what has no module form (merges, crops). `function` is a callee, or an
    expression with `{0}`, `{1}` for the inputs, and `{name}` for the slots of that name in `slots`;
    None where only the module will do (weights, buffers). `inplace`: accepts `inplace=True` in both forms.
    `training`: the function takes `training=self.training` as a further argument. `flattens`: what enters
    must be flattened first (`torch.flatten(x, 1)`). `support` names the snippets of
    `codegen/templates/support/` that one of the forms calls by name, in the order in which they must
    stand; those whose name is not printed are left out. `weights` are the attribute names of parameters
    and buffers with their shapes, as in the `state_dict`; that of a learned tensor, which the layer's label
    names, is empty. `call` is how `forward` uses the module, or that tensor, where it is not simply called:
    an expression with `{self}` for it and `{0}` for the input.
    """

    module: Callee | None = None
    function: Callee | str | None = None
    slots: tuple[Slot, ...] = ()
    inplace: bool = False
    training: bool = False
    flattens: bool = False
    support: tuple[str, ...] = ()
    weights: tuple[tuple[str, tuple[int, ...]], ...] = ()
    call: str = ""

    @property
    def stands_alone(self) -> bool:
        """Whether it is a module that is simply called, as those of an `nn.Sequential` are."""
        return self.module is not None and not self.call
