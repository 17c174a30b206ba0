"""A graph in, the source of a stand-alone PyTorch module out. The front of the generator."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined
from msgspec import Struct

from ..compiler.cost import Costs
from ..compiler.graph import Graph
from ..compiler.shapes import Shapes
from .classes import Fixed, open_names, recover
from .constructor import Constructor, home
from .expressions import free
from .flags import choose_flags
from .forward import Forward
from .layers import FLAT_LINEAR
from .lines import STEP, WIDTH, Brackets, lay_out
from .phrases import shape_text
from .plan import ClassPlan, Event, Step, Tap
from .python_text import docstring, identifier, literal
from .rehearse import rehearse
from .uses import Net


class View(Struct, frozen=True):
    """A class as its lines."""

    name: str
    base: str
    lines: list[str]


def emit(
    graph: Graph,
    *,
    shapes: Shapes | None = None,
    costs: Costs | None = None,
    lower_again: Callable[[dict[str, int | float]], Graph | None] | None = None,
    doc: str = "",
    version: str = "",
) -> str:
    """The module of `graph`, the net with its auxiliary heads or without.

    `lower_again` gives the same net with other values of some parameters, or None: those that turn out to decide no
    structure stay arguments of the class. `doc` is the file's description, `costs` those of the inference graph.
    """
    net_facts = Net(graph, shapes)
    plans = _recover(net_facts, lower_again)
    net = plans[-1]
    outputs = [_outputs(net.name, graph)] if graph.heads or len(graph.results) > 1 else []
    views = [*(each for group in outputs for each in group)]
    for plan in plans[:-1]:
        views.append(_view(plan, _about(plan), graph))
    views.append(_view(net, _describe(graph, net_facts, costs, doc), graph))
    text = _render(graph, net, views, net_facts, version)
    support = set(_support(net_facts))
    rehearse(text, net.name, graph, net_facts.emits, support)
    return text


def _recover(
    net: Net, lower_again: Callable[[dict[str, int | float]], Graph | None] | None
) -> list[ClassPlan]:
    """The plans with as many parameters left open as can be: all that may be, else those that can be alone."""
    support = set(_support(net))

    def attempt(values: dict[str, int | float]) -> list[ClassPlan] | None:
        assert lower_again is not None
        variant = lower_again(values)
        if variant is None:
            return None
        try:
            return recover([net, Net(variant, real=False)], support)
        except Fixed:
            return None

    others = other_values(net.graph) if lower_again is not None else {}
    if others:
        plans = attempt(others)
        if plans is None and len(others) > 1:
            alone = {name: value for name, value in others.items() if attempt({name: value}) is not None}
            plans = attempt(alone) if alone else None
        if plans is not None:
            return plans
    return recover([net], support)


def other_values(graph: Graph) -> dict[str, int | float]:
    """Parameters of the net that may decide no structure, each with another value to try that with."""
    values = {name: graph.frame.arguments[name].value for name in open_names(graph.frame.definition)}
    return {
        name: value + 7 if isinstance(value, int) else value / 2 + 0.01
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


# --- classes -------------------------------------------------------------------------------------


def _view(plan: ClassPlan, about: list[str], graph: Graph) -> View:
    """The lines of a class between its head and the next one."""
    base = home(plan)
    flags = choose_flags(plan)
    names = _input_names(plan)
    lines = _quote(about)
    if plan.kind == "net" and graph.heads:
        weights = tuple(port.weight for port in graph.heads)
        lines += ["", f"{STEP}aux_weights = {literal(weights)}"]
    constructor = Constructor(plan, _stored(plan), flags).write()
    if constructor:
        lines += ["", *constructor]
    if plan.entries is None:
        forward = Forward(plan, base, flags, names)
        forward.write()
        if plan.kind == "net":
            _finish(forward, plan, graph)
        else:
            forward.leave()
        lines += ["", *_head(plan, names, graph), *forward.lines]
    return View(plan.name, base.base, lines)


def _input_names(plan: ClassPlan) -> list[str]:
    names: list[str] = []
    for name in plan.input_names:
        names.append(identifier(name, names))
    return names


def _head(plan: ClassPlan, names: Sequence[str], graph: Graph) -> list[str]:
    parameters = ("self", *(f"{name}: Tensor" for name in names))
    count = len(plan.outputs)
    returned = "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"
    if plan.kind == "net":
        if len(graph.results) > 1:
            returned = f"{plan.name}Outputs" + (f" | {plan.name}TrainingOutputs" if graph.heads else "")
        elif graph.heads:
            returned = f"Tensor | {plan.name}TrainingOutputs"
    return lay_out(Brackets("def forward", parameters), 1, after=f" -> {returned}:")


def _stored(plan: ClassPlan) -> list[str]:
    """The parameters that `forward` reads."""
    found: set[str] = set()

    def visit(event: Event) -> None:
        if isinstance(event, Step) and event.attribute is None:
            for given in event.given:
                if not isinstance(given.value, str):
                    found.update(free(given.value))

    plan.walk(visit)
    return [parameter.name for parameter in plan.parameters if parameter.name in found]


def _finish(forward: Forward, plan: ClassPlan, graph: Graph) -> None:
    """Return what the net returns: a tensor, or its outputs by name; with the heads where it trains."""
    results = [forward.values[id(variable)] for variable in plan.outputs]
    taps = [step for step in plan.steps if isinstance(step, Tap)]
    if not taps and len(results) == 1:
        forward.give(results[0], shape_text(plan.outputs[0]), 2, "logits")
        return
    if taps:
        forward.lines.append(f"{STEP * 2}if self.training:")
        for tap in taps:
            forward._run(tap.steps, 3)
        heads = [forward.values[id(tap.value)] for tap in taps]
        returned = Brackets(f"{plan.name}TrainingOutputs", tuple(value.piece for value in [*results, *heads]))
        forward.lines.extend(lay_out(returned, 3, "return "))
    if len(results) == 1:
        forward.give(results[0], "", 2, "logits")
        return
    returned = Brackets(f"{plan.name}Outputs", tuple(value.piece for value in results))
    forward.lines.extend(lay_out(returned, 2, "return "))


def _outputs(name: str, graph: Graph) -> list[View]:
    """`NamedTuple` classes for what leaves in evaluation and in training."""
    views = []
    results = ["logits"] if len(graph.results) == 1 else [port.name for port in graph.results]
    if len(graph.results) > 1:
        views.append(_record(f"{name}Outputs", results, "What the net returns."))
    if graph.heads:
        fields = [*results, *(port.name for port in graph.heads)]
        about = "What the net returns in training: its outputs, then the auxiliary heads."
        views.append(_record(f"{name}TrainingOutputs", fields, about))
    return views


def _record(name: str, fields: Sequence[str], about: str) -> View:
    names: list[str] = []
    for field in fields:
        word = f"out{field}" if field.startswith("_") else field
        names.append(identifier(word, {*names, "count", "index"}))
    return View(name, "NamedTuple", [*_quote([about]), "", *(f"{STEP}{field}: Tensor" for field in names)])


# --- words ---------------------------------------------------------------------------------------


def _quote(about: Sequence[str]) -> list[str]:
    """Lines as the docstring of a class."""
    if len(about) == 1 and len(about[0]) + 10 <= WIDTH:
        return [f'{STEP}"""{about[0]}"""']
    return [f'{STEP}"""{about[0]}', *(STEP + line if line else "" for line in about[1:]), f'{STEP}"""']


def _wrap(text: str) -> list[str]:
    """Paragraphs, escaped and wrapped."""
    lines: list[str] = []
    for paragraph in "\n".join(docstring(text)).split("\n\n"):
        broken = paragraph.split("\n")
        room = WIDTH - len(STEP) - (0 if lines else 3)  # the quotes stand before the first line
        if any(len(line) > room for line in broken):
            broken = textwrap.wrap(" ".join(broken), room, break_long_words=False, break_on_hyphens=False)
        lines += ["", *broken] if lines else broken
    return [line.rstrip() for line in lines]


def _about(plan: ClassPlan) -> list[str]:
    use = plan.uses[0]
    times = sum(1 for each in plan.uses if each.net.real)
    counted = "once" if times == 1 else f"{times} times"
    if plan.kind == "block":
        return _wrap(f"The block `{use.frame.name}`, used {counted}.")
    label = (
        use.module.event.label.name
        if use.module.event is not None and use.module.event.label is not None
        else ""
    )
    return _wrap(
        f"The part `{label}`, used {counted}." if label else f"A part of `{use.frame.name}`, used {counted}."
    )


def _describe(graph: Graph, net: Net, costs: Costs | None, doc: str) -> list[str]:
    """What a reader of the net's class wants to know first."""
    lines = _wrap(doc.strip() or f"The net `{graph.name}`.")
    entering = [
        (node.name, " x ".join(map(str, net.shapes[node.id].dims)))
        for node in graph
        if node.op.family == "input"
    ]
    if len(entering) == 1:
        lines += ["", *_wrap(f"Input: {entering[0][1]}.")]
    else:
        lines += ["", *_wrap(f"Inputs: {', '.join(f'{name} {size}' for name, size in entering)}.")]
    if costs is not None:
        total = costs.total
        lines += _wrap(f"{total.params:,} parameters, {total.macs:,} multiply-adds.")
    lines += _wrap("Weights are initialised as PyTorch's layers do.")
    return lines


