"""The text of the layers' forms: clean code that works in every way in which a generated module is used."""

from __future__ import annotations

import copy
import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import layer_examples

from netc.codegen.calls import FLAT_LINEAR
from netc.ops.arguments import bind
from netc.ops.base import Shape, Window
from netc.ops.registry import LAYERS

torch = pytest.importorskip("torch")
torch_forms = pytest.importorskip("torch_forms")


@functools.cache
def everything() -> str:
    """A file with one module that holds all forms of all examples side by side, on shared inputs."""
    names: dict[Shape, str] = {}
    modules, calls = [], []
    for example in layer_examples():
        emit = example.op.torch(example.inputs, example.output)
        entering = []
        for shape in example.inputs:
            names.setdefault(shape, f"x{len(names)}")
            entering.append(names[shape])
        if emit.module is not None:
            name = f"self.part{len(modules)}"
            modules.append(f"{name} = {torch_forms.module_text(emit)}")
            calls.append(torch_forms.call_text(emit, name, entering))
        if emit.function is not None:
            text = torch_forms.function_text(emit, entering)
            calls.append(text[:-1] + ", training=self.training)" if emit.training else text)
    snippets = [path.read_text() for path in sorted(torch_forms.SUPPORT.glob("*.jinja"))]
    parameters = [f"{name}: Tensor" for name in names.values()]
    lines = [
        *("class Everything(nn.Module):", "    def __init__(self) -> None:", "        super().__init__()"),
        *(f"        {module}" for module in modules),
        *("", f"    def forward(self, {', '.join(parameters)}) -> list[Tensor]:", "        return ["),
        *(f"            {call}," for call in calls),
        "        ]",
    ]
    return "\n\n".join([torch_forms.HEAD, *snippets, "\n".join(lines)]).replace("'", '"') + "\n"


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(everything(), names)
    return names["Everything"]().eval()


def values(batch: int) -> tuple[Any, ...]:
    shapes = dict.fromkeys(shape for example in layer_examples() for shape in example.inputs)
    return tuple(torch_forms.tensors(list(shapes), batch))


