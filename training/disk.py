"""Files that are whole or not there at all: what a kill, a full disk or a lost current leaves."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..dsl.diagnostics import Unusable

BESIDE = ".netc-"
"""How the names of files begin that are not whole yet."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to, which takes its place at the end; until then what stood there
    stays. Raises OSError."""
    beside = target.with_name(f"{BESIDE}{os.urandom(8).hex()}")
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


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """As `replacing`, of a file that a person names: a link leads to what is replaced, a device is written to
    itself. Raises `Unusable`."""
    target = Path(os.path.realpath(path))
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe; a folder is refused
            yield Path(path)
            return
        with replacing(target) as beside:
            yield beside
    except OSError as error:
        why = reason(error) if target.parent.is_dir() else f"there is no folder `{target.parent}`"
        raise Unusable(f"`{path}` cannot be written: {why}") from None


def clear_leftovers(folder: Path) -> None:
    """Remove what a kill left half written. Raises OSError."""
    for left in folder.glob(f"{BESIDE}*"):
        left.unlink(missing_ok=True)


class Held(Exception):
    """Another process holds the file."""


@contextmanager
def holding(file: Path) -> Iterator[None]:
    """Keep others of `holding` the same file, on this machine and on those that share its disk; however this
    process ends, the file is free again. Nothing of this process may open and close the file meanwhile: that
    would free it. Raises `Held`, OSError where the file cannot be written."""
    with file.open("r+b") as held:
        try:
            import fcntl
        except ModuleNotFoundError:  # Windows
            yield
            return
        try:  # of POSIX, not of BSD: children that read data, and outlive a kill by seconds, do not hold it
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:  # others: a file system that knows no locks
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise Held from None
        yield


def find_reason(error: Exception) -> OSError | None:
    """What the disk said to whoever raised the error: torch has words of its own for it."""
    cause = error if isinstance(error, OSError) else error.__context__
    return cause if isinstance(cause, OSError) else None


def reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
