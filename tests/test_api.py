"""The Python API."""

from __future__ import annotations

import copy
import gc
import inspect
import json
import pickle
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import netc
from netc import driver
from netc.dsl.source import Source
from netc.files import Spec, bundled_files, open_bundled
from netc.ops.base import Shape

TWO = """net two(width=4) {
    input left: 3x8x8
    input right: 3x8x8
    a: left -> conv(3x3, width)
    b: right -> conv(3x3, width)
    both: add(a, b) -> relu
    output small: both -> gap -> fc(2)
    output features: both
}
"""


def test_a_bundled_net_is_loaded_by_its_name_or_by_a_path_that_is_not_there() -> None:
    model = netc.load("resnet50")
    assert model.cost.params == 25_557_032
    assert model.cost.macs == 4_089_184_256
    assert model.cost.flops == 2 * 4_089_184_256
    assert model.inputs == {"image": Shape((3, 224, 224))}
    assert model.outputs == {"output": Shape((1000,))}
    assert netc.load("specs/resnet50.net").cost == model.cost
    assert netc.load(Path("specs") / "resnet.net:resnet50").cost == model.cost
    assert repr(model) == "<netc.Model resnet50: 25.6M parameters, 4.09G multiply-adds>"


def test_parameters_and_input_sizes_are_arguments() -> None:
    assert netc.load("mobilenet_v1", alpha=0.5).cost.params == netc.load("mobilenet_v1_050").cost.params
    small = netc.load("resnet18", input=(3, 64, 96), classes=7)
    assert small.inputs == {"image": Shape((3, 64, 96))}
    assert small.outputs == {"output": Shape((7,))}
    assert netc.load("resnet18", input={"image": (3, 64, 96)}).inputs == small.inputs


def test_text_is_compiled_as_a_file_is() -> None:
    model = netc.loads(TWO, width=6)
    assert list(model.inputs) == ["left", "right"]
    assert model.outputs == {"small": Shape((2,)), "features": Shape((6, 8, 8))}
    one, other = torch.randn(5, 3, 8, 8), torch.randn(5, 3, 8, 8)
    result = model.module()(one, other)
    assert (result.small.shape, result.features.shape) == ((5, 2), (5, 6, 8, 8))


def test_heads_count_in_training_only() -> None:
    model = netc.load("googlenet")
    heads = [port.name for port in model.graph.heads]
    assert heads == ["aux1", "aux2"]
    assert len(model.inference_graph) < len(model.graph)
    assert model.cost.params_train > model.cost.params
    assert model.cost.macs_train > model.cost.macs
    assert "aux1" in model.source()
    assert "aux1" not in model.source(aux=False)


def test_the_summary_is_that_of_the_command_line() -> None:
    model = netc.load("lenet5")
    told = subprocess.run([sys.executable, "-m", "netc", "compile", "lenet5"], capture_output=True, text=True)
    assert model.summary() == told.stdout
    assert json.loads(model.summary(format="json"))["params"] == 61_706


def test_the_picture_is_svg_for_notebooks() -> None:
    model = netc.load("lenet5")
    assert model._repr_svg_() == model.svg()
    assert ElementTree.fromstring(model.svg()).tag.endswith("svg")
    assert len(netc.load("resnet18").svg(expand=True)) > len(netc.load("resnet18").svg())


def test_a_live_module_is_that_of_the_source() -> None:
    model = netc.load("lenet5")
    module = model.module()
    assert type(module).__name__ == "LeNet5"
    assert inspect.getsource(type(module)) in model.source()
    assert sum(parameter.numel() for parameter in module.parameters()) == model.cost.params
    again = pickle.loads(pickle.dumps(copy.deepcopy(module)))
    image = torch.randn(2, 1, 32, 32)
    assert torch.equal(module(image), again(image))
    assert type(model.module()) is type(module)


def test_without_torch_only_the_live_module_is_missing() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import netc\n"
        "model = netc.load('lenet5'); model.source(); model.svg()\n"
        "try: model.module()\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("a live module needs torch: `pip install 'netc[train]'`")


