"""The predicted memory of a step: against what PyTorch holds of fake tensors, at full size."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
import torch
from interpreter import Interpreter, random_inputs
from live_memory import measure_step
from lowering import graph_of
from msgspec.structs import replace
from torch._subclasses.fake_tensor import FakeTensorMode

import netc
from netc import driver
from netc.compiler.budget import Budget, Regime, largest_batch, predict
from netc.compiler.graph import Graph
from netc.compiler.shapes import infer
from netc.files import find_spec
from netc.live import instantiate
from netc.plan import describe_shortage
from netc.training.room import (
    free_memory,
    is_out_of_memory,
    largest_that_fits,
    predict_step,
    regime_of,
)
from netc.training.run import Options, Origin
from netc.training.words import SGD, Adam, AdamW, Recipe, RMSProp

NETS = (
    "resnet50",
    "resnext50",
    "densenet121",
    "googlenet_tv",
    "inception_v3",
    "mobilenet_v2",
    "se_resnet50",
    "vgg16",
)
"""Those of `bench/gpu.py`."""
FURTHER = ("alexnet", "maxout_cifar", "wrn_16_4_dropout", "shufflenet_v2_x1_0", "efficientnet_b0")
"""With views of maps, dropout, masks of paths and gates."""


@cache
def model(net: str) -> netc.Model:
    return netc.load(net)


def compile_net(net: str) -> driver.Compiled:
    compiled = driver.compile(find_spec(net)).compiled
    assert compiled is not None
    return compiled


def predict_net(net: str, regime: Regime) -> Budget:
    graph = model(net).graph
    return predict(graph, infer(graph), regime)


def sgd(momentum: float = 0.9, decay: float = 1e-4) -> Callable[[Any], torch.optim.Optimizer]:
    """All parameters at once, as it is the rule on a GPU."""
    return lambda weights: torch.optim.SGD(weights, 0.1, momentum, weight_decay=decay, foreach=True)


def measure_net(net: str, batch: int, mixed: bool, **further: Any) -> int:
    (shape,) = model(net).inputs.values()
    make = partial(instantiate, model(net).source(), net)
    return measure_step(make, sgd(), (batch, *shape.dims), mixed, **further)


@pytest.mark.parametrize("mixed", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("net", NETS)
def test_step_of_full_size(net, mixed):
    assert predict_net(net, Regime(32, mixed, gpu=False)).total == pytest.approx(
        measure_net(net, 32, mixed), rel=0.01
    )


@pytest.mark.parametrize("net", FURTHER)
def test_step_of_further_nets(net):
    mixed = net not in ("alexnet", "maxout_cifar")
    assert predict_net(net, Regime(8, mixed, gpu=False)).total == pytest.approx(
        measure_net(net, 8, mixed), rel=0.01
    )


def test_dropout_on_a_gpu_keeps_bytes():
    """As `native_dropout`, which CUDA runs, gives them."""
    (_, mask) = torch.native_dropout(torch.ones(3, 5), 0.5, train=True)
    graph = graph_of("net drops { input x: 4x8x8\n conv(3x3, 16) -> dropout(0.3) -> conv(3x3, 16) }")
    on = [predict(graph, infer(graph), Regime(10, mixed, gpu=gpu)).kept for mixed in (0, 1) for gpu in (0, 1)]
    elements = 10 * 16 * 8 * 8
    assert on[0] - on[1] == (4 - mask.element_size()) * elements
    assert on[2] - on[3] == (2 - mask.element_size()) * elements


def test_summed_gradients():
    expected = measure_net("squeezenet1_0", 2, False, batches=3)
    plain = predict_net("squeezenet1_0", Regime(2)).total
    assert predict_net("squeezenet1_0", Regime(2, accumulate=True)).total == pytest.approx(expected, rel=0.01)
    assert plain < 0.99 * expected


# --- the optimizer's step, where it is the fullest moment ------------------------------------------

WORDS = {
    SGD(0.1): torch.optim.SGD,
    SGD(0.1, momentum=0.9): torch.optim.SGD,
    SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-4): torch.optim.SGD,
    RMSProp(0.1): torch.optim.RMSprop,
    RMSProp(0.1, momentum=0.9, weight_decay=1e-4): torch.optim.RMSprop,
    Adam(weight_decay=1e-4): torch.optim.Adam,
    AdamW(): torch.optim.AdamW,
}


@pytest.mark.parametrize("word", WORDS, ids=str)
def test_optimizers(word):
    """Of a net that is nearly all weights."""
    text = "net wide { input x: 1x16x16\n fc(2000) -> relu -> fc(1000) -> fc(10) }"
    graph = graph_of(text)
    arguments = {name: getattr(word, name) for name in word.__struct_fields__ if name != "decayed"}
    expected = measure_step(
        lambda: Interpreter(graph),
        lambda weights: WORDS[word](weights, **arguments, foreach=True),
        (2, 1, 16, 16),
        mixed=False,
    )
    found = predict_step(graph, infer(graph), Recipe(optimizer=word, batch=2), Options())
    assert found.total == pytest.approx(expected, rel=0.01)
    assert (found.at is None) == (regime_of(Recipe(optimizer=word), Options()).scratch > 0)


# --- what CUDA's autocast does ---------------------------------------------------------------------


def test_width_is_that_of_cuda_autocast(example):
    """On fake CUDA tensors, which need no GPU as long as nothing is differentiated."""
    graph, found = example.graph, {}
    half, full = torch.get_autocast_dtype("cuda"), torch.float32
    for dtype in (half, full):
        with FakeTensorMode(), torch.no_grad():
            net = Interpreter(graph).eval()
            for part in net.modules():
                for tensors in (part._parameters, part._buffers):
                    for name, tensor in tensors.items():
                        if tensor is not None:
                            tensors[name] = move(tensor)
            inputs = [move(x, dtype if x.is_floating_point() else x.dtype) for x in random_inputs(graph, 2)]
            torch.set_autocast_enabled("cuda", True)
            try:
                (given,) = net(*inputs)
            except RuntimeError as error:
                if "not linked with support for cuda" not in str(error):
                    raise
                pytest.skip("indexing asks for a device")
            finally:
                torch.set_autocast_enabled("cuda", False)
        found[dtype] = given.dtype
    if any(x.dtype == torch.int64 for x in inputs):
        assert set(found.values()) <= {torch.int64, full}
        return
    expected = {"half": (half, half), "full": (full, full), "widest": (half, full)}[example.op.autocast]
    assert (found[half], found[full]) == expected


def move(tensor: torch.Tensor, dtype: torch.dtype | None = None) -> Any:
    moved = torch.empty(tensor.shape, device="cuda", dtype=dtype or tensor.dtype)
    return torch.nn.Parameter(moved, False) if isinstance(tensor, torch.nn.Parameter) else moved


# --- what follows ----------------------------------------------------------------------------------


def chain() -> Graph:
    return graph_of(
        "net chain { input x: 3x32x32\n"
        "conv(3x3, 16) -> bn -> relu -> conv(3x3, 16) -> bn -> relu -> gap -> fc(10) }"
    )


@pytest.mark.parametrize("free", [1 << 20, 10_000_000, 3 << 30])
@pytest.mark.parametrize("mixed", [False, True])
def test_largest_batch_is_the_last_that_fits(free, mixed):
    graph = chain()
    shapes, regime = infer(graph), Regime(1, mixed)
    largest = largest_batch(graph, shapes, regime, free)
    assert largest > 1
    assert predict(graph, shapes, replace(regime, batch=largest)).total <= free
    assert predict(graph, shapes, replace(regime, batch=largest + 1)).total > free


def test_not_even_one_image():
    graph = chain()
    assert largest_batch(graph, infer(graph), Regime(1), 10_000) == 0


def test_parts_of_the_fullest_moment():
    """By hand: the gradients of the last layer are there when those of the first convolution are made."""
    graph = graph_of("net two { input x: 1x8x8\n conv(3x3, 4) -> relu -> conv(8x8, 2, pad=0) }")
    budget = predict(graph, infer(graph), Regime(10, state=2, scratch=0))
    first, last = 4 * (9 + 1), 2 * (4 * 64 + 1)
    hidden = 4 * 8 * 8
    assert budget.weights == 4 * (first + last)
    assert budget.state == 2 * budget.weights
    assert budget.images == 10 * (4 * 8 * 8 + 4 * 2 + 8)
    assert graph[budget.at].op.name == "relu"
    assert budget.kept == 10 * 4 * hidden
    assert budget.working == 2 * 10 * 4 * hidden
    assert budget.gradients == 4 * last
    assert budget.total == sum(
        (budget.weights, budget.state, budget.images, budget.kept, budget.working, budget.gradients)
    )
    averaged = predict(graph, infer(graph), Regime(10, state=2, scratch=0, average=True))
    assert averaged.total == budget.total + budget.weights


def test_devices_share_a_batch():
    recipe = Recipe(optimizer=SGD(0.1, momentum=0.9), batch=256, ema=0.999)
    options = Options(precision="bf16-mixed", devices=4, nodes=2, accumulate=4)
    assert regime_of(recipe, options) == Regime(
        8, mixed=True, state=2, scratch=0, average=True, accumulate=True
    )
    graph = chain()
    shapes = infer(graph)
    largest = largest_that_fits(graph, shapes, recipe, options, 100 << 20)
    assert largest == 32 * largest_batch(graph, shapes, regime_of(recipe, options), 100 << 20)


# --- what a run says -------------------------------------------------------------------------------


def origin_of(batch: int, options: Options) -> Origin:
    """As much of one as memory asks for."""
    empty: dict[str, Any] = dict.fromkeys(Origin.__struct_fields__)
    return Origin(**{**empty, "recipe": Recipe(optimizer=SGD(0.1, 0.9), batch=batch), "options": options})


@pytest.mark.parametrize("precision", ["32", "bf16-mixed"])
def test_shortage_tells_the_largest_batch_that_fits(precision):
    compiled = compile_net("squeezenet1_0")
    told = describe_shortage(origin_of(512, Options(precision=precision)), compiled, 1 << 30)
    needed = predict_net("squeezenet1_0", Regime(512, precision != "32", scratch=0)).total
    assert f"a step of 512 images needs {needed / 2**30:.1f} GiB" in told.message
    assert "1.0 GiB can be had" in told.message
    batch, parts = map(int, re.findall(r"`--(?:batch|accumulate) (\d+)`", told.help))
    for images, accumulate in ((batch, 1), (512, parts)):
        origin = origin_of(images, Options(precision=precision, accumulate=accumulate))
        facts = compiled.training
        needed = predict_step(facts.graph, facts.shapes, origin.recipe, origin.options).total
        assert 0.5 * 2**30 < needed <= 0.9 * 2**30


def test_shortage_that_was_not_predicted_halves_the_batch():
    compiled = compile_net("lenet5")
    assert "`--batch 16`" in describe_shortage(origin_of(32, Options()), compiled, 1 << 34).help
    assert "`--batch 16`" in describe_shortage(origin_of(32, Options()), compiled, None).help
    assert "not even one image" in describe_shortage(origin_of(32, Options()), compiled, 1 << 16).help


def test_errors_of_allocators_are_told_from_others():
    for size, wanted in ((1 << 46, True), (-1, False)):
        with pytest.raises(RuntimeError) as raised:
            torch.empty(size)
        assert is_out_of_memory(raised.value) == wanted
    assert is_out_of_memory(torch.OutOfMemoryError())
    free = free_memory(Options(device="cpu"))
    assert free is not None
    assert 1 << 20 < free < 1 << 50
