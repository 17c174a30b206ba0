"""Layers with drawn arguments, legal and illegal, against real PyTorch: what one takes the other takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from equations import check_equations
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netc.ops.arguments import bind
from netc.ops.base import Op, Reject, Shape, Window
from netc.ops.registry import LAYERS

torch = pytest.importorskip("torch")
torch_forms = pytest.importorskip("torch_forms")
F = torch.nn.functional

small = st.integers(1, 5)
channels = st.sampled_from([1, 2, 3, 4, 6, 8, 12])
flags = st.booleans()
Call = tuple[dict[str, Any], list[Shape]]


@st.composite
def maps(draw: st.DrawFn, ranks: Sequence[int] = (1, 2)) -> Shape:
    rank = draw(st.sampled_from(ranks))
    return Shape((draw(channels), *draw(st.lists(st.integers(1, 11), min_size=rank, max_size=rank))))


@st.composite
def last_maps(draw: st.DrawFn, ranks: Sequence[int] = (1, 2)) -> Shape:
    """Tokens, and maps with their channels last; vectors have no places."""
    first = draw(maps(ranks))
    return Shape((*first.spatial, first.channels), layout="last" if first.rank else "first")


def per_dimension(draw: st.DrawFn, rank: int, entries: st.SearchStrategy[Any]) -> Any:
    """One number, or a list with one for each dimension."""
    return draw(entries | st.lists(entries, min_size=rank, max_size=rank))


def window(draw: st.DrawFn, rank: int) -> Any:
    kernel = per_dimension(draw, rank, small)
    if isinstance(kernel, int) or draw(flags):
        return kernel
    stride = tuple(draw(st.lists(small, min_size=rank, max_size=rank)))
    return Window(tuple(kernel), stride)


def padding(draw: st.DrawFn, rank: int, entries: st.SearchStrategy[int]) -> Any:
    pairs = st.lists(entries, min_size=2, max_size=2)
    return draw(
        st.sampled_from(["same", "tf"])
        | entries
        | st.lists(entries, min_size=rank, max_size=rank)
        | st.lists(pairs, min_size=rank, max_size=rank)
    )


def optional(draw: st.DrawFn, **entries: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Some of the arguments."""
    return {name: draw(values) for name, values in entries.items() if draw(flags)}


@st.composite
def convolutions(draw: st.DrawFn, name: str, plain: bool = False) -> Call:
    """`plain`: with padding that PyTorch's own function takes."""
    entering = draw(maps())
    values = {"window": window(draw, entering.rank)} | optional(draw, bias=flags)
    if name == "dwconv":
        values |= optional(draw, mult=st.integers(1, 3))
    else:
        values["out"] = draw(channels)
        values |= optional(draw, groups=st.sampled_from([1, 2, 3, 4]))
    if name == "upconv":
        values |= optional(draw, output_pad=st.integers(0, 2))
    if plain:
        values["pad"] = per_dimension(draw, entering.rank, st.integers(0, 3))
    elif draw(flags):
        values["pad"] = padding(draw, entering.rank, st.integers(-2, 3))
    if draw(flags):
        values["dilation"] = per_dimension(draw, entering.rank, st.integers(1, 3))
    if draw(flags) and not isinstance(values["window"], Window):
        values["stride"] = per_dimension(draw, entering.rank, small)
    return values, [entering]


@st.composite
def pools(draw: st.DrawFn, name: str, plain: bool = False) -> Call:
    """`plain`: with padding that PyTorch's own function takes."""
    entering = draw(maps())
    values = {"window": window(draw, entering.rank)} | optional(draw, ceil=flags)
    if name == "avgpool":
        values |= optional(draw, count_pad=flags)
    if plain:
        values["pad"] = per_dimension(draw, entering.rank, st.integers(0, 2))
    elif draw(flags):
        values["pad"] = padding(draw, entering.rank, st.integers(-1, 2))
    if draw(flags) and not isinstance(values["window"], Window):
        values["stride"] = per_dimension(draw, entering.rank, small)
    return values, [entering]


@st.composite
def adaptives(draw: st.DrawFn) -> Call:
    entering = draw(maps())
    return {"window": per_dimension(draw, entering.rank, st.integers(1, 9))}, [entering]


@st.composite
def pads(draw: st.DrawFn) -> Call:
    entering = draw(maps())
    modes = st.sampled_from(["zero", "reflect", "replicate", "circular"])
    amount = padding(draw, entering.rank, st.integers(-3, 6))
    assume(not isinstance(amount, str))
    return {"n": amount} | optional(draw, mode=modes), [entering]


