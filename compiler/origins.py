"""Why a tensor has the shape it has: the place that made it so, for the notes beside a mistake."""

from __future__ import annotations

from collections.abc import Collection
from math import prod
from typing import TYPE_CHECKING

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.source import Place
from ..ops.base import Shape
from .faults import text_of
from .frames import Tensor

if TYPE_CHECKING:
    from .elaboration import Elaboration

MOST_NOTES = 6
SIZES = {0: "channels", 1: "high", 2: "wide"}


def explain_difference(
    e: Elaboration, tensors: tuple[Tensor, ...], sites: tuple[Place | None, ...], channels_too: bool
) -> tuple[Note, ...]:
    """What made the first tensor, and the first that differs from it, as they are. `sites` are the places of
    the members; `channels_too`: whether the channels have to agree."""
    first = tensors[0]
    for other, site in zip(tensors[1:], sites[1:], strict=True):
        dimension = None
        if other.shape.rank == first.shape.rank:
            differing = [
                i
                for i, sizes in enumerate(zip(first.shape.dims, other.shape.dims, strict=True))
                if len(set(sizes)) > 1
            ]
            differing = [i for i in differing if i or channels_too]
            if not differing:
                continue
            dimension = differing[0]
        notes = (_note(e, first, dimension, sites[0]), _note(e, other, dimension, site))
        return notes[:1] if notes[0] == notes[1] else notes
    return (_note(e, first, None, sites[0]),)


def projection(tensors: tuple[Tensor, ...], entering: Collection[int]) -> str:
    """How a shortcut that only passes on what is `entering` could be made to fit the other branch."""
    if len(tensors) != 2 or tensors[0].shape.rank != 2 or tensors[1].shape.rank != 2:
        return ""
    plain = [tensor for tensor in tensors if tensor.node in entering]
    if len(plain) != 1:
        return ""
    branch = next(tensor for tensor in tensors if tensor is not plain[0])
    before, after = plain[0].shape.spatial, branch.shape.spatial
    stride = -(-before[0] // after[0])
    if tuple(-(-size // stride) for size in before) != after:
        return ""
    window = "1x1" if stride == 1 else f"1x1/{stride}"
    return f"project the shortcut: `conv({window}, {branch.shape.channels}, bias=false) -> bn`"


def explain_size(e: Elaboration, tensor: Tensor) -> tuple[Note, ...]:
    """What made a map or sequence as small as it is: each place where it shrinks, with how often it does."""
    steps: dict[Place, list[tuple[Shape, Shape]]] = {}
    id_ = tensor.node
    while e.nodes[id_].inputs:
        made, after = e.nodes[id_], e.shapes[id_]
        id_ = made.inputs[0]
        before = e.shapes[id_]
        if before.rank == after.rank and prod(before.spatial) > prod(after.spatial):
            steps.setdefault(made.item.place(made.site), []).append((before, after))
    notes = [Note(e.nodes[id_].item.place(e.nodes[id_].site), f"{e.shapes[id_]}, as the input")]
    for place, shrinkings in reversed(steps.items()):
        times = f", in {len(shrinkings)} uses" if len(shrinkings) > 1 else ""
        notes.append(Note(place, f"{_spatial(shrinkings[-1][0])} to {_spatial(shrinkings[0][1])}{times}"))
    return tuple(notes if len(notes) <= MOST_NOTES else [notes[0], *notes[1 - MOST_NOTES :]])


def _spatial(shape: Shape) -> str:
    return "x".join(map(str, shape.spatial))


def explain(e: Elaboration, tensor: Tensor) -> Note:
    """What gave a tensor its shape."""
    return _note(e, tensor, None, None)


def _note(e: Elaboration, tensor: Tensor, dimension: int | None, site: Place | None) -> Note:
    """Walk back while the size in `dimension` (None: any) stays what it is; what the block receives is said
    at `site`, the member that passes it on."""
    id_ = tensor.node
    if site is not None and id_ in {entering.node for entering in e.frame.inputs}:
        return Note(site, f"{_size(tensor.shape, dimension)}, as the block receives them")
    while True:
        made = e.nodes[id_]
        if not made.inputs:
            break
        before = e.shapes[made.inputs[0]]
        if made.arguments.get("out") is not None and dimension in (0, None):
            break
        if not _same(before, e.shapes[id_], dimension):
            break
        if made.frame is not e.frame and e.nodes[made.inputs[0]].frame is e.frame:
            break
        id_ = made.inputs[0]
    made = e.nodes[id_]
    place = made.item.place(made.site)
    size = _size(tensor.shape, dimension)
    if not made.inputs:
        return Note(place, f"{size}, as the input")
    out = made.arguments.get("out")
    if out is not None and dimension == 0 and isinstance(out.expr, ast.Expr) and out.frame is not None:
        written = text_of(out.frame.item, out.expr)
        if written != str(out.value):
            return Note(place, f"{size}, from `{written}`")
        return Note(place, size)
    if dimension:
        return Note(place, f"{size}: {_cause(e, id_)}")
    return Note(place, size)


def _size(shape: Shape, dimension: int | None) -> str:
    if dimension is None:
        return str(shape)
    if shape.rank == 1 and dimension == 1:
        return f"length {shape.dims[1]}"
    return f"{shape.dims[dimension]} {SIZES[dimension]}"


def _cause(e: Elaboration, id_: int) -> str:
    made = e.nodes[id_]
    stride = getattr(made.op, "stride", None)
    if stride not in (None, 1, (1,), (1, 1)):
        return f"the stride of `{made.op.name}` made it so"
    return f"`{made.op.name}` made it so"


def _same(before: Shape, after: Shape, dimension: int | None) -> bool:
    if dimension is None or before.rank != after.rank:
        return before.dims == after.dims
    return before.dims[dimension] == after.dims[dimension]
