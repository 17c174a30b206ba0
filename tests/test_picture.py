"""Pictures: what is folded, what the DOT says, and the laid-out picture, read back from Graphviz."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowering import NAMES, graph_of, small_net

from netc import driver
from netc.codegen import layout
from netc.codegen.captions import describe_shapes
from netc.codegen.compose import draw
from netc.codegen.dot import write_dot
from netc.codegen.drafts import EVERY, draft, drafts
from netc.codegen.folding import fold, unroll
from netc.codegen.layout import LayoutFailed, lay_out
from netc.codegen.outline import outline
from netc.codegen.picture import Box, Cluster, Edge, Picture, TooLarge
from netc.codegen.plain_text import show
from netc.compiler.facts import Facts
from netc.compiler.graph import Graph
from netc.drawing import draw_as
from netc.dsl.source import Source
from netc.files import Spec, find_spec
from netc.ops.base import Shape

GOLDEN = Path(__file__).parent / "golden"
PAGES = ["resnet50", "googlenet", "densenet121", "unet", "se_resnet50", "fractalnet20", "textcnn", "vgg16"]
FULL_PAGES = ["inception_v4", "nasnet_a_mobile", "dpn92", "polynet", "attention56", "hrnet_w18"]
"""Nets of which a page cannot show everything: one of each block is opened."""
ROUNDING = 1.0
"""Points: Graphviz gives places with two digits, and rounds boxes to whole points."""


def picture_of(graph: Graph, expand: bool = False) -> Picture:
    facts = Facts(graph)
    return draw(graph, facts.shapes, facts.costs, expand)


@cache
def bundled(name: str) -> Graph:
    compiled = driver.compile(find_spec(name)).compiled
    assert compiled is not None
    return compiled.training.graph


@cache
def page(name: str) -> Picture:
    return picture_of(bundled(name))


def texts(picture: Picture) -> list[str]:
    return [" / ".join(box.lines) for box in picture.boxes()]


def clusters(children: tuple[Box | Cluster, ...]) -> list[Cluster]:
    found = [child for child in children if isinstance(child, Cluster)]
    return [*found, *(inner for cluster in found for inner in clusters(cluster.children))]


def titles(picture: Picture) -> list[str]:
    return [cluster.title for cluster in clusters(picture.children)]


def block(text: str) -> str:
    return "block unit(c) { conv(3x3, c) -> bn -> relu -> conv(3x3, c) }\n" + text


# --- what is folded ------------------------------------------------------------------------------


def test_a_call_before_a_repeat_of_the_same_block_counts_with_it() -> None:
    picture = picture_of(graph_of(block("net n { input x: 8x9x9; unit(8) -> unit(8) * 2 }")))
    assert titles(picture) == ["unit1–3: unit(8)  x3"]
    assert len(texts(picture)) == 4


def test_a_repeat_whose_shapes_change_is_drawn_out() -> None:
    picture = picture_of(graph_of("net n { input x: 8x64x64; (conv(3x3, 8) -> maxpool(2x2)) * 3 }"))
    assert sum("maxpool" in text for text in texts(picture)) == 3


def test_a_repeat_of_layers_in_one_box_says_how_often_and_what_each_costs() -> None:
    picture = picture_of(graph_of("net n { input x: 3x9x9; (conv(3x3, 8) -> relu) * 4 }"))
    assert texts(picture)[1] == "conv1–4: 3x3, 8 · relu  x4 / 224–584 params · 17.5K–46.7K macs each"


def test_equal_branches_are_drawn_once_side_by_side() -> None:
    picture = picture_of(graph_of(block("net n { input x: 8x9x9; add { for i in range(32) { unit(8) } } }")))
    assert titles(picture) == ["unit1–32  x32 side by side"]


def test_where_a_page_is_full_units_that_differ_in_channels_are_one_with_spans() -> None:
    picture = page("pyramidnet110_a84")
    assert "basic  x18" in titles(picture)
    boxes = texts(picture)
    assert "conv1: 3x3, 17–44 · bn · relu / 2.48K–16.7K params · 2.51M–17.0M macs" in boxes
    assert [text for text in boxes if text.startswith("basic")] == [
        "basic  x17 / 39.2K–92.4K params · 9.96M–23.6M macs each",
        "basic(73, stride=2) / 95.7K params · 6.10M macs",
        "basic  x17 / 100K–179K params · 6.39M–11.4M macs each",
    ]
    assert {"44x32x32", "72x16x16", "100x8x8"} <= {edge.label for edge in picture.edges}


def test_units_with_other_windows_or_with_names_stay_apart_on_a_full_page() -> None:
    unit = "block unit(c, s) { conv(3x3/s, c) -> bn -> relu -> conv(3x3, c) }\n"
    call = "unit(8 + i, 2 if i in [10, 20] else 1)"
    text = unit + "net n { input x: 8x64x64; all: { for i in range(40) { " + call + " } } }"
    assert titles(picture_of(graph_of(text)))[1:] == [
        "unit  x10",
        "unit(18, 2)",
        "unit  x9",
        "unit(28, 2)",
        "unit  x19",
    ]
    named = unit + "net n { input x: 8x64x64; for i in range(40) { u[i]: " + call + " } }"
    picture = picture_of(graph_of(named))
    assert sum(": unit(" in text for text in texts(picture) + titles(picture)) == 40


def test_how_often_a_layer_drops_values_does_not_keep_units_apart() -> None:
    unit = "block unit(p) { add { { conv(3x3, 8) -> bn -> drop_path(p) }; id } }\n"
    text = unit + "net n { input x: 8x9x9; for i in range(5) { unit(i / 10) } }"
    picture = picture_of(graph_of(text))
    assert titles(picture) == ["unit1–5: unit  x5"]
    assert texts(picture)[1] == "conv1: 3x3, 8 · bn · drop_path 0–0.4 / 600 params · 46.7K macs"
    with_another = "net n { input x: 8x9x9; conv(3x3, 8) -> drop_path(0.1); conv(3x3, 8) -> dropout }"
    assert not any("x2" in text for text in texts(picture_of(graph_of(with_another))))


def test_units_called_alike_are_one_on_a_full_page_whatever_enters_them() -> None:
    assert {
        "conv3_2–4: dual_path  x3 / 234K–246K params · 182M–191M macs each",
        "conv4_2–20: dual_path  x19 / 868K–1.04M params · 169M–202M macs each",
    } <= set(texts(page("dpn92")))


def test_cells_that_read_the_two_before_them_are_one_with_a_count() -> None:
    """But the two before a reduction, which is read with what enters it, end a run."""
    cell = "block cell() takes (prev, cur) { add { prev -> conv(1x1, 8); cur -> conv(3x3, 8) } }\n"
    chain = "y[i + 2]: (y[i], y[i + 1]) -> cell"
    start = "net n { input x: 8x9x9; y[0]: conv(3x3, 8); y[1]: conv(3x3, 8); "
    text = cell + start + "for i in range(6) { " + chain + " }; gap -> fc(10) }"
    picture = picture_of(graph_of(text))
    assert titles(picture) == ["y2–7: cell  x6"]
    inside = {box.id for cluster in clusters(picture.children) for box in descend(cluster)}
    named = {box.id: box.lines[0] for box in picture.boxes()}
    entering = sorted((edge.source, edge.target) for edge in picture.edges if edge.target in inside)
    assert [named[a][:2] + named[b][:5] for a, b in entering if a not in inside] == [
        "y0conv1",
        "y1conv1",
        "y1conv2",
    ]
    tapped = cell + start + "for i in range(6) { " + chain + " }; add(y[5], y[7]) }"
    assert "y2–5: cell  x4" in titles(picture_of(graph_of(tapped)))


def test_a_full_page_shows_one_of_each_block_from_inside() -> None:
    shown = set(titles(page("inception_v4")))
    assert {"inception_a  x4", "inception_b  x7", "inception_c  x3"} <= shown
    assert "stage1.0: attention(64, 3)" in titles(page("attention56"))
    closed = [text for text in texts(page("attention56")) if "attention" in text or "inner" in text]
    assert [text.split(" / ")[0] for text in closed] == [
        "inner: hourglass(64, 2)",
        "stage2.0: attention(128, 2)",
        "stage3.0: attention(256, 1)",
    ]


def test_a_block_whose_value_is_tapped_is_not_folded_away() -> None:
    """The second unit's value goes to the sum too, so it must stand in the picture."""
    text = block("net n { input x: 8x9x9; unit(8); y: unit(8); unit(8); unit(8); z: id; add(y, z) }")
    picture = picture_of(graph_of(text))
    assert not any("x4" in title or "x3" in title for title in titles(picture))