@st.composite
def resizes(draw: st.DrawFn) -> Call:
    entering = draw(maps())
    modes = st.sampled_from(["nearest", "linear", "bilinear", "bicubic"])
    values = optional(draw, mode=modes)
    if draw(flags):
        return values, [entering, draw(maps((entering.rank,)))]
    scales = st.sampled_from([1, 2, 3, 0.5, 1.5, 2.25, 0.3, 1 / 3, 0.1])
    return values | {"scale": per_dimension(draw, entering.rank, scales)}, [entering]


@st.composite
def merges(draw: st.DrawFn, name: str) -> Call:
    entering = draw(maps((0, 1, 2)) | last_maps())
    members = [entering]
    for _ in range(draw(st.integers(0, 3))):
        dims = list(entering.dims)
        if draw(flags):
            dims[draw(st.integers(0, len(dims) - 1))] = draw(st.sampled_from([1, 2, 5]))
        whole = draw(st.integers(0, 4))
        flat = [entering.channels]
        members.append(Shape(tuple(dims), layout=entering.layout) if whole else Shape(tuple(flat)))
    draw(st.randoms()).shuffle(members)
    return optional(draw, drop=st.sampled_from([0, 0.3])) if name == "mean" else {}, members


def with_shape(
    ranks: Sequence[int] = (0, 1, 2), **entries: st.SearchStrategy[Any]
) -> st.SearchStrategy[Call]:
    return of_shapes(maps(ranks), **entries)


