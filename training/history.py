"""The rows of a run's epochs in, `metrics.csv` out; and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ..dsl.diagnostics import Unusable
from .disk import reason
from .reports import Row


def format_rows(rows: Sequence[Row]) -> str:
    """As CSV: a column for each of what any epoch knows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_rows(file: Path) -> list[Row]:
    """Raises `Unusable`."""
    try:
        text = file.read_text(encoding="utf-8")
        rows = csv.DictReader(io.StringIO(text))
        return [{name: float(value) for name, value in row.items() if value} for row in rows]
    except FileNotFoundError:
        raise Unusable(f"there is no `{file}` yet", "it is written after the first epoch") from None
    except OSError as error:
        raise Unusable(f"`{file}` cannot be read: {reason(error)}") from None
    except (ValueError, TypeError):
        raise Unusable(f"`{file}` is not as netc wrote it") from None