def test_a_block_before_a_branch_of_the_same_blocks_is_not_counted_with_them() -> None:
    text = block("net n { input x: 8x9x9; unit(8); add { unit(8) -> unit(8); id } }")
    assert [title for title in titles(picture_of(graph_of(text))) if "x3" in title] == []


def test_a_dense_group_is_drawn_once_and_reads_what_entered_it() -> None:
    text = block("net n { input x: 8x9x9; dense { for i in range(5) { l[i]: unit(4) } } }")
    picture = picture_of(graph_of(text))
    assert titles(picture) == ["l0–4: unit(4)  x5 dense"]
    boxes = {box.lines[0]: box.id for box in picture.boxes()}
    assert (boxes["x"], boxes["concat"], "skip") in {(e.source, e.target, e.kind) for e in picture.edges}


def test_a_long_dense_group_drawn_out_has_as_many_arrows_as_members() -> None:
    text = "net n {{ input x: 8x9x9; dense {{ for i in range({}) {{ conv(3x3, 4) }} }} }}"
    few, many = (picture_of(graph_of(text.format(members)), expand=True) for members in (4, 40))
    entering_few = [edge.target for edge in few.edges]
    assert [entering_few.count(box.id) for box in few.boxes() if box.lines[0].startswith("conv")] == [
        1,
        2,
        3,
        4,
    ]
    assert len(many.edges) < 5 * 40
    last = next(box.id for box in many.boxes() if box.kind == "output")
    assert [edge.label for edge in many.edges if edge.target == last] == ["168x9x9"]


