"""Pictures: what is folded, and what the DOT says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from lowering import NAMES, graph_of, small_net
from pictures import FULL_PAGES, PAGES, bundled, clusters, descend, page, picture_of, texts, titles

from netc.codegen.captions import describe_shapes
from netc.codegen.dot import write_dot
from netc.codegen.drafts import EVERY, draft, drafts
from netc.codegen.folding import fold, unroll
from netc.codegen.outline import outline
from netc.codegen.picture import Box, Cluster, TooLarge
from netc.compiler.facts import Facts
from netc.ops.base import Shape

GOLDEN = Path(__file__).parent / "golden"


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
