"""A module and how it is trained in; the bytes that PyTorch itself holds at most in a step out.

Nothing is computed: the tensors are fake (shapes without numbers), and every storage that an operation makes
is counted until it is freed. So a step of full size is measured in seconds, on any machine.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """`now` bytes are live, `most` were: what `torch.cuda.max_memory_allocated` says of a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.known: set[int] = set()

    def hold(self, value: object) -> None:
        for tensor in tree_leaves(value):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                place = storage._cdata
                if place not in self.known:
                    self.known.add(place)
                    self.now += storage.nbytes()
                    weakref.finalize(storage, self.release, place, storage.nbytes())
        self.most = max(self.most, self.now)

    def release(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.hold(result)
        return result


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
    with FakeTensorMode(), Live() as live:
        net = make()
        for tensor in (*net.parameters(), *net.buffers()):
            live.hold(tensor)
        stepper = optimizer(net.parameters())
        for _ in range(2):
            live.most = 0
            for _ in range(batches):
                images, classes = torch.empty(size), torch.zeros(size[0], dtype=torch.int64)
                with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                    given = net(images)
                outputs = [given] if isinstance(given, Tensor) else list(given)
                sum(F.cross_entropy(output.float(), classes) for output in outputs).backward()
            stepper.step()
            stepper.zero_grad()
    return live.most
