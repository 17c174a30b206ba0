"""The environment of a process in; which program started it, and how many besides it, out. No torch here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ..dsl.diagnostics import Unusable
from .run import Options


class Launched(Struct, frozen=True):
    """One of the processes that another program has started, on one machine or on many."""

    by: Literal["torchrun", "srun"]
    rank: int
    """Its number among all, from 0."""
    world: int
    """So many there are in all."""
    nodes: int
    """On so many machines."""


def read_launch(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """What torchrun or SLURM's srun say; None where neither started this process, or srun only this one.

    A script of sbatch is told the number of tasks too, and is none of them: only srun speaks of a step.
    Raises `Unusable` where something is missing.
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        names: tuple[str, ...] = ("RANK", "WORLD_SIZE", "GROUP_WORLD_SIZE")
        by: Literal["torchrun", "srun"] = "torchrun"
    elif "SLURM_STEP_NUM_TASKS" in environment:
        names, by = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES"), "srun"
    else:
        return None
    try:
        rank, world, nodes = (int(environment[name]) for name in names)
    except (KeyError, ValueError):
        missing = next(name for name in names if not environment.get(name, "").isdecimal())
        raise Unusable(f"{by} should say `{missing}`, and the environment has no such number") from None
    return Launched(by, rank, world, nodes) if by == "torchrun" or world > 1 else None


def is_first_process(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the first of the processes that a launcher started, or the only one. Those that
    `--devices` starts, as Lightning does it, know their place on the machine alone."""
    launched = read_launch(environment)
    return (int(environment.get("LOCAL_RANK", 0)) if launched is None else launched.rank) == 0


def settle_devices(options: Options, launched: Launched | None) -> Options:
    """`options` with as many devices and machines as there are processes. Raises `Unusable` where they say
    otherwise."""
    if launched is None:
        if options.nodes > 1:
            raise Unusable(
                f"{options.nodes} machines are asked for, and this one cannot start the others",
                "torchrun or srun starts the same command on each: see docs/clusters.md",
            )
        return options
    each, rest = divmod(launched.world, launched.nodes)
    if rest:
        raise Unusable(
            f"{launched.by} has started {launched.world} processes on {launched.nodes} machines",
            "each machine needs as many as the others",
        )
    for name, asked, started in (
        ("devices", options.devices, each),
        ("nodes", options.nodes, launched.nodes),
    ):
        if asked not in (1, started):
            raise Unusable(
                f"`--{name} {asked}` is asked for, and {launched.by} has started {started}",
                f"leave `--{name}` out: {launched.by} decides",
            )
    return replace(options, devices=each, nodes=launched.nodes)
