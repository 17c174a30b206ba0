"""The published implementations by the names of our nets: torchvision's, else timm's, as `zoo.csv` says."""

from __future__ import annotations

import csv
from pathlib import Path

import operators  # noqa: F401  # before torchvision
import timm
from torch import Tensor, nn
from torchvision import models

ZOO = Path(__file__).parents[1] / "data" / "zoo.csv"
OPTIONS = {
    "googlenet": {"aux_logits": True, "transform_input": False, "init_weights": False},
    "inception_v3": {"aux_logits": True, "transform_input": False, "init_weights": False},
}
HEADS = {"googlenet": ("aux1", "aux2"), "inception_v3": ("AuxLogits",)}
"""The modules that only training uses."""


def read_references() -> dict[str, str]:
    """The nets of the zoo that torchvision or timm has: our name -> `torchvision:NAME` or `timm:NAME`."""
    with ZOO.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    return {
        row["net"]: row["reference"] for row in rows if row["reference"].startswith(("torchvision:", "timm:"))
    }


def build_reference(reference: str) -> nn.Module:
    """The published net, with fresh weights."""
    package, _, name = reference.partition(":")
    if package == "timm":
        return timm.create_model(name, drop_rate=0.0)
    return models.get_model(name, weights=None, **OPTIONS.get(name, {}))


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
