"""What a person gives with `--set`, `--input`, `--limit` and `--max-*` in; values, sizes and numbers out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import product

from msgspec import Struct
from msgspec.structs import fields, replace

from .compiler.limits import Limits
from .dsl import ast
from .dsl.diagnostics import Diagnostic
from .dsl.parser import parse_item
from .dsl.source import Source

SIZES = re.compile(r"[1-9]\d{0,9}(?:x[1-9]\d{0,9})*")


class Misused(Exception):
    """An option's text that cannot be read; `diagnostics` say where, when it is an expression."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.message, self.diagnostics = message, diagnostics


class Setting(Struct, frozen=True, eq=False):
    """One value for a parameter of a net, or what replaces an entry of a recipe: an expression, to be read
    among the names of its file."""

    item: ast.Item
    expr: ast.Expr

    @property
    def text(self) -> str:
        """As it was written."""
        place = self.item.place(self.expr)
        return place.source.text[place.start : place.end]


def read_settings(options: Iterable[str]) -> list[dict[str, Setting]]:
    """`name=value` each. Several values, `alpha=0.5,0.75`, give several settings; such options, all pairs."""
    values: dict[str, tuple[Setting, ...]] = {}
    for option in options:
        name, equals, _ = option.partition("=")
        if not equals or not name.isidentifier():
            raise Misused(f"`--set {option}` is not of the form `--set name=value`")
        if name in values:
            raise Misused(f"`{name}` is set twice; several values are written `--set {name}=1,2`")
        values[name] = read_values(option, len(name) + 1)
    return [dict(zip(values, row, strict=True)) for row in product(*values.values())]


def read_values(option: str, start: int) -> tuple[Setting, ...]:
    """The expressions between commas in `option` from `start` on; their places are places of `option`."""
    head = "let setting = ["
    tree, slips = parse_item(f"{head}{option[start:]}]")
    source = Source("--set", option)
    offset = start - len(head)
    if slips or not (
        isinstance(tree, ast.Constants) and isinstance(tree.value, ast.List) and tree.value.items
    ):
        raise Misused(
            f"the value of `--set {option}` cannot be read",
            tuple(slip.diagnose(source, offset) for slip in slips),
        )
    item = ast.Item(source, offset, tree)
    return tuple(Setting(item, value) for value in tree.value.items)


def read_overrides(options: Mapping[str, str]) -> dict[str, Setting]:
    """What stands in place of the entries of a recipe, by their names; the places are those of the options'
    texts."""
    return {name: read_override(name, text) for name, text in options.items()}


def read_override(name: str, text: str) -> Setting:
    """`adamw(lr=1e-3)` of the option `--optimizer`, read as the entry `optimizer` of a recipe is."""
    option = f"--{name.replace('_', '-')}"
    if not text.strip():
        raise Misused(f"`{option}` needs a value, which is empty here")
    head = f"train net {{ {name} "
    tree, slips = parse_item(f"{head}{text} }}")
    source = Source(option, text)
    if slips or not (isinstance(tree, ast.Train) and len(tree.entries) == 1):
        raise Misused(
            f"the value of `{option} {text}` cannot be read",
            tuple(slip.diagnose(source, -len(head)) for slip in slips),
        )
    return Setting(ast.Item(source, -len(head), tree), tree.entries[0].value)


def read_inputs(options: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """`3x320x320` for the first input, `name=3x320x320` for the one of that name."""
    sizes: dict[str, tuple[int, ...]] = {}
    for option in options:
        name, _, size = option.rpartition("=")
        if not SIZES.fullmatch(size):
            raise Misused(f"`--input {option}` is not a size such as `3x320x320`, or `name=3x320x320`")
        if name in sizes:
            raise Misused(f"`--input {option}`: the size of this input is given twice")
        sizes[name] = tuple(map(int, size.split("x")))
    return sizes


def read_limits(options: Iterable[str]) -> Limits:
    """`nodes=2_000_000`: the limits of the language, some of them changed."""
    limits = Limits()
    known = [field.name for field in fields(Limits)]
    for option in options:
        name, _, number = option.partition("=")
        if name not in known:
            raise Misused(f"there is no limit `{name}`; there are {', '.join(known)}")
        limits = replace(limits, **{name: read_count(number)})
    return limits


def read_count(text: str) -> int:
    """`5M`, `600_000`, `4.1G`: a whole number as the language writes it."""
    (setting,) = read_values(text, 0) if text.strip() and "," not in text else (None,)
    value = setting.expr.value if setting is not None and isinstance(setting.expr, ast.Number) else None
    if value is None or value != int(value):
        raise Misused(f"`{text}` is not a whole number such as `600_000` or `5M`")
    return int(value)
