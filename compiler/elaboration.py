"""The state of one elaboration: the frame and the events being written, the nodes so far, and the limits."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple, NoReturn

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..ops.arguments import bind, check
from ..ops.base import Op, Reject, Shape
from ..ops.entry import Input
from .faults import Endless, Enough, Fault, Report
from .forecast import LARGE, Known
from .frames import Apply, Argument, Event, Frame, InputEvent, Merge, OutputEvent, Shared, Tensor
from .functions import LARGEST
from .limits import Limits
from .scope import Scope, labels_in
from .values import Value, show

MOST_CALLS = 1_000
"""In the chain that leads to a mistake."""
MOST_MISTAKES = 1_000
"""In a loop, one mistake may be met in every turn."""


class Made(NamedTuple):
    """A node before it has its name."""

    op: Op
    inputs: tuple[int, ...]
    frame: Frame
    event: Event
    site: ast.Node
    item: ast.Item
    arguments: dict[str, Argument]


class Size(NamedTuple):
    """What counts against the limits."""

    nodes: int
    edges: int


# Every statement passes through these; a generator under `contextmanager` takes three times as long.


class Writing:
    """While it is entered, the elaboration's events go to a list."""

    __slots__ = ("before", "elaboration", "events")

    def __init__(self, elaboration: Elaboration, events: list[Event]) -> None:
        self.elaboration, self.events = elaboration, events

    def __enter__(self) -> list[Event]:
        self.before, self.elaboration.sink = self.elaboration.sink, self.events
        return self.events

    def __exit__(self, *raised: object) -> None:
        self.elaboration.sink = self.before


class Deeper:
    """While it is entered, the elaboration is one level deeper."""

    __slots__ = ("elaboration",)

    def __init__(self, elaboration: Elaboration) -> None:
        self.elaboration = elaboration

    def __enter__(self) -> None:
        self.elaboration.depth += 1

    def __exit__(self, *raised: object) -> None:
        self.elaboration.depth -= 1


