"""The mobile nets: published weights and counts, from their tables once more; EfficientNet's drop rates."""

from __future__ import annotations

import pytest
from published import Work, counted, facts, weights


class Net:
    """What a map passes through, layer by layer, and its channels and size by then."""

    def __init__(self, size: int) -> None:
        self.work = Work()
        self.width, self.size = 3, size

    def conv(
        self,
        name: str,
        out: int,
        window: int = 1,
        stride: int = 1,
        depthwise: bool = False,
        bias: bool = False,
        pad: int | None = None,
    ) -> None:
        pad = window // 2 if pad is None else pad
        self.size = (self.size + 2 * pad - window) // stride + 1
        self.work.conv(window, 1 if depthwise else self.width, out, self.size, bias, name)
        self.width = out

    def conv_norm(self, names: str, *options: int, **further: bool) -> None:
        """Both names, `conv bn`."""
        first, second = names.split()
        self.conv(first, *options, **further)
        self.work.norm(self.width, second)

    def depthwise(self, names: str, window: int, stride: int = 1) -> None:
        self.conv_norm(names, self.width, window, stride, depthwise=True)

    def gate(self, name: str, first: str, second: str, inner: int) -> None:
        self.work.conv(1, self.width, inner, 1, bias=True, name=f"{name}.{first}")
        self.work.conv(1, inner, self.width, 1, bias=True, name=f"{name}.{second}")

    def fc(self, name: str, out: int) -> None:
        self.work.fc(self.width, out, name)
        self.width = out

    def pool(self) -> None:
        self.size = 1

    def equals(self, net: str) -> None:
        assert weights(net) == self.work.weights
        assert counted(net) == self.work.total


# --- MobileNetV2 and MnasNet: units of one factor ---


def test_mobilenet_v2():
    """Sandler et al. 2018, Table 2."""
    net = Net(224)
    net.conv_norm("features.0.0 features.0.1", 32, 3, 2)
    place = 0
    for t, out, n, stride in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]:
        for unit in range(n):
            place += 1
            name = f"features.{place}.conv"
            at = int(t > 1)
            if at:
                net.conv_norm(f"{name}.0.0 {name}.0.1", t * net.width)
            net.depthwise(f"{name}.{at}.0 {name}.{at}.1", 3, 1 if unit else stride)
            net.conv_norm(f"{name}.{at + 1} {name}.{at + 2}", out)
    net.conv_norm("features.18.0 features.18.1", 1280)
    net.fc("classifier.1", 1000)
    net.equals("mobilenet_v2")


MNASNET = {
    "mnasnet0_5": (16, 8, 16, 24, 40, 48, 96, 160),
    "mnasnet0_75": (24, 16, 24, 32, 64, 72, 144, 240),
    "mnasnet1_0": (32, 16, 24, 40, 80, 96, 192, 320),
    "mnasnet1_3": (40, 24, 32, 56, 104, 128, 248, 416),
}
"""The widths, times alpha, as torchvision rounds them."""


@pytest.mark.parametrize("name", MNASNET)
def test_mnasnet(name):
    stem, first, *widths = MNASNET[name]
    net = Net(224)
    net.conv_norm("layers.0 layers.1", stem, 3, 2)
    net.depthwise("layers.3 layers.4", 3)
    net.conv_norm("layers.6 layers.7", first)
    rows = [(3, 3, 3, 2), (5, 3, 3, 2), (5, 6, 3, 2), (3, 6, 2, 1), (5, 6, 4, 2), (3, 6, 1, 1)]
    for place, (out, (window, t, n, stride)) in enumerate(zip(widths, rows, strict=True), 8):
        for unit in range(n):
            at = f"layers.{place}.{unit}.layers"
            net.conv_norm(f"{at}.0 {at}.1", t * net.width)
            net.depthwise(f"{at}.3 {at}.4", window, 1 if unit else stride)
            net.conv_norm(f"{at}.6 {at}.7", out)
    net.conv_norm("layers.14 layers.15", 1280)
    net.fc("classifier.1", 1000)
    net.equals(name)


