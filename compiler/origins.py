"""Why a tensor has the shape it has: a tensor and what of it is asked, in; the places that made it so, out.

Nothing here runs before something is refused: it walks back through the nodes made so far.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from msgspec import Struct

from ..dsl.diagnostics import Note
from ..dsl.source import Place
from ..ops.base import Aspect, Op, Shape
from .frames import Tensor
from .provenance import sources, text_of_argument

if TYPE_CHECKING:
    from .elaboration import Elaboration

SETTERS = ("concat", "embed", "flatten", "reshape")
"""Layers that make their number of channels anew, beside those with a parameter `out`."""
MOST_STEPS = 8
"""Places that are named for one tensor; of more, the first and the last."""
MOST_UNFOLDED = 1_000


def measure(shape: Shape, aspect: Aspect) -> object:
    """What of a shape is compared."""
    match aspect:
        case "channels":
            return shape.channels
        case "size":
            return shape.spatial
        case "rank":
            return shape.kind
        case "dtype":
            return shape.dtype
    return shape.dims


def tell(shape: Shape, aspect: Aspect) -> str:
    """The same in words."""
    match aspect:
        case "channels":
            return f"{shape.channels} channel{'s'[: shape.channels != 1]}"
        case "size" if shape.kind == "tokens":
            return f"{shape.spatial[0]} token{'s'[: shape.spatial[0] != 1]}"
        case "size" if shape.rank == 1:
            return f"length {shape.spatial[0]}"
        case "size" if shape.rank == 2:
            return "x".join(map(str, shape.spatial))
        case "rank":
            return shape.describe()
        case "dtype":
            return f"{shape.describe()}, {shape.dtype}"
    return str(shape) if shape.rank else shape.describe()


class Step(Struct, frozen=True):
    """A node that changed the aspect; `before` is None where it set it, whatever entered."""

    node: int
    before: Shape | None
    after: Shape


class Way(Struct, frozen=True):
    """How a tensor came to be as it is: the steps from the first to the last, and the node they began at."""

    steps: tuple[Step, ...]
    start: int


def source(e: Elaboration, id_: int, aspect: Aspect) -> int | None:
    """The input of a node from which its output has the aspect; None where the node sets it."""
    made = e.nodes[id_]
    if not made.inputs:
        return None
    if aspect == "size" and made.op.tensors and len(made.inputs) > 1:
        return made.inputs[1]
    if aspect == "channels" and ("out" in made.arguments or made.op.name in SETTERS):
        return None
    if aspect == "size" and e.shapes[made.inputs[0]].rank != e.shapes[id_].rank:
        return None
    wanted = measure(e.shapes[id_], aspect)
    same = (before for before in made.inputs if measure(e.shapes[before], aspect) == wanted)
    return next(same, made.inputs[0])


def nodes_back(e: Elaboration, id_: int, aspect: Aspect) -> Iterator[int]:
    """The node, the one that gave it the aspect, and so on, back to the one that set it."""
    at: int | None = id_
    while at is not None:
        yield at
        at = source(e, at, aspect)


def trace(
    e: Elaboration, id_: int, aspect: Aspect, fork: int | None = None, stops: Collection[int] = ()
) -> Way:
    """The steps that made the node's aspect, since `fork`, since one of `stops`, or since it was set."""
    steps: list[Step] = []
    at = id_
    while at != fork and at not in stops:
        before = source(e, at, aspect)
        if before is None:
            if e.nodes[at].inputs:
                steps.append(Step(at, None, e.shapes[at]))
            break
        if measure(e.shapes[before], aspect) != measure(e.shapes[at], aspect):
            steps.append(Step(at, e.shapes[before], e.shapes[at]))
        at = before
    return Way(tuple(reversed(steps)), at)


def fork_of(e: Elaboration, first: int, second: int, aspect: Aspect) -> int | None:
    """The last node from which both have their aspect."""
    behind = set(nodes_back(e, first, aspect))
    return next((id_ for id_ in nodes_back(e, second, aspect) if id_ in behind), None)


# --- notes ---------------------------------------------------------------------------------------


def explain(e: Elaboration, tensor: Tensor, aspect: Aspect) -> tuple[Note, ...]:
    """What made a tensor as it is, from the input on."""
    if aspect == "shape":
        return (describe_start(e, tensor.node, aspect),)
    way = trace(e, tensor.node, aspect)
    notes = describe_steps(e, way.steps[-1:] if aspect == "rank" else way.steps, aspect)
    if aspect == "rank" and notes:
        return notes
    if not e.nodes[way.start].inputs:
        notes = (describe_start(e, way.start, aspect), *notes)
    return notes


