"""A module's weights after each step in; a module with their exponential moving average out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from .sharded import Tensors, own_parts


class Average(AveragedModel):
    """`module` is a copy whose parameters, and buffers of floats (the statistics of batch normalisation), are
    averages: after the first `update` what the module's are then, after each other one `decay` times what
    they were plus (1 - `decay`) times the module's. Whole numbers are copied. So average timm and
    torchvision.

    All is in `state_dict`, so that a run that is resumed averages on. Lightning's own callback swaps the two
    modules for validation, and a run that is killed then would have to know which is which."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        def average(averaged: Tensors, current: Tensors, _: Tensor | int) -> None:
            averaged, current = own_parts(averaged), own_parts(current)
            if averaged[0].is_floating_point():
                torch._foreach_lerp_(averaged, current, 1 - decay)
            else:
                torch._foreach_copy_(averaged, current)

        super().__init__(module, multi_avg_fn=average, use_buffers=True)
        self.module.requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """After a step of the optimizer."""
        self.update_parameters(module)