def test_normalisation_and_activation_share_the_box_of_their_convolution() -> None:
    post = picture_of(graph_of("net n { input x: 8x9x9; conv(3x3, 8) -> bn -> relu -> dropout -> fc(10) }"))
    assert [text.split(" / ")[0] for text in texts(post)[1:3]] == [
        "conv1: 3x3, 8 · bn · relu · dropout",
        "fc1: 10",
    ]
    before = picture_of(
        graph_of("net n { input x: 8x9x9; bn -> relu -> conv(1x1, 9) -> bn -> relu -> conv(3x3, 8) }")
    )
    assert [text.split(" / ")[0] for text in texts(before)[1:3]] == [
        "conv1: bn · relu · conv 1x1, 9",
        "conv2: bn · relu · conv 3x3, 8",
    ]


def test_a_value_with_two_readers_ends_its_box() -> None:
    picture = picture_of(
        graph_of("net n { input x: 8x9x9; conv(3x3, 8); y: id; relu; conv(3x3, 8); z: id; add(y, z) }")
    )
    assert [text.split(" / ")[0] for text in texts(picture)][1:3] == [
        "conv1: 3x3, 8",
        "conv2: relu · conv 3x3, 8",
    ]


def test_a_second_use_of_shared_weights_says_so() -> None:
    text = "net n { input x: 8x9x9; let s = share(conv(3x3, 8)); s -> maxpool(3x3) -> s }"
    assert sum("shared weights" in text for text in texts(picture_of(graph_of(text)))) == 1


