"""Every figure that a source prints and a compiler can compute is a claim of its nets; an accuracy is
reported; what is neither is left out for a reason.
"""

from __future__ import annotations

import re

import pytest
from claimed import canonical, judge, read_judged
from msgspec.structs import replace
from printed_rows import LAYERS, Row, mapping, read_rows
from published_claims import file_of, files_of, is_printed, lacking, printed_values, wants

from netc.dsl.source import Source
from netc.files import bundled_files, open_bundled

COVERED = [row for row in read_rows() if not mapping().reasons(row)]


@pytest.mark.parametrize("file", [*bundled_files(), LAYERS])
def test_every_figure_printed_of_the_nets_of_a_file_is_claimed(file):
    missing = {
        f"{' or '.join(want.nets)}: {want.text}": str(row)
        for row in COVERED
        if file in files_of(row)
        for want in lacking(row)
    }
    assert not missing


def test_every_row_is_of_a_net_or_left_out_for_a_reason():
    unknown = [str(row) for row in COVERED if not wants(row)]
    assert not unknown
    assert not {net for row in COVERED for want in wants(row) for net in want.nets if file_of(net) is None}


def test_what_is_left_out_is_not_claimed():
    claimed = [str(row) for row in read_rows() if mapping().reasons(row) and wants(row) and not lacking(row)]
    assert not claimed


def test_no_reason_rule_net_or_label_is_idle():
    rows = read_rows()
    assert not [
        entry for entry in mapping().left_out if not any(entry.match(row) is not None for row in rows)
    ]
    used = [mapping().rule_of(row) for row in COVERED]
    assert not [rule.claims for rule in mapping().rule if rule not in used]
    assert mapping().nets.keys() <= {row.system for row in COVERED}
    assert mapping().reported.keys() <= {row.quantity for row in COVERED}
    parts = {(row.system, row.part) for row in COVERED}
    for entry in mapping().parts:
        for system in entry.systems:
            assert any((system, part) in parts for part in entry.labels), system
        for part in entry.labels:
            assert any((system, part) in parts for system in entry.systems), part


def test_a_block_of_vgg_has_as_many_labels_as_convolutions():
    for row in COVERED:
        printed = re.findall(r"conv\d-\d+(?: x(\d))?", row.value)
        if printed and row.agrees == "yes":
            assert len(mapping().labels_of(row)) == sum(int(times or 1) for times in printed), str(row)


def test_differences_of_accuracies_are_those_of_what_is_reported():
    """What the reason says for which they are left out."""
    differences = [row for row in read_rows() if row.quantity.startswith("delta_error_")]
    for row in differences:
        kind = row.quantity.removeprefix("delta_")
        gated = accuracies(replace(row, quantity=kind))
        plain = accuracies(replace(row, quantity=kind, system=row.system.removeprefix("se_")))
        assert any(abs(one - other - float(row.value)) < 1e-9 for one in plain for other in gated), str(row)
    assert len(differences) == 52


def accuracies(row: Row) -> list[float]:
    """All that is reported of this kind of the nets of a row."""
    (want,) = wants(row)
    files = sorted({str(file) for file in files_of(row)})
    claims = [claim for file in files for claim in read_judged(file)]
    return [claim.value for claim in claims if claim.net in want.nets and claim.figure in want.figures]


# --- the test can fail ---


def rows_of(system: str, quantity: str, value: str) -> list[Row]:
    found = [row for row in read_rows() if (row.system, row.quantity, row.value) == (system, quantity, value)]
    assert found
    return found


MACS = ("resnet50", "macs", "3.86G")
ERROR = ("resnet50", "error_top1", "24.7")
ZERO = ("resnext50_32x4d", "params", "25.0M")
STAGE = ("resnet152", "width", "[1x1,512; 3x3,512; 1x1,2048] x3")
BLOCK = ("densenet121", "width", "[1x1 conv; 3x3 conv] x6")
NAME = ("densenet264", "depth", "264")
DEPTH = ("googlenet", "depth", "1")


@pytest.mark.parametrize(
    ("file", "old", "new", "row"),
    [
        pytest.param("resnet", "macs ~= 3.86G", "#", MACS, id="the claim is gone"),
        pytest.param("resnet", "macs ~= 3.86G", "macs ~= 3.9G", MACS, id="it has fewer digits"),
        pytest.param("resnet", "macs ~= 3.86G", "macs ~= 3.87G", MACS, id="it does not hold"),
        pytest.param("resnext50", "params ~= 25.0M", "params ~= 25M", ZERO, id="a zero is no digit"),
        pytest.param("resnet", "macs ~= 3.86G", "flops ~= 7.72G", MACS, id="it is of another figure"),
        pytest.param("resnet", "expect resnet50_v1 ", "expect resnet34 ", MACS, id="it is of another net"),
        pytest.param("resnet", "] == [64, 128, 256, 512]", "][:3] == [64, 128, 256]", STAGE, id="a list"),
        pytest.param("densenet", "[1, 2]] == [1x1, 3x3]", "[2]] == [3x3]", BLOCK, id="a window"),
        pytest.param("densenet", "depth !~ 264", "depth <= 265 #", NAME, id="what is wrong"),
        pytest.param("googlenet", "depth == 1, window", "window", DEPTH, id="a figure of a row"),
        pytest.param("resnet", "top1_error 24.7 ", "top1_error 24.6 ", ERROR, id="an accuracy"),
        pytest.param("resnet", "top1_error 24.7 ", "top5_error 24.7 ", ERROR, id="its kind"),
    ],
)
def test_a_spec_that_lacks_a_claim_is_found(file, old, new, row):
    source = open_bundled(file).source
    pattern = re.escape(old).replace(r"\ ", " +")  # the formatter aligns
    text, times = re.subn(pattern, new, source.text)
    assert times
    changed = judge(Source(source.name, text))
    rows = rows_of(*row)
    assert not any(lacking(row) for row in rows)
    assert any(lacking(row, lambda name: changed if name == file else read_judged(name)) for row in rows)


