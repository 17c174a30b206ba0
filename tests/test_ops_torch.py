"""Every layer's examples against real PyTorch: shapes, counts, what backward keeps, what an element sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest

from netc.ops.base import Op, Reach, Shape

torch = pytest.importorskip("torch")
torch_forms = pytest.importorskip("torch_forms")


def test_shape_is_that_of_torch(example):
    forms = torch_forms.forms(example.op, example.inputs)
    assert forms
    for form in forms:
        result = form(*torch_forms.tensors(example.inputs))
        assert tuple(result.shape) == (2, *example.output.dims)
        assert str(result.dtype) == f"torch.{example.output.dtype}"


def test_module_and_function_agree(example):
    values = torch_forms.tensors(example.inputs)
    first, *others = (form(*values) for form in torch_forms.forms(example.op, example.inputs))
    for other in others:
        torch.testing.assert_close(other, first, rtol=0, atol=0)


def test_counts_are_those_of_torch(example):
    torch_forms.check_counts(example.op, example.inputs)


def test_formulas_give_their_values(example):
    torch_forms.check_formulas(example.op, example.inputs)


# --- what backward keeps -------------------------------------------------------------------------


def kept(op: Op, inputs: Sequence[Shape], **settings: object) -> list[tuple[set[int], bool, int]]:
    """Of each form, what autograd keeps for one image: inputs by slot, the output, bytes of anything else.

    Weights and single numbers are not counted. (Two images where PyTorch cannot normalise one.)
    """
    batch = 2 if op.name == "bn" and not inputs[0].rank else 1
    found = []
    for form in torch_forms.forms(op, inputs, training=True, **settings):
        values = torch_forms.tensors(inputs, batch)
        values = [x.requires_grad_() * 1 if x.is_floating_point() else x for x in values]
        places = {x.untyped_storage().data_ptr(): slot for slot, x in enumerate(values)}
        storages: dict[int, Any] = {}

        def keep(tensor: Any, storages: dict[int, Any] = storages) -> Any:
            if tensor.dim() and not isinstance(tensor, torch.nn.Parameter):
                storages[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            result = form(*values)
        owned = {weight.untyped_storage().data_ptr() for weight in form.weights}
        leaving = result.untyped_storage().data_ptr()
        known = {*places, *owned, leaving}
        extra = sum(x.untyped_storage().nbytes() for place, x in storages.items() if place not in known)
        slots = {slot for place, slot in places.items() if place in storages and place != leaving}
        found.append((slots, leaving in storages, extra))
    return found


def test_saved_is_what_autograd_keeps(example):
    expected = example.op.saved(example.inputs, example.output)
    for found in kept(example.op, example.inputs):
        assert found == (set(expected.inputs), expected.output, expected.extra)


def test_in_place_gives_the_same_and_keeps_what_is_said(example):
    if not example.op.torch(example.inputs, example.output).inplace:
        return
    (x,) = torch_forms.tensors(example.inputs, dtype=torch.float64)

    def run(form: Callable[..., Any], inplace: bool) -> tuple[Any, Any]:
        leaf = x.clone().requires_grad_()
        entering = leaf * 1  # a leaf may not be overwritten
        leaving = form(entering)
        assert (leaving.data_ptr() == entering.data_ptr()) == inplace
        leaving.square().sum().backward()
        return leaving.detach(), leaf.grad

    plain = torch_forms.forms(example.op, example.inputs)
    inplace = torch_forms.forms(example.op, example.inputs, inplace=True)
    expected = run(plain[0], inplace=False)
    for form in inplace:
        for one, other in zip(run(form, inplace=True), expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    saved = example.op.saved_inplace(example.inputs, example.output)
    for found in kept(example.op, example.inputs, inplace=True):
        assert found == (set(saved.inputs), saved.output, saved.extra)


# --- what an element sees ------------------------------------------------------------------------


def changed_rows(form: Callable[..., Any], values: list[Any], axis: int, place: tuple[Any, ...]) -> list[int]:
    """The rows of the input along `axis` that change the output elements at `place` when they are raised."""
    before = form(*values)[place]
    found = []
    for position in range(values[0].shape[axis]):
        moved = values[0].clone()
        moved.select(axis, position).add_(7.0)
        if not torch.equal(form(moved, *values[1:])[place], before):
            found.append(position)
    return found


def test_reach_is_what_changes_an_element(example):
    """An element changes with the first and the last row that it is said to see, and with none outside."""
    op, entering = example.op, example.inputs[0]
    moves = op.name in ("reshape", "tokens", "token") and op.reach(example.inputs, example.output) == "all"
    if entering.dtype == "int64" or moves:
        return  # words cannot be raised; these move elements about, and "all" is the safe answer
    reach = op.reach(example.inputs, example.output)
    values = [value.abs() for value in torch_forms.tensors(example.inputs, dtype=torch.float64)]
    form = torch_forms.forms(op, example.inputs)[0]
    for weight in form.weights:
        if weight.is_floating_point():
            weight.data = weight.data.double().abs() + 0.1  # no two contributions cancel
    centre = tuple(size // 2 for size in example.output.spatial)
    every = slice(None)
    place = (every, every, *centre) if example.output.layout == "first" else (every, *centre)
    for dimension, size in enumerate(entering.spatial):
        axis = dimension + (2 if entering.layout == "first" else 1)
        rows = changed_rows(form, values, axis, place)
        if reach == "all":
            assert rows == list(range(size))
        elif reach == "same":
            assert rows == [centre[dimension]]
        else:
            assert isinstance(reach, Reach)
            low, high = reach.interval(dimension, centre[dimension], centre[dimension])
            assert rows[0] == low if low >= 0 else rows[0] >= 0
            assert rows[-1] == high if high < size else rows[-1] < size


def test_jump_is_the_distance_between_neighbours(example):
    """Far outputs see as many rows further on as the jump says."""
    reach = example.op.reach(example.inputs, example.output)
    if isinstance(reach, Reach):
        for dimension in range(len(reach.size)):
            step = reach.jump(dimension).denominator
            first, later = (reach.interval(dimension, output, output) for output in (0, 10 * step))
            assert later[0] - first[0] == later[1] - first[1] == 10 * step * Fraction(reach.jump(dimension))