def test_resnet50_has_under_thirty_boxes_and_shows_each_kind_of_block_once() -> None:
    picture = page("resnet50")
    assert len(texts(picture)) < 30
    assert "bottleneck(64)  x2" in titles(picture)
    assert any(
        text.startswith("bottleneck(256)  x5 / 1.12M params · 218M macs each") for text in texts(picture)
    )


def test_every_shape_and_every_count_of_resnet50_stands_in_the_picture() -> None:
    picture = page("resnet50")
    labels = {edge.label for edge in picture.edges}
    assert {"3x224x224", "64x112x112", "256x56x56", "512x28x28", "1024x14x14", "2048x7x7", "1000"} <= labels
    assert picture.facts == "input 3x224x224 · 25.6M parameters · 4.09G multiply-adds"


@pytest.mark.parametrize("name", NAMES)
def test_expanded_each_layer_is_drawn_and_no_edge_is_lost(name: str) -> None:
    graph = small_net(name)
    picture = picture_of(graph, expand=True)
    assert not any(re.search(r"  x\d", text) for text in [*texts(picture), *titles(picture)])
    reached = {edge.target for edge in picture.edges}
    assert reached == {box.id for box in picture.boxes() if box.kind != "input"}


@pytest.mark.parametrize("way", ["expanded", "folded", "loosely folded"])
@pytest.mark.parametrize("name", [*NAMES, *PAGES, *FULL_PAGES, "pyramidnet110_a84"])
def test_each_layer_stands_in_one_box_or_is_a_wire_of_a_dense_group(name: str, way: str) -> None:
    graph = small_net(name) if name in NAMES else bundled(name)
    shapes = Facts(graph).shapes
    expand = way == "expanded"
    plan = outline(graph, expand)
    plan = unroll(plan) if expand else fold(plan, graph, shapes, loose=way == "loosely folded")
    pieces = draft(plan, graph, shapes, 0 if expand else EVERY)
    drawn = [node for box in drafts(pieces) for ids in box.uses for node in ids]
    assert len(drawn) == len(set(drawn))
    assert {node.id for node in graph} == {*drawn, *plan.wires}
    assert {graph[wire].op.name for wire in plan.wires} <= {"concat"}


@pytest.mark.parametrize("name", PAGES)
def test_boxes_account_for_every_parameter(name: str) -> None:
    """Counts of boxes, times how often they and their clusters stand, add up to the net's."""
    graph = bundled(name)

    def total(children: tuple[Box | Cluster, ...], times: int) -> float:
        amount = 0.0
        for child in children:
            if isinstance(child, Cluster):
                amount += total(child.children, times * child.count)
                continue
            for low, high in re.findall(r"([\d.]+[KMG]?)(?:–([\d.]+[KMG]?))? params", " ".join(child.lines)):
                amount += times * child.count * (number(low) + number(high or low)) / 2
        return amount

    wanted = Facts(graph).total.params
    tolerance = 0.35 if name in ("vgg16", "fractalnet20") else 0.02  # a span's middle is not its mean
    assert total(page(name).children, 1) == pytest.approx(wanted, rel=tolerance)


def number(text: str) -> float:
    return float(text.rstrip("KMG")) * {"K": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1)


def test_a_projection_of_several_layers_without_weights_is_a_skip() -> None:
    text = """
    net n {
        input x: 8x8x8
        add {
            conv(3x3/2, 16) -> bn -> relu -> conv(3x3, 16)
            subsample(2) -> pad_channels(16)
        }
    }
    """
    picture = picture_of(graph_of(text))
    kinds = {(edge.source, edge.target): edge.kind for edge in picture.edges}
    by_text = {box.lines[0]: box.id for box in picture.boxes()}
    way = [by_text["x"], by_text["subsample 2"], by_text["pad_channels 16"], by_text["add"]]
    assert [kinds[step] for step in pairwise(way)] == ["skip"] * 3
    assert list(kinds.values()).count("skip") == 3