class Elaboration:
    """One net being unrolled. `frame` runs, `sink` receives its events. One that `may_skip` only counts what
    it has met before, once the graph is large (`forecast`)."""

    def __init__(self, report: Report, limits: Limits, may_skip: bool = False) -> None:
        self.report, self.limits, self.may_skip = report, limits, may_skip
        self.known: dict[Hashable, Known] = {}
        self.skipped = 0
        """Nodes that were counted and not made."""
        self.is_whole = True
        """Nothing was skipped, or one of the limits was reached all the same."""
        self.told = 0
        """Diagnostics before something was skipped."""
        self.is_spoilt = False
        """Something stopped without a word, for what it depends on is broken."""
        self.frame: Frame
        self.sink: list[Event] = []
        self.nodes: list[Made] = []
        self.turns = self.entries = self.edges = self.depth = self.mistakes = 0
        self.shapes: list[Shape] = []
        self.looked_into: set[int] = set()
        """Definitions whose bodies were looked at without a value."""
        self.input_sizes: dict[str, tuple[int, ...]] = {}
        self.inputs: list[InputEvent] = []
        self.outputs: list[OutputEvent] = []
        self.ways: set[str] = set()
        """The names of the inputs and outputs so far."""
        self.weights: dict[int, int] = {}
        """Owner of the weights, of the nodes that do not own theirs."""
        self.adopted: dict[int, Shared] = {}

    @cached_property
    def net_labels(self) -> set[str]:
        """The labels of the net, asked for where it runs itself."""
        return {label.name for label in labels_in(self.frame.definition)}

    # --- events ---

    def writing(self, events: list[Event]) -> Writing:
        """Events go to `events` meanwhile."""
        return Writing(self, events)

    def count_turn(self, scope: Scope, node: ast.Node, weight: int = 1) -> None:
        """Count a turn of a loop, or a call of a block (`weight` 10), against the layers that came of it."""
        self.turns += weight
        made = len(self.nodes) + self.skipped
        if self.turns > self.limits.turns + 10 * made:
            if self.mistakes:  # without which there might be layers
                raise Enough
            layers = "1 layer" if made == 1 else f"{made:,} layers"
            self.give_up(
                scope,
                node,
                "unroll-limit",
                f"this unrolls past {self.limits.turns:,} turns, which made {layers}",
                "turns",
            )

    def deeper(self, scope: Scope, node: ast.Node) -> Deeper:
        """Meanwhile one more thing stands in the others; recursion that is no call of a block ends here."""
        if self.depth >= self.limits.depth:
            fault = scope.fault(
                node,
                "recursion-limit",
                f"groups, chains and blocks stand in each other more than {self.limits.depth:,} deep",
                "one too many",
                help="nothing may contain itself without end; `--limit depth=N` raises the limit",
            )
            self.complain(fault)
            raise Endless
        return Deeper(self)

    def count_entries(self, scope: Scope, node: ast.Node, count: int = 1) -> None:
        """Count entries of comprehensions, and the work on other lists."""
        self.entries += count
        if self.entries > self.limits.entries:
            message = f"the lists of this net have more than {self.limits.entries:,} entries, all together"
            self.give_up(scope, node, "list-limit", message, "entries")

    # --- counting ahead ---

    @property
    def is_counting(self) -> bool:
        return self.may_skip and len(self.nodes) >= LARGE

    @property
    def size(self) -> Size:
        return Size(len(self.nodes) + self.skipped, self.edges)

    def skip(self, before: Size, after: Size, times: int, scope: Scope, node: ast.Node) -> None:
        """Count again, `times` times, what was made between `before` and `after`."""
        if self.is_whole:
            self.is_whole, self.told = False, len(self.report.diagnostics)
        self.skipped += times * (after.nodes - before.nodes)
        self.edges += times * (after.edges - before.edges)
        self.check_size(0, scope, node)

    @contextmanager
    def in_full(self) -> Iterator[None]:
        """Meanwhile nothing is skipped."""
        before, self.may_skip = self.may_skip, False
        try:
            yield
        finally:
            self.may_skip = before

    # --- nodes ---

    def make(
        self,
        op: type[Op],
        arguments: dict[str, Argument],
        inputs: tuple[Tensor, ...],
        event: Apply | Merge | InputEvent,
        scope: Scope,
        site: ast.Node,
    ) -> tuple[int, Tensor, Op]:
        """Check a layer against its inputs and add its node."""
        shapes = [tensor.shape for tensor in inputs]
        try:
            bound = bind(op, {name: argument.value for name, argument in arguments.items()}, shapes)
            shape = bound.shape(shapes)
        except Reject as reject:
            raise self.refuse(reject, op, arguments, inputs, event, scope, site) from None
        self.edges += len(inputs)
        self.check_size(1, scope, site)
        if shape.elements > LARGEST:
            from .refusals import refuse_size

            raise refuse_size(shape, arguments, scope, site)
        id_ = len(self.nodes)
        self.nodes.append(
            Made(
                bound, tuple(tensor.node for tensor in inputs), self.frame, event, site, scope.item, arguments
            )
        )
        self.shapes.append(shape)
        return id_, Tensor(id_, shape, self.frame), bound

    def check(self, op: type[Op], arguments: dict[str, Argument], scope: Scope, site: ast.Node) -> None:
        """Check the arguments of a layer that nothing enters, for any input that it takes."""
        try:
            check(op, {name: argument.value for name, argument in arguments.items()})
        except Reject as reject:
            raise self.refuse(reject, op, arguments, (), None, scope, site) from None

    def refuse(
        self,
        reject: Reject,
        op: type[Op],
        arguments: dict[str, Argument],
        inputs: tuple[Tensor, ...],
        event: Apply | Merge | InputEvent | None,
        scope: Scope,
        site: ast.Node,
    ) -> Fault:
        """The fault for what a rule refuses, when all else that is wrong with the arguments has been told."""
        from ..ops.arguments import others
        from .refusals import refuse  # what looks for causes is loaded where there are any

        values = {name: argument.value for name, argument in arguments.items()}
        for further in others(op, values, [tensor.shape for tensor in inputs], reject):
            self.complain(refuse(self, further, op, arguments, inputs, event, scope, site))
        return refuse(self, reject, op, arguments, inputs, event, scope, site)

    def check_size(self, more: int, scope: Scope, site: ast.Node) -> None:
        """Give up where so many more layers, or the connections so far, are too many."""
        if len(self.nodes) + self.skipped + more > self.limits.nodes:
            message = f"the graph grows past {self.limits.nodes:,} layers"
            self.give_up(scope, site, "graph-limit", message, "nodes")
        if self.edges > self.limits.edges:
            message = f"the graph grows past {self.limits.edges:,} connections"
            self.give_up(scope, site, "graph-limit", message, "edges")

    def make_input(self, shape: Shape, event: InputEvent, scope: Scope, site: ast.Node) -> Tensor:
        event.node = len(self.nodes)
        self.nodes.append(Made(Input(shape.dims, shape.dtype), (), self.frame, event, site, scope.item, {}))
        self.shapes.append(shape)
        return Tensor(event.node, shape, self.frame)

    def own_shared(self, shared: Shared) -> Shared:
        """The instance that is this net's."""
        if shared.home is self:
            return shared
        return self.adopted.setdefault(id(shared), Shared(name=shared.name, home=self))

    # --- mistakes ---

    def call_chain(self) -> tuple[Note, ...]:
        """The uses of blocks that lead here, innermost first; of very many, the outermost is the last."""
        notes: list[Note] = []
        frame: Frame | None = self.frame
        while frame is not None and frame.parent is not None:
            while len(notes) == MOST_CALLS and frame.parent.parent is not None:
                frame = frame.parent
            given = ", ".join(
                f"{name}={show(argument.value)}"
                for name, argument in (*frame.arguments.items(), *frame.rest.items())
                if argument.frame is not frame and is_short(argument.value)
            )
            caller = frame.caller_item
            if frame.site is not None and caller is not None:
                notes.append(Note(caller.place(frame.site), f"in `{frame.name}({given})`, called at"))
            frame = frame.parent
        return tuple(notes)

    def give_up(self, scope: Scope, node: ast.Node, code: str, message: str, limit: str) -> NoReturn:
        """The whole elaboration ends where one of its limits does."""
        if not self.is_whole:
            self.report.forget(self.told)
            self.is_whole = True
        raised = f"`--limit {limit}=N` raises the limit"
        self.complain(scope.fault(node, code, message, "one too many", raised))
        raise Enough

    def complain(self, fault: Fault) -> None:
        if not self.report.has(fault.code, fault.place):
            self.report.add(fault, self.call_chain())
        self.mistakes += 1
        if self.mistakes > MOST_MISTAKES:
            raise Enough


def is_short(value: Value) -> bool:
    return not isinstance(value, (list, dict)) or len(value) <= 6
