"""All benchmarks, each with its peer in the same run. Prints ratios; exits with 1 where a bound is missed.

    python bench/run.py [cold] [inside] [chains] [zoo] [speed]

It needs the environment that `make parity` builds (torchvision, torchinfo), and a machine that does nothing
else meanwhile. `docs/benchmarks.md` holds a run.
"""

from __future__ import annotations

import platform
import sys

import chains
import cold
import inside
import speed
import zoo

BENCHES = {
    "cold": cold.run,
    "inside": inside.run,
    "chains": chains.run,
    "zoo": zoo.run,
    "speed": speed.run,
}


def main(names: list[str]) -> int:
    unknown = set(names) - BENCHES.keys()
    if unknown:
        print(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}",
            file=sys.stderr,
        )
        return 2
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}\n")
    print("| what | measured | bound | |")
    print("| --- | --- | --- | --- |")
    missed = 0
    for name in names or BENCHES:
        for line in BENCHES[name]():
            missed += not line.holds
            print(line, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
