"""Bundled nets against published implementations: one checkpoint; outputs, gradients, counts compared.

    python tests/parity/compare.py [NET ...]

Prints a row for each net; exits with 1 if one differs. It needs the environment that `make parity` builds.
"""

from __future__ import annotations

import copy
import os
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import torch
from msgspec import Struct
from reference import HEADS, build_reference, outputs_by_name, read_references
from renaming import our_names
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import netc

PROCESSES = int(os.environ.get("JOBS", "2"))
DOUBLE_LIMIT = 1e-9
SINGLE_LIMIT = 1e-5
TRAINING_SIZE = 96
"""Gradients are compared on images of this size; outputs at the declared one."""
TRAINING_SIZES = {"inception_v3": 299, "vit_b_16": 224, "vit_b_32": 224}
"""What needs another size: a head that has a 5x5 window without padding on a pooled map; a position
embedding, which is of one number of patches."""


class Row(Struct):
    """What was found for one net; errors are `max|a-b| / max|b|`, the worst tensor's."""

    net: str
    reference: str
    params: int = 0
    macs: int = 0
    output: float = float("nan")
    gradient: float = float("nan")
    single: float = float("nan")
    faults: list[str] = []
    seconds: float = 0.0


def compare(net: str, reference: str, theirs: nn.Module) -> Row:
    start = time.perf_counter()
    torch.manual_seed(0)
    row = Row(net, reference, faults=[])
    model = netc.load(net)
    row.params, row.macs = model.cost.params, model.cost.macs
    image = torch.randn(1, *next(iter(model.inputs.values())).dims)
    compare_counts(row, model, theirs, image)
    ours = model.module()
    randomise_statistics(theirs)
    names = our_names(net, theirs.state_dict())
    ours.load_state_dict({names[name]: tensor for name, tensor in theirs.state_dict().items()}, strict=True)
    with torch.inference_mode():
        row.single = distance(ours.eval()(image), theirs.eval()(image))
    ours, theirs = ours.double(), theirs.double()
    with torch.inference_mode():
        row.output = distance(ours(image.double()), theirs(image.double()))
    size = TRAINING_SIZES.get(net, TRAINING_SIZE)
    row.gradient = compare_gradients(row, ours, theirs, torch.randn(2, 3, size, size).double())
    for name, error, limit in [
        ("float32 output", row.single, SINGLE_LIMIT),
        ("output", row.output, DOUBLE_LIMIT),
        ("gradient", row.gradient, DOUBLE_LIMIT),
    ]:
        if not error < limit:  # a NaN is a fault too
            row.faults.append(f"{name} differs by {error:.1e}, the limit is {limit:.0e}")
    row.seconds = time.perf_counter() - start
    return row


def randomise_statistics(module: nn.Module) -> None:
    """Fresh norms are the identity, and would hide a misplaced one, as a classifier of zeros hides all. What
    starts as one number is drawn around it."""
    for weight in module.parameters():
        start = weight.data.flatten()[0]
        if weight.numel() > 1 and (weight.data == start).all():
            weight.data.normal_(float(start), 0.1)
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.1)


def distance(ours: Tensor, theirs: Tensor) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return float((ours - theirs).abs().max() / theirs.abs().max())


DROPPING = ("StochasticDepth", "DropPath")
"""The layers that drop whole samples, with probability `p`: torchvision's, and those of generated modules."""


