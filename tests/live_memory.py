"""A module and how it is trained in; the bytes that PyTorch itself holds at most in a step out.

Nothing is computed: the tensors are fake (shapes without numbers), and every storage that an operation makes
is counted until it is freed. So a step of full size is measured in seconds, on any machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import gpu  # one file, which is no package


def measure_step(
    make: Callable[[], nn.Module],
    optimizer: Callable[[Any], torch.optim.Optimizer],
    size: tuple[int, ...],
    mixed: bool,
    batches: int = 1,
) -> int:
    """Of the second step; `size` is that of the images, N x C x H x W; with `batches`, gradients of so many
    are summed. Autocast is the CPU's, which does what CUDA's does for convolutions, fully connected layers,
    batch normalisation, pools and most activations.
    """
    with FakeTensorMode(), gpu.count_storages() as live:
        net = make()
        stepper = optimizer(net.parameters())
        for _ in range(2):
            live.restart()
            for _ in range(batches):
                images, classes = torch.empty(size), torch.zeros(size[0], dtype=torch.int64)
                with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                    given = net(images)
                outputs = [given] if isinstance(given, Tensor) else list(given)
                sum(F.cross_entropy(output.float(), classes) for output in outputs).backward()
            stepper.step()
            stepper.zero_grad()
    return live.most
