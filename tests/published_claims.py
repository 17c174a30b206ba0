"""The rows of `data/claims.csv` and the claims of the bundled specs in; what of the rows no claim judges out.

`data/claims.toml` says which nets and labels the rows mean. `python tests/published_claims.py --missing [FILE]`
prints, for all specs or one, the claims that are wanted and do not stand there.
"""

from __future__ import annotations

import csv
import re
import sys
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from netc import driver
from netc.compiler.claims import Outcome, settle_strides
from netc.compiler.evaluate import evaluate_alone
from netc.compiler.faults import Fault, text_of
from netc.compiler.imports import resolve
from netc.compiler.metrics import METRICS
from netc.compiler.program import FileScope
from netc.compiler.values import Value
from netc.dsl import ast
from netc.dsl.parser import parse_item
from netc.dsl.source import Source
from netc.files import Spec, bundled_files, bundled_nets, read_bundled
from netc.ops.base import Window

DATA = Path(__file__).parent / "data"
OPERATORS = {"yes": ("==", "~=", "<="), "no": ("!~",), "unknown": ("==", "~=", "!~")}
"""How a claim may judge what is printed, by whether the row's own arithmetic agrees with it."""
COUNTED = ("params", "weights", "macs", "activations", "depth")
CLAIM = re.compile(r"(?P<figure>.*?) (?P<operator>==|~=|<=|!~) (?P<right>.*)")


class Row(Struct, frozen=True):
    """What a source prints. `computed` is what arithmetic apart from this project gave; it `agrees`, or not,
    or is not known."""

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
        return f"{self.number}: {place}: {self.quantity} {self.value} ({self.table}, {self.source})"


@cache
def read_rows() -> tuple[Row, ...]:
    with (DATA / "claims.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Row(number, **row) for number, row in enumerate(csv.DictReader(file), 2))


# --- what the specs claim -------------------------------------------------------------------------


class Judged(Struct, frozen=True):
    """A claim of a net, a member of a list apart: `figure` is one text for all ways to write it, `value` what
    stands on its right (None where that is no constant), `computed` the figure as a whole number."""

    net: str
    figure: str
    operator: str
    right: str
    value: Any
    computed: int | None


@cache
def judged(file: str) -> tuple[Judged, ...]:
    """The claims of a bundled file that hold, and what it reports."""
    source = read_bundled(file)
    assert source is not None
    spec = Spec(source, None, None)
    scope = resolve(spec.source, spec.load).scope
    return tuple(read_claims(driver.verify(spec), scope))


def read_claims(verdict: Any, scope: FileScope) -> Iterator[Judged]:
    for expectation in verdict.expectations:
        expect = expectation.item.tree
        for line, outcome in zip(expect.claims, expectation.outcomes, strict=True):
            if outcome.holds is not False:
                yield from read_claim(one_spacing(expectation.title), expectation.item, line, outcome, scope)


def read_claim(
    net: str, item: ast.Item, line: ast.Claim | ast.Reported, outcome: Outcome, scope: FileScope
) -> Iterator[Judged]:
    if isinstance(line, ast.Reported):
        value = constant_at(scope, item, line.value)
        yield Judged(net, f"reported {outcome.quantity}", "==", "", value, None)
        return
    row = text_of(item, line.row) if line.row is not None else ""
    computed = outcome.computed.replace(",", "")
    value = constant_at(scope, item, line.right)
    if value is None and line.operator == "==":
        value = number_of(outcome.printed)
    right = canonical(text_of(item, line.right), row)
    whole = canonical(text_of(item, line.left), row)
    yield Judged(net, whole, line.operator, right, value, int(computed) if computed.isdecimal() else None)
    if line.operator == "==" and isinstance(value, list):
        members = list(members_of(item, line.left, scope))
        if len(members) == len(value):
            for text, entry in zip(members, value, strict=True):
                yield Judged(net, canonical(text, row), "==", "", entry, None)
        if whole.startswith("shape("):
            yield Judged(net, whole.replace("shape(", "width("), "==", "", value[0], None)


def members_of(item: ast.Item, expr: ast.Expr, scope: FileScope) -> Iterator[str]:
    """The texts of a list's entries; in a comprehension with the name's value in its place."""
    match expr:
        case ast.List(items=items):
            yield from (text_of(item, entry) for entry in items)
        case ast.Comprehension(targets=(target,), source=source, condition=None):
            for value in constant_at(scope, item, source) or []:
                yield re.sub(rf"\b{target.id}\b", str(value), text_of(item, expr.item))


def canonical(text: str, row: str = "") -> str:
    """One text for what is one figure: `layer[1][0].conv1: width` is `width(layer1[0].conv1)`."""
    text = one_spacing(text)
    if row:
        names = "|".join(METRICS)
        text = re.sub(rf"(?<![\w.])({names})\b(?!\()", rf"\1({row})", text)
        text = re.sub(r"\bcount\((\w+)\)", rf"count(\1, {row})", text)
    text = re.sub(r"\[([\d+*\s-]+)\]", lambda found: f"[{constant(found[1])}]", text)
    return re.sub(r'\b([A-Za-z_]\w*)\["?(\w+)"?\]', r"\1\2", text)


def one_spacing(text: str) -> str:
    """A text that was broken over lines, on one."""
    return re.sub(r",? ([)\]])", r"\1", re.sub(r"([(\[]) ", r"\1", " ".join(text.split())))


@cache
def constant(text: str) -> Value:
    """The value of an expression of the language; None where it is no constant."""
    scope = resolve(Source("rule", f"let value = {text}"), lambda name, user: None).scope
    tree, slips = parse_item(f"let value = {text}")
    if slips or not isinstance(tree, ast.Constants):
        return None
    return constant_at(scope, scope.file.items[0], scope.file.items[0].tree.value)


def constant_at(scope: FileScope, item: ast.Item, expr: ast.Expr) -> Value:
    """The same of an expression in a file. A shape is a list, a window its text."""
    try:
        return plain(settle_strides(evaluate_alone(scope, item, expr)))
    except Fault:
        return None


def plain(value: Value) -> Value:
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, Window):
        return list(value.size) if value.stride is None else str(value)
    return value


