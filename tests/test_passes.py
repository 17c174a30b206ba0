"""Passes: both graphs give the same numbers with weights loaded through the map; maps compose."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from interpreter import Interpreter, random_inputs
from lowering import NAMES, graph_of, small_net

from netc.compiler.cost import count
from netc.compiler.graph import Graph
from netc.compiler.passes import PASSES, run
from netc.compiler.shapes import infer
from netc.compiler.weights import Copy, WeightMap, tensors

FIRST_IN_A_HEAD = """
block f(n) { conv1: conv(3x3, n); bn1: bn }

net named {
    input x: 4x8x8
    let same = share(f(4))
    aux head(weight=0.3): same -> fc(3)
    tail: same -> same -> relu -> fc(3)
}

net unnamed(same=share(f(4))) {
    input x: 4x8x8
    aux head(weight=0.3): same -> fc(3)
    tail: same -> same -> relu -> fc(3)
}
"""


def check(graph: Graph) -> Graph:
    """The graph after all passes, which gives the same results, with weights loaded through the map."""
    smaller, shapes, moved = run(graph, infer(graph))
    before, after = Interpreter(graph).eval(), Interpreter(smaller).eval()
    wanted = after.weights()
    assert {name: tuple(value.shape) for name, value in wanted.items()} == dict(tensors(smaller, shapes))
    loaded = moved.apply(wanted, before.weights())
    with torch.no_grad():
        for name, value in wanted.items():
            value.copy_(loaded[name])
        inputs = random_inputs(graph)
        results = before(*inputs)[: len(graph.results)]
        assert all(torch.equal(one, other) for one, other in zip(results, after(*inputs), strict=True))
    return smaller


@pytest.mark.parametrize("name", NAMES)
def test_small_nets_infer_as_they_were_trained(name):
    check(small_net(name))


def test_heads_and_what_only_they_need_are_gone():
    graph = small_net("inception")
    smaller = check(graph)
    assert len(graph.heads) == 2
    assert smaller.heads == ()
    gone = {node.name for node in graph} - {node.name for node in smaller}
    assert {name.split(".")[0] for name in gone} == {"aux1", "aux2"}
    assert not any(module.path.startswith("aux") for module in smaller.modules.walk())


def test_net_without_heads_is_left_as_it_is():
    graph = small_net("residual")
    assert run(graph, infer(graph))[0] is graph


@pytest.mark.parametrize(("net", "owner"), [("named", "same"), ("unnamed", "tail.0")])
def test_weights_that_a_head_owned_pass_to_the_first_use_that_is_left(net, owner):
    smaller = check(graph_of(FIRST_IN_A_HEAD, net))
    assert {name for name, _ in tensors(smaller, infer(smaller)) if "conv" in name} == {
        f"{owner}.conv1.weight",
        f"{owner}.conv1.bias",
    }
    assert count(smaller, infer(smaller)).total.params == 148 + 8 + 4 * 64 * 3 + 3


NAME = st.sampled_from("abcdef")
MAPS = st.dictionaries(NAME, NAME.map(Copy)).map(WeightMap)


@given(MAPS, MAPS)
def test_maps_compose(first, second):
    old = {name: name.upper() for name in "abcdef"}
    between = first.apply("abcdef", old)
    assert second.after(first).apply("abcdef", old) == second.apply("abcdef", between)


def test_every_pass_says_what_it_rewrites():
    assert all("->" in (step.__doc__ or "") for step in PASSES)
