"""Programs drawn at random: what is generated from them computes what their graphs say, and reads as it
should."""

from __future__ import annotations

from generated import assert_clean, compare
from hypothesis import HealthCheck, assume, given, settings
from lowering import read
from programs import programs

from netc.codegen.pytorch import emit
from netc.compiler.facts import Facts
from netc.compiler.lower import lower

EASY = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@settings(max_examples=40, suppress_health_check=EASY)
@given(programs())
def test_generated_module_computes_the_graph(text):
    program = read(text)
    graph = None if program.report.failed else lower(program, "main")
    assume(graph is not None)
    assert graph is not None
    source = emit(graph, lower_again=lambda values: lower(program, "main", settings=values))
    assert_clean(source)
    compare(graph, source)


@settings(max_examples=30, suppress_health_check=EASY)
@given(programs())
def test_generated_module_without_heads_computes_the_graph_without_heads(text):
    """The rehearsal compares them; it runs in every call of `emit`."""
    program = read(text)
    graph = None if program.report.failed else lower(program, "main")
    assume(graph is not None)
    assert graph is not None
    source = emit(Facts(graph).inference.graph)
    assert "TrainingOutputs" not in source
    assert source == emit(Facts(graph).inference.graph)
