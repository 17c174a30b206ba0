"""What one process has to say in; what all of them know out. Alone, a process hears itself."""

from __future__ import annotations

import logging
import os
import warnings
from datetime import timedelta
from typing import Any, TypeVar

import lightning.pytorch as pl
import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from torch import Tensor

from ..dsl.diagnostics import Unusable
from .launch import read_launch
from .run import Options

T = TypeVar("T")


def find_others() -> ClusterEnvironment:
    """By which Lightning finds the other processes. It puts no job back into SLURM's queue: a run that stops
    has saved, and the job's script decides."""
    launched = read_launch()
    if launched is None:
        return LightningEnvironment()
    return TorchElasticEnvironment() if launched.by == "torchrun" else SLURMEnvironment(auto_requeue=False)


def are_several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def gather(value: T) -> list[T]:
    """What each process has to say, by rank. All must ask, or those that do wait for ever."""
    if not are_several():
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def first_says(value: T) -> T:
    """What the first process has to say."""
    return gather(value)[0]


def any_says(vote: bool | Tensor, device: torch.device) -> bool:
    """Whether any process votes so; of as many as are asked, all must ask."""
    if not are_several():
        return bool(vote)
    votes = torch.as_tensor(vote, dtype=torch.int32, device=device).clone()
    dist.all_reduce(votes)
    return bool(votes)


def may_tell() -> bool:
    """Whether no other process has told yet how the run ended: where one fails the others fail after it."""
    if not are_several():
        return True
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=timedelta(seconds=5),
            wait_for_workers=False,
        )
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        return bool(store.add(f"netc/told/{attempt}", 1) == 1)
    except (RuntimeError, KeyError, ValueError):  # the process that kept the store is gone
        return True


def has_lost_others(error: RuntimeError) -> bool:
    """Whether it tells that another process cannot be reached any more."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def devices_of(options: Options) -> dict[str, Any]:
    """What a Lightning trainer has to know of devices and processes. Raises `Unusable` where they are not
    there."""
    gpus = torch.cuda.device_count()
    if options.device == "gpu" and not (gpus or torch.backends.mps.is_available()):
        raise Unusable("torch finds no GPU here", "`--device cpu` trains without one")
    if options.device != "cpu" and options.devices > gpus > 0:
        raise Unusable(f"{options.devices} GPUs are asked for, and torch finds {gpus} here")
    return {
        "accelerator": options.device,
        "devices": options.devices,
        "num_nodes": options.nodes,
    }


def quiet_libraries() -> None:
    """What Lightning says of itself is not for the person who trains."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\.")


def join(options: Options) -> None:
    """Meet the other processes that a launcher started. Waits for all of them."""
    quiet_libraries()
    trainer = pl.Trainer(
        **devices_of(options),
        plugins=[find_others()],
        strategy="ddp",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.strategy.setup_environment()
