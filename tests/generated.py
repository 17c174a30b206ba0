"""Programs in, their generated modules out, and how these compare with an interpreter of the graph."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from unittest.mock import patch

import torch
from interpreter import Interpreter, random_inputs
from lowering import read
from torch import Tensor, nn

from netc.codegen.pytorch import emit
from netc.compiler.facts import Facts
from netc.compiler.graph import Graph
from netc.compiler.lower import choose, lower
from netc.compiler.weights import state_name, state_paths
from netc.live import instantiate

RULES = "E,F,W,I,UP,B,SIM,C4,RUF,PT,PIE,RET,N"


def generate(text: str, net: str | None = None, aux: bool = True) -> tuple[Graph, str]:
    """The graph and the module of a correct program."""
    program = read(text)
    name = choose(program, net)

    def elaborate(values: dict[str, int | float]) -> Graph | None:
        graph = lower(program, name, settings=values)
        return graph if graph is None or aux else Facts(graph).inference.graph

    graph = elaborate({})
    assert graph is not None, [diagnostic.message for diagnostic in program.report.diagnostics]
    costs = Facts(graph).inference.costs
    return graph, emit(graph, lower_again=elaborate, doc=program.scope.docstring, costs=costs)


def source_of(text: str, net: str | None = None, aux: bool = True) -> str:
    return generate(text, net, aux)[1]


def tensors(given: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [given] if isinstance(given, Tensor) else list(given)


def settle(values: dict[str, Tensor]) -> None:
    """Weights and statistics drawn so that no activation dies and none explodes."""
    torch.manual_seed(1)
    for name, value in values.items():
        if value.dtype.is_floating_point and value.dim():
            spread = 0.2 if value.dim() == 1 else (2.0 / value[0].numel()) ** 0.5
            value.copy_(torch.rand_like(value) + 0.5 if "var" in name else torch.randn_like(value) * spread)


def without_chance(module: nn.Module) -> None:
    """Dropout and its like do nothing."""
    for layer in module.modules():
        for name in ("p", "drop"):
            if isinstance(getattr(layer, name, None), float):
                setattr(layer, name, 0.0)


def compare(graph: Graph, source: str) -> None:
    """Outputs in evaluation and in training, and gradients of every weight, are those of the graph, in
    float64."""
    net, oracle = instantiate(source, graph.name).double(), Interpreter(graph).double()
    weights = oracle.weights()
    settle(weights)
    net.load_state_dict({name: value.clone() for name, value in weights.items()}, strict=True)
    without_chance(net)
    without_chance(oracle)
    inputs = [x.double() if x.is_floating_point() else x for x in random_inputs(graph, 2)]
    with patch("torch.nn.functional.dropout", lambda x, *_, **__: x):
        with torch.no_grad():
            given = tensors(net.eval()(*(x.clone() for x in inputs)))
            wanted = oracle.eval()(*inputs)[: len(graph.results)]
        assert len(given) == len(graph.results)
        for mine, theirs in zip(given, wanted, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)
        given, wanted = tensors(net.train()(*inputs)), oracle.train()(*inputs)
        for mine, theirs in zip(given, wanted, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)
            ways = torch.cos(torch.arange(mine.numel(), dtype=torch.float64)).view_as(mine)
            for value in (mine, theirs):
                (value * ways).sum().backward(retain_graph=True)
    compare_gradients(graph, net, oracle)


def compare_gradients(graph: Graph, net: nn.Module, oracle: Interpreter) -> None:
    paths = state_paths(graph)
    expected = {
        state_name(paths[int(id_)], name): parameter.grad
        for id_, made in (*oracle.layers.items(), *oracle.learned.items())
        for name, parameter in ([("", made)] if isinstance(made, nn.Parameter) else made.named_parameters())
    }
    assert set(expected) == {name for name, _ in net.named_parameters()}
    largest = max((float(grad.abs().max()) for grad in expected.values() if grad is not None), default=1.0)
    for name, parameter in net.named_parameters():
        theirs = expected[name]
        assert parameter.grad is not None, name
        assert theirs is not None, name
        torch.testing.assert_close(parameter.grad, theirs, rtol=1e-6, atol=1e-9 * largest)


def assert_clean(*sources: str) -> None:
    """`ruff format` would change nothing, and `ruff check` finds nothing."""
    for source in sources:
        for arguments in (["format", "--check"], ["check", "--select", RULES, "--ignore", "N812"]):
            told = subprocess.run(
                [sys.executable, "-m", "ruff", *arguments, "--isolated", "-"],
                input=source,
                text=True,
                capture_output=True,
                check=False,
            )
            assert told.returncode == 0, told.stdout + told.stderr + source
