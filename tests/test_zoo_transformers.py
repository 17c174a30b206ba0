"""Vision Transformers and ConvNeXt: names of weights, counts by a second formula, forward passes in plain
PyTorch."""

from __future__ import annotations

import pytest
import torch
from published import Weights, assert_equal, conv, counted, facts, linear, run, weights
from torch import Tensor
from torch.nn import functional as F

from netc.ops.base import Shape

TRANSFORMERS = {
    "vit_b_16": (16, 12, 768, 3072, 12),
    "vit_b_32": (32, 12, 768, 3072, 12),
    "vit_l_16": (16, 24, 1024, 4096, 16),
    "vit_l_32": (32, 24, 1024, 4096, 16),
    "vit_h_14": (14, 32, 1280, 5120, 16),
}
CONVNEXTS = {
    "convnext_tiny": ((3, 3, 9, 3), 96),
    "convnext_small": ((3, 3, 27, 3), 96),
    "convnext_base": ((3, 3, 27, 3), 128),
    "convnext_large": ((3, 3, 27, 3), 192),
}


def affine(name: str, channels: int) -> Weights:
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


@pytest.mark.parametrize("net", TRANSFORMERS)
def test_vit_has_the_weights_of_torchvision(net):
    patch, depth, width, mlp, _ = TRANSFORMERS[net]
    tokens = (224 // patch) ** 2 + 1
    known = conv("conv_proj", width, 3, patch, bias=True)
    known |= {"class_token": (1, 1, width), "encoder.pos_embedding": (1, tokens, width)}
    for i in range(depth):
        layer = f"encoder.layers.encoder_layer_{i}"
        known |= affine(f"{layer}.ln_1", width) | affine(f"{layer}.ln_2", width)
        known |= {f"{layer}.self_attention.in_proj_weight": (3 * width, width)}
        known |= {f"{layer}.self_attention.in_proj_bias": (3 * width,)}
        known |= linear(f"{layer}.self_attention.out_proj", width, width)
        known |= linear(f"{layer}.mlp.0", mlp, width) | linear(f"{layer}.mlp.3", width, mlp)
    known |= affine("encoder.ln", width) | linear("heads.head", 1000, width)
    assert weights(net) == known


@pytest.mark.parametrize("net", TRANSFORMERS)
@pytest.mark.parametrize("size", [224, 448])
def test_vit_counts_as_its_equations(net, size):
    """Equations 1 to 4: a projection of patches, and in each layer three projections of the tokens, two
    products of them, one projection more, and two of the MLP."""
    patch, depth, width, mlp, _ = TRANSFORMERS[net]
    patches = (size // patch) ** 2
    tokens = patches + 1
    layer = 4 * width**2 + 2 * width * mlp
    shifts = 3 * width + width + mlp + width + 4 * width
    params = 3 * patch**2 * width + width + width + tokens * width + depth * (layer + shifts) + 2 * width
    macs = 3 * patch**2 * width * patches + depth * (tokens * layer + 2 * tokens**2 * width)
    assert counted(net, size=size) == (params + 1001 * width + 1000 - width, macs + 1000 * width)


def test_vit_is_its_equations():
    patch, depth, width, heads = 8, 3, 24, 4
    x, net, (scores,) = run(
        "vit_b_16", 3, 32, 32, patch=patch, depth=depth, width=width, mlp=36, heads=heads, size=32, classes=7
    )
    held = net.held

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (width,), held[f"{name}.weight"], held[f"{name}.bias"], 1e-6)

    def project(x: Tensor, name: str) -> Tensor:
        return x @ held[f"{name}.weight"].T + held[f"{name}.bias"]

    def attend(x: Tensor, name: str) -> Tensor:
        mixed = x @ held[f"{name}.in_proj_weight"].T + held[f"{name}.in_proj_bias"]
        q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in mixed.chunk(3, -1))
        means = torch.softmax(q @ k.mT / (width // heads) ** 0.5, -1) @ v
        return project(means.transpose(1, 2).flatten(2), f"{name}.out_proj")

    with torch.inference_mode():
        patches = x.unfold(2, patch, patch).unfold(3, patch, patch).permute(0, 2, 3, 1, 4, 5).flatten(3)
        kernel = held["conv_proj.weight"].flatten(1)
        tokens = (patches @ kernel.T + held["conv_proj.bias"]).flatten(1, 2)
        first = held["class_token"].expand(len(x), 1, width)
        y = torch.cat([first, tokens], 1) + held["encoder.pos_embedding"]
        for i in range(depth):
            layer = f"encoder.layers.encoder_layer_{i}"
            y = y + attend(norm(y, f"{layer}.ln_1"), f"{layer}.self_attention")
            inner = F.gelu(project(norm(y, f"{layer}.ln_2"), f"{layer}.mlp.0"))
            y = y + project(inner, f"{layer}.mlp.3")
        assert_equal(scores, project(norm(y, "encoder.ln")[:, 0], "heads.head"))


def test_tokens_keep_their_layout():
    shapes = facts("vit_b_32").shapes
    assert Shape((50, 768), layout="last") in shapes.values()
    assert shapes[max(shapes)] == Shape((1000,))


@pytest.mark.parametrize("net", CONVNEXTS)
def test_convnext_has_the_weights_of_torchvision(net):
    depths, width = CONVNEXTS[net]
    known = conv("features.0.0", width, 3, 4, bias=True) | affine("features.0.1", width)
    for stage, depth in enumerate(depths):
        if stage:
            known |= affine(f"features.{2 * stage}.0", width)
            known |= conv(f"features.{2 * stage}.1", 2 * width, width, 2, bias=True)
            width *= 2
        for i in range(depth):
            unit = f"features.{2 * stage + 1}.{i}"
            known |= {f"{unit}.layer_scale": (width, 1, 1)}
            known |= conv(f"{unit}.block.0", width, 1, 7, bias=True) | affine(f"{unit}.block.2", width)
            known |= linear(f"{unit}.block.3", 4 * width, width) | linear(f"{unit}.block.5", width, 4 * width)
    known |= affine("classifier.0", width) | linear("classifier.2", 1000, width)
    assert weights(net) == known


@pytest.mark.parametrize("net", CONVNEXTS)
def test_convnext_counts_as_its_table(net):
    """Table 9, stage by stage."""
    depths, width = CONVNEXTS[net]
    size = 56
    params, macs = 49 * width + 2 * width, 48 * width * size**2
    for stage, depth in enumerate(depths):
        if stage:
            params += 2 * width + 8 * width**2 + 2 * width
            width, size = 2 * width, size // 2
            macs += 2 * width**2 * size**2
        params += depth * (49 * width + 8 * width**2 + (1 + 2 + 4 + 1 + 1) * width)
        macs += depth * (49 * width + 8 * width**2) * size**2
    assert counted(net) == (params + 2 * width + 1001 * width - width + 1000, macs + 1000 * width)


@pytest.mark.parametrize("net", CONVNEXTS)
def test_stochastic_depth_grows_linearly(net):
    depths, _ = CONVNEXTS[net]
    rates = [node.op.p for node in facts(net).graph if node.op.name == "drop_path"]
    most = {"convnext_tiny": 0.1, "convnext_small": 0.4}.get(net, 0.5)
    assert rates == pytest.approx([most * i / (sum(depths) - 1) for i in range(sum(depths))])


def test_convnext_is_its_figure():
    x, net, (scores,) = run("convnext_tiny", 3, 64, 64, depths=[1, 2, 1, 1], widths=[4, 6, 8, 10], classes=5)
    held = net.held

    def norm(x: Tensor, name: str) -> Tensor:
        parts = (held[f"{name}.weight"], held[f"{name}.bias"])
        return F.layer_norm(x.movedim(1, -1), x.shape[1:2], *parts, 1e-6).movedim(-1, 1)

    def mix(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, held[f"{name}.weight"][:, :, None, None], held[f"{name}.bias"])

    with torch.inference_mode():
        y = norm(net.conv(x, "features.0.0", 4, pad=0), "features.0.1")
        for stage, depth in enumerate([1, 2, 1, 1]):
            if stage:
                y = net.conv(norm(y, f"features.{2 * stage}.0"), f"features.{2 * stage}.1", 2, pad=0)
            for i in range(depth):
                unit = f"features.{2 * stage + 1}.{i}"
                inner = norm(net.conv(y, f"{unit}.block.0", groups=y.shape[1]), f"{unit}.block.2")
                inner = mix(F.gelu(mix(inner, f"{unit}.block.3")), f"{unit}.block.5")
                y = y + held[f"{unit}.layer_scale"] * inner
        pooled = norm(y.mean((2, 3), keepdim=True), "classifier.0")
        assert_equal(scores, net.fc(pooled, "classifier.2"))
