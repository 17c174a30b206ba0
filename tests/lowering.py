"""Texts in, graphs out: what tests of the compiler start from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from netc.compiler.graph import Graph, Node
from netc.compiler.imports import resolve
from netc.compiler.lower import choose, lower
from netc.compiler.program import Program
from netc.dsl.report import render
from netc.dsl.source import Source, Unread


def read(text: str, name: str = "case.net") -> Program:
    return resolve(Source(name, text), lambda name, user: Unread(""))


def graph_of(text: str, net: str | None = None) -> Graph:
    """The graph of a correct program."""
    program = read(text)
    graph = None if program.report.failed else lower(program, choose(program, net))
    assert graph is not None, "\n".join(render(diagnostic) for diagnostic in program.report.diagnostics)
    return graph


def node_named(graph: Graph, name: str) -> Node:
    return next(node for node in graph if node.name == name)


NETS = Path(__file__).parent / "cases" / "nets"
NAMES = [path.stem for path in sorted(NETS.glob("*.net"))]
"""Small nets that between them use every group and most layers."""


@cache
def small_net(name: str) -> Graph:
    return graph_of((NETS / f"{name}.net").read_text(encoding="utf-8"))
