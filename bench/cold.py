"""`netc compile specs/googlenet.net` as a whole process, against torchinfo's table over torchvision's net."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from measure import ROOT, Line, milliseconds, python, time_process

BOUND = 0.25
TIMES_FASTER = 10
PEER = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests/parity")!r})
import operators
import torch, torchinfo
from torchvision import models
with torch.device("meta"):
    net = models.googlenet(weights=None, aux_logits=True, transform_input=False, init_weights=False)
print(torchinfo.summary(net, input_size=(1, 3, 224, 224), device="meta", verbose=0))
"""
"""On the meta device nothing is allocated or computed."""


def run() -> Iterator[Line]:
    netc = str(Path(sys.executable).with_name("netc"))
    ours = min(time_process([netc, "compile", "specs/googlenet.net"], 10))
    theirs = min(time_process(python(PEER), 3))
    what = "`netc compile specs/googlenet.net`, cold"
    yield Line(what, milliseconds(ours), f"<= {milliseconds(BOUND)}", ours <= BOUND)
    ratio = theirs / ours
    yield Line(
        "the same from torchinfo over torchvision",
        f"{milliseconds(theirs)}, {ratio:.1f} times ours",
        f">= {TIMES_FASTER} times",
        ratio >= TIMES_FASTER,
    )
