"""The record of an elaboration: which block was used where, with which arguments, and what it did.

Lowering writes these while it unrolls a net; afterwards nothing changes them. A *frame* is one use
of a block (or the net itself); its *events* stand in the order of the text, nested as the text is:
a `for` holds its turns, an `if` the branch that was taken, a merge its members. Every event names its
*site*, the tree node it came from, so that the events of two uses of one block can be lined up.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from ..dsl import ast
from ..ops.base import Op, Shape


class Tensor(Struct, frozen=True, eq=False):
    """A value that flows: the node that made it, and its shape without the batch.

    The same node enters a block as a new `Tensor`, and leaves its call as another: within one
    frame's events a tensor is one variable. An alias (`id`) stays the same object.
    """

    node: int
    shape: Shape
    frame: Frame
    """The frame whose variable it is."""


class Argument(Struct, frozen=True, eq=False):
    """A value with the expression it came from, which reads names in the scope of `frame`.

    `expr` is None where no text gave the value (`--set`, a spread list's entries).
    """

    value: object
    expr: ast.Expr | None = None
    frame: Frame | None = None


class Label(Struct, frozen=True, eq=False):
    """`layer[1]`: its words, and the attribute of the enclosing module that it becomes, `layer1`."""

    name: str
    indices: tuple[int | str, ...]
    attribute: str
    site: ast.Label
    item: ast.Item


class Event(Struct, eq=False, kw_only=True):
    """Something that a frame did, at `site`; `inputs` and `outputs` are tensors of that frame.

    `label` is set where the statement's label names this event's module.
    """

    site: ast.Node
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    label: Label | None = None


class Apply(Event, eq=False, kw_only=True):
    """One built-in layer, or a merge of named values (`add(a, b)`): its nodes, one an output.

    `arguments` are what the text gave, by parameter (defaults of the layer are absent).
    """

    op: Op
    nodes: tuple[int, ...]
    arguments: dict[str, Argument]
    shared: Shared | None = None


class Call(Event, eq=False, kw_only=True):
    """A use of a block."""

    frame: Frame
    shared: Shared | None = None


class Sequence(Event, eq=False, kw_only=True):
    """Events one after the other. `form`: `braces` for `{ }`; `chain` for parentheses, a `let` chain, or a
    labelled chain of several steps; `scope` is the frame whose names the text reads (a chain passed to a
    block reads those of the place where it is written)."""

    form: Literal["braces", "chain"]
    events: list[Event]
    scope: Frame


class Merge(Event, eq=False, kw_only=True):
    """`add { }` and its like, `dense { }` too. `nodes` are the merging nodes: none for one member, else one;
    for `dense` the concatenations that members 2, 3, ... receive, and last the group's own."""

    head: str
    op: Op | None
    nodes: tuple[int, ...]
    arguments: dict[str, Argument]
    item: ast.Item
    """Whose text it is."""
    members: list[Event]
    """`Member` events; those of a `for` or `if` inside the group stand within `Loop` and `Branch`."""
    scope: Frame


class Member(Event, eq=False, kw_only=True):
    """One branch of a merge: one statement. No events: the member is a tensor, or `id`. `steps` are those of
    the text, beside a tensor that it starts with."""

    events: list[Event]
    steps: int


class Turn(Struct, eq=False):
    """One turn of a loop, with its variables; a repeat has none."""

    bindings: dict[str, object]
    events: list[Event]
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()


class Loop(Event, eq=False, kw_only=True):
    """`for x in source { }` (site: `ast.For`), or `layer * n` (site: the step; `count`: n, its expression).

    `count` of a `for` is None; its `source` holds the list with its expression.
    """

    turns: list[Turn]
    count: Argument | None = None
    source: Argument | None = None


class Branch(Event, eq=False, kw_only=True):
    """`if`: the condition with its expression, and what the branch that was taken did (perhaps nothing)."""

    condition: Argument
    taken: bool
    events: list[Event]


class Bind(Event, eq=False, kw_only=True):
    """`let name = expr`. `shared` is the shared layer that it names: the first `let` that stands before all
    uses of it does."""

    name: str
    argument: Argument
    shared: Shared | None = None


class Names(Event, eq=False, kw_only=True):
    """A label that only names values: `x: id`, `(a, b): split(2)`. `labels` go with `outputs`."""

    labels: tuple[Label, ...]


class InputEvent(Event, eq=False, kw_only=True):
    """`input name: shape`: an output tensor, no inputs. `node` is its graph node."""

    node: int
    name: str
    shape: Argument


class OutputEvent(Event, eq=False, kw_only=True):
    """`output name: chain`, or `aux name(weight=0.3): chain` (`weight` is then not None): the events of its
    chain; `outputs` is what leaves the net."""

    name: str
    weight: Argument | None
    events: list[Event]


class Shared(Struct, eq=False):
    """One `share(...)`: the first use that was elaborated owns the weights of the others."""

    owner: Apply | Call | None = None
    name: str | None = None
    """The `let` that names it, where there is one."""
    first: tuple[int, int] | None = None
    """The nodes of the first use: from, up to."""
    home: object = None
    """The elaboration that evaluated it: a `share` at file level is another instance in each net."""


class Frame(Struct, eq=False, kw_only=True):
    """One use of a block, or the net (`parent` is None).

    `arguments` hold the bound parameters in the order of the definition; of a rest parameter, a dict of
    its entries stands as the value. `inputs` are the tensors that enter, as this frame's own.
    """

    definition: ast.Block | ast.Net
    item: ast.Item
    arguments: dict[str, Argument]
    rest: dict[str, Argument] = field(default_factory=dict)
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    events: list[Event] = field(default_factory=list)
    parent: Frame | None = None
    site: ast.Node | None = None
    """The step that called the block, in the text of `caller_item`."""
    caller_item: ast.Item | None = None
    depth: int = 0

    @property
    def name(self) -> str:
        return self.definition.name.id
