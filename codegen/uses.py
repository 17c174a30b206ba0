"""A graph in, out: which of its modules need a class of their own, with what enters, leaves and is in scope.

A block is a class. A labelled container is an `nn.Sequential` where one will do; else (a merge inside, a
tensor from outside, an inner tensor used outside) it is a small class too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from ..compiler.frames import (
    Argument,
    Bind,
    Branch,
    Call,
    Event,
    Frame,
    Loop,
    Member,
    Merge,
    Names,
    Tensor,
)
from ..compiler.frames import Sequence as SequenceEvent
from ..compiler.graph import Graph, Module
from ..compiler.nesting import is_sequence
from ..compiler.shapes import Shapes
from .events import inside, signature
from .net_facts import NetFacts, by_node


class Use(Struct, eq=False):
    """One use of a class. `names` are those that its text reads from around it: a block's parameters, a
    container's surroundings."""

    module: Module
    kind: str
    form: str
    """`sequential` for an `nn.Sequential`, else `general`."""
    frame: Frame
    events: Sequence[Event]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    names: dict[str, Argument]
    net: Net
    key: tuple[Any, ...] = ()
    below: list[Use] = field(default_factory=list)
    """The uses directly inside."""


class Net(NetFacts):
    """One graph with the uses of its classes."""

    def __init__(self, graph: Graph, shapes: Shapes | None = None, real: bool = True) -> None:
        super().__init__(graph, shapes, real)
        self.uses: dict[int, Use] = {}
        """By the `id` of the event that makes the module; the net's own under its frame's."""
        self.hints: dict[Tensor, str] = {}
        """The labels of tensors."""
        frame = graph.frame
        self.root = self._use(graph.modules, "net", frame, frame.events, (), frame.outputs, frame.arguments)
        self.uses[id(frame)] = self.root

    def _use(
        self,
        module: Module,
        kind: str,
        frame: Frame,
        events: Sequence[Event],
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        names: dict[str, Argument],
    ) -> Use:
        use = Use(module, kind, "general", frame, events, inputs, outputs, names, self)
        for name, tensor in zip(getattr(frame.definition, "takes", None) or (), inputs, strict=False):
            self.hints.setdefault(tensor, name.id)
        self._descend(use, events, dict(names), frame, False)
        if kind == "block":
            if is_sequence(frame) and not self.lends(module) and self.is_chain(events, inputs, outputs):
                use.form = "sequential"
            use.key = (id(frame.definition), len(inputs), use.form)
        return use

    def _descend(
        self, use: Use, events: Iterable[Event], names: dict[str, Argument], frame: Frame, own: bool
    ) -> None:
        """Find the uses below, walking as the text does; `own`: within a container, which numbers its
        children."""
        for event in events:
            if not self.is_alive(event):
                continue
            module = self.module(event)
            if event.label is not None and len(event.outputs) == 1:
                self.hints.setdefault(event.outputs[0], event.label.attribute)
            match event:
                case Names(labels=labels, outputs=outputs):
                    for label, tensor in zip(labels, outputs, strict=True):
                        self.hints[tensor] = label.attribute
                case Bind(name=name, argument=argument):
                    names[name] = argument
                case Call(frame=called) if module is not None:
                    below = self._use(
                        module,
                        "block",
                        called,
                        called.events,
                        called.inputs,
                        called.outputs,
                        called.arguments,
                    )
                    self.uses[id(event)] = below
                    use.below.append(below)
                case Loop(turns=turns):
                    for turn in turns:
                        bound = {name: Argument(value) for name, value in turn.bindings.items()}
                        self._descend(use, turn.events, {**names, **bound}, frame, own)
                case SequenceEvent() | Merge() | Member() if (
                    module is not None and module.kind == "container"
                ):
                    self._container(use, event, module, names, frame)
                case SequenceEvent(form="chain") | Branch():
                    self._descend(
                        use, inside(event), dict(names) if isinstance(event, Branch) else names, frame, own
                    )
                case _:
                    self._descend(use, inside(event), dict(names), frame, own)

    def _container(
        self, use: Use, event: Event, module: Module, names: dict[str, Argument], frame: Frame
    ) -> None:
        inner, escaping = inside(event), self.escaping(event)
        if self.forms[id(event)] != "class":
            self._descend(use, inner, dict(names), frame, True)
            return
        entering = self.entering(event)
        leaving = by_node((*event.outputs, *escaping)) if escaping else event.outputs
        events: Sequence[Event] = (event,) if isinstance(event, Merge) else inner
        below = Use(
            module,
            "container",
            "general",
            frame,
            events,
            entering,
            leaving,
            dict(names),
            self,
        )
        self.uses[id(event)] = below
        self._descend(below, inner, dict(names), frame, True)
        below.key = (id(frame.definition), *signature(event), len(entering), len(leaving))
        use.below.append(below)
