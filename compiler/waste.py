"""A graph in, faults on values that reach no output out: where each ends, and what flows on instead."""

from __future__ import annotations

from ..dsl import ast
from ..dsl.diagnostics import Note
from .elaboration import Elaboration
from .faults import Fault
from .frames import InputEvent, Merge
from .graph import Graph, Node


def refuse_waste(e: Elaboration, graph: Graph) -> None:
    """A value that reaches no output is reported where it ends. What a `dense` group has gathered is not: a
    member that starts with another tensor need not read it."""
    useful = graph.ancestors(port.node for port in graph.outputs)
    if len(useful) == len(graph):
        return
    read = {source for node in graph for source in graph.inputs(node.id)}
    for node in graph:
        gathered = isinstance(node.event, Merge) and node.event.nodes[-1] in useful
        if node.id not in useful and node.id not in read and not gathered:
            e.frame = node.frame
            e.complain(refuse(node))


def refuse(node: Node) -> Fault:
    what = f"what `{getattr(node.event, 'head', node.op.name)}` gives here"
    help = "label it and use the label below, or remove it"
    causes = passed_over(node)
    if isinstance(node.event, InputEvent):
        what, causes = f"the input `{node.name}`", ()
        help = f"use it, as by `concat(in, {node.name})`, or remove it"
    elif len(node.event.outputs) > 1:
        place = [made.node for made in node.event.outputs].index(node.id)
        what, causes = f"value {place} of `{node.op.name}`, counted from 0,", ()
        help = "`channels(a, b)` takes a part alone"
    elif causes and causes[0].message == AFTER:
        help = "give it an `output` of its own, or remove it"
    return Fault("thrown-away", f"{what} reaches no output", node.place, "thrown away", causes, help)


AFTER = "the net gives this, and nothing after it"


def passed_over(node: Node) -> tuple[Note, ...]:
    """The statement after the value's own, which starts from another one; after the last, the outputs."""
    for inner in ast.walk(node.item.tree):
        if not isinstance(inner, ast.Body):
            continue
        statements = [one for one in inner.statements if not isinstance(one, ast.Let)]
        for own, after in zip(statements, [*statements[1:], None], strict=True):
            if not isinstance(own, ast.Flow) or not own.start <= node.site.start < own.end:
                continue
            if any(isinstance(deeper, ast.Body) and holds(deeper, node.site) for deeper in ast.walk(own)):
                break
            if isinstance(after, ast.Flow):
                first = after.value.steps[0] if isinstance(after.value, ast.Chain) else after.value
                return (Note(node.item.place(first), "starts from another value"),)
            outputs = [one for one in statements if isinstance(one, ast.Output)]
            if after is None and outputs:
                return (Note(node.item.place(outputs[-1]), AFTER),)
    return ()


def holds(body: ast.Body, site: ast.Node) -> bool:
    return body.start <= site.start < body.end
