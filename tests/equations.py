"""A layer in; nothing out, if each line of its `why` is an equation that holds, with the counts of `cost`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from netc.ops.base import Op, Shape

FUNCTIONS = {"ceil": math.ceil, "floor": math.floor}
SIZES = ("length", "height", "width")


def check_equations(op: Op, inputs: Sequence[Shape]) -> None:
    output = op.shape(inputs)
    results: dict[str, int] = {}
    for line in op.why(inputs, output):
        *formulas, result = re.sub(r"(?<=\d),(?=\d{3})", "", line.arithmetic).split(" = ")
        results[line.what] = int(result)
        for formula in formulas:
            assert eval(formula, FUNCTIONS) == int(result), line
    cost = op.cost(inputs, output)
    for what in ("params", "macs", "elementwise"):
        assert results.get(what, 0) == getattr(cost, what)
    both = [results["height and width"]] * 2 if "height and width" in results else []
    sizes = both or [results[name] for name in SIZES if name in results]
    assert sizes in ([], list(output.spatial))
    assert results.get("channels", output.channels) == output.channels
