"""The rows of `data/claims.csv`, which sources print of nets, in; what of them no claim of a spec judges out.

`data/claims.toml` says which nets and labels the rows mean, what stands for a row that prints more than a
number, and why some rows are left out.

    python tests/published_claims.py --missing [FILE]

prints the claims that are wanted, of all nets or of those of a bundled file, and do not stand there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

from claimed import Judged, canonical, constant, number_of, read_judged
from msgspec import Struct
from printed_rows import LAYERS, Row, files_of_nets, mapping, read_rows

from netc.compiler.metrics import METRICS
from netc.compiler.printed import read_steps
from netc.files import bundled_files

OPERATORS = {"yes": ("==", "~="), "no": ("!~",), "unknown": ("==", "~=", "!~")}
"""How a claim may judge what is printed, by whether the row's own arithmetic agrees with it."""
COUNTED = ("params", "macs", "activations", "depth")
EXACT = Fraction(0)
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


# --- what a row wants -----------------------------------------------------------------------------


class Want(Struct, frozen=True):
    """A claim that must stand in an expectation of one of the nets: of one of the figures against one of the
    values, with digits down to `step`. `computed` is what the figure must come to; what is computed from the
    bare figures `adjusted` may then stand for it too (`params + 53_120`, where statistics are counted)."""

    nets: tuple[str, ...]
    figures: tuple[str, ...]
    operators: tuple[str, ...]
    values: tuple[Any, ...]
    text: str
    step: Fraction
    adjusted: tuple[str, ...] = ()
    computed: int | None = None

    def met_by(self, claim: Judged) -> bool:
        if claim.net not in self.nets or claim.operator not in self.operators:
            return False
        if claim.operator == "~=" and read_steps(claim.right)[0] > self.step * 1024 / 1000:
            return False  # `25M` for `25.0M`
        if not any(value == claim.right or is_printed(value, claim.value) for value in self.values):
            return False
        if any(is_figure(figure, claim.figure) for figure in self.figures):
            return self.computed is None or claim.computed in (None, self.computed)
        return self.computed in (None, claim.computed) and not bare_figures(claim.figure).isdisjoint(
            self.adjusted
        )


def is_figure(wanted: str, claimed: str) -> bool:
    """Whether two texts are one figure; `count(_, x)` counts any one name."""
    if wanted.startswith("count(_,"):
        return re.sub(r"^count\(\w+,", "count(_,", claimed) == wanted
    return wanted == claimed


@cache
def bare_figures(text: str) -> frozenset[str]:
    """The figures of the whole net in an expression."""
    return frozenset(re.findall(r"(?<![\w.])([a-z]+)\b(?![(\w])", text)) & METRICS.keys()


def is_printed(printed: Any, claimed: Any) -> bool:
    """Whether a spec writes what is printed. A tuple is a map's size without its channels."""
    if isinstance(printed, tuple):
        return isinstance(claimed, list) and tuple(claimed[-len(printed) :]) == printed
    if isinstance(printed, list) or isinstance(claimed, list):
        return strip_ones(printed) == strip_ones(claimed)
    if isinstance(printed, str) or isinstance(claimed, str) or None in (printed, claimed):
        return printed is not None and printed == claimed
    return bool(abs(printed - claimed) <= 1e-9 * abs(printed))


def strip_ones(shape: Any) -> list[Any]:
    """`1000x1x1` is `1000`."""
    shape = shape if isinstance(shape, list) else [shape]
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


@cache
def wants(row: Row) -> tuple[Want, ...]:
    """What must be claimed for a row to be covered; nothing where the mapping does not know it."""
    rule = mapping().rule_of(row)
    nets = mapping().nets_of(row)
    if rule is not None:
        groups, labels = rule.match(row) or {}, mapping().labels_of(row)
        return tuple(
            wanted_by_rule(text, rule.nets or nets)
            for template in rule.claims
            for text in fill(template, groups, labels)
        )
    if row.quantity in mapping().reported:
        names = mapping().reported[row.quantity]
        number = number_of(row.value.rstrip("%*"))
        if not nets or number is None:
            return ()
        text = f"reported {names[0]} {row.value.rstrip('%*')}"
        return (Want(nets, tuple(f"reported {name}" for name in names), ("==",), (number,), text, EXACT),)
    return tuple(wanted_figures(row, nets)) if nets else ()


def fill(template: str, groups: dict[str, str], labels: tuple[str, ...]) -> Iterator[str]:
    """A rule's claim with what was matched in its place; one for each label, where it speaks of `{label}`."""
    for name, value in groups.items():
        template = template.replace(f"{{{name}}}", re.sub(r"(?<=\d),(?=\d{3})", "", value))
    yield from dict.fromkeys(template.replace("{label}", label) for label in labels or ("{label}",))