def of_shapes(shapes: st.SearchStrategy[Shape], **entries: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    return st.builds(lambda shape, values: (values, [shape]), shapes, st.fixed_dictionaries(entries))


@st.composite
def reshapes(draw: st.DrawFn) -> Call:
    entering = draw(maps((0, 1, 2)))
    sizes = draw(st.permutations(entering.dims))
    if len(sizes) > 1 and draw(flags):
        sizes = [sizes[0] * sizes[1], *sizes[2:]]
    return {"shape": [*sizes, *draw(st.sampled_from([[], [], [1], [2]]))]}, [entering]


fractions = st.sampled_from([0, 0.1, 0.5, 1])
CALLS: dict[str, st.SearchStrategy[Call]] = {
    **{name: convolutions(name) for name in ("conv", "dwconv", "upconv")},
    **{name: pools(name) for name in ("maxpool", "avgpool")},
    **{name: merges(name) for name in ("add", "mul", "max", "mean", "concat")},
    "adaptive": adaptives(),
    "pad": pads(),
    "resize": resizes(),
    "crop": st.tuples(st.just({}), st.lists(maps((2,)), min_size=2, max_size=2)),
    "fc": with_shape(out=small, bias=flags),
    "linear": of_shapes(last_maps((0, 1, 2)), out=small, bias=flags),
    "mha": of_shapes(last_maps((1,)), heads=small, bias=flags, dropout=st.sampled_from([0, 0.1])),
    "embed": st.builds(
        lambda values, n: (values, [Shape((n,), "int64")]),
        st.fixed_dictionaries({"vocab": st.integers(2, 5), "dim": small}),
        small,
    ),
    "bn": with_shape(eps=st.sampled_from([1e-5, 1e-3]), momentum=fractions),
    "lrn": with_shape((1, 2), size=small, alpha=fractions, beta=fractions, k=st.sampled_from([1, 2])),
    "ln": of_shapes(maps((0, 1, 2)) | last_maps(), eps=st.sampled_from([1e-5, 1e-6])),
    "gn": with_shape(groups=small),
    "prelu": with_shape(per_channel=flags),
    "leaky": with_shape(slope=fractions),
    "elu": with_shape(alpha=fractions),
    "maxout": with_shape(k=small),
    "dropout": with_shape(p=fractions),
    "drop_path": with_shape(p=st.sampled_from([0, 0.1, 0.9])),
    "channels": with_shape(a=st.integers(0, 5), b=st.integers(1, 9)),
    "pad_channels": with_shape(out=st.integers(1, 12)),
    "subsample": with_shape((1, 2), s=small),
    "split": with_shape(n=small | st.lists(small, min_size=1, max_size=3)),
    "shuffle": with_shape((1, 2), groups=small),
    "reshape": reshapes(),
    "token": of_shapes(last_maps((1,)), index=st.integers(0, 11)),
    "prepend_tokens": of_shapes(last_maps((1,)), n=small),
    "layer_scale": of_shapes(maps((0, 1, 2)) | last_maps(), init=fractions),
    "pos_embed": of_shapes(maps() | last_maps(), std=fractions),
    "scale": with_shape(k=fractions | st.lists(fractions, min_size=1, max_size=4)),
    "shift": with_shape(k=fractions | st.lists(fractions, min_size=1, max_size=4)),
}
PLAIN = sorted(set(LAYERS) - set(CALLS))


def accepted(name: str, values: Mapping[str, object], inputs: Sequence[Shape]) -> Op | None:
    """The layer, if it takes these arguments and inputs."""
    try:
        op = bind(LAYERS[name], values, inputs)
        op.shape(inputs)
    except Reject:
        return None
    return op


@pytest.mark.parametrize("name", PLAIN)
def test_only_layers_without_arguments_are_not_drawn(name):
    assert not LAYERS[name].__struct_fields__


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_drawn_layer_is_that_of_torch(name, data):
    values, inputs = data.draw(CALLS[name])
    op = accepted(name, values, inputs)
    if op is None:
        return
    output = op.shape(inputs)
    torch_forms.check_counts(op, inputs)
    torch_forms.check_formulas(op, inputs)
    check_equations(op, inputs)
    tensors = torch_forms.tensors(inputs)
    results = [form(*tensors) for form in torch_forms.forms(op, inputs)]
    for result in results:
        assert tuple(result.shape) == (2, *output.dims)
        assert result.isfinite().all()
        torch.testing.assert_close(result, results[0], rtol=0, atol=0)
    assert bind(type(op), values, inputs) == op


def takes(run: Callable[[], Any]) -> bool:
    """Whether torch gives a value, and not an empty one."""
    try:
        return bool(run().numel())
    except (RuntimeError, ValueError):
        return False


@settings(max_examples=300, deadline=None)
@given(convolutions("conv", plain=True))
def test_conv_refuses_what_torch_refuses(call):
    values, inputs = call
    (entering,) = inputs
    kernel = values["window"]
    stride = values.get("stride", 1)
    if isinstance(kernel, Window):
        kernel, stride = kernel.size, kernel.stride
    groups, kernel = values.get("groups", 1), [kernel] * entering.rank if isinstance(kernel, int) else kernel

    def run() -> Any:
        weight = torch.ones(values["out"], max(entering.channels // groups, 1), *kernel)
        convolve = F.conv2d if entering.rank == 2 else F.conv1d
        settings = {
            "stride": stride,
            "padding": values["pad"],
            "dilation": values.get("dilation", 1),
            "groups": groups,
        }
        return convolve(torch.ones(2, *entering.dims), weight, **settings)

    assert (accepted("conv", values, inputs) is not None) == takes(run)


@settings(max_examples=300, deadline=None)
@given(pools("maxpool", plain=True))
def test_maxpool_refuses_what_torch_refuses(call):
    values, inputs = call
    (entering,) = inputs
    kernel = values["window"]
    stride = values.get("stride")
    if isinstance(kernel, Window):
        kernel, stride = kernel.size, kernel.stride
    pool = F.max_pool2d if entering.rank == 2 else F.max_pool1d

    def run() -> Any:
        settings = {"stride": stride, "padding": values["pad"], "ceil_mode": values.get("ceil", False)}
        return pool(torch.ones(2, *entering.dims), kernel, **settings)

    assert (accepted("maxpool", values, inputs) is not None) == takes(run)


@settings(max_examples=200, deadline=None)
@given(pads())
def test_pad_refuses_what_torch_refuses(call):
    values, inputs = call
    (entering,) = inputs
    mode = values.get("mode", "zero")
    amount = values["n"]
    entries = [amount] * entering.rank if isinstance(amount, int) else amount
    pairs = [(entry, entry) if isinstance(entry, int) else tuple(entry) for entry in entries]
    assume(mode == "zero" or min(min(pair) for pair in pairs) >= 0)
    flat = [size for pair in reversed(pairs) for size in pair]

    def run() -> Any:
        return F.pad(torch.ones(2, *entering.dims), flat, mode={"zero": "constant"}.get(mode, mode))

    crops = [-min(before, 0) - min(after, 0) for before, after in pairs]
    some_left = all(crop < size for crop, size in zip(crops, entering.spatial, strict=True))
    assert (accepted("pad", values, inputs) is not None) == (some_left and takes(run))


@settings(max_examples=200, deadline=None)
@given(convolutions("upconv", plain=True))
def test_upconv_refuses_what_torch_refuses(call):
    values, inputs = call
    (entering,) = inputs
    kernel, stride = values["window"], values.get("stride", 1)
    if isinstance(kernel, Window):
        kernel, stride = kernel.size, kernel.stride
    groups = values.get("groups", 1)
    kernel = [kernel] * entering.rank if isinstance(kernel, int) else kernel

    def run() -> Any:
        out = max(values["out"] // groups, 1)
        if values["out"] % groups:
            raise ValueError("PyTorch's functional form cannot say this")
        weight = torch.ones(entering.channels, out, *kernel)
        convolve = F.conv_transpose2d if entering.rank == 2 else F.conv_transpose1d
        return convolve(
            torch.ones(2, *entering.dims),
            weight,
            stride=stride,
            padding=values["pad"],
            output_padding=values.get("output_pad", 0),
            groups=groups,
            dilation=values.get("dilation", 1),
        )

    assert (accepted("upconv", values, inputs) is not None) == takes(run)
