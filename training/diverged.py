"""A module whose loss is not finite in; the first layer that makes it so out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Diverged(Exception):
    """The loss is not a finite number. `layer` is the first whose output was not, or empty: then all outputs
    are finite, and the loss itself overflows."""

    def __init__(self, epoch: int, batch: int, layer: str) -> None:
        super().__init__(f"the loss of epoch {epoch + 1}, batch {batch + 1} is not a finite number")
        self.epoch, self.batch, self.layer = epoch, batch, layer


def find_diverged(module: nn.Module, images: Tensor) -> str:
    """The name of the first layer whose weights or output hold NaN or infinity, of another pass over the
    images (N, C, H, W); `""` where there is none."""
    found: list[str] = []

    def watch(name: str) -> Any:
        def look(layer: nn.Module, inputs: Any, output: Any) -> None:
            values = output if isinstance(output, tuple) else (output,)
            if any(isinstance(value, Tensor) and not value.isfinite().all() for value in values):
                found.append(name)

        return look

    leaves = [(name, layer) for name, layer in module.named_modules() if not any(layer.children())]
    hooks = [layer.register_forward_hook(watch(name)) for name, layer in leaves]
    try:
        with torch.no_grad():
            module(images)
    finally:
        for hook in hooks:
            hook.remove()
    if found:
        return found[0]
    broken = (name for name, value in module.named_parameters() if not value.isfinite().all())
    return next(broken, "")
