"""The state of one elaboration: the frame and the events being written, the nodes so far, and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..ops.arguments import bind
from ..ops.base import Op, Reject, Shape
from ..ops.entry import Input
from .faults import Fault, Report
from .frames import Apply, Argument, Event, Frame, InputEvent, Merge, OutputEvent, Tensor
from .limits import Limits
from .origins import explain, explain_difference
from .scope import Scope
from .values import Layer, Value


class Made(NamedTuple):
    """A node before it has its name."""

    op: Op
    inputs: tuple[int, ...]
    frame: Frame
    event: Event
    site: ast.Node
    item: ast.Item
    arguments: dict[str, Argument]


class Elaboration:
    """One net being unrolled. `frame` runs, `sink` receives its events."""

    def __init__(self, report: Report, limits: Limits) -> None:
        self.report, self.limits = report, limits
        self.frame: Frame
        self.sink: list[Event] = []
        self.nodes: list[Made] = []
        self.turns = 0
        self.shapes: list[Shape] = []
        self.input_sizes: dict[str, tuple[int, ...]] = {}
        self.inputs: list[InputEvent] = []
        self.outputs: list[OutputEvent] = []
        self.weights: dict[int, int] = {}
        """Owner of the weights, of the nodes that do not own theirs."""

    # --- events ---

    @contextmanager
    def writing(self, events: list[Event]) -> Iterator[list[Event]]:
        """Events go to `events` meanwhile."""
        before, self.sink = self.sink, events
        try:
            yield events
        finally:
            self.sink = before

    def count_turn(self, scope: Scope, node: ast.Node) -> None:
        self.turns += 1
        if self.turns > self.limits.turns:
            raise scope.fault(
                node,
                "unroll-limit",
                f"unrolling took more than {self.limits.turns:,} turns and calls",
                "runs on",
                help="a command's `--limit turns=N` raises the limit",
            )

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
            raise self.refuse(reject, op, arguments, inputs, scope, site) from None
        if len(self.nodes) >= self.limits.nodes:
            raise scope.fault(
                site,
                "graph-limit",
                f"the graph grows past {self.limits.nodes:,} layers",
                help="a command's `--limit nodes=N` raises the limit",
            )
        id_ = len(self.nodes)
        self.nodes.append(
            Made(
                bound, tuple(tensor.node for tensor in inputs), self.frame, event, site, scope.item, arguments
            )
        )
        self.shapes.append(shape)
        return id_, Tensor(id_, shape, self.frame), bound

    def make_input(self, shape: Shape, event: InputEvent, scope: Scope, site: ast.Node) -> Tensor:
        event.node = len(self.nodes)
        self.nodes.append(Made(Input(shape.dims, shape.dtype), (), self.frame, event, site, scope.item, {}))
        self.shapes.append(shape)
        return Tensor(event.node, shape, self.frame)

    def refuse(
        self,
        reject: Reject,
        op: type[Op],
        arguments: dict[str, Argument],
        inputs: Sequence[Tensor],
        scope: Scope,
        site: ast.Node,
    ) -> Fault:
        """A rule's refusal as a fault where the text has what it blames, with what made the input so."""
        place = scope.item.place(site)
        causes: tuple[Note, ...] = ()
        blamed = arguments.get(reject.blame)
        if blamed is not None and blamed.expr is not None and blamed.frame is not None:
            argument_place = blamed.frame.item.place(blamed.expr)
            if argument_place.source is place.source and place.start <= argument_place.start <= place.end:
                place = argument_place
            else:
                causes = (Note(argument_place, f"`{reject.blame}` comes from here"),)
        if len(inputs) > 1 and not op.tensors:
            causes += explain_difference(self, tuple(inputs), channels_too=op.name != "concat")
        elif reject.blame.startswith("input") or reject.code in ("indivisible", "window-too-large"):
            causes += tuple(explain(self, tensor) for tensor in inputs)
        marked = ""
        if reject.code == "shape-mismatch" and len(inputs) > 1 and not op.tensors:
            marked = "all branches must have one " + ("size" if op.name == "concat" else "shape")
        return Fault(reject.code, str(reject), place, marked, causes, help=reject.help)

    # --- mistakes ---

    def call_chain(self) -> tuple[Note, ...]:
        """The uses of blocks that lead here, innermost first."""
        notes: list[Note] = []
        frame: Frame | None = self.frame
        while frame is not None and frame.parent is not None and len(notes) < 10:
            given = ", ".join(
                f"{name}={show(argument.value)}"
                for name, argument in frame.arguments.items()
                if argument.frame is not frame and is_short(argument.value)
            )
            caller = frame.caller_item
            if frame.site is not None and caller is not None:
                notes.append(Note(caller.place(frame.site), f"in `{frame.name}({given})`, called at"))
            frame = frame.parent
        return tuple(notes)

    def complain(self, fault: Fault) -> None:
        self.report.add(fault, self.call_chain())


def is_short(value: Value) -> bool:
    return not isinstance(value, (list, dict)) or len(value) <= 6


def show(value: Value) -> str:
    """A value as it would be written."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, Layer):
        from .values import describe

        return describe(value).split("`")[1] if "`" in describe(value) else "{ ... }"
    return str(value)
