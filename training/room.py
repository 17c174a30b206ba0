"""A recipe and how it is carried out in; the memory that a step needs on a device, and what would fit, out.

Predicted of layers as PyTorch trains them eagerly; not of compiled modules, which keep less, of FSDP, which
shards, and of what is reserved beside the tensors (workspaces, the allocator's gaps).
"""

from __future__ import annotations

import os
from pathlib import Path

from ..compiler.budget import Budget, Regime, largest_batch, predict
from ..compiler.graph import Graph
from ..compiler.shapes import Shapes
from .run import Options
from .words import SGD, Adam, AdamW, Optimizer, Recipe, RMSProp

MEMINFO = Path("/proc/meminfo")


def regime_of(recipe: Recipe, options: Options) -> Regime:
    """What each device does: its share of a batch, and of that the part which is computed at once."""
    state, scratch = numbers_of(recipe.optimizer)
    devices = options.devices * options.nodes
    return Regime(
        batch=-(-recipe.batch // (options.accumulate * devices)),
        mixed=options.precision != "32",
        gpu=options.device != "cpu",
        state=state + (devices > 1),  # gradients are exchanged in buckets, a copy of all
        scratch=scratch,
        average=recipe.ema is not None,
        accumulate=options.accumulate > 1,
    )


def numbers_of(word: Optimizer) -> tuple[int, int]:
    """Numbers that torch's optimizer keeps for each parameter, and makes for a moment while it steps over
    all parameters at once, as it does on a GPU: gradients with decay, roots of mean squares."""
    match word:
        case SGD():
            return int(word.momentum > 0), int(word.weight_decay > 0)
        case RMSProp():
            return 1 + (word.momentum > 0), 1 + (word.weight_decay > 0)
        case Adam() | AdamW():
            return 2, 1


def predict_step(graph: Graph, shapes: Shapes, recipe: Recipe, options: Options) -> Budget:
    """What a step needs on one device, in bytes; `graph` with its auxiliary heads."""
    return predict(graph, shapes, regime_of(recipe, options))


def largest_that_fits(graph: Graph, shapes: Shapes, recipe: Recipe, options: Options, free: int) -> int:
    """The largest `batch` of the recipe, carried out like this, for which each device needs no more than
    `free` bytes; 0 where there is none."""
    images = largest_batch(graph, shapes, regime_of(recipe, options), free)
    return images * options.accumulate * options.devices * options.nodes


def is_out_of_memory(error: BaseException) -> bool:
    """A GPU's allocator has an error of its own; the CPU's says it in words."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    )


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def free_memory(options: Options) -> int | None:
    """Bytes that tensors of this process can have where it computes, those that they have now among them;
    None where nobody tells."""
    import torch

    if options.device != "cpu" and torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved()
    if options.device != "cpu" and torch.backends.mps.is_available():
        return None
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return 1024 * int(available)
    except (OSError, ValueError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