@contextmanager
def without_dropout(module: nn.Module) -> Iterator[None]:
    """Dropout with probability 0 for both: `nn.Dropout` calls the function too. So with stochastic depth."""
    for layer in module.modules():
        if type(layer).__name__ in DROPPING:
            layer.p = 0.0
    before = F.dropout

    def keep(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return before(input, 0.0, training, inplace)

    F.dropout = keep
    try:
        yield
    finally:
        F.dropout = before


def compare_gradients(row: Row, ours: nn.Module, theirs: nn.Module, images: Tensor) -> float:
    """One training-mode step on both sides, without dropout; the worst parameter's error.

    A gradient that is zero in exact arithmetic (a bias before a batch norm) is noise on both sides, and is
    held against the largest of the net.
    """
    weights: dict[str, Tensor] = {}
    gradients = []
    for module in (ours, theirs):
        with without_dropout(module):
            outputs = outputs_by_name(row.reference if module is theirs else "", module.train()(images))
        for name, output in outputs.items():
            weights.setdefault(name, torch.randn_like(output))
        if outputs.keys() != weights.keys():
            row.faults.append(f"training outputs are {[*weights]} and {[*outputs]}")
        sum((output * weights[name]).sum() for name, output in outputs.items()).backward()  # type: ignore[union-attr]
        gradients.append({name: parameter.grad for name, parameter in module.named_parameters()})
    mine, published = gradients
    names = our_names(row.net, theirs.state_dict())
    largest = max(float(gradient.abs().max()) for gradient in published.values() if gradient is not None)
    worst = 0.0
    for name, expected in published.items():
        gradient = mine.get(names[name])
        if gradient is None or expected is None:
            row.faults.append(f"`{name}` has no gradient")
            continue
        scale = float(expected.abs().max())
        if scale < 1e-12 * largest:
            scale = largest
        worst = max(worst, float((gradient - expected).abs().max()) / scale)
    for name, buffer in theirs.named_buffers():  # the running statistics after the step
        if buffer.is_floating_point():
            worst = max(worst, distance(ours.get_buffer(names[name]), buffer))
    return worst


def compare_counts(row: Row, model: netc.Model, theirs: nn.Module, image: Tensor) -> None:
    """Ours from the graph; theirs from the parameters that it holds and from what torch executes."""
    heads = HEADS.get(row.reference.partition(":")[2], ())
    inference = sum(
        parameter.numel() for name, parameter in theirs.named_parameters() if name.split(".")[0] not in heads
    )
    training = sum(parameter.numel() for parameter in theirs.parameters())
    cost = model.cost
    executed = executed_macs(theirs.eval(), image)
    # without heads training is the same work; one image alone has no statistics at 1x1, so two are run
    trained = executed_macs(theirs.train(), image.repeat(2, 1, 1, 1)) // 2 if heads else executed
    expected = [
        ("params", cost.params, inference),
        ("params_train", cost.params_train, training),
        ("macs", cost.macs, executed),
        ("macs_train", cost.macs_train, trained),
    ]
    row.faults.extend(
        f"{name} is {counted:,}, the published net has {published:,}"
        for name, counted, published in expected
        if counted != published
    )


def executed_macs(module: nn.Module, images: Tensor) -> int:
    """Multiply-adds of the convolutions and matrix products of one forward pass, as torch counts them."""
    module = copy.deepcopy(module).to("meta")
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        module(images.to("meta"))
    return counter.get_total_flops() // 2


def compare_alone(task: tuple[str, str]) -> Row:
    """One net in a process of several; one that cannot be compared must not hide the others."""
    net, reference = task
    torch.set_num_threads(1)
    try:
        return compare(net, reference, build_reference(reference))
    except Exception:
        return Row(net, reference, faults=[traceback.format_exc()])


def print_rows(nets: list[str]) -> bool:
    print(
        f"{'net':18} {'reference':30} {'params':>12} {'macs':>15} {'output':>8} {'gradient':>8}"
        f" {'float32':>8} {'time':>6}"
    )
    references = read_references()
    if unknown := {*nets} - references.keys():
        sys.exit(f"tests/data/zoo.csv names no package that has {', '.join(sorted(unknown))}")
    tasks = [(net, references[net]) for net in nets or references]
    failed = 0
    # Most of the time goes into small layers, which a second thread does not make quicker, but a second net.
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        for row in pool.map(compare_alone, tasks):
            failed += bool(row.faults)
            errors = f"{row.output:8.0e} {row.gradient:8.0e} {row.single:8.0e}"
            print(
                f"{row.net:18} {row.reference:30} {row.params:12,} {row.macs:15,} {errors}"
                f" {row.seconds:5.1f}s {'FAIL' if row.faults else 'ok'}",
                flush=True,
            )
            for fault in row.faults:
                print(f"    {fault}")
    print(f"{len(tasks)} nets compared, {failed} differ")
    return bool(tasks) and failed == 0


if __name__ == "__main__":
    sys.exit(0 if print_rows(sys.argv[1:]) else 1)
