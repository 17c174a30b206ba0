"""Large graphs are counted before they are built: exactly, and only the time changes by it."""

from __future__ import annotations

import time

import pytest

from netc.compiler import elaboration
from netc.compiler.imports import resolve
from netc.compiler.limits import Limits
from netc.compiler.lower import lower
from netc.driver import quiet_machine
from netc.dsl.source import Source
from netc.files import find_bundled, read_bundled

SHARED = """block twice(n) { if n > 0 { twice(n - 1) -> twice(n - 1) } else { conv(3x3, in.c) } }
block pair takes (a, b) { add(a, b) -> relu; }
let once = share(twice(2))
net a {
    input x: 4x8x8
    (relu -> conv(3x3, 4)) * 5 -> conv(1x1, 8) * 3
    s: once -> once -> share(twice(1)) * 2
    twice(4) -> (bn -> relu) * 7
    tail: { twice(1) * 3; dense { for i in range(3) { twice(1) } } }
    both: (s, s) -> pair
    concat(tail, both) -> { id } * 100
}
"""


def nodes_of(source: Source, net: str, limits: Limits | None = None) -> list[tuple[object, ...]] | None:
    """The layers of a net, each with its inputs and name, or None where it is refused for its size only."""
    program = resolve(source, lambda name, user: read_bundled(name))
    graph = lower(program, net, limits=limits)
    if graph is None:
        assert [found.code for found in program.report.diagnostics] == ["graph-limit"]
        return None
    assert not program.report.diagnostics
    return [(node.name, node.op, *graph.inputs(node.id)) for node in graph]


BUNDLED = (
    "densenet121",
    "fractalnet20",
    "googlenet",
    "mobilenet_v1",
    "resnext50",
    "se_resnet50",
    "unet",
    "vgg16",
)


def sources() -> list[tuple[Source, str]]:
    bundled = [(find_bundled(name), name) for name in BUNDLED]
    return [(Source("shared.net", SHARED), "a"), *((found[0], name) for found, name in bundled if found)]


@pytest.mark.parametrize(("source", "net"), sources(), ids=["shared", *BUNDLED])
def test_counting_ahead_is_exact(source, net, monkeypatch):
    """The same graph; and the limit is reached by one layer too few, and by no fewer, as without."""
    whole = nodes_of(source, net)
    assert whole is not None
    monkeypatch.setattr(elaboration, "LARGE", 0)
    assert nodes_of(source, net) == whole
    assert nodes_of(source, net, Limits(nodes=len(whole))) == whole
    assert nodes_of(source, net, Limits(nodes=len(whole) - 1)) is None


FRACTAL = """block f(n) { if n == 1 { conv(3x3, 4) } else { mean { conv(3x3, 4); f(n - 1) -> f(n - 1) } } }
net a { input: 4x8x8; f(100) }
"""
REPEAT = """block unit(n) { conv(1x1, n) -> bn -> relu }
net a { input: 4x8x8; unit(4) * 100_000 -> unit(4) * 100_000 -> (relu -> bn) * 100_000 -> unit(4) * 100_000 }
"""
LOOP = """block unit(n) { (conv(1x1, n) -> bn -> relu) * 4 }
net a { input: 4x8x8; for i in range(100_000) { unit(4) } }
"""


@pytest.mark.parametrize("text", [FRACTAL, REPEAT, LOOP], ids=["fractal", "repeat", "loop"])
def test_a_graph_past_its_limit_is_refused_before_it_is_built(text):
    start = time.process_time()
    with quiet_machine():
        assert nodes_of(Source("large.net", text), "a") is None
    assert time.process_time() - start < 5
