"""netc: a declarative language for convolutional architectures, and its compiler.

>>> import netc
>>> model = netc.load("resnet50")  # a path, or the name of a bundled net
>>> print(model.summary())
>>> module = model.module()  # a torch.nn.Module
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Cost, Model, SpecError, load, loads, nets

__all__ = ["Cost", "Model", "SpecError", "load", "loads", "nets"]


def __getattr__(name: str) -> object:
    """The names of the API, imported when they are first used: the command line starts without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import model

    value = globals()[name] = getattr(model, name)
    return value


def __dir__() -> list[str]:
    return __all__