def number_of(text: str) -> Fraction | None:
    text = text.replace(",", "")
    return Fraction(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


# --- what the rows want ---------------------------------------------------------------------------


class Want(Struct, frozen=True):
    """A claim that must stand among those of one of the nets: one of the figures, one of the values. With
    `about`, a figure that is computed from that one is as good; `computed` is what it must then be."""

    nets: tuple[str, ...]
    figures: tuple[str, ...]
    operators: tuple[str, ...]
    values: tuple[Any, ...]
    text: str
    about: str = ""
    computed: int | None = None

    def met_by(self, claim: Judged) -> bool:
        if claim.net not in self.nets or claim.operator not in self.operators:
            return False
        if not any(value == claim.right or same_value(value, claim.value) for value in self.values):
            return False
        if self.computed is not None and claim.computed not in (None, self.computed):
            return False
        return any(same_figure(figure, claim.figure) for figure in self.figures) or (
            bool(self.about) and re.search(rf"(?<![\w.])({self.about})\b(?!\()", claim.figure) is not None
        )


def same_figure(wanted: str, claimed: str) -> bool:
    """Whether two texts are one figure; `_` in the wanted one stands for any name."""
    return re.fullmatch(re.escape(wanted).replace("\\(_,", r"\(\w+,"), claimed) is not None


def same_value(wanted: Any, claimed: Any) -> bool:
    """Whether a spec writes what is printed. A map's size is the end of its shape; `1x1x10` is `10`."""
    if isinstance(wanted, tuple):  # a size without its channels
        return isinstance(claimed, list) and tuple(claimed[-len(wanted) :]) == wanted
    if isinstance(wanted, list) and isinstance(claimed, list):
        return strip_ones(wanted) == strip_ones(claimed)
    if isinstance(wanted, list) or isinstance(claimed, list):
        entries = wanted if isinstance(wanted, list) else claimed
        other = claimed if isinstance(wanted, list) else wanted
        return strip_ones(entries) == [other]
    if isinstance(wanted, str) or isinstance(claimed, str):
        return wanted == claimed
    return wanted is not None and claimed is not None and abs(wanted - claimed) <= 1e-9 * abs(wanted)


def strip_ones(shape: list[Any]) -> list[Any]:
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


class Mapping:
    """`data/claims.toml`."""

    def __init__(self, text: str) -> None:
        data = tomllib.loads(text)
        self.nets: dict[str, list[str]] = data["nets"]
        self.names: dict[str, list[str]] = data["reported"]
        self.parts: list[dict[str, Any]] = data["parts"]
        self.rules: list[dict[str, Any]] = data["rule"]
        self.left_out: list[dict[str, Any]] = data["left_out"]

    @cached_property
    def bundled(self) -> dict[str, str]:
        return bundled_nets()

    def nets_of(self, row: Row) -> tuple[str, ...]:
        """The nets that a system is, as the titles of expectations name them."""
        names = self.nets.get(row.system, [row.system] if row.system in self.bundled else [])
        return tuple(names)

    def labels(self, row: Row) -> list[str]:
        """The labels that a part is; none where the mapping does not say."""
        for entry in self.parts:
            if fits(entry, row, ("systems", "tables")) is not None and row.part in entry["labels"]:
                found = entry["labels"][row.part]
                return found if isinstance(found, list) else [found]
        return []

    def reasons(self, row: Row) -> list[str]:
        return [entry["reason"] for entry in self.left_out if fits(entry, row) is not None]

    def wants(self, row: Row) -> list[Want]:
        """What must be claimed for a row to be covered; empty where the mapping does not know it."""
        for rule in self.rules:
            groups = fits(rule, row)
            if groups is not None:
                nets = tuple(rule.get("nets", self.nets_of(row)))
                return [
                    want
                    for template in rule["claims"]
                    for text in fill(template, groups, self.labels(row))
                    if (want := write_want(text, nets)) is not None
                ]
        nets = self.nets_of(row)
        if not nets:
            return []
        if row.quantity in self.names:
            number = number_of(row.value.rstrip("%*"))
            texts = tuple(f"reported {name}" for name in self.names[row.quantity])
            text = f"{texts[0]} {row.value.rstrip('%*')}"
            return [Want(nets, texts, ("==",), (number,), text)] if number is not None else []
        return self.usual_wants(row, nets)

    def usual_wants(self, row: Row, nets: tuple[str, ...]) -> list[Want]:
        """Of a figure that the language has, of a net or a part."""
        labels = self.labels(row) if row.part else [""]
        operators = OPERATORS[row.agrees]
        metrics = ("params", "weights") if row.quantity == "params" else (row.quantity,)
        metrics = ("window",) if row.quantity == "kernel_stride" else metrics
        if metrics[0] not in METRICS:
            return []
        values = values_of(row)
        whole = number_of(row.computed) if row.quantity in COUNTED and row.agrees != "unknown" else None
        computed = int(whole) if whole is not None and whole.denominator == 1 else None
        return [
            Want(
                nets,
                tuple(canonical(metric, label) for metric in metrics),
                operators,
                values,
                f"{metrics[0]}({label}) ".replace("()", "")
                + f"{operator_for(row)} {write(values[0], row)}"
                + (f", which is {row.computed}" if row.computed not in ("", row.value) else ""),
                "|".join(metrics) if not label and row.quantity in COUNTED else "",
                computed,
            )
            for label in labels
            if values
        ]


def write(value: Any, row: Row) -> str:
    """A value as a claim will have it."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"_x{row.value}" if isinstance(value, tuple) else row.value


def operator_for(row: Row) -> str:
    """The one that a claim will have."""
    return "!~" if row.agrees == "no" else "~=" if re.search("[KkMG.]", row.value) else "=="


def fits(entry: dict[str, Any], row: Row, lists: tuple[str, ...] = ()) -> dict[str, str] | None:
    """What the groups of an entry's patterns match in a row; None where one does not match."""
    groups: dict[str, str] = {}
    for field in ("system", "part", "quantity", "value", "agrees", "computed", "table", "source"):
        if field in entry:
            found = re.fullmatch(entry[field], getattr(row, field))
            if found is None:
                return None
            groups |= found.groupdict()
    for field in lists:
        if field in entry and getattr(row, field[:-1]) not in entry[field]:
            return None
    return groups


def fill(template: str, groups: dict[str, str], labels: list[str]) -> Iterator[str]:
    """A rule's claim with what it stands for; for each label, where it speaks of `{label}`."""
    for name, value in groups.items():
        template = template.replace(f"{{{name}}}", re.sub(r"(?<=\d),(?=\d{3})", "", value))
    if "{label}" not in template:
        yield template
    else:
        yield from (template.replace("{label}", label) for label in labels)


def write_want(text: str, nets: tuple[str, ...]) -> Want | None:
    """What a rule's claim wants."""
    if text.startswith("reported "):
        figure, value = text.rsplit(" ", 1)
        return Want(nets, (figure,), ("==",), (number_of(value),), text)
    found = CLAIM.fullmatch(text)
    assert found is not None, text
    value = constant(found["right"])
    value = canonical(found["right"]) if value is None else value
    return Want(nets, (canonical(found["figure"]),), (found["operator"],), (value,), text)


def values_of(row: Row) -> tuple[Any, ...]:
    """What a spec may write for what is printed: `224x224x3` is `3x224x224`, `112K` may be `112Ki`."""
    text = row.value.removeprefix("~")
    if row.quantity == "kernel_stride":
        return (constant(text),)
    if found := re.fullmatch(r"\(?(\d+(?:x\d+)*)\)?", text):
        sizes = [int(size) for size in found[1].split("x")]
        match len(sizes):
            case 3:
                return ([sizes[2], sizes[0], sizes[1]],)
            case 2:
                return (tuple(sizes),)
            case _:
                return (sizes[0],)
    if re.fullmatch(r"\d{1,3}([.,]\d{3}){2,}|\d{1,3},\d{3}", text):
        return (int(re.sub("[.,]", "", text)),)
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)([KkMG])", text):
        unit = found[2].upper()
        binary = Fraction(found[1]) * 1024 if unit == "K" else None
        decimal = Fraction(found[1]) * {"K": 10**3, "M": 10**6, "G": 10**9}[unit]
        return (decimal, binary) if binary is not None else (decimal,)
    return ()


