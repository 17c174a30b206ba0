"""The published implementations by the names of our bundled nets: torchvision's, else timm's."""

from __future__ import annotations

from collections.abc import Callable

import operators  # noqa: F401  # before torchvision
import timm
from torch import Tensor, nn
from torchvision import models

RENAMED = {"googlenet_tv": "googlenet", "resnext50": "resnext50_32x4d"}
"""Ours -> torchvision's, where the names differ."""
DIFFERENT = {"googlenet": "ours is the paper's: true 5x5, no batch norm; torchvision's is `googlenet_tv`"}
"""Bundled nets that are not torchvision's net of that name."""
TIMM = {
    "se_resnet18": "legacy_seresnet18",
    "se_resnet34": "legacy_seresnet34",
    "se_resnet50": "legacy_seresnet50",
    "se_resnet101": "legacy_seresnet101",
    "se_resnet152": "legacy_seresnet152",
    "se_resnext50_32x4d": "legacy_seresnext50_32x4d",
    "se_resnext101_32x4d": "legacy_seresnext101_32x4d",
    "senet154": "legacy_senet154",
    "xception": "legacy_xception",
    "inception_v4": "inception_v4",
    "inception_resnet_v2": "inception_resnet_v2",
}
OPTIONS = {
    "googlenet": {"aux_logits": True, "transform_input": False, "init_weights": False},
    "inception_v3": {"aux_logits": True, "transform_input": False, "init_weights": False},
}
HEADS = {"googlenet": ("aux1", "aux2"), "inception_v3": ("AuxLogits",)}
"""The modules that only training uses."""


def find_reference(net: str) -> tuple[str, Callable[[], nn.Module]] | None:
    """The published net that `net` must equal: its name, and how to build it; None where there is none."""
    if net in TIMM:
        return f"timm:{TIMM[net]}", lambda: timm.create_model(TIMM[net], drop_rate=0.0)
    name = RENAMED.get(net, net)
    if net in DIFFERENT or name not in models.list_models(models):
        return None
    options = OPTIONS.get(name, {})
    return f"torchvision:{name}", lambda: models.get_model(name, weights=None, **options)


def outputs_by_name(reference: str, value: Tensor | tuple[Tensor, ...]) -> dict[str, Tensor]:
    """`logits` and the auxiliary heads of either implementation, by the names of the modules that give them.

    Torchvision's GoogLeNet returns its second head before its first, hence names.
    """
    if isinstance(value, Tensor):
        return {"logits": value}
    fields = value._asdict()  # type: ignore[attr-defined]  # both return named tuples
    renamed = {"aux_logits1": "aux1", "aux_logits2": "aux2"} if reference == "torchvision:googlenet" else {}
    renamed |= {"aux_logits": "AuxLogits"} if reference == "torchvision:inception_v3" else {}
    return {renamed.get(name, name): tensor for name, tensor in fields.items()}
