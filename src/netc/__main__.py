"""`netc` and `python -m netc`: the command line of this process in, its exit code out."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from .cli import run


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # what a terminal cannot show is escaped, and no reason to stop
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run())


if __name__ == "__main__":
    main()
