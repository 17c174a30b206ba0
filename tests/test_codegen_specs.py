"""The modules of the bundled nets: short, clean, without a parameter that the generator had to name, and some
of them word for word."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from generated import RULES

import netc
from netc import driver
from netc.codegen.classes import recover
from netc.codegen.uses import Net
from netc.files import Spec, find_spec

GOLDEN = Path(__file__).parent / "golden"
WORD_FOR_WORD = [
    "resnet50",
    "densenet121",
    "googlenet",
    "unet",
    "se_resnet50",
    "fractalnet20",
    "resnext50_branches",
    "textcnn",
    "mobilenet_v1_100",
    "vgg16",
    "resnet34_a",
    "resnet200",
    "nin_imagenet",
    "dpn92",
    "nasnet_a_mobile",
    "polynet",
    "hrnet_w18",
    "inception_resnet_v2",
    "pyramidnet200_a240",
    "preact_resnet110",
    "efficientnet_b5",
    "ghostnet",
]
LINES = {"resnet50": 80, "densenet121": 100, "googlenet": 135, "vgg16": 75, "fractalnet20": 125}
NETS = netc.nets()


@cache
def compiled(name: str) -> driver.Compiled:
    found = driver.compile(find_spec(name)).compiled
    assert found is not None
    return found


@cache
def source_of(name: str) -> str:
    return compiled(name).source()


@pytest.mark.parametrize("name", WORD_FOR_WORD)
def test_source_is_as_reviewed(name, request):
    source = source_of(name)
    source = source.partition("\n")[2]  # the first line names the version
    path = GOLDEN / f"{name}.py"
    if request.config.getoption("--update"):
        path.write_text(source, encoding="utf-8")
    assert source == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LINES)
def test_source_is_as_short_as_a_person_would_write_it(name):
    assert len(source_of(name).splitlines()) <= LINES[name]


@pytest.mark.parametrize("name", NETS)
def test_no_class_needs_a_parameter_that_the_generator_names(name):
    """Each is a block's own, `in_channels`, a part of a window, or came along with `...opts`."""
    graph = compiled(name).training.graph
    for plan in recover([Net(graph)], set()):
        for parameter in plan.parameters:
            frames = [use.frame for use in plan.uses]
            passed = any(
                parameter.name in frame.rest or parameter.name in frame.arguments for frame in frames
            )
            assert parameter.origin in ("name", "channels", "kernel", "stride") or passed, (
                plan.name,
                parameter.name,
            )


@pytest.mark.parametrize("name", NETS)
def test_every_constructor_parameter_has_an_effect(name):
    for node in ast.walk(ast.parse(source_of(name))):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            read = {
                inner.id
                for statement in node.body
                for inner in ast.walk(statement)
                if isinstance(inner, ast.Name)
            }
            assert {argument.arg for argument in node.args.args} <= {*read, "self"}


@pytest.mark.parametrize("name", NETS)
def test_a_source_has_nothing_that_only_a_program_writes(name):
    """Classes that nothing uses, flags without a meaning, numbers of sixteen digits, doubled `not`s."""
    source = source_of(name)
    assert "used 0 times" not in source
    assert "takes_branch" not in source
    assert "return (" not in source
    code = "\n".join(line.partition("  # ")[0] for line in source.splitlines())
    assert not re.search(r"\d\.\d{9}", code)
    assert not re.search(r"if not \(|not not |layers2", code)


def test_sources_are_clean(tmp_path):
    """For `ruff check`, `ruff format --check` and `mypy --strict`, of all bundled nets at once."""
    for name in NETS:
        (tmp_path / f"{name}.py").write_text(source_of(name), encoding="utf-8")
    for path in (Path(__file__).parent / "cases" / "generated").glob("*.py.txt"):
        (tmp_path / f"case_{path.name.partition('.')[0]}.py").write_text(
            path.read_text(encoding="utf-8"), encoding="utf-8"
        )
    cache = str(tmp_path / "cache")
    files = sorted(path.name for path in tmp_path.glob("*.py"))
    tools = [
        ["ruff", "format", "--isolated", "--check", "."],
        ["ruff", "check", "--isolated", "--select", RULES, "--ignore", "N812", "."],
        ["mypy", "--strict", "--config-file", os.devnull, "--cache-dir", cache, *files],
    ]
    for arguments in tools:
        told = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_same_text_gives_the_same_bytes():
    spec = find_spec("googlenet")
    first, second = (driver.compile(Spec(spec.source, spec.net, spec.folder)).compiled for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.source() == second.source()


def test_without_heads_is_the_inference_net():
    source = compiled("googlenet").source(aux=False)
    assert "Head" not in source
    assert "training" not in source.replace("training=self.training", "")
