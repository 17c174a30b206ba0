"""What the commands that only try a net out share: what they try in, what came of it, or its end, out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..training.run import Run
from .training import tell_end

if TYPE_CHECKING:
    from ..runs import Prepared

T = TypeVar("T")


def try_out(prepared: Prepared, trial: Callable[..., T], *more: Any) -> T:
    """What `trial` gives of a fresh net, its data and what would be the origin of a run."""
    from ..live import instantiate

    compiled = prepared.compiled
    make = partial(instantiate, compiled.source(), compiled.name)
    try:
        return trial(make, prepared.data.train, prepared.origin, *more)
    except RuntimeError as error:
        tell_end(error, Run(Path(), prepared.origin), compiled)
