"""Plans of classes in, their lines out: heads, docstrings, constructors, `forward`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ..compiler.cost import Costs
from ..compiler.frames import Frame
from ..compiler.graph import Graph
from ..compiler.values import Layer
from .constructor import Constructor
from .forward import Forward
from .home import Home, base_of
from .kept import keep
from .lines import STEP, WIDTH, Brackets, lay_out
from .phrases import shape_text
from .plain_text import ELLIPSIS, show_value
from .plan import ClassPlan, Tap
from .python_text import docstring, identifier, literal
from .uses import Net


class View(Struct, frozen=True):
    """A class as its lines."""

    name: str
    base: str
    lines: list[str]


def _view(plan: ClassPlan, about: list[str], graph: Graph, classes: Mapping[str, ClassPlan]) -> View:
    """The lines of a class between its head and the next one."""
    home = Home(plan, base_of(plan), classes)
    kept = keep(plan)
    names = _input_names(plan)
    lines = _quote(about)
    if plan.kind == "net" and graph.heads:
        weights = tuple(port.weight for port in graph.heads)
        lines += ["", f"{STEP}aux_weights = {literal(weights)}"]
    constructor = Constructor(plan, home, kept).write()
    if constructor:
        lines += ["", *constructor]
    if plan.entries is None:
        forward = Forward(plan, home, kept, names)
        forward.write()
        if plan.kind == "net":
            _finish(forward, plan, graph)
        else:
            forward.leave()
        lines += ["", *_head(plan, names, graph), *forward.lines]
    return View(plan.name, home.base, lines)


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


def _finish(forward: Forward, plan: ClassPlan, graph: Graph) -> None:
    """Return what the net returns: a tensor, or its outputs by name; with the heads where it trains."""
    results = [forward.values[id(variable)] for variable in plan.outputs]
    taps = [step for step in plan.steps if isinstance(step, Tap)]
    if not taps and len(results) == 1:
        forward.give(results[0], shape_text(plan.outputs[0], forward.known), 2, "logits")
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


def _about(plan: ClassPlan, plans: Sequence[ClassPlan]) -> list[str]:
    """What it is a class of, and by which layers given to it it differs from others of the block."""
    use = plan.uses[0]
    times = sum(1 for each in plan.uses if each.net.real)
    counted = {1: "once", 2: "twice"}.get(times, f"{times} times")
    if plan.kind == "block":
        siblings = [each.uses[0].frame for each in plans if each.kind == "block"]
        given = _given(use.frame, [each for each in siblings if each.definition is use.frame.definition])
        return _wrap(f"The block `{use.frame.name}`{given}, used {counted}.")
    label = (
        use.module.event.label.name
        if use.module.event is not None and use.module.event.label is not None
        else ""
    )
    return _wrap(
        f"The part `{label}`, used {counted}." if label else f"A part of `{use.frame.name}`, used {counted}."
    )


def _given(frame: Frame, siblings: Sequence[Frame]) -> str:
    """` with `act=relu``, as far as the layers have names."""
    told = []
    for name, argument in frame.arguments.items():
        shown = show_value(argument.value)
        differs = any(show_value(each.arguments[name].value) != shown for each in siblings)
        if isinstance(argument.value, Layer) and ELLIPSIS not in shown and differs:
            told.append(f"`{name}={shown}`")
    return f" with {', '.join(told)}" if told else ""


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