def same(found: list[Any], expected: list[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_text_is_clean(tmp_path):
    """Under `mypy --strict`, `ruff check`, and `ruff format` for the support code."""
    path = tmp_path / "everything.py"
    path.write_text(everything())
    cache = Path(__file__).parent.parent / ".mypy_cache"
    strict = ["--strict", "--config-file=", f"--cache-dir={cache}", str(path)]
    for command in (["mypy", *strict], ["ruff", "check", "--isolated", "--extend-ignore=E501", str(path)]):
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("width", [88, 110])
def test_support_code_is_formatted(tmp_path, width):
    for source in torch_forms.SUPPORT.glob("*.jinja"):
        (tmp_path / f"{source.stem}.py").write_text(source.read_text())
    command = ["ruff", "format", "--check", "--isolated", f"--line-length={width}", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_snippet_is_named_by_a_layer():
    """A snippet stands in the file of its name, after those that it needs."""
    named = {
        name
        for example in layer_examples()
        for name in example.op.torch(example.inputs, example.output).support
    }
    for rank in (1, 2):
        entering = Shape((4, 7, 7)[: rank + 1])
        for name, extra in (("conv", {"out": 2}), ("upconv", {"out": 2}), ("avgpool", {})):
            for pad in ("tf", [[0, 1]] * rank):
                counting = {"count_pad": False} if name == "avgpool" else {}
                given = {"window": Window((4,) * rank), "stride": 1, "pad": pad} | extra | counting
                op = bind(LAYERS[name], given, [entering])
                emit = op.torch([entering], op.shape([entering]))
                named |= set(emit.support)
                if "same_margins" in emit.support:
                    assert emit.support[0] == "same_margins"
    # the generator's own: an `fc` that stands in an `nn.Sequential`, and the language's function
    named |= {FLAT_LINEAR, "divisible"}
    assert named == {path.stem for path in torch_forms.SUPPORT.glob("*.jinja")}


def test_forms_can_be_copied(model):
    same(copy.deepcopy(model)(*values(3)), model(*values(3)))


@pytest.mark.filterwarnings("ignore")  # tracing is deprecated, and warns of what torch itself does
def test_forms_can_be_traced(model):
    traced = torch.jit.trace(model, values(2), check_trace=False)
    same(traced(*values(3)), model(*values(3)))


def test_forms_can_be_compiled(model):
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    same(compiled(*values(2)), model(*values(2)))


def test_forms_can_be_exported_for_any_batch(model):
    batch = torch.export.Dim("batch", min=1, max=64)
    entering = values(2)
    exported = torch.export.export(model, entering, dynamic_shapes=(tuple({0: batch} for _ in entering),)[0])
    same(exported.module()(*values(5)), model(*values(5)))


# --- what the support code computes --------------------------------------------------------------


def form(name: str, inputs: list[Shape], training: bool = False, **arguments: object) -> Any:
    return torch_forms.forms(bind(LAYERS[name], arguments, inputs), inputs, training)[0]


@pytest.mark.parametrize("size", [5, 6, 7, 8])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (3, 1), (2, 2), (4, 3), (1, 2), (2, 5)])
def test_lopsided_padding_is_as_documented_by_tensorflow(size, kernel, stride):
    """Total padding as in `tf.nn.convolution`'s notes; the smaller half goes first."""
    total = max(kernel - stride if size % stride == 0 else kernel - size % stride, 0)
    shape = Shape((2, size))
    conv = form("conv", [shape], window=kernel, out=3, stride=stride, pad="tf")
    x = torch.randn(2, 2, size)
    padded = torch.nn.functional.pad(x, (total // 2, total - total // 2))
    expected = torch.nn.functional.conv1d(padded, *conv.weights, stride=stride)
    torch.testing.assert_close(conv(x), expected)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (5, 2), (2, 3), (3, 1), (2, 1)])
def test_lopsided_upconv_is_the_gradient_of_the_convolution(kernel, stride):
    """So TensorFlow defines it."""
    small, large = Shape((3, 4, 5)), Shape((2, 4 * stride, 5 * stride))
    up = form("upconv", [small], window=kernel, out=2, stride=stride, pad="tf", bias=False)
    down = form("conv", [large], window=kernel, out=3, stride=stride, pad="tf", bias=False)
    down.weights[0].data = up.weights[0].data
    image = torch.randn(1, *large.dims, requires_grad=True)
    y = torch.randn(1, *small.dims)
    (gradient,) = torch.autograd.grad(down(image), image, y)
    torch.testing.assert_close(up(y), gradient)


def test_padding_enters_no_maximum_and_no_mean():
    shape = Shape((1, 6, 6))
    x = -torch.rand(1, *shape.dims) - 1
    assert (form("maxpool", [shape], window=3, stride=2, pad="tf")(x) <= -1).all()
    assert (form("maxpool", [shape], window=3, pad=[[0, 1], [1, 0]])(x) <= -1).all()
    ones = torch.ones(1, *shape.dims)
    for arguments in ({"pad": "tf"}, {"pad": [[0, 1], [1, 0]], "count_pad": False}):
        torch.testing.assert_close(
            form("avgpool", [shape], window=3, stride=2, **arguments)(ones), torch.ones(1, 1, 3, 3)
        )
    counted = form("avgpool", [shape], window=3, stride=2, pad=[[0, 1], [1, 0]])(ones)
    assert counted.min() < 1


def test_crop_takes_the_centre():
    x = torch.arange(7.0).reshape(1, 1, 7)
    crop = form("crop", [Shape((1, 7)), Shape((1, 4))])
    assert crop(x, torch.zeros(1, 1, 4)).flatten().tolist() == [1, 2, 3, 4]


def test_layer_norm_is_over_channels_at_each_position():
    norm = form("ln", [Shape((6, 4, 5))])
    result = norm(torch.randn(2, 6, 4, 5) * 3 + 1)
    torch.testing.assert_close(result.mean(1), torch.zeros(2, 4, 5), atol=1e-6, rtol=0)
    torch.testing.assert_close(result.var(1, correction=0), torch.ones(2, 4, 5), atol=1e-3, rtol=0)


def test_maxout_joins_neighbours():
    x = torch.tensor([[3.0, 1.0, -2.0, -5.0]])
    assert form("maxout", [Shape((4,))], k=2)(x).tolist() == [[3.0, -2.0]]


def test_drop_path_drops_whole_samples():
    torch.manual_seed(0)
    drop = form("drop_path", [Shape((3, 4, 4))], training=True, p=0.25)
    result = drop(torch.ones(4000, 3, 4, 4)).flatten(1)
    assert (result == result[:, :1]).all()
    torch.testing.assert_close(result.unique(), torch.tensor([0, 1 / 0.75]))
    assert abs((result[:, 0] == 0).float().mean() - 0.25) < 0.03


def test_mean_drops_members_but_never_all():
    torch.manual_seed(0)
    shapes = [Shape((1, 2, 2))] * 3
    mean = form("mean", shapes, training=True, drop=0.5)
    values = [torch.full((8000, 1, 2, 2), 1.0 * 10**power) for power in range(3)]
    result = mean(*values)[:, 0]
    assert (result == result[:, :1, :1]).all()
    found, counts = result[:, 0, 0].unique(return_counts=True)
    kept = [{0}, {1}, {0, 1}, {2}, {0, 2}, {1, 2}, {0, 1, 2}]
    expected = sorted(sum(10**power for power in members) / len(members) for members in kept)
    torch.testing.assert_close(found, torch.tensor(expected))
    alone = sum(int(count) for value, count in zip(found, counts, strict=True) if value in (1, 10, 100))
    assert abs(alone / 8000 - 4 / 8) < 0.03  # three ways to keep one, and the one in which all fell
