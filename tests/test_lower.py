"""Lowering: the programs of `cases/lower` give these graphs, and those of `cases/mistakes` these reports."""

from __future__ import annotations

import pytest

from netc.compiler.graph import Graph
from netc.compiler.imports import resolve
from netc.compiler.limits import Limits
from netc.compiler.lower import choose, lower
from netc.compiler.program import BUILTINS, Program
from netc.compiler.reserved import MODULE_ATTRIBUTES
from netc.compiler.suggestions import ELSEWHERE, NEEDLESS, PARAMETERS_ELSEWHERE, PRELUDE
from netc.driver import in_order, quiet_machine
from netc.dsl.report import render
from netc.dsl.source import Source, Unread
from netc.files import read_bundled
from netc.ops.arguments import parameters
from netc.ops.registry import LAYERS
from netc.training.entries import ENTRIES


def read(text: str, **files: str) -> Program:
    files["case"] = text

    def load(name: str, user: Source) -> Source | Unread:
        return (
            Source(f"{name}.net", files[name])
            if name in files
            else Unread(f"there is no `{name}.net` beside this file")
        )

    return resolve(Source("case.net", text), load)


def elaborate(text: str, net: str | None = None, **files: str) -> tuple[Program, Graph | None]:
    program = read(text, **files)
    if program.report.failed:
        return program, None
    return program, lower(program, choose(program, net))


def listing(graph: Graph) -> str:
    """One line a node: its name, layer, inputs by name, and the owner of its weights if that is another."""
    lines = []
    for node in graph:
        inputs = ", ".join(graph[source].name for source in graph.inputs(node.id))
        owner = f"  = {graph[node.weights].name}" if node.weights != node.id else ""
        lines.append(f"{node.name}: {node.op.name}({inputs}){owner}")
    lines.extend(
        f"-> {port.name}: {graph[port.node].name}"
        + (f" x {port.weight:g}" if port.weight is not None else "")
        for port in graph.outputs
    )
    return "\n".join(lines)


@pytest.mark.cases("lower")
def test_program_gives_graph(case, agrees):
    program, graph = elaborate(case.program)
    assert graph is not None, "\n".join(render(diagnostic) for diagnostic in program.report.diagnostics)
    agrees(case, "graph", listing(graph))


@pytest.mark.cases("mistakes")
def test_mistake_is_reported(case, agrees):
    program = read(case.program, other="block known { relu }\n")
    found = program.report.take()
    with quiet_machine():
        for net in program.scope.net_names():
            lower(program, net)
            found.extend(program.report.take())
    assert found
    agrees(case, "report", "\n\n".join(render(diagnostic) for diagnostic in in_order(found)))


def test_the_prelude_that_is_suggested_is_that_of_std():
    assert set(resolve(read_bundled("std"), lambda name, user: Unread("")).scope.definitions) == PRELUDE


def test_names_of_other_libraries_mean_layers_that_exist():
    assert set(ELSEWHERE.values()) <= set(BUILTINS)
    assert set(ELSEWHERE) & set(BUILTINS) == {"dense"}  # a group here; `Dense` is a layer elsewhere


def test_parameters_of_other_libraries_mean_some_that_exist():
    known = {parameter.name for layer in LAYERS.values() for parameter in parameters(layer)}
    words = [word for entry in ENTRIES.values() for word in entry.words.values()]
    known |= {field for word in words for field in word.__struct_fields__}
    assert set(PARAMETERS_ELSEWHERE.values()) <= known
    assert not {*PARAMETERS_ELSEWHERE, *NEEDLESS} & known


def test_reserved_names_are_those_of_torch():
    torch = pytest.importorskip("torch")
    present = {name for name in dir(torch.nn.Module()) if not name.startswith("__")}
    assert present <= MODULE_ATTRIBUTES


@pytest.mark.parametrize("length", [1, 2, 5000])
def test_long_chains_are_lowered_in_order(length):
    _, graph = elaborate(f"net long {{ input x: 4x8x8\n relu * {length} }}")
    assert graph is not None
    assert [graph.inputs(node.id) for node in graph][1:] == [(i,) for i in range(length)]


