"""The laid-out picture, read back from Graphviz; wherever Graphviz is, and whatever words a spec holds."""

from __future__ import annotations

import json
import os
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowering import graph_of
from pictures import FULL_PAGES, PAGES, clusters, descend, page, picture_of, titles

from netc import driver
from netc.codegen import layout
from netc.codegen.dot import write_dot
from netc.codegen.layout import LayoutFailed, lay_out
from netc.codegen.picture import Box, Cluster, Edge, Picture
from netc.codegen.plain_text import show
from netc.drawing import draw_as
from netc.dsl.source import Source
from netc.files import Spec

ROUNDING = 1.0
"""Points: Graphviz gives places with two digits, and rounds boxes to whole points."""


Rectangle = tuple[float, float, float, float]


def rectangle(node: dict[str, Any]) -> Rectangle:
    x, y = map(float, node["pos"].split(","))
    width, height = float(node["width"]) * 36, float(node["height"]) * 36
    return x - width, y - height, x + width, y + height


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(outer: Rectangle, inner: Rectangle) -> bool:
    low = outer[0] - ROUNDING <= inner[0] and outer[1] - ROUNDING <= inner[1]
    return low and inner[2] <= outer[2] + ROUNDING and inner[3] <= outer[3] + ROUNDING


def label_rectangles(item: dict[str, Any]) -> list[Rectangle]:
    """Where each line of a label stands: Graphviz gives its baseline."""
    found, size = [], 10.0
    for step in item.get("_ldraw_", []):
        if step["op"] == "F":
            size = step["size"]
        elif step["op"] == "T":
            (x, y), width = step["pt"], step["width"]
            left = {"c": x - width / 2, "l": x, "r": x - width}[step["align"]]
            found.append((left, y - size * 0.25, left + width, y + size * 0.8))
    return found


