"""What a class of the generated module is, between the graph and its text: calls, steps and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from ..compiler.frames import Argument
from ..ops.base import Shape
from ..ops.forms import Callee
from .expressions import Expr


class Parameter(Struct, eq=False):
    """A constructor parameter. `values` go with the class's uses; `origin` says how a caller finds its
    argument: the block's parameter `source`, that one's `kernel` or `stride`, the `channels` of input
    `source`, a name in scope, a shared `module` or learned `tensor` (whose path is the value), or the
    `arguments` (one a use) that the text passed from elsewhere."""

    name: str
    values: list[Any]
    origin: str
    source: Any = None
    arguments: list[Argument | None] = field(default_factory=list)
    default: Any | UnsetType = UNSET
    asked: str = ""
    """The name that was wanted; it may be taken."""


class Variable(Struct, eq=False):
    """A tensor of a class's `forward`: its shape in each row, its channels, the label that names it."""

    shapes: list[Shape]
    channels: Expr | None = None
    hint: str = ""

    @property
    def shape(self) -> Shape | None:
        """The shape, where it is the same in every use."""
        first = self.shapes[0]
        return first if all(shape == first for shape in self.shapes) else None


class Given(Struct, frozen=True):
    """An argument of a call: positional where `name` is None. Text stands for a module of another owner, or
    for a learned `tensor` of it."""

    name: str | None
    value: Expr | str
    tensor: bool = False


class Make(Struct, frozen=True):
    """`path(given, ...)`: a layer of torch's, of the support's, or a class of this file; or what another
    constructor takes, `within(path(given, ...))`."""

    path: str
    given: tuple[Given, ...] = ()
    within: str = ""


class Chain(Struct, frozen=True):
    """`nn.Sequential` of entries."""

    entries: tuple[Entry, ...]


class Running(Struct, frozen=True):
    """A name with a number that a loop counts: `encoder_layer_{i}`."""

    word: str
    number: Expr


class Element(Struct, frozen=True):
    """A child. `key` is None where it is its number."""

    key: str | Running | None
    make: Made


class Repeat(Struct, frozen=True):
    """Children made by a loop over `range(count)`; in the text, its numbers are `step` apart."""

    variable: str
    count: Expr
    entries: tuple[Entry, ...]
    step: int = 1


class Option(Struct, frozen=True):
    """Children that depend on a condition."""

    condition: Expr
    then: tuple[Entry, ...]
    otherwise: tuple[Entry, ...]


Made = Make | Chain
Entry = Element | Repeat | Option


class Step(Struct, eq=False):
    """One layer or block in `forward`. A module where `attribute` is set (`make` constructs it; None: it is
    another's, reached as `reference`); else `function` of the inputs and `given`. `light` work shares a line
    with what is before it."""

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    attribute: str | None = None
    make: Made | None = None
    reference: str | None = None
    """How another's module is reached from here; `holder` is the parameter that brought it, where one did."""
    holder: str | None = None
    call: str = ""
    """How the module, or the learned tensor, is used where it is not simply called."""
    tensor: bool = False
    """Whether it is a learned tensor, and no module."""
    function: Callee | str | None = None
    given: tuple[Given, ...] = ()
    inplace: bool = False
    training: bool = False
    flattens: bool = False
    light: bool = False
    overwrites: bool = False
    """A sum that may be written into its first member."""


class Fork(Struct, eq=False):
    """`if`: both sides give the variables `outputs`."""

    condition: Expr
    then: list[Event]
    otherwise: list[Event]
    outputs: tuple[Variable, ...]
    sides: tuple[tuple[Variable, ...], tuple[Variable, ...]]
    hint: str = ""
    """What to call the condition."""


class Tap(Struct, eq=False):
    """An auxiliary head: what computes it, and its value."""

    name: str
    weight: float
    steps: list[Event]
    value: Variable


class Family(Struct, eq=False):
    """A merge whose members one loop makes: the class is a list of them. `key` is None where they are
    numbered."""

    head: str
    variable: str
    count: Expr
    key: tuple[str, tuple[Expr, ...]] | None
    make: Made
    input: Variable
    output: Variable


Event = Step | Fork | Tap | Family


class ClassPlan(Struct, eq=False):
    """A class, recovered. `sequential` classes have `entries`, others `steps`."""

    name: str
    kind: str
    doc: str
    parameters: list[Parameter]
    """Those that its text prints, in their order; the others that its uses have are `unprinted`."""
    uses: list[Any]
    inputs: list[Variable]
    outputs: list[Variable]
    input_names: list[str] = field(default_factory=list)
    entries: tuple[Entry, ...] | None = None
    steps: list[Event] = field(default_factory=list)
    unprinted: list[Parameter] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether it passes its input on and holds nothing."""
        return self.entries is None and not self.steps and self.inputs == self.outputs

    def walk(self, visit: Callable[[Event], None]) -> None:
        stack: list[Event] = list(reversed(self.steps))
        while stack:
            event = stack.pop()
            visit(event)
            if isinstance(event, Fork):
                stack.extend(reversed([*event.then, *event.otherwise]))
            elif isinstance(event, Tap):
                stack.extend(reversed(event.steps))