def _render(graph: Graph, net: ClassPlan, views: Sequence[View], facts: Net, version: str) -> str:
    bodies = [line for view in views for line in view.lines]
    text = "\n".join(bodies)
    snippets = _snippets(text, facts)
    everything = "\n".join([text, *snippets, *(view.base for view in views)])
    exported = sorted(
        {net.name, *(view.name for view in views if view.base == "NamedTuple")},
        key=lambda n: (n != net.name, n),
    )
    place = graph.frame.item.source.name.rpartition("/")[2]
    header = f"Generated by netc{' ' + version if version else ''} from {place}, net {graph.name}."
    return _template("module.py.jinja").render(
        header=" ".join(docstring(header)),
        imports=_imports(everything),
        exported="\n".join(
            lay_out(Brackets("", tuple(map(literal, sorted(exported))), "[]"), 0, "__all__ = ")
        ),
        snippets=snippets,
        classes=views,
    )


def _imports(text: str) -> list[list[str]]:
    """Sections of imports, as far as the text needs them."""
    standard = [
        line
        for word, line in (
            ("OrderedDict", "from collections import OrderedDict"),
            ("NamedTuple", "from typing import NamedTuple"),
        )
        if _mentions(text, word)
    ]
    torch = [
        line
        for word, line in (("torch.", "import torch"), ("F.", "import torch.nn.functional as F"))
        if word in text and _uses(text, word)
    ]
    taken = [word for word in ("Tensor", "nn") if _mentions(text, word)]
    torch.append(f"from torch import {', '.join(taken)}")
    return [section for section in (standard, torch) if section]