# --- the two together -----------------------------------------------------------------------------


@cache
def mapping() -> Mapping:
    return Mapping((DATA / "claims.toml").read_text(encoding="utf-8"))


def file_of(net: str) -> str | None:
    """The bundled file that defines a net; None where there is none yet."""
    return mapping().bundled.get(re.split(r"\W", net)[0])


def claims_of(nets: tuple[str, ...]) -> Iterator[Judged]:
    for file in dict.fromkeys(file_of(net) for net in nets):
        if file is not None:
            yield from judged(file)


def lacking(row: Row) -> list[Want]:
    """What a row wants and no claim of its nets meets."""
    return [want for want in mapping().wants(row) if not any(map(want.met_by, claims_of(want.nets)))]


def is_covered(row: Row) -> bool:
    return bool(mapping().wants(row)) and not lacking(row)


def print_missing(file: str | None) -> None:
    """For each net the claims that its file lacks, and the rows that want them."""
    seen: dict[tuple[str, str], Row] = {}
    for row in read_rows():
        if mapping().reasons(row):
            continue
        if not mapping().wants(row) and file is None:
            print(f"no rule: {row}")
        for want in lacking(row):
            if file in (None, *(file_of(net) for net in want.nets)):
                seen.setdefault((" | ".join(want.nets), want.text), row)
    for (nets, text), row in sorted(seen.items()):
        print(f"{nets}: {text}\n    row {row}")
    print(f"{len(seen)} claims missing", file=sys.stderr)


if __name__ == "__main__":
    wanted = sys.argv[2].removesuffix(".net") if len(sys.argv) > 2 else None
    if "--missing" not in sys.argv[1:2] or (wanted is not None and wanted not in bundled_files()):
        sys.exit(__doc__)
    print_missing(wanted)
