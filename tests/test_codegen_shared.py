"""Shared layers, with and without a `let`, in whatever they pass through: one set of weights, one name."""

from __future__ import annotations

import pytest
from generated import assert_clean, compare, generate, source_of

from netc.live import instantiate


@pytest.mark.cases("shared")
def test_weights_of_a_shared_layer_have_one_name_and_serve_each_use(case, agrees):
    """With the heads and without: a head may hold the first use."""
    for aux in (False, True):
        graph, source = generate(case.program, aux=aux)
        assert_clean(source)
        compare(graph, source)
    names = [name for name, _ in instantiate(source, "main").named_parameters()]
    agrees(case, "weights", "\n".join(sorted({name.rpartition(".")[0] for name in names})))


def test_a_shared_layer_is_reached_by_attributes_where_a_checker_can_follow():
    """It knows nothing of what an `nn.Sequential` holds."""
    text = """
block b(f) { add { f; id } }
net main(f=share(conv(3x3, 3))) { input x: 3x8x8
%s
b(f) }"""
    assert "B2(self.b1.conv1)" in source_of(text % "b(f)")
    assert 'B2(self.get_submodule("c.0.conv1"))' in source_of(text % "c: { b(f); relu }")
