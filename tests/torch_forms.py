"""A layer's forms in PyTorch, built as a generated file would hold them: what the tests of `ops` share.

A form is the callee with its slots printed, and the snippets that it names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from netc.ops.arithmetic import shorten
from netc.ops.base import Op, Shape
from netc.ops.forms import Callee, Emit, Slot

torch = pytest.importorskip("torch")

SUPPORT = Path(__file__).parent.parent / "codegen" / "templates" / "support"
HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n"


@functools.cache
def namespace() -> dict[str, Any]:
    """What the emitted text may call."""
    names: dict[str, Any] = {}
    exec(HEAD, names)
    for path in sorted(SUPPORT.glob("*.jinja")):
        exec(path.read_text(), names)
    return names


def arguments(slots: Sequence[Slot]) -> list[str]:
    """As printed: in order, those left out that are the callee's default, keywords by name."""
    return [
        f"{slot.name}={slot.value!r}" if slot.keyword else repr(slot.value)
        for slot in slots
        if not slot.omitted
    ]


def module_text(emit: Emit, **further: object) -> str:
    assert emit.module is not None
    extra = [f"{name}={value!r}" for name, value in further.items()]
    text = f"{emit.module.path}({', '.join([*arguments(emit.module.slots), *extra])})"
    return f"{emit.module.within}({text})" if emit.module.within else text


def call_text(emit: Emit, made: str, names: Sequence[str]) -> str:
    """How the module, or the learned tensor, that is called `made` is used."""
    first = f"torch.flatten({names[0]}, 1)" if emit.flattens else names[0]
    return emit.call.format(first, self=made) if emit.call else f"{made}({', '.join([first, *names[1:]])})"


def state(made: Any) -> dict[str, Any]:
    """Weights and buffers by attribute; a learned tensor has none."""
    return {"": made.detach()} if isinstance(made, torch.nn.Parameter) else made.state_dict()


def function_text(emit: Emit, names: Sequence[str], **further: object) -> str:
    function = emit.function
    if isinstance(function, str):
        assert not further
        return function.format(*names, **{slot.name: repr(slot.value) for slot in emit.slots})
    assert isinstance(function, Callee)
    inputs = [f"[{', '.join(names)}]"] if function.listed else list(names)
    extra = [f"{name}={value!r}" for name, value in further.items()]
    return f"{function.path}({', '.join([*inputs, *arguments(function.slots), *extra])})"


def build(emit: Emit, **further: object) -> Any:
    """The module, or the learned tensor."""
    return eval(module_text(emit, **further), namespace())


class Form:
    """One form of a layer, to be called with tensors; `weights` are its parameters and buffers."""

    def __init__(self, run: Callable[..., Any], weights: Sequence[Any] = ()) -> None:
        self.run, self.weights = run, tuple(weights)

    def __call__(self, *tensors: Any) -> Any:
        return self.run(*tensors)


def forms(op: Op, inputs: Sequence[Shape], training: bool = False, **further: object) -> list[Form]:
    """The module and the function of a layer, whichever it has, flattening first where it must."""
    emit = op.torch(inputs, op.shape(inputs))
    found: list[Form] = []
    names = [f"x{i}" for i in range(len(inputs))]
    if emit.module is not None:
        made = build(emit, **further)
        if isinstance(made, torch.nn.Parameter):
            weights = [made]
        else:
            weights = [*made.train(training).parameters(), *made.buffers()]
        text = f"lambda {', '.join(names)}: {call_text(emit, 'made', names)}"
        found.append(Form(eval(text, {**namespace(), "made": made}), weights))
    if emit.function is not None:
        settings = {**further, "training": training} if emit.training else further
        text = function_text(emit, names, **settings)
        found.append(Form(eval(f"lambda {', '.join(names)}: {text}", namespace())))
    return found


def tensors(inputs: Sequence[Shape], batch: int = 2, dtype: Any = None, vocabulary: int = 2) -> list[Any]:
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randint(0, vocabulary, (batch, *shape.dims), generator=generator)
        if shape.dtype == "int64"
        else torch.randn((batch, *shape.dims), generator=generator, dtype=dtype or torch.float32)
        for shape in inputs
    ]


def check_counts(op: Op, inputs: Sequence[Shape]) -> None:
    """Parameters, biases, weights by name and multiply-adds, against the module and torch's own counter."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    output = op.shape(inputs)
    emit, cost = op.torch(inputs, output), op.cost(inputs, output)
    weights: dict[str, Any] = {}
    if emit.module is not None:
        made = build(emit)
        weights = state(made)
        named = [("", made)] if isinstance(made, torch.nn.Parameter) else [*made.named_parameters()]
        assert cost.params == sum(parameter.numel() for _, parameter in named)
        assert cost.biases == sum(parameter.numel() for name, parameter in named if name.endswith("bias"))
    else:
        assert cost.params == cost.biases == 0
    assert emit.weights == tuple((name, tuple(value.shape)) for name, value in weights.items())
    for form in forms(op, inputs):
        # fused attention is one operation, whose products the counter does not see
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            form(*tensors(inputs))
        assert counter.get_total_flops() == 2 * 2 * cost.macs  # two images, two operations each


def scope(op: Op, inputs: Sequence[Shape]) -> dict[str, Any]:
    """The names that a formula may use."""
    names = {field.rstrip("_"): getattr(op, field) for field in op.__struct_fields__}
    if "window" in names:
        names["kernel"] = shorten(names["window"].size)
    if inputs:
        names["in_channels"], names["in_features"] = inputs[0].channels, inputs[0].elements
    return names


def all_slots(emit: Emit) -> list[Slot]:
    callees = [callee for callee in (emit.module, emit.function) if isinstance(callee, Callee)]
    return [*emit.slots, *(slot for callee in callees for slot in callee.slots)]


def check_formulas(op: Op, inputs: Sequence[Shape]) -> None:
    names = scope(op, inputs)
    for slot in all_slots(op.torch(inputs, op.shape(inputs))):
        each = slot.each and not isinstance(names["kernel"], int)
        formula = slot.each if each else slot.formula
        if formula:
            value = eval(formula, {}, names)
            assert (shorten(value) if each else value) == slot.value, (slot, names)
