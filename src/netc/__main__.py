"""`netc` and `python -m netc`: the command line of this process in, its exit code out."""

from __future__ import annotations

import signal
import sys
from io import TextIOWrapper

from .cli import run


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # what a terminal cannot show is escaped, and no reason to stop
            stream.reconfigure(errors="backslashreplace")
    code = run()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # another Ctrl-C, while Python ends, is no news
    sys.exit(code)


if __name__ == "__main__":
    main()