def test_another_number_in_a_row_is_found():
    """With one more digit somewhere, what a row prints stands nowhere, where a rule does not say it anew."""
    compared = 0
    for row in COVERED:
        rule = mapping().rule_of(row)
        if rule is None or "?P<" in rule.value:
            for digit in re.finditer(r"\d(?!\d)", row.value.partition(" instead of ")[0]):
                other = replace(row, value=f"{row.value[: digit.end()]}7{row.value[digit.end() :]}")
                assert not wants(other) or lacking(other), str(other)
                compared += 1
    assert compared > 3000


def test_a_claim_of_another_net_figure_or_count_does_not_stand_for_a_row():
    (row,) = rows_of("resnet18", "macs", "1.8G")[:1]
    (want,) = wants(row)
    assert want.computed == 1_814_073_344
    right = next(claim for claim in read_judged("resnet") if want.met_by(claim))
    assert want.met_by(right)
    assert not want.met_by(replace(right, net="resnet34"))
    assert not want.met_by(replace(right, figure="params"))
    assert not want.met_by(replace(right, figure="macs(layer1)"))
    assert not want.met_by(replace(right, operator="!~"))
    assert not want.met_by(replace(right, value=1_900_000_000))
    assert not want.met_by(replace(right, computed=1_814_073_345))
    assert want.met_by(replace(right, figure="macs - 0"))


# --- reading ---


@pytest.mark.parametrize(
    ("text", "row", "figure"),
    [
        ("width", "layer[1][0].conv1", "width(layer1[0].conv1)"),
        ("count(conv)", "layer[2]", "count(conv, layer2)"),
        ("100 * weights / macs(fc)", "conv1", "100 * weights(conv1) / macs(fc)"),
        ("params(layer1)", "", "params(layer1)"),
        ('shape(Mixed_6["b"])', "", "shape(Mixed_6b)"),
        ("sum([\n        macs(a),\n        macs(b),\n    ])", "", "sum([macs(a), macs(b)])"),
        ("macs(unit[2 * 3].dw[0])", "", "macs(unit6.dw0)"),
    ],
)
def test_a_figure_has_one_text(text, row, figure):
    assert canonical(text, row) == figure


def test_entries_of_lists_and_of_comprehensions_are_claims():
    source = Source(
        "two.net",
        """
        net two { input x: 3x8x8; conv[1]: conv(3x3/2, 4); conv[2]: conv(1x1, 8); fc: fc(2) }
        expect two "here" {
            [width(conv[i]) for i in range(1, 3)] == [4, 8]
            [window(conv1), window(conv2)] == [3x3/2, 1x1]
            conv[1]: shape == 4x4x4
            params ~= 0.4K
            macs == 1
            reported top1_error 1.50
        }
        """,
    )
    claims = {(claim.figure, claim.operator, str(claim.value), claim.computed) for claim in judge(source)}
    assert {
        ("width(conv1)", "==", "4", None),
        ("width(conv2)", "==", "8", None),
        ("window(conv1)", "==", "3x3/2", None),
        ("window(conv2)", "==", "[1, 1]", None),
        ("shape(conv1)", "==", "[4, 4, 4]", None),
        ("params", "~=", "400", 410),
        ("reported top1_error", "==", "1.5", None),
    } <= claims
    assert not any(figure == "macs" for figure, *_ in claims), "what does not hold stands for nothing"


@pytest.mark.parametrize(
    ("value", "quantity", "claimed", "same"),
    [
        ("224x224x3", "shape", [3, 224, 224], True),
        ("224x224x3", "shape", [224, 224, 3], False),
        ("1x1x1000", "shape", 1000, True),
        ("1x1x1000", "shape", [1000, 1, 1], True),
        ("56x56", "shape", [256, 56, 56], True),
        ("56x56", "shape", [56, 56, 256], False),
        ("112K", "params", 112 * 1024, True),
        ("112K", "params", 112_000, True),
        ("112M", "params", 112_000, False),
        ("0.27M", "params", 270_000.0, True),
        ("4.096.000", "params", 4_096_000, True),
        ("102,760,448", "params", 102_760_448, True),
        ("25.5M", "params", 25_600_000, False),
        ("7x7/2", "kernel_stride", "7x7/2", True),
        ("3x3/1", "kernel_stride", [3, 3], True),
        ("3x3/1", "kernel_stride", "3x3/2", False),
        ("half of it", "params", 1, False),
    ],
)
def test_what_is_printed_is_what_a_spec_writes(value, quantity, claimed, same):
    row = Row(0, "system", "", quantity, value, "yes", "", "", "")
    assert any(is_printed(printed, claimed) for printed in printed_values(row)) == same


def test_rows_are_the_sources_1_879_and_name_no_file():
    assert len(read_rows()) == 1879
    assert not [row for row in read_rows() if re.search(r"\.txt|\bL\d", row.table + row.source)]
