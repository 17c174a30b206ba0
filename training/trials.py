"""How a run is carried out in; what carries out a few steps of it, and leaves nothing behind, out."""

from __future__ import annotations

from typing import Any

from lightning.fabric import Fabric
from torch import nn

from .run import Options
from .words import Clip, ClipNorm


def make_fabric(options: Options) -> Fabric:
    """One device, and the arithmetic."""
    precision = "32-true" if options.precision == "32" else options.precision
    return Fabric(accelerator=options.device, devices=1, precision=precision)


def clip(fabric: Fabric, module: nn.Module, optimizer: Any, limit: Clip | None) -> None:
    """The gradients, as a recipe says. `optimizer` is one that Fabric has set up."""
    if limit is None:
        return
    most = {"max_norm" if isinstance(limit, ClipNorm) else "clip_val": limit.most}
    fabric.clip_gradients(module, optimizer, error_if_nonfinite=False, **most)