def test_same_text_gives_same_names():
    text = "block f(n) { add { conv(3x3, n); id } }\nnet a { input x: 8x8x8\n f(8) * 3 -> conv(1x1, 2) }"
    first, second = (elaborate(text)[1] for _ in range(2))
    assert first is not None
    assert second is not None
    assert listing(first) == listing(second)


def test_settings_bind_parameters_and_inputs_their_sizes():
    program = read("net a(width, classes=10) { input x: 3x32x32\n conv(3x3, width) -> gap -> fc(classes) }")
    graph = lower(program, "a", settings={"width": 7, "classes": 3}, inputs={"": (1, 9, 9)})
    assert graph is not None
    assert [node.op.out for node in graph if node.op.name in ("conv", "fc")] == [7, 3]
    assert next(iter(graph)).op.shape([]).dims == (1, 9, 9)


def test_a_share_of_the_file_is_another_layer_in_each_net():
    nets = "net a { input x: 4x4x4; relu -> f -> f }\nnet b { input x: 4x4x4; f -> f }"
    program = read(f"let f = share(conv(1x1, 4))\n{nets}")
    owners = []
    for _ in range(2):
        for net in "ab":
            graph = lower(program, net)
            assert graph is not None
            owners.append([graph[node.weights].name for node in graph if node.op.name == "conv"])
    assert owners == [["conv1", "conv1"]] * 4


@pytest.mark.parametrize(
    ("use", "files", "code"),
    [
        ("use gone", {}, "missing-file"),
        ("use gone (one, two)", {}, "missing-file"),
        ("use back", {"back": "use case\nblock one { relu }"}, "import-cycle"),
        ("use back (one)", {"back": "use case (two)\nblock one { two }"}, "import-cycle"),
        ("use case (one)", {}, "import-cycle"),
        ("use half", {"half": "block one { relu"}, "unclosed"),
    ],
)
def test_what_an_unread_file_would_have_brought_is_silent(use, files, code):
    program = read(f"{use}\nblock two {{ relu }}\nnet n {{ input: 3x8x8; one -> two }}", **files)
    lower(program, "n")
    assert [diagnostic.code for diagnostic in program.report.take()] == [code]


def test_names_of_other_files_are_found_in_their_own():
    _, graph = elaborate(
        "use b\nuse c (unit)\nblock relu { tanh }\nnet n { input x: 3x8x8; ours -> deep -> unit -> relu }",
        b="use c\nblock ours { mine -> relu }\nblock unit { gelu }\nlet deep = (relu -> unit); let mine=elu",
        c="block unit { sigmoid }\nlet mine = softmax",
    )
    assert graph is not None
    assert [node.op.name for node in graph][1:] == ["elu", "relu", "relu", "gelu", "sigmoid", "tanh"]


LIMITED = {
    "list_entries": "conv(1x1, len(range(11)))",
    "calls": "f(12)",
    "depth": "{{{{{{{{{{{ relu }}}}}}}}}}}",
    "turns": "let one = (id -> id); (one -> one -> one) * 10",
    "entries": "for i in range(10) { let a = [j for j in range(10)] }",
    "nodes": "relu * 10",
    "edges": "dense { for i in range(5) { conv(1x1, 1) } }",
    "input_elements": "relu",
}


@pytest.mark.parametrize("limit", LIMITED)
def test_a_limit_is_named_where_it_refuses_and_can_be_raised(limit):
    blocks = "block f(n) { if n > 0 { f(n - 1) } else { relu } }"
    text = f"{blocks}\nnet n {{ input: 1x4x4; {LIMITED[limit]} }}"

    def reports(most: int) -> list[str]:
        program = read(text)
        lower(program, "n", limits=Limits(**{limit: most}))
        return [diagnostic.help for diagnostic in program.report.take()]

    assert reports(1_000) == []
    assert f"`--limit {limit}=N` raises the limit" in reports(10)[0]
