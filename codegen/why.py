"""A part of a net in, its arithmetic out: formulas with numbers, and the line that each number comes from."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ..compiler.facts import Facts
from ..compiler.graph import Node
from ..compiler.parts import Part
from ..dsl.source import Place
from ..ops.base import Line
from .plain_text import show
from .sources import Source, Tracer

FEW = 12
"""How many summands are written out."""


class Layer(Struct, frozen=True):
    """One layer: `conv1: conv 3x224x224 -> 64x112x112`, its arithmetic, and the sources of its arguments."""

    name: str
    op: str
    place: Place
    inputs: tuple[str, ...]
    output: str
    lines: tuple[Line, ...]
    sources: tuple[Source, ...]


class Why(Struct, frozen=True):
    """What stands behind a part: its layers in the graph's order, and their sums where there are several."""

    label: str
    layers: tuple[Layer, ...]
    sums: tuple[Line, ...]


def find(net: Facts, label: str) -> tuple[Facts, Part] | None:
    """The part at `layer[1]` or `layer1.0.conv1`, with the facts of the graph that holds it: auxiliary heads
    are in the graph for training alone."""
    for facts in (net.inference, net):
        part = facts.parts.named(label)
        if part is not None:
            return facts, part
    return None


def explain(facts: Facts, part: Part) -> Why:
    """The arithmetic of a layer, a block, a container, or of the node that gives a named value."""
    ids = part.nodes or (() if part.output is None else (part.output,))
    tracer = Tracer(facts.graph)
    layers = tuple(explain_layer(facts, facts.graph[id_], tracer) for id_ in ids)
    return Why(part.path, layers, tuple(add_up(facts, part)) if len(ids) > 1 else ())


def explain_layer(facts: Facts, node: Node, tracer: Tracer) -> Layer:
    inputs = [facts.shapes[source] for source in facts.graph.inputs(node.id)]
    output = facts.shapes[node.id]
    lines = list(node.op.why(inputs, output))
    if node.weights != node.id:
        owner = facts.graph[node.weights].name
        lines = [line for line in lines if line.what != "params"]
        lines.append(Line("params", f"0, since they are those of {owner}"))
    return Layer(
        node.name,
        node.op.name,
        node.place,
        tuple(map(str, inputs)),
        str(output),
        tuple(lines),
        tracer.trace(node),
    )


def add_up(facts: Facts, part: Part) -> Iterator[Line]:
    """The sums over the modules directly in the part."""
    costs, module = facts.costs, facts.parts.modules[part.path]
    inner = [costs.modules[child.path] for child in module.children] or [
        costs.nodes[id_] for id_ in part.nodes
    ]
    for name in ("params", "macs", "elementwise"):
        yield Line(name, add([getattr(figures, name) for figures in inner]))


def add(terms: list[int]) -> str:
    """`9,408 + 128 = 9,536`; of many terms the sum alone."""
    some = [term for term in terms if term]
    total = f"{sum(some):,}"
    if len(some) < 2:
        return total
    if len(some) > FEW:
        return f"{total}, the sum of {len(some)}"
    return f"{' + '.join(f'{term:,}' for term in some)} = {total}"


# --- as text ---


def render(why: Why) -> str:
    """As a terminal shows it."""
    parts = [*map(write_layer, why.layers), write_sums(why)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def write_layer(layer: Layer) -> list[str]:
    entering = " and ".join(layer.inputs)
    shapes = f"{entering} -> {layer.output}" if entering else layer.output
    head = f"{show(layer.name)}: {layer.op}, {shapes}, at {name_place(layer.place)}"
    return [
        head,
        *align(layer.lines),
        *(line for source in layer.sources for line in write_source(source, 1)),
    ]


def write_sums(why: Why) -> list[str]:
    return [f"{show(why.label)}, in all", *align(why.sums)] if why.sums else []


def align(lines: tuple[Line, ...]) -> list[str]:
    width = max((len(line.what) for line in lines), default=0)
    return [f"    {line.what:{width}}  {line.arithmetic}" for line in lines]


def write_source(source: Source, depth: int) -> Iterator[str]:
    """`out = 256 from `4*width` at resnet.net:9`, and further in, what `width` is."""
    text = f"{'    ' * depth}{show(source.name)} = {source.value}"
    if source.place is not None:
        given = "" if source.text == source.value else f" from `{show(source.text)}`"
        text += f"{given} at {name_place(source.place)}"
    yield text
    for name in source.names:
        yield from write_source(name, depth + 1)


def name_place(place: Place) -> str:
    """`resnet.net:9`"""
    return f"{show(place.source.name)}:{place.line}"
