"""Files that are whole or not there at all: what a kill, a full disk or a lost current leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to, which takes its place at the end; until then what stood there
    stays. Raises OSError."""
    beside = target.with_name(f".netc-{os.urandom(8).hex()}")
    try:
        beside.touch(exist_ok=False)
        mode = (target if target.exists() else beside).stat().st_mode & 0o7777
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.chmod(mode)  # whoever wrote it may have made another file of that name
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
