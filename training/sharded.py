"""A module in; the same with its weights shared out among the processes, and whole again, out (FSDP)."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

Tensors = tuple[Tensor, ...] | list[Tensor]


class Sharded(ModelParallelStrategy):
    """Torch's `fully_shard` over all processes. Checkpoints are whole, in one file, which any number of
    processes can go on with."""

    def __init__(self) -> None:
        super().__init__(save_distributed_checkpoint=False)

    def setup_environment(self) -> None:
        self._data_parallel_size, self._tensor_parallel_size = self.world_size, 1
        super().setup_environment()


def shard(module: nn.Module, mesh: DeviceMesh) -> None:
    """Each process keeps a part of each tensor of weights. They are whole only while their layer computes:
    the blocks of the module one after the other."""
    for block in blocks_of(module):
        if any(True for _ in block.parameters()):
            fully_shard(block, mesh=mesh, reshard_after_forward=True)
    fully_shard(module, mesh=mesh, reshard_after_forward=True)


def blocks_of(module: nn.Module) -> list[nn.Module]:
    """The children, and of a list of modules, which is not called itself, its own."""
    blocks = []
    for child in module.children():
        listed = isinstance(child, nn.ModuleList | nn.ModuleDict)
        blocks += blocks_of(child) if listed else [child]
    return blocks


def is_sharded(module: nn.Module) -> bool:
    return any(isinstance(parameter, DTensor) for parameter in module.parameters())


def gather_weights(module: nn.Module) -> dict[str, Tensor]:
    """The whole tensors by name; of a sharded module in the first process only, but all must ask."""
    if not is_sharded(module):
        return dict(module.state_dict())
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    whole: dict[str, Any] = get_model_state_dict(module, options=options)
    return whole


def share_statistics(module: nn.Module) -> None:
    """Those of batch normalisation as the first process has them, as under DDP."""
    for buffer in module.buffers():
        dist.broadcast(buffer, src=0)


def own_parts(tensors: Tensors) -> Tensors:
    """Of tensors that several processes share, the part that this one keeps."""
    return [tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors]
