"""Tables: rows, totals, and each format read back; counts against the published ones and a second sum."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lowering import NAMES, graph_of, small_net

from netc.codegen.comparison import compare
from netc.codegen.plain_text import shorten_count, show
from netc.codegen.table import ROWS, Summary, summarise
from netc.codegen.table_formats import (
    code,
    join_csv,
    show_bytes,
    tame_cell,
    width,
    write_csv,
    write_markdown,
    write_text,
)
from netc.codegen.table_json import write_json
from netc.compiler.facts import Facts
from netc.ops.base import Shape

HEADED = """
block unit(c) { conv: conv(3x3, c, bias=false); bn: bn; relu }
net headed {
    input image: 3x16x16
    stem: unit(8)
    body: unit(8) * 3
    aux side(weight=0.3): gap -> fc(5)
    fc: fc(10)
}
"""


def facts_of(text: str) -> Facts:
    return Facts(graph_of(text))


@pytest.fixture(scope="module")
def headed() -> Facts:
    return facts_of(HEADED)


def rows_by_name(summary: Summary) -> dict[str, Any]:
    return {row.path: row for row in summary.rows}


def test_rows_follow_the_parts_and_equal_ones_are_one(headed: Facts) -> None:
    rows = [(row.level, row.name, row.layer, row.output, row.count) for row in summarise(headed, 2).rows]
    assert rows == [
        (0, "image", "input", "3x16x16", 1),
        (0, "stem", "unit(8)", "8x16x16", 1),
        (1, "conv", "conv(3x3, 8, bias=false)", "8x16x16", 1),
        (1, "bn", "bn", "8x16x16", 1),
        (1, "relu1", "relu", "8x16x16", 1),
        (0, "body", "", "8x16x16", 1),
        (1, "0 … 2", "unit(8)", "8x16x16", 3),
        (0, "side", "", "5", 1),
        (1, "0", "gap", "8x1x1", 1),
        (1, "1", "fc(5)", "5", 1),
        (0, "fc", "fc(10)", "10", 1),
    ]


def test_a_row_of_several_holds_their_sum(headed: Facts) -> None:
    row = rows_by_name(summarise(headed, 2))["body.0 … body.2"]
    assert row.figures.params == 3 * (3 * 3 * 8 * 8 + 2 * 8)
    assert row.figures.macs == 3 * (3 * 3 * 8 * 8 * 16 * 16)
    deeper = rows_by_name(summarise(headed, 3))
    assert deeper["body.0.conv"].figures.params == 3 * 3 * 3 * 8 * 8


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [0, 1, 2, 9])
def test_rows_that_are_not_opened_add_up_to_the_net(name: str, depth: int) -> None:
    facts = Facts(small_net(name))
    rows = summarise(facts, depth).rows
    if depth == 0:
        assert {row.layer for row in rows} == {"input"}
        return
    for count in ("params", "biases", "macs", "elementwise", "activations"):
        assert sum(getattr(row.figures, count) for row in rows if not row.opened) == getattr(
            facts.total, count
        )


def test_without_a_depth_the_table_fills_a_page_and_no_more() -> None:
    units = " -> ".join(f"unit({8 * i})" for i in range(1, 12))
    block = "block unit(c) { conv(3x3, c) -> bn; relu; y: id; add(y, y) }"
    wide = facts_of(f"{block}\nnet n {{ input x: 8x8x8; {units} }}")
    assert {row.level for row in summarise(wide).rows} == {0}
    small = facts_of(HEADED)
    assert {row.level for row in summarise(small).rows} == {0, 1, 2}
    assert len(summarise(small).rows) <= ROWS


def test_a_row_leaves_out_arguments_that_equal_their_defaults() -> None:
    facts = facts_of("""
        block unit(c, stride=1, gate=id) { conv: conv(3x3/stride, c); gate }
        net main(gate=id) {
            input image: 3x16x16
            a: unit(8, stride=1, gate=gate)
            b: unit(8, stride=2, gate=relu)
        }
    """)
    rows = rows_by_name(summarise(facts, 1))
    assert (rows["a"].layer, rows["b"].layer) == ("unit(8)", "unit(8, stride=2, gate=relu)")


def test_auxiliary_heads_count_in_training_alone(headed: Facts) -> None:
    summary = summarise(headed)
    head = 8 * 5 + 5
    assert summary.training.params - summary.inference.params == head
    assert [row.path for row in summary.rows if row.only_training] == ["side", "side.0", "side.1"]
    text = write_text(summary)
    assert f"({summary.training.params:,} with the auxiliary heads)" in text
    assert "(training only)" in text


def test_the_text_is_aligned_and_says_the_totals(headed: Facts) -> None:
    lines = write_text(summarise(headed, 1)).splitlines()
    assert lines[0] == "headed: image 3x16x16"
    head = lines[2]
    column = head.index("params") + len("params")
    stem = next(line for line in lines if line.startswith("stem"))
    assert stem[:column].endswith("232")  # 3*3*3*8 weights and 2*8 of the batch norm
    assert "depth          5" in lines
    assert not any(line != line.rstrip() for line in lines)


def test_json_is_the_object_of_the_documentation(headed: Facts) -> None:
    found = json.loads(write_json(headed))
    assert list(found) == [
        *("net", "input", "outputs", "params", "macs", "params_train", "macs_train", "activations", "memory"),
        "layers",
    ]
    assert found["input"] == {"image": [3, 16, 16]}
    assert found["outputs"] == {"output": [10]}
    assert found["params_train"] == sum(layer["params"] for layer in found["layers"])
    assert found["macs"] == sum(layer["macs"] for layer in found["layers"] if not layer["only_training"])
    assert found["memory"] == {
        "forward": headed.inference.forward_memory.total,
        "train": headed.training_memory.total,
    }
    conv = next(layer for layer in found["layers"] if layer["name"] == "body.1.conv")
    assert (conv["op"], conv["block"], conv["inputs"], conv["shape"]) == (
        "conv",
        "unit",
        ["body.0.relu1"],
        [8, 16, 16],
    )
    assert (conv["params"], conv["macs"], conv["line"]) == (576, 147456, 2)


@pytest.mark.parametrize("name", NAMES)
def test_json_names_every_layer_once_and_inputs_come_before(name: str) -> None:
    graph = small_net(name)
    layers = json.loads(write_json(Facts(graph)))["layers"]
    assert [layer["name"] for layer in layers] == [node.name for node in graph]
    seen: set[str] = set()
    for layer in layers:
        assert set(layer["inputs"]) <= seen
        seen.add(layer["name"])


@pytest.mark.parametrize("name", NAMES)
def test_csv_and_markdown_hold_the_rows(name: str) -> None:
    summary = summarise(Facts(small_net(name)))
    read = list(csv.DictReader(StringIO(write_csv(summary))))
    assert [(row["name"], int(row["macs"])) for row in read] == [
        (row.path, row.figures.macs) for row in summary.rows
    ]
    lines = write_markdown(summary).splitlines()
    assert len(lines) == len(summary.rows) + 3
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {7}
    assert f"**{summary.inference.params:,}**" in lines[-1]


def test_variants_stand_under_each_other() -> None:
    text = "net n(c=8, k=3) { input x: 3x8x8; conv([k, k], c) -> gap -> fc(10) }"
    variants = [({"c": c}, facts_of(text.replace("c=8", f"c={c}"))) for c in ("4", "16")]
    lines = compare(variants, "table").splitlines()
    assert lines[0] == "n"
    assert [line.split()[:2] for line in lines[2:3] + lines[4:]] == [
        ["c", "params"],
        ["4", "162"],
        ["16", "618"],
    ]
    assert [entry["set"] for entry in json.loads(compare(variants, "json"))] == [{"c": "4"}, {"c": "16"}]
    rows = list(csv.DictReader(StringIO(compare(variants, "csv"))))
    assert [(row["c"], row["params"], row["depth"]) for row in rows] == [
        ("4", "162", "2"),
        ("16", "618", "2"),
    ]
    assert (
        compare(variants, "markdown").splitlines()[1] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )


@pytest.mark.parametrize(
    ("count", "short"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00K"),
        (9_408, "9.41K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (25_557_032, "25.6M"),
        (4_089_184_256, "4.09G"),
        (138_357_544, "138M"),
    ],
)
def test_counts_are_shown_in_three_digits(count: int, short: str) -> None:
    assert shorten_count(count) == short


@given(st.integers(1000, 10**12))
def test_a_short_count_is_within_half_a_digit(count: int) -> None:
    short = shorten_count(count)
    value = float(short[:-1]) * {"K": 1e3, "M": 1e6, "G": 1e9}[short[-1]]
    assert abs(value - count) <= 0.0051 * count


@given(st.integers(0, 10**15))
def test_bytes_are_shown_in_units_of_1024(count: int) -> None:
    number, unit = show_bytes(count).split()
    value = float(number) * 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].index(unit)
    assert value == pytest.approx(count, rel=0.06)


@given(st.text())
def test_what_is_shown_moves_nothing_in_a_terminal(text: str) -> None:
    shown = show(text)
    assert len(shown) <= 80
    assert all(character.isprintable() for character in shown)
    assert text != shown or width(shown) >= 0


@given(st.text(min_size=1, max_size=40))
def test_what_is_shown_is_the_text_where_it_can_be(text: str) -> None:
    if all(character.isprintable() for character in text) and "\xad" not in text:
        assert show(text) == text


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1))
def test_no_cell_of_a_csv_is_a_formula_and_each_comes_back(rows: list[list[str]]) -> None:
    read = list(csv.reader(StringIO(join_csv(rows), newline="")))
    assert read == [[tame_cell(cell) for cell in row] for row in rows]
    for row, back in zip(rows, read, strict=True):
        for cell, found in zip(row, back, strict=True):
            assert not found.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert found.removeprefix("'") == show(cell, 10_000).removeprefix("'")


@given(st.text())
def test_a_code_span_ends_where_it_should_and_keeps_its_text(text: str) -> None:
    shown = show(text)
    span = code(shown)
    assert "\n" not in span
    assert not re.search(r"(?<!\\)\|", span)
    if shown:
        fence = re.match("`+", span)
        assert fence
        length = len(fence[0])
        body = span[length:-length].replace("\\|", "|")
        assert length not in {len(run) for run in re.findall("`+", body)}
        assert body.strip(" ") == shown.strip(" ")


def test_a_shape_is_shown_as_in_a_spec() -> None:
    assert str(Shape((3, 224, 224))) == "3x224x224"
