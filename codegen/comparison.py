"""Several variants of a net in, one row for each out: what `--set alpha=0.25,0.5,1` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from ..compiler.facts import Facts
from .plain_text import show
from .table_formats import align, code, join_csv, join_markdown, show_bytes, width

Format = Literal["table", "json", "csv", "markdown"]
COUNTS = ("params", "macs", "activations", "memory", "memory_train", "depth")
HEADS = {"macs": "multiply-adds", "memory": "memory forward", "memory_train": "memory training"}


def compare(variants: Sequence[tuple[Mapping[str, str], Facts]], format: Format) -> str:
    """A table of variants, each with the settings that make it (as they were written) and its counts, those
    of the net without auxiliary heads; the facts are of the training graphs."""
    names = list(dict.fromkeys(name for settings, _ in variants for name in settings))
    counts = [count(facts) for _, facts in variants]
    if format == "json":
        objects = [
            {"net": facts.graph.name, "set": dict(settings), **found}
            for (settings, facts), found in zip(variants, counts, strict=True)
        ]
        return "[\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in objects) + "\n]\n"
    values = [[show(settings.get(name, "")) for name in names] for settings, _ in variants]
    if format == "csv":
        rows = [[*cells, *map(str, found.values())] for cells, found in zip(values, counts, strict=True)]
        return join_csv([[*map(show, names), *COUNTS], *rows])
    shown = [
        [show_bytes(found[key]) if key.startswith("memory") else f"{found[key]:,}" for key in COUNTS]
        for found in counts
    ]
    head = [HEADS.get(key, key) for key in COUNTS]
    right = range(len(names), len(names) + len(COUNTS))
    if format == "markdown":
        rows = [[*map(code, cells), *texts] for cells, texts in zip(values, shown, strict=True)]
        return join_markdown([[*(code(show(name)) for name in names), *head], *rows], right)
    rows = [[*cells, *texts] for cells, texts in zip(values, shown, strict=True)]
    lines = align([[*map(show, names), *head], *rows], right)
    net = show(variants[0][1].graph.name) if variants else ""
    return "\n".join([net, "", lines[0], "─" * max(map(width, lines)), *lines[1:]]) + "\n"


def count(facts: Facts) -> dict[str, int]:
    inference = facts.inference
    return {
        "params": inference.total.params,
        "macs": inference.total.macs,
        "activations": inference.total.activations,
        "memory": inference.forward_memory.total,
        "memory_train": facts.training_memory.total,
        "depth": inference.depths.total,
    }
