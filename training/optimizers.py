"""A recipe and a module in; torch's optimizer of its parameters out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from torch import nn, optim
from torch.nn.modules.conv import _ConvNd

from .words import SGD, Adam, AdamW, Recipe, RMSProp

KINDS: dict[type, type[optim.Optimizer]] = {
    SGD: optim.SGD,
    RMSProp: optim.RMSprop,
    Adam: optim.Adam,
    AdamW: optim.AdamW,
}
LAYERS = (_ConvNd, nn.Linear, nn.Bilinear, nn.Embedding, nn.EmbeddingBag, nn.MultiheadAttention)


def make_optimizer(recipe: Recipe, module: nn.Module) -> optim.Optimizer:
    """Of the parameters that are trained (`requires_grad`); with `decayed="weights"` in two groups, of which
    the second does not decay."""
    word = recipe.optimizer
    arguments: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(word).items() if name != "decayed"
    }
    trained = {id(parameter): parameter for parameter in module.parameters() if parameter.requires_grad}
    groups: list[dict[str, Any]] = [{"params": list(trained.values())}]
    if word.decayed == "weights":
        kernels = {id(weight) for weight in weights(module)}
        groups = [
            {"params": [p for i, p in trained.items() if i in kernels]},
            {"params": [p for i, p in trained.items() if i not in kernels], "weight_decay": 0.0},
        ]
    return KINDS[type(word)]([group for group in groups if group["params"]], **arguments)


def weights(module: nn.Module) -> Iterator[nn.Parameter]:
    """The matrices and kernels of layers. Not: biases, normalisations, PReLU's slopes, and the parameters
    that stand in a module without a layer (class tokens, layer scales, position embeddings), as timm and the
    papers on vision transformers have it."""
    for part in module.modules():
        if isinstance(part, LAYERS):
            yield from (p for p in part.parameters(recurse=False) if p.dim() > 1)