def _uses(text: str, word: str) -> bool:
    import re

    return re.search(rf"(?<![\w.]){re.escape(word)}", text) is not None


def _mentions(text: str, word: str) -> bool:
    import re

    return re.search(rf"(?<![\w.]){re.escape(word)}\b", text) is not None


def _snippets(text: str, net: Net) -> list[str]:
    """The snippets that the text calls, and those that these call: a snippet stands after what it needs."""
    chosen: list[str] = []
    for name in reversed(_support(net)):
        if any(_mentions(each, name) for each in (text, *chosen)):
            chosen.insert(0, _snippet(name))
    return chosen


def _support(net: Net) -> list[str]:
    """The snippets that some layer may call, in the order in which they must stand."""
    found = {FLAT_LINEAR: None}
    for made in net.emits.values():
        found.update(dict.fromkeys(made.support))
    return list(found)


@cache
def _environment() -> Environment:
    return Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )


@cache
def _template(name: str):  # type: ignore[no-untyped-def]
    return _environment().from_string((resources.files(__package__) / "templates" / name).read_text("utf-8"))


@cache
def _snippet(name: str) -> str:
    return (
        (resources.files(__package__) / "templates" / "support" / f"{name}.jinja")
        .read_text("utf-8")
        .strip("\n")
    )
