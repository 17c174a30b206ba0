"""The zoo is whole: the nets of `data/zoo.csv`, in their files, at their sizes; its pages show the specs."""

from __future__ import annotations

import csv
import importlib.util
import re
from pathlib import Path

import pytest

import netc
from netc.files import bundled_nets

ROOT = Path(__file__).parent.parent
WORDS = re.compile(r"<text[^>]*>([^<]*)</text>")
with (ROOT / "tests/data/zoo.csv").open(encoding="utf-8", newline="") as file:
    ZOO = list(csv.DictReader(file))

specification = importlib.util.spec_from_file_location("gallery", ROOT / "docs/gallery.py")
assert specification is not None
assert specification.loader is not None
gallery = importlib.util.module_from_spec(specification)
specification.loader.exec_module(gallery)


@pytest.mark.parametrize("row", ZOO, ids=lambda row: row["net"])
def test_a_net_stands_in_its_file_and_takes_its_input(row):
    assert f"{bundled_nets()[row['net']]}.net" == row["file"]
    shapes = netc.load(row["net"]).inputs.values()
    size, _, dtype = row["input"].partition(" as ")
    assert [("x".join(map(str, shape.dims)), shape.dtype) for shape in shapes] == [(size, dtype or "float32")]


def test_every_net_with_a_reference_is_named_once():
    names = [row["net"] for row in ZOO]
    references = [row["reference"] for row in ZOO if row["reference"].startswith(("torchvision:", "timm:"))]
    assert len({*names}) == len(names)
    assert len({*references}) == len(references)
    assert len(references) >= 70


@pytest.mark.parametrize("family", gallery.families())
def test_a_page_is_of_its_spec(family):
    assert (gallery.ZOO / f"{family}.md").read_text(encoding="utf-8") == gallery.write_page(family)
    for net in gallery.drawn_nets(family):
        drawn = (gallery.ZOO / f"{net.name}.svg").read_text(encoding="utf-8")
        assert WORDS.findall(drawn) == WORDS.findall(gallery.draw(net))


def test_the_index_lists_all_families_and_nothing_is_left_over():
    assert (gallery.ZOO / "README.md").read_text(encoding="utf-8") == gallery.write_index()
    pages = {path.stem for path in gallery.ZOO.glob("*.md")} - {"README"}
    assert pages == {*gallery.families()}
    drawn = {net.name for family in gallery.families() for net in gallery.drawn_nets(family)}
    assert {path.stem for path in gallery.ZOO.glob("*.svg")} == drawn


def test_a_paper_is_cited_with_its_title_and_a_link():
    paper = "Two_Nets: A Study. Ada, Bell, Cole. CVPR 2018. arXiv:1801.00001"
    link = "[arXiv:1801.00001](https://arxiv.org/abs/1801.00001)"
    assert gallery.cite(paper) == f"**Two\\_Nets: A Study.** Ada, Bell, Cole. CVPR 2018. {link}"
    assert gallery.cite_briefly(paper) == "Two\\_Nets: A Study. Ada et al. CVPR 2018"
    assert gallery.cite_briefly("A Net. Ada, Bell. 2017.") == "A Net. Ada and Bell. 2017"


def test_names_in_backquotes_are_code_and_other_marks_are_themselves():
    assert gallery.escape("as `legacy_*` has it, <0.5 | a_b") == "as `legacy_*` has it, \\<0.5 \\| a\\_b"
