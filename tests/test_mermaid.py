"""Mermaid: the flowchart says what the picture says, in a syntax that leaves nothing to a spec's words."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lowering import NAMES, graph_of, small_net

from netc.codegen.compose import draw
from netc.codegen.mermaid import quote, write_mermaid
from netc.codegen.picture import Picture
from netc.codegen.plain_text import show
from netc.compiler.facts import Facts
from netc.compiler.graph import Graph

LABEL = r'"(?:[\w ,.()/=+·–…-]|: |#\d+;|<br/>)*"'
LINES = {
    "box": rf"(?P<id>\w+)\({LABEL}\):::(?P<family>\w+)",
    "open": rf"subgraph (?P<id>\w+)\[{LABEL}\]",
    "close": r"end",
    "edge": rf"(?P<source>\w+) (?:-->|-\.->)(?:\|{LABEL}\|)? (?P<target>\w+)",
    "skips": r"linkStyle [\d,]+ stroke:#[0-9a-f]{6},stroke-width:2px",
    "family": r"classDef (?P<family>\w+) fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}",
}


def picture_of(graph: Graph) -> Picture:
    facts = Facts(graph)
    return draw(graph, facts.shapes, facts.costs)


def read(text: str) -> list[tuple[str, dict[str, str]]]:
    """The lines of a flowchart by their kinds; a line of no known kind is a mistake."""
    head, rest = text.split("flowchart TB\n")
    assert re.fullmatch(r"---\ntitle: \".*\"\n---\n", head)
    found = []
    for line in rest.splitlines():
        kinds = {kind: re.fullmatch(form, line.strip()) for kind, form in LINES.items()}
        kind, match = next((kind, match) for kind, match in kinds.items() if match)
        found.append((kind, match.groupdict()))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_flowchart_has_the_pictures_boxes_clusters_and_edges(name: str) -> None:
    picture = picture_of(small_net(name))
    lines = read(write_mermaid(picture))
    assert [parts["id"] for kind, parts in lines if kind == "box"] == [box.id for box in picture.boxes()]
    assert [(parts["source"], parts["target"]) for kind, parts in lines if kind == "edge"] == [
        (edge.source, edge.target) for edge in picture.edges
    ]
    kinds = [kind for kind, _ in lines]
    assert kinds.count("open") == kinds.count("close")
    defined = {parts["family"] for kind, parts in lines if kind == "family"}
    assert {parts["family"] for kind, parts in lines if kind == "box"} == defined


def test_labels_say_layer_counts_and_shape() -> None:
    text = write_mermaid(
        picture_of(graph_of("net n { input x: 3x8x8; stem: conv(3x3/2, 16) -> bn -> relu; fc: fc(10) }"))
    )
    assert 'n2("stem: conv 3x3/2, 16 · bn · relu<br/>480 params · 6.91K macs"):::convolution' in text
    assert 'n2 -->|"16x4x4"| n3' in text
    assert text.startswith('---\ntitle: "n: input 3x8x8')


@given(st.text())
def test_a_label_means_its_characters(text: str) -> None:
    """Read as Mermaid reads it: codes are characters, the rest stands for itself, and no line is broken."""
    shown = show(text)
    quoted = quote(shown)
    assert re.fullmatch(LABEL, quoted)
    assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), quoted[1:-1]) == shown


@given(st.text())
def test_the_title_is_one_line_of_yaml(text: str) -> None:
    picture = Picture(show(text), show(text), (), (), ())
    title = write_mermaid(picture).splitlines()[1].removeprefix("title: ")
    assert json.loads(title) == f"{show(text)}: {show(text)}"
