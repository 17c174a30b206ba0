"""The source of a generated module in, an instance of its class out: the one place that needs torch."""

from __future__ import annotations

import hashlib
import linecache
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def instantiate(source: str, name: str) -> nn.Module:
    """The net that `source` defines, with fresh weights. `name` is the net's. Raises `ModuleNotFoundError`
    where torch is missing."""
    return load_class(source, name)()


def instantiate_empty(source: str, name: str) -> nn.Module:
    """As `instantiate`, with parameters that have shapes and no values."""
    net = load_class(source, name)
    import torch

    with torch.device("meta"):
        return net()


def load_class(source: str, name: str) -> type[nn.Module]:
    """The class that `source` defines.

    The source becomes a real module, so that instances can be copied and pickled within this process and
    tracebacks show its lines. Raises `ModuleNotFoundError` where torch is missing.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ModuleNotFoundError(
            "a live module needs torch: `pip install 'netc[train]'`, or write the source with `.source()`",
            name="torch",
        ) from None
    module_name = f"netc_built_{name}_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    module = sys.modules.get(module_name)
    if module is None:
        module = ModuleType(module_name)
        file = module.__file__ = f"<{module_name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), module.__dict__)
        sys.modules[module_name] = module
    exported = (getattr(module, name) for name in module.__all__)
    net: type[nn.Module] = next(value for value in exported if issubclass(value, torch.nn.Module))
    return net
