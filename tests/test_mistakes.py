"""What a report on shapes and arguments says, against mistakes that were made where the test knows."""

from __future__ import annotations

import re

from hypothesis import assume, given, settings
from hypothesis.strategies import DataObject, booleans, data, sampled_from
from mismatches import Mismatch, mismatches
from several import programs_with_mistakes

from netc import driver
from netc.compiler.groups import MERGES
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.source import Source
from netc.files import Spec
from netc.ops.arguments import parameters
from netc.ops.base import Example
from netc.ops.registry import LAYERS


def mistakes(text: str) -> list[Diagnostic]:
    spec = Spec(Source("drawn.net", text), None, None)
    return [found for found in driver.distinct(driver.check(spec)) if found.severity == "error"]


@settings(max_examples=300)
@given(mismatches())
def test_the_causes_of_a_mismatch_show_the_line_that_was_changed(drawn: Mismatch) -> None:
    assert mistakes(drawn.right) == []
    found = mistakes(drawn.wrong)
    assume(found)  # a layer after the changed one may make its branch fit again
    assert [mistake.code for mistake in found] == ["shape-mismatch"]
    lines = {found[0].place.line, *(cause.place.line for cause in found[0].causes)}
    assert drawn.line in lines


# --- arguments ----------------------------------------------------------------------------------

VALUES = (
    *("relu", "in", '"abc"', '"64"', "[1, 2, 3, 4, 5, 6, 7]", "[[1, 2, 3], 4]", "[]", "[relu]", "[3]"),
    *("3x3x3", "3x3/2", "3x3", "true", "none", "2.5", "-1", "0", "-0.5", "1.5", "10^18", "1e300", "7"),
    *("conv", "add", "range", "{ relu }", "other", "5 / 2", "[2, 2] / 3", "1x1/1x1"),
)


def split(arguments: str) -> list[str]:
    """At the commas that stand in no brackets."""
    parts, depth = [""], 0
    for character in arguments:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


NEVER = ("relu", "in", '"abc"', "[]", "[relu]", "conv", "add", "range", "{ relu }", "other")
"""Those that no parameter takes, but for a tensor where one is wanted."""


class Use:
    """A layer as one of its examples has it, with one argument changed; `through` a block's parameter too."""

    def __init__(self, name: str, example: Example, parameter: str, value: str, through: bool) -> None:
        layer = LAYERS[name]
        names = [info.name for info in parameters(layer) if not info.tensor]
        given = dict(zip(names, split(example.arguments), strict=False))
        arguments = {}
        for position, text in given.items():
            named = re.match(r"(\w+)=(.*)", text)
            arguments.update({named[1]: named[2]} if named else {position: text})
        arguments.pop("", None)
        arguments = {key: text for key, text in arguments.items() if text}
        arguments.update({f"like{i}": f"x{i + 1}" for i in range(len(example.inputs) - 1)})
        if "like0" in arguments:
            arguments["like"] = arguments.pop("like0")
        arguments[parameter] = "v" if through else "@"
        inputs = [
            f"input x{i}: {'x'.join(map(str, shape.dims))} as {shape.dtype}"
            for i, shape in enumerate(example.inputs)
        ]
        call = f"{name}({', '.join(f'{key}={text}' for key, text in arguments.items())})"
        use = "f(@)" if through else call
        head = f"block f(v) {{ {call} }}\n" if through else ""
        tail = "flatten"
        if name == "split":
            use, tail = f"(p, q): x0 -> {use}", "concat(p, q) -> flatten"
        self.text = (
            f"{head}block other {{ relu }}\nnet main {{\n{'; '.join(inputs)}\nx0 -> {use}\n{tail}\n}}\n"
        )
        if name == "split":
            self.text = self.text.replace("x0 -> (p, q): x0", "(p, q): x0")
        self.value = (self.text.index("@"), value)
        self.text = self.text.replace("@", value)


@settings(max_examples=600)
@given(data())
def test_an_argument_that_does_not_fit_is_told_at_its_place_with_help(drawn: DataObject) -> None:
    name = drawn.draw(sampled_from([name for name in LAYERS if name not in MERGES]))
    layer = LAYERS[name]
    parameter = drawn.draw(sampled_from([info.name for info in parameters(layer)] or [""]))
    assume(parameter)
    example = drawn.draw(sampled_from(layer.examples))
    assume(parameter == "like" or len(example.inputs) == 1)
    use = Use(name, example, parameter, drawn.draw(sampled_from(VALUES)), drawn.draw(booleans()))
    start, value = use.value
    found = mistakes(use.text)
    assert found or value not in NEVER or (parameter, value) == ("like", "in")
    for mistake in found:
        assert mistake.help, mistake.message
        assert not re.search(r"\b(object|NoneType|Tensor\(|Builtin|Struct|netc)\b|<", mistake.message)
        if mistake.message.startswith(f"`{parameter}` "):  # it may also be another that does not suit this
            places = [mistake.place, *(cause.place for cause in mistake.causes)]
            assert any(start <= place.start < place.end <= start + len(value) for place in places)


# --- several mistakes ---------------------------------------------------------------------------


@settings(max_examples=300)
@given(programs_with_mistakes())
def test_all_mistakes_are_told_in_one_run_each_once_and_no_others(drawn: tuple[str, list[int]]) -> None:
    text, wrong = drawn
    followers = ("shape-mismatch", "window-too-large")  # right lines need not fit each other
    told = [mistake.place.line for mistake in mistakes(text) if mistake.code not in followers]
    assert told == wrong
