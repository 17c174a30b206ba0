"""Layer classes in, their reference for people or programs out. All that it says is read from the classes."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET

from ..ops.arguments import ParameterInfo, parameters
from ..ops.base import Example, Layout, Op
from ..ops.settle import alternatives
from .plain_text import show_value

KINDS: dict[tuple[int, Layout], str] = {
    (0, "first"): "vectors (C)",
    (1, "first"): "sequences (C x N)",
    (2, "first"): "maps (C x H x W)",
    (1, "last"): "tokens (N x C)",
    (2, "last"): "channels-last maps (H x W x C)",
}
WIDTH = 100
RULES = ("shape", "cost", "saved", "reach", "torch", "why")
"""The methods of `Op` that a layer answers with a rule of its own."""


def signature(layer: type[Op]) -> str:
    """`conv(window, out, pad="same", dilation=1, groups=1, bias=true)`, as it is written."""
    if layer.arity is None:
        return f"{layer.name} {{ ... }}"
    written = ", ".join(map(write_parameter, parameters(layer)))
    return f"{layer.name}({written})" if written else layer.name


def write_parameter(info: ParameterInfo) -> str:
    if info.tensor:
        return f"{info.name}="
    return info.name if info.required else f"{info.name}={show_value(info.default)}"


def description(layer: type[Op]) -> str:
    """The first paragraph of the class's docstring, on one line."""
    return " ".join(inspect.cleandoc(layer.__doc__ or "").split("\n\n")[0].split())


def describe(layer: type[Op]) -> str:
    """One layer in full."""
    members = ", two or more of them" if layer.arity is None else ""
    kinds = [KINDS[rank, layout if rank else "first"] for layout in layer.layouts for rank in layer.ranks]
    takes = f"takes {alternatives(list(dict.fromkeys(kinds)))}{members}"
    lines = [signature(layer), *indent(description(layer), 4), f"    {takes}"]
    infos = parameters(layer)
    if infos:
        lines.append("")
    width = max((len(info.name) for info in infos), default=0)
    for info in infos:
        first, *others = indent(explain(info), width + 4)
        lines += [f"  {info.name:{width}}  {first.lstrip()}", *others]
    lines.append("")
    lines += [f"  {write_example(layer, example)}" for example in layer.examples]
    return "\n".join(lines)


def explain(info: ParameterInfo) -> str:
    """`output channels; a whole number`."""
    text = f"{info.description}; {info.type}"
    return text if info.required else f"{text}; {show_value(info.default)} where it is left out"


def indent(text: str, by: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * by, subsequent_indent=" " * by)


def write_example(layer: type[Op], example: Example) -> str:
    """`conv(3x3, 16)  # of 8x14x12`; the second tensor is the one that `like=` names."""
    inputs = " and ".join(map(str, example.inputs))
    likes = (
        [f"{name}=x" for name in layer.tensors[: len(example.inputs) - 1]] if layer.arity is not None else []
    )
    arguments = ", ".join(filter(None, (example.arguments, *likes)))
    return f"{layer.name}({arguments})  # of {inputs}" if arguments else f"{layer.name}  # of {inputs}"


def overview(layers: Mapping[str, type[Op]]) -> str:
    """All layers, a line each, family by family."""
    lines: list[str] = []
    for family in dict.fromkeys(layer.family for layer in layers.values()):
        members = [layer for layer in layers.values() if layer.family == family]
        lines += ["", family] if lines else [family]
        lines += [f"  {signature(layer)}" for layer in members]
    return "\n".join(lines)


def as_data(layers: Iterable[type[Op]]) -> list[dict[str, Any]]:
    """The layers as plain data, for `--json`."""
    return [
        {
            "name": layer.name,
            "family": layer.family,
            "signature": signature(layer),
            "description": description(layer),
            "ranks": list(layer.ranks),
            "layouts": list(layer.layouts),
            "inputs": layer.arity,
            "parameters": [parameter_as_data(info) for info in parameters(layer)],
            "rules": [rule for rule in RULES if getattr(layer, rule) is not getattr(Op, rule)],
            "examples": [
                {"arguments": example.arguments, "inputs": [list(shape.dims) for shape in example.inputs]}
                for example in layer.examples
            ],
        }
        for layer in layers
    ]


def parameter_as_data(info: ParameterInfo) -> dict[str, Any]:
    data: dict[str, Any] = {"name": info.name, "type": info.type, "description": info.description}
    if info.choices:
        data["choices"] = list(info.choices)
    if info.default is not UNSET:
        data["default"] = info.default
    return data | {"required": info.required}
