"""The whole zoo, checked and verified as a person does it; and the nets that take longest, alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Line, milliseconds, time_process

import netc

COMMANDS = {"check": 3.0, "verify": 6.0}
LONGEST = ("resnet1202", "pyramidnet200_a240", "nasnet_a_large")
ALONE = 0.5


def run() -> Iterator[Line]:
    command = str(Path(sys.executable).with_name("netc"))
    nets = len(netc.nets())
    for name, bound in COMMANDS.items():
        seconds = min(time_process([command, name, "specs"], 3))
        what = f"`netc {name} specs`, {nets} nets"
        yield Line(what, milliseconds(seconds), f"<= {milliseconds(bound)}", seconds <= bound)
    for net in LONGEST:
        seconds = min(time_process([command, "compile", net], 5))
        what = f"`netc compile {net}`"
        yield Line(what, milliseconds(seconds), f"<= {milliseconds(ALONE)}", seconds <= ALONE)
