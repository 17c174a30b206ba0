"""Generated modules against torchvision's own, eager: forward in evaluation, and a step of training.

Same process, same threads, the same weights; the two alternate, and so does who comes first. Reported is the
median of the pairs' ratios (ours over theirs) with its interquartile range.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import torch
from measure import ROOT, Line, quartiles
from torch import nn

import netc

sys.path.insert(0, str(ROOT / "tests/parity"))
from reference import build_reference, outputs_by_name, read_references

NETS = {
    "resnet50": 128,
    "densenet121": 128,
    "googlenet_tv": 128,
    "resnext50": 128,
    "vgg11_bn": 64,
    "alexnet": 128,
}
"""With the size of the images: small ones, so that what a module adds to its layers shows."""
PAIRS = 30
BOUND = 1.02


def run() -> Iterator[Line]:
    torch.set_num_threads(1)
    references = read_references()
    for net, size in NETS.items():
        theirs, ours = build_reference(references[net]), netc.load(net).module()
        ours.load_state_dict(theirs.state_dict())
        images = torch.randn(2, 3, size, size)
        for what, work in (("forward", forward), ("training step", step)):
            low, middle, high = quartiles(compare(work, ours, theirs, images))
            yield Line(
                f"{net}, {what}",
                f"{middle:.3f} ({low:.3f} to {high:.3f}) times torchvision's",
                f"<= {BOUND}, or 1.0 inside the range",
                middle <= BOUND or low <= 1 <= high,
            )


Work = Callable[[nn.Module, torch.Tensor], None]


def compare(work: Work, ours: nn.Module, theirs: nn.Module, images: torch.Tensor) -> list[float]:
    """The ratios of `PAIRS` pairs, after two that only warm up."""
    ratios = []
    for turn in range(PAIRS + 2):
        seconds = {}
        for module in (ours, theirs) if turn % 2 else (theirs, ours):
            start = time.perf_counter()
            work(module, images)
            seconds[module] = time.perf_counter() - start
        ratios.append(seconds[ours] / seconds[theirs])
    return ratios[2:]


def forward(module: nn.Module, images: torch.Tensor) -> None:
    module.eval()
    with torch.inference_mode():
        module(images)


def step(module: nn.Module, images: torch.Tensor) -> None:
    module.train()
    outputs = outputs_by_name("", module(images)).values()
    torch.stack([output.square().mean() for output in outputs]).sum().backward()
    module.zero_grad()
