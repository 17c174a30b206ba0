"""What the tests share: programs and what they must give, in Markdown that `pytest --update` rewrites."""

from __future__ import annotations

import ast
import functools
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from netc.compiler.graph import Graph
from netc.ops.base import Shape

os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no mistake of the code.
settings.register_profile("netc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("netc")

CASES = Path(__file__).parent / "cases"
PART = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expectations of the cases")
    parser.addoption("--all-nets", action="store_true", help="export and train every bundled net")


class Case:
    """A part of a case file: a `net` block with a program, and further blocks with what it gives."""

    def __init__(self, path: Path, title: str, text: str) -> None:
        self.path, self.title = path, title
        self.blocks = {fence["kind"]: fence["body"] for fence in FENCE.finditer(text)}
        self.program = self.blocks["net"]

    @property
    def id(self) -> str:
        return f"{self.path.stem}: {self.title}"


def cases(folder: str) -> list[Case]:
    """All cases of `tests/cases/FOLDER`, from files whose parts start with `## title`."""
    return [
        Case(path, part["title"], part["text"])
        for path in sorted((CASES / folder).glob("*.md"))
        for part in PART.finditer(path.read_text(encoding="utf-8"))
    ]


class LayerExample:
    """A layer with the shapes that enter it, and a net of it alone, as lowered from the example's text."""

    def __init__(self, name: str, arguments: str, inputs: tuple[Shape, ...], graph: Graph) -> None:
        self.inputs, self.graph = inputs, graph
        self.op = op = next(node.op for node in graph if node.op.name == name)
        self.output = op.shape(inputs)
        self.id = f"{name}({arguments})-{'-'.join(map(str, inputs))}"


@functools.cache
def layer_examples() -> list[LayerExample]:
    """Every example of every layer, read by the compiler from the text that the reference shows."""
    from lowering import graph_of

    from netc.ops.registry import LAYERS

    found = []
    for name, layer in LAYERS.items():
        for example in layer.examples:
            entering = [
                f"input x{i}: {'x'.join(map(str, (s.channels, *s.spatial)))} as {s.dtype}"
                for i, s in enumerate(example.inputs)
            ]
            entering += [
                f"last{i}: x{i} -> channels_last" for i, s in enumerate(example.inputs) if s.layout == "last"
            ]
            tensors = [f"{'x' if s.layout == 'first' else 'last'}{i}" for i, s in enumerate(example.inputs)]
            if layer.arity is None:
                chain = f"{name}({', '.join(filter(None, (*tensors, example.arguments)))})"
            else:
                likes = [f"like={tensor}" for tensor in tensors[1:]]
                chain = f"{tensors[0]} -> {name}({', '.join(filter(None, (example.arguments, *likes)))})"
            if name == "split":
                n = ast.literal_eval(example.arguments)
                parts = [f"part{i}" for i in range(n if isinstance(n, int) else len(n))]
                chain = f"({', '.join(parts)}): {chain}\nconcat({', '.join(parts)})"
            text = "\n".join(["net example {", *entering, chain, "}"])
            found.append(LayerExample(name, example.arguments, example.inputs, graph_of(text)))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with a parameter `case` and a mark `cases("folder")` runs once for each case of that folder,
    one with a parameter `example` once for each example of each layer, as the compiler understands it."""
    mark = metafunc.definition.get_closest_marker("cases")
    if mark is not None:
        found = cases(mark.args[0])
        metafunc.parametrize("case", found, ids=[case.id for case in found])
    if "example" in metafunc.fixturenames:
        found = layer_examples()
        metafunc.parametrize("example", found, ids=[example.id for example in found])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cases(folder): run once for each case of tests/cases/FOLDER")


@pytest.fixture
def agrees(request: pytest.FixtureRequest) -> Callable[[Case, str, str], None]:
    """`agrees(case, kind, text)`: the case's block of that kind says `text`, or `--update` makes it."""

    def check(case: Case, kind: str, text: str) -> None:
        text = text.rstrip("\n") + "\n"
        if request.config.getoption("--update") and case.blocks.get(kind) != text:
            whole = case.path.read_text(encoding="utf-8")
            start = whole.index(f"## {case.title}\n")
            end = whole.find("\n## ", start)
            end = len(whole) if end < 0 else end
            part = whole[start:end]
            block = f"```{kind}\n{text}```"
            if kind in case.blocks:
                part = part.replace(f"```{kind}\n{case.blocks[kind]}```", block)
            else:
                part = part.rstrip("\n") + f"\n\n{block}\n"
            case.path.write_text(whole[:start] + part + whole[end:], encoding="utf-8")
            return
        assert case.blocks.get(kind) == text

    return check
