"""`netc` and `python -m netc`: the command line of this process in, its exit code out."""

from __future__ import annotations

import sys

from .cli import run


def main() -> None:
    sys.exit(run())


if __name__ == "__main__":
    main()
