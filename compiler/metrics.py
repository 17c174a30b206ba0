"""A net, or a part of it, in; the figure that a claim asks for out."""

from __future__ import annotations

from collections.abc import Callable
from types import UnionType

from msgspec import Struct

from ..ops.adaptive import GlobalPool
from ..ops.base import Op, Shape, Window
from ..ops.convolution import Convolution
from ..ops.windowed import Windowed
from .cost import Figures, sum_figures
from .depth import measure_part
from .facts import Facts
from .memory import FLOAT
from .parts import Part
from .receptive import Field, Unmeasured

Figure = int | list[int] | Field | Window


class Subject(Struct, frozen=True):
    """What a claim speaks of: the net, with its auxiliary heads where `training`, or a part of it."""

    net: Facts
    training: bool = False
    part: Part | None = None

    @property
    def facts(self) -> Facts:
        return self.net if self.training else self.net.inference


class Unaskable(Exception):
    """There is no such figure of this subject: a sentence, and what to ask instead."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


def measure_cost(name: str) -> Callable[[Subject], Figure]:
    def measure(subject: Subject) -> Figure:
        figure: int = getattr(sum_costs(subject, name), name)
        return figure

    return measure


def sum_costs(subject: Subject, name: str) -> Figures:
    costs = subject.facts.costs
    if subject.part is None:
        return costs.total
    return sum_figures(costs.nodes[id_] for id_ in nodes_of(subject, name))


def nodes_of(subject: Subject, name: str) -> tuple[int, ...]:
    """The nodes that a metric sums over."""
    if subject.part is None:
        return tuple(node.id for node in subject.facts.graph)
    if not subject.part.nodes:
        raise Unaskable(
            f"`{subject.part.path}` names a value and no part of the net, so it has no `{name}`",
            "label the layers themselves",
        )
    return subject.part.nodes


def measure_memory(subject: Subject) -> Figure:
    """Bytes of the forward pass, or of a training step; of a part: its parameters, and the most that is live
    while it runs."""
    if subject.part is None:
        facts = subject.facts
        return facts.training_memory.total if subject.training else facts.forward_memory.total
    if subject.training:
        raise Unaskable("the memory of training is that of the whole net", "ask for `memory(train)`")
    sums = subject.facts.forward_memory.sums
    live = max(sums[id_] for id_ in nodes_of(subject, "memory"))
    return FLOAT * sum_costs(subject, "memory").params + live


def measure_depth(subject: Subject) -> Figure:
    if subject.part is None:
        return subject.facts.depths.total
    return measure_part(subject.facts.graph, nodes_of(subject, "depth"), subject.part.output)


def measure_shape(subject: Subject) -> Figure:
    return list(subject.facts.shapes[output_of(subject, "shape")].dims)


def measure_width(subject: Subject) -> Figure:
    return subject.facts.shapes[output_of(subject, "width")].channels


def measure_receptive(subject: Subject) -> Figure:
    field = subject.facts.receptive_fields[output_of(subject, "receptive")]
    if isinstance(field, Unmeasured):
        raise Unaskable(f"there is no such receptive field: {field.reason}")
    if field is None:
        raise Unaskable("this does not depend on the first input, so it has no receptive field")
    return field


def measure_window(subject: Subject) -> Figure:
    """The window and stride of a convolution or pool; a global pool's is its whole input."""
    op, entering = find_one(subject, "window", Windowed | GlobalPool, "convolutions or pools")
    return Window(op.window.size, op.strides()) if isinstance(op, Windowed) else Window(entering.spatial)


def measure_groups(subject: Subject) -> Figure:
    op, entering = find_one(subject, "groups", Convolution, "convolutions")
    assert isinstance(op, Convolution)
    return op.channels(entering.channels)[1]


def find_one(subject: Subject, name: str, kind: type[Op] | UnionType, called: str) -> tuple[Op, Shape]:
    """The one layer of its kind in a part, and the shape of what enters it."""
    if subject.part is None:
        raise Unaskable(f"`{name}` is that of a label", f"name it: `{name}(conv1)`")
    graph, shapes = subject.facts.graph, subject.facts.shapes
    found = [id_ for id_ in nodes_of(subject, name) if isinstance(graph[id_].op, kind)]
    if len(found) != 1:
        raise Unaskable(
            f"`{subject.part.path}` has {len(found) or 'no'} {called}, so it has no one `{name}`",
            "name the layer itself",
        )
    return graph[found[0]].op, shapes[graph.inputs(found[0])[0]]


def output_of(subject: Subject, name: str) -> int:
    if subject.part is None:
        raise Unaskable(f"`{name}` is that of a label", f"name it: `{name}(output)`")
    if subject.part.output is None:
        raise Unaskable(f"`{subject.part.path}` gives several values, so it has no one `{name}`")
    return subject.part.output


METRICS: dict[str, Callable[[Subject], Figure]] = {
    **{name: measure_cost(name) for name in ("params", "weights", "macs", "flops", "activations")},
    "memory": measure_memory,
    "depth": measure_depth,
    "shape": measure_shape,
    "width": measure_width,
    "window": measure_window,
    "groups": measure_groups,
    "receptive": measure_receptive,
}
"""The figures of a net or a part. `count(layer)` takes a layer too, and stands apart."""


def count(subject: Subject, word: str) -> int:
    """How many times a layer, or a block, is used."""
    graph, part = subject.facts.graph, subject.part
    root = graph.modules if part is None else subject.facts.parts.modules.get(part.path)
    nodes_of(subject, "count")
    layers = sum(graph[id_].op.name == word for id_ in nodes_of(subject, "count"))
    blocks = [module.frame for module in root.walk() if module.kind == "block"] if root is not None else []
    return layers + sum(frame is not None and frame.name == word for frame in blocks)
