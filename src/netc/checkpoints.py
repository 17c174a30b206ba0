"""Files of weights in, their tensors by name out; and back. Only tensors and plain data are unpickled."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .compiler.matching import Match
from .compiler.suggestions import join
from .dsl.diagnostics import Unusable
from .files import write_file
from .training.disk import reason

if TYPE_CHECKING:
    from torch import Tensor, nn

SAFE = ".safetensors"
DEEPEST = 3
"""How far inside a checkpoint its tensors are looked for."""


def read_checkpoint(path: str, key: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file by name: in the file's order, or sorted where its format keeps none.

    A checkpoint that holds the tensors inside (`state_dict`, `model`) is opened; `key` says which, where it
    holds several. Raises `Unusable`.
    """
    file = Path(path)
    if file.is_dir():
        raise Unusable(f"`{path}` is a folder", "name a file of weights")
    try:
        content = read_safetensors(file) if file.suffix == SAFE else read_pickle(file)
    except OSError as error:
        raise Unusable(f"`{path}` cannot be read: {reason(error)}") from None
    found = dict(find_tensors(content))
    if key is not None:
        if key not in found:
            help = f"it has {join([*filter(None, found)])}" if any(found) else ""
            raise Unusable(f"there are no tensors under `{key}` in `{path}`", help)
        return found[key]
    if not found:
        raise Unusable(f"there are no tensors by name in `{path}`", "save `module.state_dict()`")
    if len(found) > 1:
        raise Unusable(f"`{path}` holds tensors in {join([*found])}", "say which with `--key`")
    return next(iter(found.values()))


def read_safetensors(file: Path) -> dict[str, Tensor]:
    library = find_safetensors(str(file))
    from safetensors import SafetensorError

    try:
        return dict(sorted(library.load(file.read_bytes()).items()))
    except SafetensorError as error:
        raise Unusable(f"`{file}` is no safetensors file: {error}") from None


def find_safetensors(path: str) -> ModuleType:
    """The library that reads and writes a file of that format. Raises `Unusable`."""
    try:
        from safetensors import torch
    except ModuleNotFoundError:
        raise Unusable(f"`{path}` needs safetensors", "`pip install 'netc[train]'`") from None
    return torch


def read_pickle(file: Path) -> Any:
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" not in str(error):  # nothing was asked for but plain data, and that cannot be read
            raise Unusable(f"`{file}` is no file that `torch.save` wrote") from None
        raise Unusable(
            f"`{file}` holds more than tensors and plain data, and is not unpickled: that could run any code",
            "where you trust it, load it yourself and save its `state_dict()`",
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, IndexError, TypeError):
        raise Unusable(f"`{file}` is no file that `torch.save` wrote") from None


def find_tensors(content: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The mappings of names to tensors inside, each with its path."""
    from torch import Tensor

    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        return
    if content and all(isinstance(value, Tensor) for value in content.values()):
        yield path, dict(content)
    elif depth < DEEPEST:
        for name, value in content.items():
            yield from find_tensors(value, f"{path}.{name}" if path else name, depth + 1)


def write_checkpoint(path: str, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as a `state_dict`, or as safetensors where the name of the file says so, whole or not at
    all, and read it back to compare. Raises `Unusable`."""
    import torch

    held = {name: tensor.contiguous() for name, tensor in tensors.items()}
    if path.endswith(SAFE):
        data = find_safetensors(path).save({name: tensor.clone() for name, tensor in held.items()})
    else:
        buffer = io.BytesIO()
        torch.save(held, buffer)
        data = buffer.getvalue()
    write_file(path, data)
    written = read_checkpoint(path)
    if written.keys() != held.keys() or not all(same(written[name], held[name]) for name in held):
        raise Unusable(f"`{path}` does not hold what was written")


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same to the bit, NaN included."""
    import torch

    alike = one.dtype == other.dtype and one.shape == other.shape
    return alike and torch.equal(one.view(-1).view(torch.uint8), other.view(-1).view(torch.uint8))


def rename_tensors(module: nn.Module, tensors: Mapping[str, Tensor], found: Match) -> dict[str, Tensor]:
    """The tensors of a checkpoint as the `state_dict` of `module`, whose parameters may be on `meta`; each
    keeps its type and its values. Torch raises RuntimeError where the module does not load them."""
    import torch

    state = module.state_dict()
    renamed = {name: torch.zeros(state[name].shape, dtype=state[name].dtype) for name in found.absent}
    renamed |= {name: tensors[theirs].reshape(state[name].shape) for name, theirs in found.pairs.items()}
    renamed = {name: renamed[name] for name in state if name in renamed}
    module.load_state_dict(renamed, strict=True, assign=True)
    return renamed
