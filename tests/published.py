"""Bundled nets against their papers and published models: what the tests of the specs share.

The entries of a published `state_dict` by name and shape, counts, layers for forward passes in plain PyTorch.
"""

from __future__ import annotations

from typing import Any

import torch
from interpreter import Interpreter
from torch import Tensor
from torch.nn import functional as F

from netc import driver
from netc.compiler.facts import Facts
from netc.compiler.weights import tensors
from netc.files import find_spec

Weights = dict[str, tuple[int, ...]]


def facts(net: str, shape: tuple[int, ...] | None = None, /, **settings: Any) -> Facts:
    result = driver.compile(find_spec(net), settings=settings, inputs={"": shape} if shape else None)
    assert result.compiled is not None, result.diagnostics
    return result.compiled.training


def weights(net: str) -> Weights:
    """What the `state_dict` of the generated module holds."""
    table = facts(net)
    return dict(tensors(table.graph, table.shapes))


def counted(net: str, **settings: Any) -> tuple[int, int]:
    """Parameters and multiply-adds."""
    total = facts(net, **settings).inference.total
    return total.params, total.macs


def conv(name: str, out: int, entering: int, window: int, bias: bool = False) -> Weights:
    weight = {f"{name}.weight": (out, entering, window, window)}
    return {**weight, f"{name}.bias": (out,)} if bias else weight


def linear(name: str, out: int, entering: int) -> Weights:
    return {f"{name}.weight": (out, entering), f"{name}.bias": (out,)}


def norm(name: str, channels: int) -> Weights:
    names = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{part}": (channels,) for part in names}, f"{name}.num_batches_tracked": ()}


class Work:
    """Parameters and multiply-adds, added up layer by layer; of layers that are named, the weights too."""

    def __init__(self) -> None:
        self.params = self.macs = 0
        self.weights: Weights = {}

    def conv(
        self, window: int, entering: int, out: int, size: int, bias: bool = False, name: str = ""
    ) -> None:
        """`entering`: the channels that one filter sees; `size`: that of the map which leaves."""
        self.params += window * window * entering * out + bias * out
        self.macs += window * window * entering * out * size * size
        if name:
            self.weights |= conv(name, out, entering, window, bias)

    def norm(self, width: int, name: str = "") -> None:
        self.params += 2 * width
        if name:
            self.weights |= norm(name, width)

    def fc(self, entering: int, out: int, name: str = "") -> None:
        self.params += entering * out + out
        self.macs += entering * out
        if name:
            self.weights |= linear(name, out, entering)

    @property
    def total(self) -> tuple[int, int]:
        return self.params, self.macs


def randomised(net: str, shape: tuple[int, ...] | None, /, **settings: Any) -> Interpreter:
    """The net in double precision, dropout off, with random weights and statistics of moderate size."""
    module = Interpreter(facts(net, shape, **settings).graph).double().eval()
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.weights().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif tensor.dim() > 1:
            tensor.normal_(std=(2 / tensor[0].numel()) ** 0.5, generator=generator)
        elif name.endswith(("bias", "running_mean")):
            tensor.uniform_(-0.5, 0.5, generator=generator)
        elif tensor.is_floating_point():
            tensor.uniform_(0.2, 0.8, generator=generator)
    return module


def image(*size: int) -> Tensor:
    return torch.randn(2, *size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def assert_equal(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    assert theirs.abs().max() > 1e-3
    assert (ours - theirs).abs().max() <= 1e-9 * theirs.abs().max()


class Layers:
    """Layers of a net by their names in its weights."""

    def __init__(self, held: dict[str, Tensor]) -> None:
        self.held = held

    def conv(self, x: Tensor, name: str, stride: int = 1, groups: int = 1, pad: int | None = None) -> Tensor:
        weight = self.held[f"{name}.weight"]
        sides = [side // 2 if pad is None else pad for side in weight.shape[2:]]
        return F.conv2d(x, weight, self.held.get(f"{name}.bias"), stride, sides, groups=groups)

    def norm(self, x: Tensor, name: str, eps: float = 1e-5) -> Tensor:
        parts = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(self.held[f"{name}.{part}"] for part in parts), eps=eps)

    def fc(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x.flatten(1), self.held[f"{name}.weight"], self.held[f"{name}.bias"])

    def excited(self, x: Tensor, name: str) -> Tensor:
        """`x` with its gate, of 1x1 convolutions or fully connected layers; as it is without one."""
        if f"{name}.fc1.weight" not in self.held:
            return x
        layer = self.conv if self.held[f"{name}.fc1.weight"].dim() == 4 else self.fc
        gate = layer(layer(x.mean((2, 3), keepdim=True), f"{name}.fc1").relu(), f"{name}.fc2").sigmoid()
        return x * gate.reshape(*gate.shape[:2], 1, 1)

    def projection(self, x: Tensor, name: str, stride: int) -> Tensor:
        """The shortcut, projected where the net holds the weights for it."""
        if f"{name}.0.weight" not in self.held:
            return x
        return self.norm(self.conv(x, f"{name}.0", stride), f"{name}.1")


def run(net: str, *size: int, **settings: Any) -> tuple[Tensor, Layers, list[Tensor]]:
    """A random image, the net's random weights, and what the net gives."""
    module = randomised(net, size, **settings)
    x = image(*size)
    with torch.inference_mode():
        return x, Layers(module.weights()), module(x)
