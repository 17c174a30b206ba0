"""A module and a word in; its convolutions and fully connected layers with weights drawn anew out."""

from __future__ import annotations

from math import prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from .words import He, Init, Normal, TruncatedNormal, Xavier


@torch.no_grad()
def initialise(module: nn.Module, init: Init) -> None:
    """Draws in the order of the modules from torch's generator. Attention's three projections count as fully
    connected layers. Biases become 0, normalisations the identity; embeddings, and parameters that stand in a
    module without a layer (class tokens, position embeddings, layer scales), stay."""
    for part in module.modules():
        if isinstance(part, _ConvNd | nn.Linear):
            draw(part.weight, *fans(part), init)
            if part.bias is not None:
                part.bias.zero_()
        elif isinstance(part, nn.MultiheadAttention):
            joined = part.in_proj_weight
            parts = (part.q_proj_weight, part.k_proj_weight, part.v_proj_weight)
            for weight in joined.chunk(3) if joined is not None else parts:
                draw(weight, weight.shape[1], weight.shape[0], init)
            if part.in_proj_bias is not None:
                part.in_proj_bias.zero_()
        elif isinstance(part, _NormBase | nn.LayerNorm | nn.GroupNorm):
            if part.weight is not None:
                part.weight.fill_(1)
            if part.bias is not None:
                part.bias.zero_()


def fans(layer: _ConvNd | nn.Linear) -> tuple[int, int]:
    """How many inputs one output has, and how many outputs one input, strides left aside.

    torch's own count differs in two places: it takes a grouped convolution's outputs over all groups, and a
    transposed one's the wrong way round."""
    weight = layer.weight
    if isinstance(layer, nn.Linear):
        return weight.shape[1], weight.shape[0]
    window, groups = prod(weight.shape[2:]), layer.groups
    if isinstance(layer, _ConvTransposeNd):
        return weight.shape[0] // groups * window, weight.shape[1] * window
    return weight.shape[1] * window, weight.shape[0] // groups * window


def draw(weight: Tensor, fan_in: int, fan_out: int, init: Init) -> None:
    match init:
        case He(fan=fan):
            weight.normal_(0, sqrt(2 / (fan_in if fan == "in" else fan_out)))
        case Xavier():
            most = sqrt(6 / (fan_in + fan_out))  # variance most^2 / 3
            weight.uniform_(-most, most)
        case Normal(std=std):
            weight.normal_(0, std)
        case TruncatedNormal(std=std):
            nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)