def test_errors_are_one_exception_with_data_and_text() -> None:
    with pytest.raises(netc.SpecError) as caught:
        netc.loads("net a {\n    input: 3x8x8\n    add { conv(3x3, 4); conv(3x3, 5) }\n    fc(oops)\n}")
    found = [(diagnostic.code, diagnostic.place.line) for diagnostic in caught.value.diagnostics]
    assert found == [("shape-mismatch", 3), ("unknown-name", 4)]
    assert "<text>:3" in str(caught.value)
    for wrong in ("resnet5", "no/such.net", "."):
        with pytest.raises(netc.SpecError):
            netc.load(wrong)
    with pytest.raises(netc.SpecError, match="no input `iamge`"):
        netc.load("lenet5", input={"iamge": (1, 32, 32)})
    with pytest.raises(netc.SpecError, match="no parameter `clases`"):
        netc.load("lenet5", clases=3)


def test_nets_are_the_bundled_ones_that_need_no_parameters() -> None:
    nets = netc.nets()
    assert len(nets) == len(set(nets))
    assert {"lenet5", "vgg16", "resnet50", "resnext50", "googlenet", "unet"} <= set(nets)
    assert not {"vgg", "resnet"} & set(nets)


def test_the_public_names_are_few_and_documented() -> None:
    assert set(dir(netc)) == {"Cost", "Model", "SpecError", "load", "loads", "nets"}
    for name in dir(netc):
        assert inspect.getdoc(getattr(netc, name))
    assert all(inspect.getdoc(value) for name, value in vars(netc.Model).items() if name[0] != "_")
    with pytest.raises(AttributeError):
        _ = netc.nothing  # type: ignore[attr-defined]


# --- the driver -----------------------------------------------------------------------------------


def spec(text: str, net: str | None = None) -> Spec:
    return Spec(Source("<text>", text), net, None)


def test_the_driver_leaves_the_machine_as_it_was() -> None:
    limit = sys.getrecursionlimit()
    driver.compile(spec(TWO))
    driver.compile(spec("net a {"))
    assert gc.isenabled()
    assert sys.getrecursionlimit() == limit
    gc.disable()
    try:
        driver.compile(spec(TWO))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_mistake_in_one_net_leaves_the_others_usable() -> None:
    text = "net good { input: 3x8x8; conv(3x3, 2) }\nnet bad { input: 3x8x8; conv(3x3, }\nblock worse( { }\n"
    good = driver.compile(spec(text, "good"))
    assert good.failed
    assert good.compiled is not None
    assert good.compiled.inference.total.params == 3 * 9 * 2 + 2
    good, *_ = driver.check(spec("net good { input: 3x8x8; relu }\nnet bad { input: 3x8x8; fc(oops) }\n"))
    assert good.compiled is not None
    assert not good.failed


def test_a_text_without_a_net_is_told_so() -> None:
    result = driver.compile(spec("# nothing\n"))
    assert result.net is None
    assert [diagnostic.code for diagnostic in result.diagnostics] == ["unknown-net"]


TEXTS = [open_bundled(name).source.text for name in bundled_files()]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_text_makes_the_driver_raise(data: st.DataObject) -> None:
    """Bundled specs with pieces cut out, doubled, or put in from elsewhere."""
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 40)))
        twice = text[start:end] * 2
        piece = data.draw(st.sampled_from(["", twice, "{", "}", "(", '"', "->", "0", "block", "\0", "…"]))
        text = text[:start] + piece + text[end:]
    result = driver.compile(spec(text))
    assert result.compiled is not None or result.failed


def test_the_deepest_text_that_the_language_allows_does_not_exhaust_the_stack() -> None:
    """Calls 190 deep, each within parentheses, braces and branches of its own."""
    nested = "(" * 40 + "f(n - 1)" + ")" * 40
    block = f"block f(n) {{ if n > 0 {{ {{ add {{ id; {nested} }} }} }} else {{ relu }} }}\n"
    result = driver.compile(spec(f"{block}net deep {{ input: 1x2x2; f(190) }}"))
    assert result.compiled is not None, [diagnostic.message for diagnostic in result.diagnostics]
    assert len(result.compiled.training.graph) == 1 + 1 + 190
