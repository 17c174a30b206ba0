"""A net and images of another size in; its scores at every place of them, averaged, out.

Dense or fully convolutional evaluation (Sermanet et al. 2014, OverFeat, section 3; Simonyan and Zisserman
2015, section 3.2; He et al. 2016, section 3.4). What averages a map whatever its size does so here too. A
layer that is fully connected to a map of h x w is a convolution whose window is h x w: it goes over the
larger map, the layers after it over what it gives, and the logits of all its places are averaged.

The windows of the last map are laid out as a batch, so the net's own layers and weights are what runs: no
second form of the net is made, and nothing is to be converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..dsl.diagnostics import Unusable
from .room import is_out_of_memory

Size = tuple[int, int]


class Dense(nn.Module):
    """`module`, which was made for images of `size`, height and width, for images of any size.

    (N, C, H, W) gives (N, classes). At `size` this is `module`. Raises `Unusable` where the net cannot take
    an image of that size, or where its parts do not slide alike.
    """

    def __init__(self, module: nn.Module, channels: int, size: Size) -> None:
        super().__init__()
        self.module, self.size = module, size
        watch = Watch()
        weight = next(module.parameters(), torch.zeros(()))
        with torch.inference_mode(), watch:
            module(weight.new_zeros(1, channels, *size))
        self.maps = watch.maps

    def forward(self, images: Tensor) -> Tensor:
        size = images.shape[2], images.shape[3]
        if size == self.size:
            return self.module(images)  # type: ignore[no-any-return]
        slide = Slide(iter(self.maps))
        try:
            with slide:
                logits = self.module(images)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            why = str(error).partition("\n")[0]
            raise Unusable(
                f"the net cannot take an image of {name_size(size)}: {why}",
                f"it was made for {name_size(self.size)}; `--crops` takes views of that size",
            ) from None
        if slide.places > 1:
            logits = logits.unflatten(0, (len(images), slide.places)).mean(1)
        return logits  # type: ignore[no-any-return]


class Watch(TorchFunctionMode):
    """Notes the size of each map that meets a layer of `RULES`, in the order in which they run."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[Size] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in RULES and args[0].dim() == 4:
            self.maps.append(tuple(args[0].shape[2:]))
        return func(*args, **(kwargs or {}))


class Slide(TorchFunctionMode):
    """Carries out the layers of `RULES` as windows that slide, `known` being what `Watch` noted."""

    def __init__(self, known: Iterator[Size]) -> None:
        super().__init__()
        self.known = known
        self.places = 1
        """Rows of the batch that belong to one image."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in RULES and args[0].dim() == 4:
            known = next(self.known)
            if known != tuple(args[0].shape[2:]):
                return RULES[func](self, known, func, *args, **kwargs)
        return func(*args, **kwargs)

    def flatten(self, known: Size, func: Any, x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """The windows of the size that was flattened in training, each a row: (N * places, C * h * w)."""
        if start_dim != 1 or end_dim not in (-1, 3):
            return func(x, start_dim, end_dim)  # type: ignore[no-any-return]
        size = x.shape[2], x.shape[3]
        if size[0] < known[0] or size[1] < known[1]:
            raise Unusable(
                f"an image is too small for the net: its last map is {name_size(size)},"
                f" and {name_size(known)} is needed",
                "larger `--scales` make it larger",
            )
        windows = x.unfold(2, known[0], 1).unfold(3, known[1], 1)  # N, C, rows, columns, h, w
        places = windows.shape[2] * windows.shape[3]
        if self.places not in (1, places):
            raise Unusable(
                "the net flattens maps of several sizes, which do not slide alike",
                "evaluate it with `--crops`, without `--dense`",
            )
        self.places = places
        return windows.permute(0, 2, 3, 1, 4, 5).reshape(len(x) * places, -1)

    def adapt(self, known: Size, func: Any, x: Tensor, output_size: Any, **others: Any) -> Any:
        """A pool that makes any map one of `output_size`: the windows that it had in training. One that makes
        it 1x1 takes the whole map."""
        wanted = [output_size] * 2 if isinstance(output_size, int | None) else list(output_size)
        target = [was if size is None else size for size, was in zip(wanted, known, strict=True)]
        if target == [1, 1]:
            return func(x, output_size, **others)
        if any(was % size for was, size in zip(known, target, strict=True)):
            raise Unusable(
                f"the net pools a map of {name_size(known)} to {name_size((target[0], target[1]))}:"
                " windows of several sizes do not slide",
                "evaluate it with `--crops`, without `--dense`",
            )
        window = [was // size for was, size in zip(known, target, strict=True)]
        return F.avg_pool2d(x, window) if func is F.adaptive_avg_pool2d else F.max_pool2d(x, window)

    def pool(
        self, known: Size, func: Any, x: Tensor, kernel_size: Any, *others: Any, **options: Any
    ) -> Tensor:
        """A pool whose window was the whole map had one place, and its stride said nothing: here it is 1."""
        window = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        padding = options.get("padding", others[1] if len(others) > 1 else 0)
        if window == known and padding in (0, (0, 0)):
            return func(x, window, 1)  # type: ignore[no-any-return]
        return func(x, kernel_size, *others, **options)  # type: ignore[no-any-return]


RULES: dict[Any, Callable[..., Any]] = {
    torch.flatten: Slide.flatten,
    Tensor.flatten: Slide.flatten,
    F.adaptive_avg_pool2d: Slide.adapt,
    F.adaptive_max_pool2d: Slide.adapt,
    F.avg_pool2d: Slide.pool,
    F.max_pool2d: Slide.pool,
}
"""By what PyTorch calls them: the layers whose meaning depends on the size of the map."""


def name_size(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
