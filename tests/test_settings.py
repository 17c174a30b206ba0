"""What people type after `--set`, `--input`, `--limit` and `--max-params`, and as the name of a spec."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.compiler.limits import Limits
from netc.dsl.diagnostics import Unusable
from netc.files import find_spec
from netc.settings import Misused, read_count, read_inputs, read_limits, read_settings

TEXT = st.text(max_size=30) | st.text('nodes=0123456789xX.,:()[]"-> \n#KMG_', max_size=30)


def texts(options: list[str]) -> list[dict[str, str]]:
    return [{name: setting.text for name, setting in row.items()} for row in read_settings(options)]


def test_values_are_split_at_the_commas_of_the_language() -> None:
    assert texts([]) == [{}]
    assert texts(["a=1"]) == [{"a": "1"}]
    assert texts(['a=[1, 2], f(3, 4),"x,y"']) == [{"a": "[1, 2]"}, {"a": "f(3, 4)"}, {"a": '"x,y"'}]
    assert texts(["a=1,2", "b=3,4"]) == [
        {"a": "1", "b": "3"},
        {"a": "1", "b": "4"},
        {"a": "2", "b": "3"},
        {"a": "2", "b": "4"},
    ]


@pytest.mark.parametrize(
    "option", ["a", "=1", "a=", "1a=2", "a=]", "a=1]; net b { }", "a=[", 'a="', "a=1\nlet b = 2"]
)
def test_what_is_no_setting_is_refused(option: str) -> None:
    with pytest.raises(Misused):
        read_settings([option])


def test_sizes_are_dims_with_or_without_a_name() -> None:
    assert read_inputs(["3x8x9", "left=64"]) == {"": (3, 8, 9), "left": (64,)}


def test_counts_are_written_as_in_the_language() -> None:
    counts = ("5", "600_000", "5M", "4.1G", "1.5Ki")
    assert [read_count(text) for text in counts] == [5, 600_000, 5_000_000, 4_100_000_000, 1536]


def test_a_limit_is_changed_by_its_name() -> None:
    assert read_limits(["nodes=2M"]) == Limits(nodes=2_000_000)


@given(TEXT)
def test_no_text_of_an_option_makes_it_raise_anything_else(text: str) -> None:
    for read in (read_settings, read_inputs, read_limits):
        for option in (text, f"nodes={text}"):
            with suppress(Misused):
                read([option])
    with suppress(Misused):
        assert isinstance(read_count(text), int)


@given(TEXT.filter(lambda name: name.partition(":")[0] != "-"))
def test_no_name_of_a_spec_makes_it_raise_anything_else(name: str) -> None:
    with suppress(Unusable):
        assert find_spec(name).source.text
