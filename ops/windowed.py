"""What layers share that slide a window over their input: convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from .arithmetic import each, sides
from .base import Op, Padding, Reach, Reject, Shape, Sizes, Window


class Windowed(Op, frozen=True, kw_only=True):
    """A window with a stride and padding. A subclass describes its parameters."""

    window: Window
    pad: Padding
    stride: Sizes | None

    def extent(self) -> tuple[int, ...]:
        """How far the window reaches in each dimension."""
        return self.window.size

    def strides(self) -> tuple[int, ...]:
        """In each dimension; where none is given, the size of the window."""
        size = self.window.size
        return size if self.stride is None else each(self.stride, len(size))

    def margins(self, spatial: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Padding (before, after) in each dimension of an input of this size."""
        pad = self.pad
        if pad == "same":
            return tuple((size // 2, size // 2) for size in (extent - 1 for extent in self.extent()))
        if pad == "tf":
            totals = (
                max((-(-size // stride) - 1) * stride + extent - size, 0)
                for size, stride, extent in zip(spatial, self.strides(), self.extent(), strict=True)
            )
            return tuple((total // 2, total - total // 2) for total in totals)
        return sides(pad, len(self.window.size))

    @property
    def uneven(self) -> bool:
        """Whether the padding is one that PyTorch's own layer cannot do: lopsided, or a crop."""
        pad = self.pad
        if isinstance(pad, str):
            return pad == "tf"
        return any(before != after or before < 0 for before, after in sides(pad, len(self.window.size)))

    def padded_sizes(self, entering: Shape) -> tuple[int, ...]:
        """The spatial sizes of the input with its padding; refuses a crop that leaves nothing."""
        sizes = []
        for size, (before, after) in zip(entering.spatial, self.margins(entering.spatial), strict=True):
            check_crop(size, before, after, "pad")
            sizes.append(size + before + after)
        return tuple(sizes)

    def padded_bytes(self, entering: Shape) -> int:
        """Of a copy of the input with its padding."""
        return 4 * entering.channels * prod(self.padded_sizes(entering))

    def reach(self, inputs: Sequence[Shape], output: Shape) -> Reach:
        before = tuple(before for before, _ in self.margins(inputs[0].spatial))
        return Reach(self.extent(), self.strides(), before)


def refuse_window(window: str, entering: Shape, around: str) -> Reject:
    """A window larger than its input; `around` says what this is padded by."""
    padded = f" padded by {around}" if around else ""
    return Reject(
        "window-too-large",
        f"{window} does not fit {name_size(entering)}{padded}",
        blame="window",
        aspect="size",
    )


def name_window(size: tuple[int, ...]) -> str:
    """`a 3x3 window`, `an 8x8 window`, of a sequence `a window of 3`."""
    article = "an" if str(size[0])[0] == "8" or size[0] in (11, 18) else "a"
    return f"{article} {Window(size)} window" if len(size) > 1 else f"a window of {size[0]}"


def name_size(entering: Shape) -> str:
    """`a map of 8x8`, without its channels."""
    return f"a {'map' if entering.rank == 2 else 'sequence'} of {'x'.join(map(str, entering.spatial))}"


def check_crop(size: int, before: int, after: int, blame: str) -> None:
    cropped = -min(before, 0) - min(after, 0)
    if cropped >= size:
        raise Reject(
            "crop-too-large",
            f"cropping {cropped} of {size} leaves nothing",
            blame=blame,
            help=f"crop {size - 1} at most, both sides together" if size > 1 else "nothing can be cropped",
            aspect="size",
        )
