"""In one process: ResNet-50 from text and from its tree to counts, and all bundled specs."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Line, best, milliseconds

from netc import driver
from netc.dsl.parser import parse_item
from netc.dsl.source import Source
from netc.files import Spec

RESNET = '''"""Deep Residual Learning for Image Recognition. He, Zhang, Ren, Sun. CVPR 2016."""
use std (se)

block bottleneck(width, stride=1, groups=1, inner=width, gate=id) {
    add {
        {
            conv1: conv(1x1, inner, bias=false);          bn1: bn; relu
            conv2: conv(3x3/stride, inner, groups=groups, bias=false); bn2: bn; relu
            conv3: conv(1x1, 4*width, bias=false);        bn3: bn
            gate
        }
        downsample: {
            if stride != 1 or in.c != 4*width { conv(1x1/stride, 4*width, bias=false) -> bn } else { id }
        }
    } -> relu
}

net resnet(block_, depths, classes=1000) {
    input image: 3x224x224
    conv1: conv(7x7/2, 64, bias=false); bn1: bn; relu
    maxpool(3x3/2, pad=1)
    for i, n in enumerate(depths) {
        layer[i + 1]: block_(64 * 2^i, stride=2 if i > 0 else 1) -> block_(64 * 2^i) * (n - 1)
    }
    gap
    fc: fc(classes)
}

net resnet50    = resnet(bottleneck, [3, 4, 6, 3])
net resnet101   = resnet(bottleneck, [3, 4, 23, 3])
net resnet50_gated = resnet(bottleneck(gate=se(16)), [3, 4, 6, 3])
'''
PARAMS, MACS = 25_557_032, 4_089_184_256


def run() -> Iterator[Line]:
    spec = Spec(Source("resnet.net", RESNET), "resnet50", None)

    def from_tree() -> None:
        compiled = driver.compile(spec).compiled
        assert compiled is not None
        assert (compiled.inference.total.params, compiled.inference.total.macs) == (PARAMS, MACS)

    def from_text() -> None:
        parse_item.cache_clear()
        from_tree()

    for what, function, bound in (("text", from_text, 0.040), ("tree", from_tree, 0.010)):
        seconds = best(function, 30)
        yield Line(
            f"ResNet-50, {what} to counts",
            milliseconds(seconds),
            f"<= {milliseconds(bound)}",
            seconds <= bound,
        )
