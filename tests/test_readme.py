"""The README says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import netc
from netc.cli import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_example_is_the_file_that_its_commands_name() -> None:
    assert FENCES[0] == ("", (ROOT / "docs/tiny.net").read_text())


def test_the_class_shown_is_what_is_built() -> None:
    source = netc.load(str(ROOT / "docs/tiny.net")).source()
    assert FENCES[1][1] in source
    assert source.count("\nclass ") == 2
    assert len(source.splitlines()) in range(55, 75)


def test_the_picture_is_of_the_example() -> None:
    drawn = (ROOT / "docs/pictures/tiny.svg").read_text()
    model = netc.load(str(ROOT / "docs/tiny.net"))
    words = re.compile(r"<text[^>]*>([^<]*)</text>")
    assert words.findall(drawn) == words.findall(model.svg())


def test_every_command_is_shown() -> None:
    assert set(re.findall(r"`netc ([\w-]+)", README)) == set(COMMANDS)


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README)
    assert [link for pair in links for link in pair if link and not (ROOT / link).exists()] == []
