"""Declares what torchvision expects when it is imported: nothing in, nothing out.

A CPU torch has none of the compiled operators that torchvision registers shapes for. Nothing here runs them;
declaring them is enough.
"""

from __future__ import annotations

import torch

_operators = torch.library.Library("torchvision", "FRAGMENT")
for _name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, _name):
        _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
