"""`data/claims.csv` and `data/claims.toml` in; what sources print, and what of a spec a row means, out."""

from __future__ import annotations

import csv
import re
import tomllib
from functools import cache, cached_property
from pathlib import Path

from msgspec import Struct, convert

from netc.dsl.source import Source
from netc.files import bundled_nets, net_names

DATA = Path(__file__).parent / "data"
LAYERS = "lecture_layers"
"""A file of `data/` with what the lectures say of layers, apart from a net."""


@cache
def files_of_nets() -> dict[str, str]:
    source = Source(LAYERS, (DATA / f"{LAYERS}.net").read_text(encoding="utf-8"))
    return {**dict.fromkeys(net_names(source), LAYERS), **bundled_nets()}


class Row(Struct, frozen=True):
    """What a source prints. `computed` is what arithmetic outside this project gave; it agrees (`yes`), or
    not (`no`), or is `unknown`. `number` is the line of the file."""

    number: int
    system: str
    part: str
    quantity: str
    value: str
    agrees: str
    computed: str
    table: str
    source: str

    def __str__(self) -> str:
        place = f"{self.system} {self.part}".strip()
        return f"line {self.number}, {place}: {self.quantity} {self.value} ({self.table}; {self.source})"


@cache
def read_rows() -> tuple[Row, ...]:
    with (DATA / "claims.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Row(number, **row) for number, row in enumerate(csv.DictReader(file), 2))


# --- the mapping ----------------------------------------------------------------------------------


class Pattern(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Regular expressions for the fields of a row; each matches the whole of its field."""

    system: str = ".*"
    part: str = ".*"
    quantity: str = ".*"
    value: str = ".*"
    agrees: str = ".*"
    computed: str = ".*"
    table: str = ".*"

    @cached_property
    def compiled(self) -> list[tuple[str, re.Pattern[str]]]:
        fields = ((field, getattr(self, field)) for field in Pattern.__struct_fields__)
        return [(field, re.compile(text)) for field, text in fields if text != ".*"]

    def match(self, row: Row) -> dict[str, str] | None:
        """What the groups match, by name; None where a field does not match."""
        groups: dict[str, str] = {}
        for field, pattern in self.compiled:
            found = pattern.fullmatch(getattr(row, field))
            if found is None:
                return None
            groups |= found.groupdict()
        return groups


class Rule(Pattern, frozen=True, kw_only=True, dict=True):
    """The claims that stand for the rows, and their nets if not those of the system."""

    claims: tuple[str, ...]
    nets: tuple[str, ...] = ()


class LeftOut(Pattern, frozen=True, kw_only=True, dict=True):
    reason: str


class Labels(Struct, frozen=True, forbid_unknown_fields=True):
    """The labels of the parts of systems."""

    systems: tuple[str, ...]
    labels: dict[str, str | tuple[str, ...]]


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """`data/claims.toml`."""

    nets: dict[str, tuple[str, ...]]
    reported: dict[str, tuple[str, ...]]
    parts: tuple[Labels, ...]
    rule: tuple[Rule, ...]
    left_out: tuple[LeftOut, ...]

    def nets_of(self, row: Row) -> tuple[str, ...]:
        """The nets that a system is, as expectations name them."""
        return self.nets.get(row.system, (row.system,) if row.system in files_of_nets() else ())

    def labels_of(self, row: Row) -> tuple[str, ...]:
        """The labels that a part is."""
        for entry in self.parts:
            if row.system in entry.systems and row.part in entry.labels:
                labels = entry.labels[row.part]
                return (labels,) if isinstance(labels, str) else labels
        return ()

    def reasons(self, row: Row) -> list[str]:
        return [entry.reason for entry in self.left_out if entry.match(row) is not None]

    def rule_of(self, row: Row) -> Rule | None:
        return next((rule for rule in self.rule if rule.match(row) is not None), None)


@cache
def mapping() -> Mapping:
    return convert(tomllib.loads((DATA / "claims.toml").read_text(encoding="utf-8")), Mapping)
