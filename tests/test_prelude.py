"""`std.net`: each composite of the prelude is the layers that its name says, in their order."""

from __future__ import annotations

import pytest

from netc import driver
from netc.compiler.facts import Facts
from netc.dsl.source import Source
from netc.files import Spec, bundled_files, open_bundled

C, OUT = 32, 48
CASES = {
    "cr(3x3, 48)": ("conv relu", 9 * C * OUT + OUT),
    "cb(3x3, 48)": ("conv bn", 9 * C * OUT + 2 * OUT),
    "cbr(3x3/2, 48, groups=4)": ("conv bn relu", 9 * C * OUT // 4 + 2 * OUT),
    "cbr(1x1, 48, bias=true)": ("conv bn relu", C * OUT + 3 * OUT),
    "cba(1x1, 48, hswish)": ("conv bn hswish", C * OUT + 2 * OUT),
    "brc(3x3, 48)": ("bn relu conv", 2 * C + 9 * C * OUT),
    "sepconv(5x5, 48)": ("dwconv conv", 25 * C + C * OUT),
    "se(4)": ("gap fc relu fc sigmoid mul", 2 * C * C // 4 + C // 4 + C),
}


def facts(layer: str) -> Facts:
    text = f"use std\nnet case {{ input maps: {C}x8x8; {layer} }}"
    result = driver.compile(Spec(Source("case.net", text), None, None))
    assert result.compiled is not None, result.diagnostics
    return result.compiled.training


@pytest.mark.parametrize("layer", CASES)
def test_composite_is_the_layers_of_its_name(layer):
    names, params = CASES[layer]
    table = facts(layer)
    assert [node.op.name for node in table.graph][1:] == names.split()
    assert table.total.params == params


def test_every_composite_has_a_case():
    assert "std" in bundled_files()
    text = open_bundled("std").source.text
    defined = {line.split()[1].split("(")[0] for line in text.splitlines() if line.startswith("block ")}
    assert {layer.split("(")[0] for layer in CASES} == defined