@cache
def laid_out(name: str) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Nodes and clusters by name, and edges."""
    found = json.loads(lay_out(write_dot(page(name)), "json"))
    return {item["name"]: item for item in found["objects"]}, found["edges"]


@pytest.mark.parametrize("name", [*PAGES, *FULL_PAGES])
def test_no_two_boxes_overlap_and_none_lies_across_the_edge_of_a_cluster(name: str) -> None:
    objects, _ = laid_out(name)
    boxes = {name: rectangle(item) for name, item in objects.items() if "pos" in item}
    assert set(boxes) >= {box.id for box in page(name).boxes()}
    ids = sorted(boxes)
    for position, left in enumerate(ids):
        for right in ids[position + 1 :]:
            assert not overlap(boxes[left], boxes[right]), (left, right)
    for cluster in clusters(page(name).children):
        x0, y0, x1, y1 = map(float, objects[cluster.id]["bb"].split(","))
        held = {child.id for child in descend(cluster)}
        for id_, box in boxes.items():
            assert inside((x0, y0, x1, y1), box) if id_ in held else not overlap((x0, y0, x1, y1), box), id_


@pytest.mark.parametrize("name", [*PAGES, *FULL_PAGES])
def test_no_label_leaves_its_box(name: str) -> None:
    objects, _ = laid_out(name)
    for box in page(name).boxes():
        lines = label_rectangles(objects[box.id])
        assert len(lines) == len(box.lines)
        assert all(inside(rectangle(objects[box.id]), line) for line in lines), box.lines
    for cluster in clusters(page(name).children):
        x0, y0, x1, y1 = map(float, objects[cluster.id]["bb"].split(","))
        assert all(inside((x0, y0, x1, y1), line) for line in label_rectangles(objects[cluster.id])), (
            cluster.title
        )


@pytest.mark.parametrize("name", [*PAGES, *FULL_PAGES])
def test_no_shape_beside_an_edge_lies_on_a_box(name: str) -> None:
    objects, edges = laid_out(name)
    boxes = [rectangle(item) for item in objects.values() if "pos" in item]
    labels = [label for edge in edges for label in label_rectangles(edge)]
    assert labels
    for x0, y0, x1, y1 in labels:
        middle = (x0 + 1, y0 + 3, x1 - 1, y1 - 2)  # the letters, without the space around them
        assert not any(overlap(middle, box) for box in boxes)


@pytest.mark.parametrize("name", [*PAGES, *FULL_PAGES])
def test_every_edge_ends_on_its_boxes(name: str) -> None:
    objects, edges = laid_out(name)
    by_number = {item["_gvid"]: item for item in objects.values()}
    visible = [edge for edge in edges if edge.get("style") != "invis"]
    assert len(visible) == len(page(name).edges)
    for edge in visible:
        tip, *curve = edge["pos"].split()
        assert tip.startswith("e,")
        for item, place in ((by_number[edge["tail"]], curve[0]), (by_number[edge["head"]], tip[2:])):
            x, y = map(float, place.split(","))
            x0, y0, x1, y1 = rectangle(item)
            assert inside((x0 - 4, y0 - 4, x1 + 4, y1 + 4), (x, y, x, y)), (edge["pos"], item["name"])
            assert min(abs(x - x0), abs(x - x1), abs(y - y0), abs(y - y1)) < 8


@pytest.mark.parametrize("name", [*PAGES, "dpn92", "attention56", "shufflenet_v1", "xception"])
def test_the_main_way_runs_straight_down(name: str) -> None:
    objects, edges = laid_out(name)
    ids = {item["_gvid"]: item["name"] for item in objects.values()}
    main = {(edge.source, edge.target) for edge in page(name).edges if edge.main}
    for edge in edges:
        if (ids[edge["tail"]], ids[edge["head"]]) in main:
            xs = [float(place.split(",")[-2]) for place in edge["pos"].split()]
            assert max(xs) - min(xs) < 2, edge["pos"]


@pytest.mark.parametrize("name", [*PAGES, *FULL_PAGES])
def test_no_edge_goes_up(name: str) -> None:
    objects, edges = laid_out(name)
    height = {item["_gvid"]: float(item["pos"].split(",")[1]) for item in objects.values() if "pos" in item}
    kinds = {(edge.source, edge.target): edge.kind for edge in page(name).edges}
    ids = {item["_gvid"]: item["name"] for item in objects.values()}
    for edge in edges:
        if kinds.get((ids[edge["tail"]], ids[edge["head"]]), "like") != "like":
            assert height[edge["tail"]] > height[edge["head"]], (ids[edge["tail"]], ids[edge["head"]])


def test_blocks_deep_in_each_other_are_drawn_closed() -> None:
    text = "block f(n) { conv(3x3, 8); if n > 0 { add { f(n - 1); id } } }\nnet n { input x: 8x8x8; f(190) }"
    spec = Spec(Source("deep.net", text), None, None)
    compiled = driver.compile(spec).compiled
    assert compiled is not None
    assert draw_as(compiled.training, "dot").count(b"f(189)") == 1


def test_a_page_of_resnet50_is_no_more_than_four_times_as_high_as_wide() -> None:
    svg = ElementTree.fromstring(lay_out(write_dot(page("resnet50")), "svg"))
    width, height = (float(svg.attrib[side].removesuffix("pt")) for side in ("width", "height"))
    assert height < 4 * width


# --- Graphviz, wherever it is --------------------------------------------------------------------


def test_without_a_system_graphviz_all_formats_are_drawn_and_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    dot = write_dot(page("textcnn"))
    assert lay_out(dot, "svg").startswith(b"<svg")
    assert lay_out(dot, "png").startswith(b"\x89PNG")
    assert lay_out(dot, "pdf").startswith(b"%PDF")
    assert capfd.readouterr() == ("", "")


def test_a_dot_on_the_path_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_program(tmp_path / "dot", 'echo warning >&2; cat > "$0.in"; echo "<svg>$*</svg>"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert lay_out("digraph { a }", "svg") == b"<svg>-Tsvg</svg>\n"
    assert (tmp_path / "dot.in").read_text() == "digraph { a }"


def test_a_dot_that_fails_gives_way_to_the_bundled_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_program(tmp_path / "dot", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert b">a</text>" in lay_out("digraph { a }", "svg")


def test_without_any_graphviz_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(layout, "find_spec", lambda name: None)
    with pytest.raises(LayoutFailed) as refusal:
        lay_out("digraph { a }", "svg")
    assert "no Graphviz was found" in refusal.value.message
    assert "pygraphviz" in refusal.value.help


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


# --- text from a spec stays data -----------------------------------------------------------------

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "<b>bold</b>",
            "<",
            "&lt;script&gt;",
            '"]; evil [label="x',
            "\\",
            "a\\",
            '\\"',
            "\\N\\G\\l\\n",
            "]]>",
            "--><script>alert(1)</script>",
            "javascript:alert(1)",
            "\x1b[31mred",
            "\u202egnirts\u2066",
            "end",
            "cluster",
            "%%{init: {}}%%",
            "\ud800",
            "a\r\nb\tc",
        ]
    ),
)
TAGS = {"svg", "g", "title", "path", "polygon", "polyline", "ellipse", "text"}
ATTRIBUTES = {
    *("width", "height", "viewBox", "id", "class", "transform", "fill", "stroke", "stroke-width"),
    *("stroke-dasharray", "d", "points", "text-anchor", "x", "y", "font-family", "font-size"),
    "{http://www.w3.org/XML/1998/namespace}space",
}


def hostile_picture(words: list[str]) -> Picture:
    boxes = tuple(
        Box(f"n{number}", "layer", "convolution", (show(word) or "empty", "2 params"), 1, show(word, 400))
        for number, word in enumerate(words)
    )
    cluster = Cluster("cluster_1", show(words[0]) or "empty", 2, boxes, show(words[-1]))
    edges = tuple(Edge(a.id, b.id, "flow", show(words[-1])) for a, b in pairwise(boxes))
    return Picture(show(words[0]), show(words[1]), (cluster,), edges, ("convolution",))


@settings(max_examples=12)
@given(st.lists(HOSTILE, min_size=8, max_size=8))
def test_hostile_words_are_shown_in_the_svg_and_do_nothing(words: list[str]) -> None:
    picture = hostile_picture(words)
    svg = lay_out(write_dot(picture), "svg", {box.id: box.hint for box in picture.boxes()})
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in TAGS
        assert set(element.attrib) <= ATTRIBUTES
    written = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for box in picture.boxes():
        assert normal(box.lines[0]) in map(normal, written)
    assert all(character.isprintable() or character == "\n" for character in svg.decode())
    assert svg.count(b"http") == svg.count(b"http://www.w3.org/2000/svg")


@pytest.mark.parametrize("words", ["", "\n", "\nafter an empty line", "between\n\ntwo"])
def test_empty_lines_of_labels_are_drawn(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphviz crashes on an empty first line if memory that it takes held anything before: it then does."""
    monkeypatch.setenv("MALLOC_PERTURB_", "165")
    box, other = (Box(id_, "layer", "convolution", (words, "2 params")) for id_ in ("n0", "n1"))
    edges = (Edge("n0", "n1", "flow", words, main=True),)
    picture = Picture(words, words, (Cluster("cluster_1", words, 2, (box, other)),), edges, ("convolution",))
    written = "".join(ElementTree.fromstring(lay_out(write_dot(picture), "svg")).itertext())
    assert all(word in written.replace("\xa0", " ") for word in words.split("\n"))


def normal(text: str) -> str:
    """Graphviz writes spaces at the ends of a line, or several in a row, as others."""
    return " ".join(text.replace("\xa0", " ").split())


def test_strings_of_a_spec_are_data_from_the_text_to_the_svg() -> None:
    """A block's argument is the only string of a spec that a picture shows: names are plain words."""
    text = r"""
        block unit(c, tag) { conv(3x3, c) -> bn; add { conv(3x3, c); id } }
        net n { input x: 3x8x8; unit(4, "<script>"); unit(5, "&lt;\\"); unit(6, "\"];x[label=<b>") }
    """
    picture = picture_of(graph_of(text))
    assert [title for title in titles(picture) if "script" in title] == ['unit1: unit(4, "<script>")']
    svg = lay_out(write_dot(picture), "svg")
    assert b"<script" not in svg
    assert b"<b>" not in svg
    assert "script" in " ".join(ElementTree.fromstring(svg).itertext())
