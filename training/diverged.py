"""A module whose loss is not finite in; the first layer that makes it so out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .sharded import own_parts


class Diverged(Exception):
    """The loss is not a finite number. `layer` is the first whose output was not, or empty: then all outputs
    are finite, and the loss itself overflows."""

    def __init__(self, epoch: int, batch: int, layer: str) -> None:
        super().__init__(f"the loss of epoch {epoch + 1}, batch {batch + 1} is not a finite number")
        self.epoch, self.batch, self.layer = epoch, batch, layer


def find_diverged(module: nn.Module, images: Tensor) -> str:
    """The name of the first layer whose output holds NaN or infinity, of another pass over the images
    (N, C, H, W); or else of the first whose weights do; `""` where there is none. What a block computes
    outside of its layers is the block's."""
    found: list[str] = []

    def watch(name: str) -> Any:
        def look(layer: nn.Module, inputs: Any, output: Any) -> None:
            values = output if isinstance(output, tuple) else (output,)
            if any(isinstance(value, Tensor) and not value.isfinite().all() for value in values):
                found.append(name)

        return look

    names = {layer: name or type(module).__name__ for name, layer in module.named_modules()}
    hooks = [layer.register_forward_hook(watch(name)) for layer, name in names.items()]
    try:
        with torch.no_grad():
            module(images)
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else find_broken(module)


def find_broken(module: nn.Module) -> str:
    """The name of the first of its parameters that holds NaN or infinity, or of those parts of them that
    this process keeps; `""` where there is none."""
    parameters = dict(module.named_parameters())
    values = own_parts(list(parameters.values()))
    finite = torch.stack([value.isfinite().all() for value in values]).tolist()
    return next((name for name, whole in zip(parameters, finite, strict=True) if not whole), "")
