"""Why a tensor has the shape it has: the place that made it so, for the notes beside a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..ops.base import Shape
from .faults import text_of
from .frames import Tensor

if TYPE_CHECKING:
    from .elaboration import Elaboration

SIZES = {0: "channels", 1: "high", 2: "wide"}


def explain_difference(e: Elaboration, tensors: tuple[Tensor, ...], channels_too: bool) -> tuple[Note, ...]:
    """What made the first tensor, and the first that differs from it, as they are; `channels_too`: whether
    the channels have to agree."""
    first = tensors[0]
    for other in tensors[1:]:
        if other.shape.rank != first.shape.rank:
            return (_note(e, first, None), _note(e, other, None))
        for dimension in range(0 if channels_too else 1, len(first.shape.dims)):
            if first.shape.dims[dimension] != other.shape.dims[dimension]:
                return _apart(_note(e, first, dimension), _note(e, other, dimension))
    return (_note(e, first, None),)


def explain(e: Elaboration, tensor: Tensor) -> Note:
    """What gave a tensor its shape."""
    return _note(e, tensor, None)


def _apart(first: Note, other: Note) -> tuple[Note, ...]:
    return (first,) if first == other else (first, other)


def _note(e: Elaboration, tensor: Tensor, dimension: int | None) -> Note:
    """Walk back while the size in `dimension` (None: any) stays what it is."""
    id_ = tensor.node
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
    shape = e.shapes[id_]
    size = str(tensor.shape) if dimension is None else f"{tensor.shape.dims[dimension]} {SIZES[dimension]}"
    if shape.rank == 1 and dimension == 1:
        size = f"length {tensor.shape.dims[1]}"
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