def explain_branch(
    e: Elaboration, tensor: Tensor, aspect: Aspect, fork: int | None, site: Place | None
) -> tuple[Note, ...]:
    """What made a branch differ from another since their common `fork`; `site` is where the member stands."""
    entering = {given.node for given in e.frame.inputs}
    way = trace(e, tensor.node, aspect, fork, entering)
    notes = describe_steps(e, way.steps, aspect)
    if notes and (way.start == fork or e.nodes[way.start].inputs):
        return notes
    if way.start in entering and site is not None:
        kept = "keeps " if e.nodes[tensor.node].inputs and tensor.node not in entering else ""
        them = "them" if aspect == "channels" else "it"
        return (Note(site, f"{kept}{tell(tensor.shape, aspect)}, as the block receives {them}"), *notes)
    if aspect == "channels" and e.nodes[way.start].inputs:
        before = trace(e, way.start, aspect)
        return describe_steps(e, before.steps[-1:], aspect) or (describe_start(e, before.start, aspect),)
    if e.nodes[way.start].inputs and site is not None:
        return (Note(site, f"keeps {tell(tensor.shape, aspect)}"), *notes)
    return (describe_start(e, way.start, aspect), *notes)


def describe_start(e: Elaboration, id_: int, aspect: Aspect) -> Note:
    made = e.nodes[id_]
    told = tell(e.shapes[id_], aspect)
    return Note(made.item.place(made.site), f"{told}, as the input" if not made.inputs else told)


def describe_steps(e: Elaboration, steps: Sequence[Step], aspect: Aspect) -> tuple[Note, ...]:
    """A note for each place that changed the aspect, with how often it did, and notes for what its stride or
    number of channels came from."""
    places: dict[Place, list[Step]] = {}
    for step in steps if aspect != "channels" else unfold(e, steps):
        made = e.nodes[step.node]
        places.setdefault(made.item.place(made.site), []).append(step)
    notes: list[Note] = []
    for place, uses in places.items():
        first, last = uses[0], uses[-1]
        times = f", in {len(uses)} uses" if len(uses) > 1 else ""
        notes.append(Note(place, f"{describe_change(e, first, last, aspect)}{times}"))
        given = (note for step in uses for note in argument_notes(e, step.node, aspect))
        notes.extend(dict.fromkeys(given))
    if len(notes) > MOST_STEPS:
        notes = [*notes[: MOST_STEPS // 2], *notes[-MOST_STEPS // 2 :]]
    return tuple(notes)


def unfold(e: Elaboration, steps: Sequence[Step]) -> list[Step]:
    """The steps, and before each concatenation those that made the channels of its members."""
    found: dict[int, Step] = {}
    pending = list(reversed(steps))
    while pending and len(found) < MOST_UNFOLDED:
        step = pending.pop()
        if step.node in found:
            continue
        found[step.node] = step
        made = e.nodes[step.node]
        if made.op.name == "concat":
            for member in made.inputs:
                pending.extend(reversed(trace(e, member, "channels").steps))
    return sorted(found.values(), key=lambda step: step.node)


def describe_change(e: Elaboration, first: Step, last: Step, aspect: Aspect) -> str:
    after = tell(last.after, aspect)
    if aspect == "channels":
        written = text_of_argument(e.nodes[last.node].arguments.get("out"))
        if written and written != str(last.after.channels):
            return f"{after}, from `{written}`"
        if e.nodes[last.node].op.name == "concat":
            parts = [str(e.shapes[source].channels) for source in e.nodes[last.node].inputs]
            return f"{after}: {' + '.join(parts)}"
        return after if first.before is None else f"{tell(first.before, aspect)} to {after}"
    if first.before is None or aspect != "size":
        return after
    why = describe_cause(e.nodes[last.node].op, last)
    return f"{tell(first.before, aspect)} to {after.removeprefix('length ')}{why}"


def describe_cause(op: Op, step: Step) -> str:
    """`, by the stride of 2`, for what changed a size."""
    stride = getattr(op, "stride", None)
    if stride not in (None, 1):
        return f", by the stride of {stride if isinstance(stride, int) else 'x'.join(map(str, stride))}"
    window = getattr(op, "window", None)
    if window is None or getattr(op, "pad", None) is None or step.before is None:
        return f", by `{op.name}`"
    size = window if len(window.size) > 1 else window.size[0]
    if op.pad == "same":  # type: ignore[attr-defined]
        return f", by the window of {size}, which is even"
    grows = prod(step.after.spatial) > prod(step.before.spatial)
    pad = op.pad if isinstance(op.pad, (int, str)) else list(op.pad)  # type: ignore[attr-defined]
    return f", by the padding of {pad}" if grows else f", by the window of {size} with `pad={pad}`"


def argument_notes(e: Elaboration, id_: int, aspect: Aspect) -> Iterator[Note]:
    """Where the numbers came from that a node changed the aspect by."""
    arguments = e.nodes[id_].arguments
    wanted = {"channels": ("out", "mult", "n", "a", "b", "k", "dim")}.get(
        aspect, ("window", "stride", "pad", "dilation", "s", "scale", "n", "output_pad", "shape")
    )
    for name in wanted:
        if name in arguments:
            yield from sources(arguments[name])
