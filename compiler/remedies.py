"""A refused layer in, what to write instead out: the call completed, the projection, the stride, the padding.

A remedy that cannot be worked out is empty. All are tried only after something was refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..dsl import ast
from ..ops.arguments import bind, parameters
from ..ops.base import Op, Reject, Shape, Window
from .binding import send_first
from .faults import text_of
from .frames import Argument, Tensor
from .provenance import root, text_of_argument
from .scope import Scope
from .values import Layer

if TYPE_CHECKING:
    from .elaboration import Elaboration

LARGEST_INPUT, LONGEST_WAY = 8192, 2000
"""No larger input is offered, and none for a layer after more layers."""


def example(op: type[Op]) -> str:
    """A use of the layer, where nothing nearer to the text can be said."""
    shown = next((example.arguments for example in op.examples if example.arguments), "")
    return f"write it as in `{op.name}({shown})`" if shown else ""


def mend(
    e: Elaboration,
    reject: Reject,
    op: type[Op],
    arguments: dict[str, Argument],
    inputs: tuple[Tensor, ...],
    scope: Scope,
    site: ast.Node,
) -> str:
    """What to write for a layer of one input."""
    blamed = arguments.get(reject.blame)
    match reject.code:
        case "missing-argument":
            return (scope.hidden(site) if isinstance(site, ast.Expr) else "") or complete(
                op, arguments, scope, site
            )
        case "wrong-type" if blamed is not None:
            return (
                replace(blamed, reject.blame, scope, site)
                or swap(op, arguments, blamed, scope, site)
                or set_apart(op, blamed, reject.blame)
            )
        case "dtype-mismatch" if op.dtypes == ("int64",):
            return read_as_int(e, inputs[0].node)
        case "window-too-large":
            return make_fit(e, op, arguments, inputs)
    return ""


# --- arguments -----------------------------------------------------------------------------------


def samples(op: type[Op]) -> list[str]:
    """The values of a layer's first example, by position."""
    if not op.examples:
        return []
    return [part.split("=")[-1] for part in re.split(r", (?![^\[]*\])", op.examples[0].arguments)]


def complete(op: type[Op], arguments: dict[str, Argument], scope: Scope, site: ast.Node) -> str:
    """The call with what it lacks."""
    positions = [info for info in parameters(op) if not info.tensor]
    given = site.arguments if isinstance(site, ast.Call) else ()
    target = site.target if isinstance(site, ast.Call) else site
    if any(argument.spread for argument in given):
        return ""
    here = [text_of(scope.item, argument.value) for argument in given if argument.name is None]
    named = [text_of(scope.item, argument) for argument in given if argument.name is not None]
    shown = samples(op)
    plain, lacks = True, False
    for number, info in enumerate(positions):
        if info.name in arguments:
            continue
        lacks = lacks or info.required
        if not info.required or number >= len(shown):
            plain = False
        elif plain and not (named and number > len(here)):
            here.append(shown[number])
        else:
            named.append(f"{info.name}={shown[number]}")
    return f"write `{text_of(scope.item, target)}({', '.join([*here, *named])})`" if lacks else ""


def replace(blamed: Argument, name: str, scope: Scope, site: ast.Node) -> str:
    """For a layer or a tensor where a number is wanted."""
    value = blamed.value
    if isinstance(value, Tensor):
        sent = ""
        if isinstance(site, ast.Call) and blamed.expr is not None:
            sent = send_first(scope.item, site, blamed.expr)
        return sent or f"its sizes are `.c`, `.h`, `.w` and `.n`, as in `{name}=in.c`"
    return "a layer follows after `->`" if isinstance(value, Layer) else ""


def swap(op: type[Op], arguments: dict[str, Argument], blamed: Argument, scope: Scope, site: ast.Node) -> str:
    """A window and a count that stand in each other's place."""
    window = arguments.get("window")
    if not isinstance(blamed.value, Window) or window is None or not isinstance(window.value, int):
        return ""
    texts = text_of_argument(blamed), text_of_argument(window)
    return f"the window stands first: `{op.name}({', '.join(texts)})`" if all(texts) else ""


def set_apart(op: type[Op], blamed: Argument, name: str) -> str:
    """A quotient where a window is wanted: its stride stands apart."""
    quotient = root(blamed)
    if (
        name != "window"
        or not isinstance(blamed.value, float)
        or not isinstance(quotient.expr, ast.Binary)
        or quotient.expr.operator != "/"
    ):
        return ""
    assert quotient.frame is not None
    sides = [text_of(quotient.frame.item, side) for side in (quotient.expr.left, quotient.expr.right)]
    others = ", ..." if sum(info.required for info in parameters(op)) > 1 else ""
    return f"an integer's stride stands apart: `{op.name}({sides[0]}{others}, stride={sides[1]})`"


# --- inputs --------------------------------------------------------------------------------------


def read_as_int(e: Elaboration, id_: int) -> str:
    """The input's statement, for whole numbers."""
    while e.nodes[id_].inputs:
        id_ = e.nodes[id_].inputs[0]
    made = e.nodes[id_]
    if not isinstance(made.site, ast.Input) or made.site.dtype is not None:
        return ""
    if e.shapes[id_].rank:
        return "words are one number each: `input words: 64 as int64`"
    return f"write `{text_of(made.item, made.site)} as int64`"


def make_fit(e: Elaboration, op: type[Op], arguments: dict[str, Argument], inputs: tuple[Tensor, ...]) -> str:
    """A larger input, or a padding, with which a window fits its map."""
    values = {name: argument.value for name, argument in arguments.items()}
    shapes = [tensor.shape for tensor in inputs]
    remedies = []
    if op.family == "convolution" and values.get("pad", "same") not in ("same", "tf"):
        if shape_of(op, {**values, "pad": "same"}, shapes[0]) is not None:
            remedies.append('`pad="same"` lets the window reach over the border')
    elif op.family == "pooling":
        remedies.append("`gap` and `gmp` pool a map of any size")
    least = least_input(e, op, values, inputs[0])
    if least is not None:
        remedies.insert(0, f"it fits an input of at least {least}")
    return "; ".join(remedies) or "enter a larger input, or shrink it less before"


def shape_of(op: type[Op], values: dict[str, object], entering: Shape) -> Shape | None:
    try:
        return bind(op, values, [entering]).shape([entering])
    except Reject:
        return None


def least_input(e: Elaboration, op: type[Op], values: dict[str, object], tensor: Tensor) -> Shape | None:
    """The smallest input, square if this one is, for which all layers on the way to `tensor` and the layer
    after it have a shape; None if none has, or another tensor has a say in it."""
    way = [tensor.node]
    while e.nodes[way[-1]].inputs:
        way.append(e.nodes[way[-1]].inputs[0])
        if (e.nodes[way[-2]].op.tensors and len(e.nodes[way[-2]].inputs) > 1) or len(way) > LONGEST_WAY:
            return None
    start, *layers = reversed(way)
    entering = e.shapes[start]

    def fits(least: int) -> Shape | None:
        shape = Shape((entering.channels, *(max(size, least) for size in entering.spatial)), entering.dtype)
        first = shape
        for id_ in layers:
            made = e.nodes[id_]
            if len(made.inputs) > 1:  # a merge: its other branches have the same size
                shape = shape.with_channels(e.shapes[id_].channels)
                continue
            try:
                shape = made.op.shape([shape])
            except Reject:
                return None
        return first if shape_of(op, values, shape) is not None else None

    low, high = max(entering.spatial, default=0), LARGEST_INPUT
    if not entering.spatial or fits(high) is None:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) is not None else (middle, high)
    return fits(high)