def test_skips_are_found_and_the_main_way_is_one_way() -> None:
    picture = page("resnet50")
    assert sum(edge.kind == "skip" for edge in picture.edges) == 3  # a projection's two, and a plain one
    main = [(edge.source, edge.target) for edge in picture.edges if edge.main]
    assert [target for _, target in main[:-1]] == [source for source, _ in main[1:]]


def test_an_edge_that_carries_several_maps_names_each() -> None:
    shapes = [Shape((8, 8, 8)), Shape((16, 4, 4))]
    assert describe_shapes(shapes) == "8x8x8, 16x4x4"
    assert describe_shapes([Shape((8, 8, 8)), Shape((12, 8, 8)), Shape((16, 8, 8))]) == "8–16x8x8"
    assert describe_shapes([Shape((1, size, size)) for size in (8, 4, 2, 1)]) == "4 shapes"


def test_a_closed_block_that_holds_one_container_is_named_as_the_block() -> None:
    shown = texts(page("mobilenet_v3_large"))
    assert any(text.startswith("bneck(5x5, 72, 40, true, relu, 2) / ") for text in shown)
    assert not any("block: " in text for text in shown)


def test_nasnet_shows_both_cells_as_its_figure_does() -> None:
    """Figure 4: five separable convolutions and three pools; five and four."""
    assert {"cell_1–4: normal_cell  x4", "reduction_cell_0"} <= set(titles(page("nasnet_a_large")))
    boxes = texts(page("nasnet_a_large"))
    assert sum(text.startswith("comb_iter") for text in boxes) == 5 + 5
    assert sum(text.startswith(("avgpool", "maxpool")) for text in boxes) == 3 + 4


def test_a_block_that_makes_three_values_of_three_stays_closed_on_a_full_page() -> None:
    shown = titles(page("hrnet_w18"))
    assert "stage2.0: exchange_2(18)" in shown
    assert any(text.startswith("stage3.0–3: exchange_3(18)  x4") for text in texts(page("hrnet_w18")))


def test_a_net_of_many_unlike_layers_is_refused_with_a_way_out() -> None:
    layers = " -> ".join(f"conv(1x1, {width})" for width in range(1, 700))
    with pytest.raises(TooLarge) as refusal:
        picture_of(graph_of(f"net n {{ input x: 3x8x8; {layers} }}"))
    assert refusal.value.message == "a picture of 701 boxes cannot be read; at most 600 are drawn"
    assert "drawn once" in refusal.value.help


def test_a_very_long_net_of_equal_layers_is_one_box() -> None:
    picture = picture_of(graph_of("net n { input x: 8x8x8; (conv(1x1, 8) -> relu) * 4_000 }"))
    assert len(texts(picture)) == 3
    with pytest.raises(TooLarge) as refusal:
        picture_of(graph_of("net n { input x: 8x8x8; (conv(1x1, 8) -> relu) * 4_000 }"), expand=True)
    assert "--expand" in refusal.value.help


# --- DOT -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "densenet121", "unet"])
def test_dot_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    path, dot = GOLDEN / f"{name}.dot", write_dot(page(name))
    if request.config.getoption("--update"):
        path.write_text(dot, encoding="utf-8")
    assert dot == path.read_text(encoding="utf-8")


def test_one_text_gives_the_same_bytes_in_every_process() -> None:
    script = (
        "import sys; from netc import driver; from netc.files import find_spec\n"
        "from netc.drawing import draw_as\n"
        "facts = driver.compile(find_spec('googlenet')).compiled.training\n"
        "for format in ('dot', 'mermaid', 'svg', 'png', 'pdf'):\n"
        "    sys.stdout.buffer.write(draw_as(facts, format))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.count(b"%PDF") == 1


# --- the laid-out picture ------------------------------------------------------------------------

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


def descend(cluster: Cluster) -> list[Box]:
    boxes: list[Box] = []
    for child in cluster.children:
        boxes += [child] if isinstance(child, Box) else descend(child)
    return boxes


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
