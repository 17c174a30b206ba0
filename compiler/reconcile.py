"""Two branches that do not meet in, what to write in one out: a projection, a stride, a padding, a crop.

Empty where nothing that can be written is sure to help.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from ..dsl.source import Place
from ..ops.base import Aspect, Op, Shape, Window
from ..ops.mending import keep_size
from .faults import text_of
from .frames import Argument, Tensor
from .origins import fork_of, nodes_back, trace
from .provenance import root, text_of_argument

if TYPE_CHECKING:
    from .elaboration import Elaboration, Made

LARGEST_STRIDE = 8


class Branch(Struct, frozen=True, eq=False):
    """A branch of a merge: its value, where its member stands, and whether only others can be wrong."""

    tensor: Tensor
    place: Place | None
    trusted: bool = False

    @property
    def shape(self) -> Shape:
        return self.tensor.shape

    @property
    def text(self) -> str:
        """What the member says, if that is short."""
        if self.place is None:
            return ""
        text = " ".join(self.place.source.text[self.place.start : self.place.end].split())
        return text.split(": ", 1)[-1] if len(text) <= 40 and "{" not in text else ""


def reconcile(
    e: Elaboration, op: type[Op], one: Branch, other: Branch, aspects: list[Aspect], entering: Collection[int]
) -> str:
    """How two branches of `op` that differ in `aspects` could be made to fit. `entering` are the nodes that
    enter the merge or its block."""
    shortcut = project(one.tensor, other.tensor, entering) if op.name == "add" else ""
    if shortcut:
        return shortcut
    if aspects == ["rank"]:
        return match_ranks(e, one, other)
    if "size" in aspects:
        return match_sizes(e, one, other)
    if "channels" in aspects:
        return match_channels(e, op, one, other, entering)
    return ""


def project(one: Tensor, other: Tensor, entering: Collection[int]) -> str:
    """A shortcut that only passes on what enters, made to fit the other branch."""
    plain = [tensor for tensor in (one, other) if tensor.node in entering]
    if len(plain) != 1 or one.shape.kind != "a map" or other.shape.kind != "a map":
        return ""
    branch = other if plain[0] is one else one
    before, after = plain[0].shape.spatial, branch.shape.spatial
    stride = -(-before[0] // after[0])
    if stride > LARGEST_STRIDE or tuple(-(-size // stride) for size in before) != after:
        return ""
    window = Window((1, 1), (stride, stride))
    return f"project the shortcut: `conv({window}, {branch.shape.channels}, bias=false) -> bn`"


def match_ranks(e: Elaboration, one: Branch, other: Branch) -> str:
    """A vector beside a map, or channels that stand last beside some that stand first."""
    vector, rest = (one, other) if one.shape.rank == 0 else (other, one)
    if vector.shape.rank:
        same = one.shape.rank == other.shape.rank
        return "`channels_first` puts the channels of the one first, as those of the other" if same else ""
    steps = trace(e, vector.tensor.node, "rank").steps
    maker = e.nodes[steps[-1].node] if steps else None
    kind = "map" if rest.shape.rank == 2 else "sequence"
    if maker is not None and maker.op.name == "fc":
        out = text_of_argument(maker.arguments.get("out")) or "n"
        window = "1x1" if rest.shape.rank == 2 else "1"
        return f"`conv({window}, {out})` instead of `{text_of(maker.item, maker.site)}` keeps the {kind}"
    return f"`flatten` makes a vector of the {kind} too"


# --- sizes ---------------------------------------------------------------------------------------


def match_sizes(e: Elaboration, one: Branch, other: Branch) -> str:
    first, second = one.shape.spatial, other.shape.spatial
    if all(a >= b for a, b in zip(first, second, strict=True)):
        large, small = one, other
    elif all(a <= b for a, b in zip(first, second, strict=True)):
        large, small = other, one
    else:
        return ""
    fork = fork_of(e, one.tensor.node, other.tensor.node, "size")
    return keep(e, small, fork, large.shape) or stride(e, large, small, fork) or crop(e, large, small)


def windows(e: Elaboration, branch: Branch, fork: int | None) -> Iterator[tuple[int, Made]]:
    """The layers with a window since the fork, the last first."""
    for id_ in nodes_back(e, branch.tensor.node, "size"):
        if id_ == fork or not e.nodes[id_].inputs:
            return
        if getattr(e.nodes[id_].op, "window", None) is not None and hasattr(e.nodes[id_].op, "stride"):
            yield id_, e.nodes[id_]


def keep(e: Elaboration, small: Branch, fork: int | None, wanted: Shape) -> str:
    """The padding with which the one layer that shrinks the smaller branch without a stride would not."""
    steps = trace(e, small.tensor.node, "size", fork).steps
    if len(steps) != 1 or steps[0].before is None or steps[0].before.spatial != wanted.spatial:
        return ""
    made = e.nodes[steps[0].node]
    window, strides = getattr(made.op, "window", None), getattr(made.op, "stride", None)
    if window is None or strides not in (1, None) or getattr(made.op, "pad", None) != 0:
        return ""
    pad = keep_size(window.size, getattr(made.op, "dilation", 1))
    if not pad:
        return ""
    return f"`{rewrite(made, 'pad', pad.removeprefix('pad='))}` keeps the size"


def stride(e: Elaboration, large: Branch, small: Branch, fork: int | None) -> str:
    """The stride of one branch for the other: where that is trusted, its absence."""
    ratios = {-(-a // b) for a, b in zip(large.shape.spatial, small.shape.spatial, strict=True)}
    factor = ratios.pop()
    if ratios or not 1 < factor <= LARGEST_STRIDE:
        return ""
    if large.trusted:
        for _, made in windows(e, small, fork):
            steps = made.op.stride  # type: ignore[attr-defined]
            if steps == factor:
                return f"{rewrite_stride(made, '1')} keeps the size"
            if isinstance(steps, int) and steps % factor == 0:
                return f"{rewrite_stride(made, str(steps // factor))} has the others' size"
        return ""
    plain = [made for _, made in windows(e, large, fork) if made.op.stride == 1]  # type: ignore[attr-defined]
    if not plain:
        return ""
    strided = [made for _, made in windows(e, small, fork) if made.op.stride == factor]  # type: ignore[attr-defined]
    written = stride_text(strided[0]) if strided and strided[0].frame is plain[-1].frame else ""
    return f"give the other branch the stride too: {rewrite_stride(plain[-1], written or str(factor))}"


def stride_text(made: Made) -> str:
    """How the text of a layer gives its stride, where that is a name or a number."""
    window = made.arguments.get("window")
    written = text_of_argument(made.arguments.get("stride") or window)
    if made.arguments.get("stride") is None:
        written = written.split("/")[1] if written.count("/") == 1 else ""
    return written if written.isidentifier() or written.isdecimal() else ""


def crop(e: Elaboration, large: Branch, small: Branch) -> str:
    """A value from before, larger than what it is joined to."""
    text, like = large.text, small.text
    if any(size >= 2 * least for size, least in zip(large.shape.spatial, small.shape.spatial, strict=True)):
        return ""
    if not text or "(" in text or "->" in text or text in ("id", "in"):
        return ""
    like = like if like and "(" not in like and "->" not in like and like != "id" else "in"
    return f"crop it: `{text} -> crop(like={like})`"


# --- channels ------------------------------------------------------------------------------------


def match_channels(
    e: Elaboration, op: type[Op], one: Branch, other: Branch, entering: Collection[int]
) -> str:
    """The layer that gives the other branch its channels, with as many as it should have."""
    wrong, right = (one, other) if other.trusted else (other, one)
    if op.name == "mul" and not one.trusted and not other.trusted:
        wrong, right = other, one  # the first member is what the gates scale
    steps = trace(e, wrong.tensor.node, "channels").steps
    fork = fork_of(e, one.tensor.node, other.tensor.node, "channels")
    if not steps or steps[-1].node == fork:
        return ""
    made = e.nodes[steps[-1].node]
    wanted = right.shape.channels
    if "out" not in made.arguments or steps[-1].after.channels == wanted:
        return ""
    value = str(wanted)
    if not text_of_argument(made.arguments["out"]).isdecimal():
        wanting = trace(e, right.tensor.node, "channels").steps
        maker = e.nodes[wanting[-1].node] if wanting else None
        if right.tensor.node in entering:
            value = "in.c"
        elif maker is not None and maker.frame is made.frame:
            value = text_of_argument(maker.arguments.get("out")) or value
    return f"`{rewrite(made, 'out', value)}` has {wanted} channels"


# --- text ----------------------------------------------------------------------------------------


def rewrite(made: Made, name: str, value: str) -> str:
    """The text of a layer with another value of one argument."""
    text = text_of(made.item, made.site)
    given = made.arguments.get(name)
    start, end = locate(made, given)
    if given is not None and end:
        whole = made.item.source.text[made.item.offset + made.site.start : made.item.offset + made.site.end]
        return " ".join((whole[:start] + value + whole[end:]).split())
    if given is not None or not text.endswith(")"):
        return f"{made.op.name}(..., {name}={value})"
    return f"{text[:-1]}, {name}={value})"


def rewrite_stride(made: Made, factor: str) -> str:
    """A layer with another stride, in quotes; where its window was given to a block, that window."""
    window = made.arguments.get("window")
    if "stride" in made.arguments or window is None or isinstance(window.value, int):
        return f"`{rewrite(made, 'stride', factor)}`"
    sizes = window.value.size if isinstance(window.value, Window) else tuple(window.value)  # type: ignore[arg-type]
    written = text_of_argument(root(window))
    size = written.split("/")[0].strip() if written.count("/") <= 1 and written else str(Window(sizes))
    if made.op.family == "pooling" or factor != "1":
        size += f"/{factor}"
    if written and root(window) is not window:
        return f"`{size}` instead of `{written}`"
    return f"`{rewrite(made, 'window', size)}`"


def locate(made: Made, given: Argument | None) -> tuple[int, int]:
    """Where an argument stands in the text of its layer; (0, 0) if it does not."""
    if given is None or given.expr is None or given.frame is None or given.frame.item is not made.item:
        return 0, 0
    start, end = given.expr.start - made.site.start, given.expr.end - made.site.start
    return (start, end) if 0 <= start <= end <= made.site.end - made.site.start else (0, 0)
