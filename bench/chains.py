"""Chains of 1,000, 10,000 and 100,000 layers, each in fresh processes: the time per layer must not grow."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from measure import Line, python

BOUND = 1.5
SIZES = (1_000, 10_000, 100_000)
SCRIPT = """
import sys, time
from netc import driver
from netc.dsl.source import Source
from netc.files import Spec
count = int(sys.argv[1])
text = "net chain {\\n    input: 8x16x16\\n" + "    conv(3x3, 8) -> relu\\n" * (count // 2) + "}\\n"
start = time.perf_counter()
compiled = driver.compile(Spec(Source("chain.net", text), None, None)).compiled
assert compiled.inference.total.params == 584 * (count // 2)
print(time.perf_counter() - start)
"""


def run() -> Iterator[Line]:
    per_layer = {}
    for size in SIZES:
        times = []
        for _ in range(5):
            told = subprocess.run(python(SCRIPT, str(size)), capture_output=True, text=True, check=True)
            times.append(float(told.stdout))
        per_layer[size] = min(times) / size
        yield Line(
            f"a chain of {size:,} layers, text to counts", f"{per_layer[size] * 1e6:.1f} us a layer", "", True
        )
    ratio = per_layer[SIZES[-1]] / per_layer[SIZES[0]]
    yield Line(
        "per layer, from the first to the last", f"{ratio:.2f} times", f"<= {BOUND} times", ratio <= BOUND
    )