def test_mnasnet_a1():
    """Tan et al. 2019, figure 7: the window, t, whether there are gates, #out, how many, the stride."""
    net = Net(224)
    net.conv_norm("conv_stem bn1", 32, 3, 2)
    net.depthwise("blocks.0.0.conv_dw blocks.0.0.bn1", 3)
    net.conv_norm("blocks.0.0.conv_pw blocks.0.0.bn2", 16)
    for stage, (window, t, gated, out, n, stride) in enumerate(
        [
            (3, 6, False, 24, 2, 2),
            (5, 3, True, 40, 3, 2),
            (3, 6, False, 80, 4, 2),
            (3, 6, True, 112, 2, 1),
            (5, 6, True, 160, 3, 2),
            (3, 6, False, 320, 1, 1),
        ],
        1,
    ):
        for unit in range(n):
            name, entering = f"blocks.{stage}.{unit}", net.width
            net.conv_norm(f"{name}.conv_pw {name}.bn1", t * entering)
            net.depthwise(f"{name}.conv_dw {name}.bn2", window, 1 if unit else stride)
            if gated:
                net.gate(f"{name}.se", "conv_reduce", "conv_expand", entering // 4)
            net.conv_norm(f"{name}.conv_pwl {name}.bn3", out)
    net.conv_norm("conv_head bn2", 1280)
    net.fc("classifier", 1000)
    net.equals("mnasnet_a1")


# --- MobileNetV3 and EfficientNet: units with gates ---


def put_unit(net: Net, name: str, wide: int, window: int, stride: int, inner: int, out: int) -> None:
    """`inner`: how many numbers the gate goes through, 0 without one."""
    at = 0
    if wide != net.width:
        net.conv_norm(f"{name}.0.0 {name}.0.1", wide)
        at = 1
    net.depthwise(f"{name}.{at}.0 {name}.{at}.1", window, stride)
    if inner:
        at += 1
        net.gate(f"{name}.{at}", "fc1", "fc2", inner)
    net.conv_norm(f"{name}.{at + 1}.0 {name}.{at + 1}.1", out)


LARGE = """
    3 16 16 0 1; 3 64 24 0 2; 3 72 24 0 1; 5 72 40 24 2; 5 120 40 32 1; 5 120 40 32 1; 3 240 80 0 2;
    3 200 80 0 1; 3 184 80 0 1; 3 184 80 0 1; 3 480 112 120 1; 3 672 112 168 1; 5 672 160 168 2;
    5 960 160 240 1; 5 960 160 240 1
"""
SMALL = """
    3 16 16 8 2; 3 72 24 0 2; 3 88 24 0 1; 5 96 40 24 2; 5 240 40 64 1; 5 240 40 64 1; 5 120 48 32 1;
    5 144 48 40 1; 5 288 96 72 2; 5 576 96 144 1; 5 576 96 144 1
"""


@pytest.mark.parametrize(
    ("name", "rows", "head", "last"),
    [("mobilenet_v3_large", LARGE, 960, 1280), ("mobilenet_v3_small", SMALL, 576, 1024)],
)
def test_mobilenet_v3(name, rows, head, last):
    """Howard et al. 2019, Tables 1 and 2: the window, exp size, #out, the gate's inner width, the stride."""
    net = Net(224)
    net.conv_norm("features.0.0 features.0.1", 16, 3, 2)
    table = [map(int, row.split()) for row in rows.split(";")]
    for place, (window, wide, out, inner, stride) in enumerate(table, 1):
        put_unit(net, f"features.{place}.block", wide, window, stride, inner, out)
    net.conv_norm(f"features.{len(table) + 1}.0 features.{len(table) + 1}.1", head)
    net.fc("classifier.0", last)
    net.fc("classifier.3", 1000)
    net.equals(name)


EFFICIENTNET = {
    "efficientnet_b0": (224, (32, 16, 24, 40, 80, 112, 192, 320, 1280), (1, 2, 2, 3, 3, 4, 1), 0.2),
    "efficientnet_b1": (240, (32, 16, 24, 40, 80, 112, 192, 320, 1280), (2, 3, 3, 4, 4, 5, 2), 0.2),
    "efficientnet_b2": (260, (32, 16, 24, 48, 88, 120, 208, 352, 1408), (2, 3, 3, 4, 4, 5, 2), 0.3),
    "efficientnet_b3": (300, (40, 24, 32, 48, 96, 136, 232, 384, 1536), (2, 3, 3, 5, 5, 6, 2), 0.3),
    "efficientnet_b4": (380, (48, 24, 32, 56, 112, 160, 272, 448, 1792), (2, 4, 4, 6, 6, 8, 2), 0.4),
    "efficientnet_b5": (456, (48, 24, 40, 64, 128, 176, 304, 512, 2048), (3, 5, 5, 7, 7, 9, 3), 0.4),
    "efficientnet_b6": (528, (56, 32, 40, 72, 144, 200, 344, 576, 2304), (3, 6, 6, 8, 8, 11, 3), 0.5),
    "efficientnet_b7": (600, (64, 32, 48, 80, 160, 224, 384, 640, 2560), (4, 7, 7, 10, 10, 13, 4), 0.5),
}
"""The image, the widths and the layers of the stages as published, the dropout before the classifier."""


@pytest.mark.parametrize("name", EFFICIENTNET)
def test_efficientnet(name):
    size, (stem, *widths, last), layers, _ = EFFICIENTNET[name]
    net = Net(size)
    net.conv_norm("features.0.0 features.0.1", stem, 3, 2)
    rows = [(1, 3, 1), (6, 3, 2), (6, 5, 2), (6, 3, 2), (6, 5, 1), (6, 5, 2), (6, 3, 1)]
    for stage, (out, n, (t, window, stride)) in enumerate(zip(widths, layers, rows, strict=True), 1):
        for unit in range(n):
            entering, step = net.width, 1 if unit else stride
            at = f"features.{stage}.{unit}.block"
            put_unit(net, at, t * entering, window, step, entering // 4, out)
    net.conv_norm("features.8.0 features.8.1", last)
    net.fc("classifier.1", 1000)
    net.equals(name)


@pytest.mark.parametrize("name", EFFICIENTNET)
def test_the_deeper_a_unit_of_efficientnet_the_more_often_it_is_dropped(name):
    """From 0 at the first to nearly 0.2 at the last; a stage's first, without a shortcut, always stays."""
    _, _, layers, dropout = EFFICIENTNET[name]
    found = [node.op.p for node in facts(name).graph if node.op.name == "drop_path"]
    units = [unit for n in layers for unit in range(n)]
    expected = [0.2 * place / len(units) for place, unit in enumerate(units) if unit]
    assert found == pytest.approx(expected)
    assert [node.op.p for node in facts(name).graph if node.op.name == "dropout"] == [dropout]


# --- GhostNet, SqueezeNet ---


def put_ghost(net: Net, name: str, out: int) -> None:
    net.conv_norm(f"{name}.primary_conv.0 {name}.primary_conv.1", out // 2)
    net.depthwise(f"{name}.cheap_operation.0 {name}.cheap_operation.1", 3)
    net.width = out


GHOSTNET = """
    3 16 16 0 1; 3 48 24 0 2; 3 72 24 0 1; 5 72 40 20 2; 5 120 40 32 1; 3 240 80 0 2; 3 200 80 0 1 +
    3 184 80 0 1 + 3 184 80 0 1 + 3 480 112 120 1 + 3 672 112 168 1; 5 672 160 168 2; 5 960 160 0 1 +
    5 960 160 240 1 + 5 960 160 0 1 + 5 960 160 240 1
"""


def test_ghostnet():
    """Han et al. 2020, Table 1, as above: the stages of timm's net."""
    net = Net(224)
    net.conv_norm("conv_stem bn1", 16, 3, 2)
    for stage, rows in enumerate(GHOSTNET.split(";")):
        for unit, row in enumerate(rows.split("+")):
            window, wide, out, inner, stride = map(int, row.split())
            name, entering, size = f"blocks.{stage}.{unit}", net.width, net.size
            put_ghost(net, f"{name}.ghost1", wide)
            if stride == 2:
                net.depthwise(f"{name}.conv_dw {name}.bn_dw", window, stride)
            if inner:
                net.gate(f"{name}.se", "conv_reduce", "conv_expand", inner)
            put_ghost(net, f"{name}.ghost2", out)
            if stride == 2 or entering != out:
                net.width, net.size = entering, size
                net.depthwise(f"{name}.shortcut.0 {name}.shortcut.1", window, stride)
                net.conv_norm(f"{name}.shortcut.2 {name}.shortcut.3", out)
    net.conv_norm("blocks.9.0.conv blocks.9.0.bn1", 960)
    net.pool()
    net.conv("conv_head", 1280, bias=True)
    net.fc("classifier", 1000)
    net.equals("ghostnet")


@pytest.mark.parametrize(
    ("name", "stem", "window", "pools"),
    [("squeezenet1_0", 96, 7, (2, 6, 11)), ("squeezenet1_1", 64, 3, (2, 5, 8))],
)
def test_squeezenet(name, stem, window, pools):
    """Iandola et al. 2016, Table 1; its pools round up."""
    net = Net(224)
    net.conv("features.0", stem, window, 2, bias=True, pad=0)
    place = 2
    for squeezed in (16, 16, 32, 32, 48, 48, 64, 64):
        while place in pools:
            net.size = net.size // 2
            place += 1
        at = f"features.{place}"
        net.conv(f"{at}.squeeze", squeezed, bias=True)
        net.conv(f"{at}.expand1x1", 4 * squeezed, bias=True)
        net.width = squeezed
        net.conv(f"{at}.expand3x3", 4 * squeezed, 3, bias=True)
        net.width = 8 * squeezed
        place += 1
    net.conv("classifier.1", 1000, bias=True)
    net.equals(name)
