"""`make fuzz N=100000 FROM=0`: mutants by number, and all that they find, without a stop at the first.

A number always gives the same mutant of the same specs: `python tests/fuzz.py --show NUMBER` prints it.
"""

from __future__ import annotations

import argparse
import collections
import os
import resource
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

from mutations import SPECS, Mutant, draw_mutant, examine


def mutant_of(number: int) -> Mutant:
    random = Random(number)
    return draw_mutant(random, random.choice(sorted(SPECS)))


def fuzz(first: int, count: int) -> int:
    """Examine mutants; print those that fail as they do, at the end what was seen. The number of failures."""
    codes: collections.Counter[str] = collections.Counter()
    times: list[tuple[float, int, str]] = []
    failures = 0
    os.environ["NETC_TRACEBACK"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            mutant = mutant_of(number)
            start = time.process_time()
            try:
                answer = examine(Path(folder), mutant)
                codes[f"{mutant.command[0]} {answer.code}"] += 1
            except Exception:
                failures += 1
                asked = " ".join((*mutant.command, mutant.spec, mutant.net))
                print(f"--- {number}: {asked}\n{traceback.format_exc()}", flush=True)
            times.append((time.process_time() - start, number, mutant.spec))
            if len(times) > 10_000:
                times = sorted(times)[-20:]
            if number % 5_000 == 4_999:
                print(f"{number + 1 - first} done, {failures} failed", flush=True)
    print(f"{count} mutants from {first}: {failures} failed; {dict(sorted(codes.items()))}")
    for seconds, number, spec in sorted(times)[:-11:-1]:
        print(f"  {seconds:.2f} s  {number} of {spec}")
    print(f"  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most")
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1_000, help="how many")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="NUMBER", help="the first one")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print one instead")
    options = parser.parse_args()
    if options.show is not None:
        mutant = mutant_of(options.show)
        print(mutant.text, end="")
        return
    raise SystemExit(fuzz(options.first, options.count) > 0)


if __name__ == "__main__":
    main()