def wanted_by_rule(text: str, nets: tuple[str, ...]) -> Want:
    if text.startswith("reported "):
        figure, printed = text.rsplit(" ", 1)
        return Want(nets, (figure,), ("==",), (number_of(printed),), text, EXACT)
    found = re.fullmatch(r"(.*?) (==|~=|<=|!~) (.*)", text)
    assert found is not None, f"no claim: {text}"
    assert "{" not in text, f"nothing stands for {text}"
    figure, operator, right = found.groups()
    value = constant(right)
    values = (canonical(right) if value is None else value,)
    step = read_steps(right)[0] if operator == "~=" else EXACT
    return Want(nets, (canonical(figure),), (operator,), values, text, step)


def wanted_figures(row: Row, nets: tuple[str, ...]) -> Iterator[Want]:
    """A figure that the language has, of a net or of the labels of a part."""
    figure = "window" if row.quantity == "kernel_stride" else row.quantity
    figures = ("params", "weights") if figure == "params" else (figure,)
    values = printed_values(row)
    if figure not in METRICS or not values:
        return
    counted = number_of(row.computed) if row.quantity in COUNTED and row.agrees != "unknown" else None
    for label in mapping().labels_of(row) if row.part else ("",):
        yield Want(
            nets,
            tuple(canonical(f"{name}({label})" if label else name) for name in figures),
            OPERATORS[row.agrees],
            values,
            f"{figure}({label}) ".replace("()", "") + describe(row, values[0]),
            printed_step(row.value),
            figures if not label and row.quantity in COUNTED else (),
            int(counted) if counted is not None else None,
        )


def printed_values(row: Row) -> tuple[Any, ...]:
    """What a spec may write for what is printed: `224x224x3` is `3x224x224`, `112K` may be `112Ki`."""
    text = row.value
    if row.quantity == "kernel_stride":
        return (constant(text),)
    if re.fullmatch(r"\d+(x\d+){1,2}", text):
        *size, last = (int(number) for number in text.split("x"))
        return ([last, *size],) if len(size) == 2 else ((*size, last),)
    if re.fullmatch(r"\d{1,3}(\.\d{3}){2}", text):  # dots between thousands
        return (number_of(text.replace(".", "")),)
    found = re.fullmatch(r"([\d.,]+)([KMGk]?)", text)
    number = number_of(found[1]) if found else None
    if found is None or number is None:
        return ()
    unit = found[2].upper()
    return (number * UNITS[unit], *([number * Fraction(1024)] if unit == "K" else []))


def printed_step(text: str) -> Fraction:
    """What the last digit that counts stands for: a tenth of a million in `25.0M`, 100,000 in `800K`."""
    found = re.fullmatch(r"(\d+)([KMGk]?)", text.replace(",", ""))
    if found is None:
        found = re.fullmatch(r"\d+\.(\d+)([KMGk]?)", text)
        return Fraction(UNITS[found[2].upper()], 10 ** len(found[1])) if found is not None else EXACT
    zeros = len(found[1]) - len(found[1].rstrip("0"))
    return Fraction(UNITS[found[2].upper()] * 10**zeros)


def describe(row: Row, value: Any) -> str:
    """The rest of a claim, as an author may write it."""
    rounded = re.search("[KMGk.]", row.value) is not None and row.quantity in COUNTED
    operator = "!~" if row.agrees == "no" else "~=" if rounded else "=="
    text = "x".join(map(str, value)) if isinstance(value, list) else row.value
    text = f"_x{text}" if isinstance(value, tuple) else text
    return f"{operator} {text}" + (f", which is {row.computed}" if rounded and row.computed else "")


# --- rows and claims ------------------------------------------------------------------------------


def file_of(net: str) -> str | None:
    """The file that defines a net; None where there is none."""
    return files_of_nets().get(re.split(r"\W", net)[0])


def files_of(row: Row) -> set[str | None]:
    return {file_of(net) for want in wants(row) for net in want.nets}


def lacking(row: Row, read: Callable[[str], tuple[Judged, ...]] = read_judged) -> list[Want]:
    """What a row wants and no claim of its nets meets; `read` gives the claims of a file."""
    return [
        want
        for want in wants(row)
        if not any(
            want.met_by(claim)
            for file in sorted({file_of(net) for net in want.nets} - {None}, key=str)
            for claim in read(str(file))
        )
    ]


def print_missing(file: str | None) -> None:
    rows = [row for row in read_rows() if not mapping().reasons(row)]
    missing: dict[tuple[str, str], Row] = {}
    for row in rows:
        if file is None and not wants(row):
            print(f"no rule and no reason: {row}")
        if file is None or file in files_of(row):
            for want in lacking(row):
                missing.setdefault((" or ".join(want.nets), want.text), row)
    for (nets, text), row in sorted(missing.items(), key=lambda item: item[0]):
        print(f"{nets}: {text}\n    {row}")
    print(f"{len(missing)} claims missing", file=sys.stderr)


if __name__ == "__main__":
    chosen = sys.argv[2].removesuffix(".net") if len(sys.argv) == 3 else None
    if sys.argv[1:2] != ["--missing"] or len(sys.argv) > 3 or chosen not in (None, LAYERS, *bundled_files()):
        sys.exit(__doc__)
    print_missing(chosen)
