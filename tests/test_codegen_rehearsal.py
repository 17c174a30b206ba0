"""The rehearsal finds every change of a generated module that would compute something else, without torch."""

from __future__ import annotations

import ast

import pytest
from lowering import NAMES, NETS, graph_of

from netc.codegen.naming import class_name
from netc.codegen.pytorch import emit
from netc.codegen.rehearse import Mismatch, rehearse
from netc.codegen.uses import Net


def check(source: str, name: str) -> None:
    graph = graph_of((NETS / f"{name}.net").read_text(encoding="utf-8"))
    net = Net(graph)
    support = {each for emit in net.emits.values() for each in emit.support} | {"FlatLinear"}
    rehearse(source, class_name(graph.name, ()), graph, net.emits, support)


def mutants(source: str) -> list[tuple[str, str]]:
    """Changes of one thing in the code of a constructor or a `forward`: a number, a flag, a name, an
    operator."""
    tree = ast.parse(source)
    support = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not is_ours(node)
    }
    found = []
    for top in tree.body:
        if not isinstance(top, ast.ClassDef) or top.name in support:
            continue
        for method in (node for node in top.body if isinstance(node, ast.FunctionDef)):
            for statement in method.body:
                for node in ast.walk(statement):
                    undo = change(node)
                    if undo is None:
                        continue
                    what = ast.unparse(node)
                    found.append((f"{top.name}.{method.name}:{node.lineno} {what}", ast.unparse(tree)))
                    undo()
    return found


def is_ours(node: ast.AST) -> bool:
    """Whether a class was recovered from the net: its docstring says so."""
    return isinstance(node, ast.ClassDef) and any(
        word in (ast.get_docstring(node) or "")
        for word in ("The block", "The part", "A part", "The net", "Weights are")
    )


def change(node: ast.AST):
    """Change `node` in place; how to undo that, or None where there is nothing to change."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        before = node.value
        node.value = before + 1
        return lambda: setattr(node, "value", before)
    if isinstance(node, ast.Attribute) and node.attr in ("relu", "ReLU", "BatchNorm2d", "sigmoid", "cat"):
        before = node.attr
        node.attr = {
            "relu": "gelu",
            "ReLU": "GELU",
            "BatchNorm2d": "InstanceNorm2d",
            "sigmoid": "tanh",
            "cat": "stack",
        }[before]
        return lambda: setattr(node, "attr", before)
    if isinstance(node, ast.Attribute) and node.attr.endswith("1") and isinstance(node.ctx, ast.Store):
        before = node.attr
        node.attr = before + "x"
        return lambda: setattr(node, "attr", before)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        node.op = ast.Mult()
        return lambda: setattr(node, "op", ast.Add())
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Call) and node.value.args:
        before = node.value
        node.value = before.args[0]
        return lambda: setattr(node, "value", before)
    return None


@pytest.mark.parametrize("name", NAMES)
def test_modules_pass_as_they_are(name):
    source = emit(graph_of((NETS / f"{name}.net").read_text(encoding="utf-8")))
    check(source, name)
    check(ast.unparse(ast.parse(source)), name)


@pytest.mark.parametrize("name", NAMES)
def test_every_mutant_is_found(name):
    source = emit(graph_of((NETS / f"{name}.net").read_text(encoding="utf-8")))
    every = mutants(source)
    assert len(every) > 5
    survivors = []
    for what, mutant in every:
        try:
            check(mutant, name)
        except Mismatch:
            continue
        survivors.append(what)
    assert not survivors


PROGRAM = """
net facts {
    input: 4x8x8
    conv1: conv(3x3, 4)
    bn1: bn
    add { conv(3x3, 4); bn1 -> conv(3x3, 4) }
    relu
}
"""


@pytest.mark.parametrize(
    ("written", "hostile"),
    [
        ("conv1", "__class__"),
        ("import torch.nn.functional as F", "import os"),
        ("super().__init__()", "(lambda: 0)()"),
        ("super().__init__()", "exec('1')"),
        ("super().__init__()", "open('x')"),
        ("bn1 = self.bn1", "F.relu(x, inplace=True)\n        bn1 = self.bn1"),
        ("x = self.conv2(bn1)", "x = self.conv2(F.relu(bn1, inplace=True))"),
        ("x += self.conv3(bn1)", "bn1 += x\n        x += self.conv3(bn1)"),
    ],
)
def test_what_is_not_a_module_of_this_graph_is_refused(written, hostile):
    graph = graph_of(PROGRAM)
    source = emit(graph)
    assert written in source
    with pytest.raises(Mismatch):
        rehearse(source.replace(written, hostile), "Facts", graph, Net(graph).emits, set())


def test_the_stride_that_a_pool_has_without_one_is_its_own_window():
    graph = graph_of("net pools { input: 4x32x32\nmaxpool(2x2)\nconv(1x1, 4)\nmaxpool(3x3/2)\nmaxpool(2x2) }")
    source = emit(graph)
    changed = source.replace("3, stride=2", "3")
    assert changed != source
    with pytest.raises(Mismatch):
        rehearse(changed, "Pools", graph, Net(graph).emits, set())


def test_a_window_that_some_uses_give_as_a_list_is_a_tuple():
    text = "block b(k) { conv(k, 4) }\nnet lists { input: 3x32x32\nb(3x3) -> b([3, 1]) -> b(1x3) -> b(2) }"
    assert "B(4, (3, 1))" in emit(graph_of(text))
