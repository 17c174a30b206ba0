"""The uses of one class in, its parameters out: each name that the text reads becomes a literal, a formula
over other parameters, or a constructor parameter; every expression is tried in every use before it is
believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from ..compiler.frames import Argument
from ..dsl import ast
from ..ops.base import Window
from .expressions import Const, Expr, Function, Name, Unsettled, binary, is_const
from .plan import Parameter
from .python_text import identifier
from .readings import evaluate, free, undivided, whole
from .rows import Around, Row, Split, Unrolled, Values, same, spread
from .terms import Scope, TensorTerm, Term, WindowTerm, constant, identical, is_plain, plain, short, translate
from .uses import Use


class Settling(Mapping[str, Term]):
    """The names of one class; as a mapping, the terms of those that its text reads from around it."""

    def __init__(self, uses: Sequence[Use], taken: Iterable[str]) -> None:
        self.uses = uses
        self.rows = [Row(use, index) for index, use in enumerate(uses)]
        self.parameters: dict[str, Parameter] = {}
        self.taken = set(taken)
        self.entering: dict[str, Term] = {}
        """`in`, and what `takes` names, as defaults may read them."""
        self._terms: dict[str, Term | None] = {}

    # --- names around ---

    def __contains__(self, name: object) -> bool:
        return all(name in use.names for use in self.uses)

    def __iter__(self) -> Iterator[str]:
        return iter(self.uses[0].names)

    def __len__(self) -> int:
        return len(self.uses[0].names)

    def __getitem__(self, name: str) -> Term:
        if name not in self._terms:
            self._terms[name] = None  # in the making: its own formula cannot read it
            try:
                self._terms[name] = self._settle_name(name)
            except Unsettled:
                del self._terms[name]
                raise
        term = self._terms[name]
        if term is None:
            raise Unsettled(name)
        return term

    def _settle_name(self, name: str) -> Term:
        """Settle a name once for the class: its literal, its formula, or a parameter."""
        arguments = [use.names[name] for use in self.uses]
        values = [argument.value for argument in arguments]
        if any(not is_plain(value) and not isinstance(value, Window) for value in values):
            raise Unsettled(name)
        if identical(values):
            return constant(values[0])
        formula = self._formula(name, arguments)
        if formula is not None:
            try:
                term = translate(formula, Around(self, self.entering, {}))
                if self._gives(term, values):
                    return term
            except Unsettled:
                pass
        if any(isinstance(value, Window) for value in values):
            return self._window(name, values)
        return Name(
            self.add(Parameter(name, list(map(plain, values)), "name", name, default=self._default(name)))
        )

    def _formula(self, name: str, arguments: Sequence[Argument]) -> ast.Expr | None:
        """The default of a parameter, or what a `let` says."""
        for parameter in self.uses[0].frame.definition.parameters:
            if parameter.name == name:
                return parameter.default
        first = arguments[0].expr
        if all(
            argument.expr is first and argument.frame is use.frame
            for argument, use in zip(arguments, self.uses, strict=True)
        ):
            return first
        return None

    def _gives(self, term: Term, values: Sequence[Any]) -> bool:
        if isinstance(term, WindowTerm):
            windows = [value for value in values if isinstance(value, Window)]
            if len(windows) != len(values) or any(
                (window.stride is None) != (term.stride is None) for window in windows
            ):
                return False
            return self.holds(term.kernel, [short(window.size) for window in windows], self.rows) and (
                term.stride is None
                or self.holds(term.stride, [short(window.stride or ()) for window in windows], self.rows)
            )
        return not isinstance(term, TensorTerm) and self.holds(term, values, self.rows)

    def _window(self, name: str, values: Sequence[Any]) -> Term:
        """The parts of a window, each settled alone."""
        sizes = [short(value.size) if isinstance(value, Window) else plain(value) for value in values]
        kernel = self.part(name, sizes, "kernel", name)
        strides = [value.stride if isinstance(value, Window) else None for value in values]
        if all(stride is None for stride in strides):
            return WindowTerm(kernel, None)
        named = "stride" if "stride" not in self.uses[0].names else f"{name}_stride"
        # a convolution's window without a stride has 1; what a pool then has is no formula of this name
        default = 1 if any(stride is None for stride in strides) else UNSET
        return WindowTerm(
            kernel, self.part(name, [1 if s is None else short(s) for s in strides], "stride", named, default)
        )

    def part(self, source: str, values: list[Any], origin: str, name: str, default: Any = UNSET) -> Expr:
        rank = max((len(value) for value in values if isinstance(value, tuple)), default=0)
        if rank:
            values = [value if isinstance(value, tuple) else (value,) * rank for value in values]
        if all(value == values[0] for value in values):
            return Const(values[0])
        return Name(self.add(Parameter(name, values, origin, source, default=default)))

    def _default(self, name: str) -> Any:
        """The literal default of a block's parameter, if some use has that value."""
        for parameter in self.uses[0].frame.definition.parameters:
            if parameter.name == name and parameter.default is not None and self.uses[0].kind == "block":
                try:
                    term = translate(parameter.default, {})
                except Unsettled:
                    return UNSET
                real = [plain(use.names[name].value) for use in self.uses if use.net.real]
                if isinstance(term, Const) and any(same(plain(term.value), value) for value in real):
                    return plain(term.value)
        return UNSET

    # --- parameters ---

    def add(self, parameter: Parameter) -> str:
        """A parameter under a free Python name; one with the same origin is used again."""
        parameter.asked = parameter.name
        for known in self.parameters.values():
            if (
                known.asked == parameter.asked
                and known.origin == parameter.origin
                and known.source == parameter.source
                and known.values == parameter.values
            ):
                return known.name
        name = identifier(parameter.name) if parameter.name.isidentifier() else "value"
        candidate, number = name, 1
        while candidate in self.parameters or candidate in self.taken:
            number += 1
            candidate = f"{name}{number}"
        parameter.name = candidate
        self.parameters[candidate] = parameter
        return candidate

    def channels(self, position: int, name: str, values: list[int]) -> Expr:
        """The channels of an input: a literal, or `in_channels`."""
        if all(value == values[0] for value in values):
            return Const(values[0])
        return Name(self.add(Parameter(name, values, "channels", position)))

    # --- expressions ---

    def holds(self, expr: Expr, values: Sequence[Any], rows: Sequence[Row]) -> bool:
        """Whether `expr` gives these values, row by row."""
        try:
            return all(
                same(evaluate(expr, Values(self.parameters, row)), value)
                for row, value in zip(rows, values, strict=True)
            )
        except (Unsettled, KeyError):
            return False

    def express(
        self, values: Sequence[Any], rows: Sequence[Row], *candidates: Callable[[], Expr], guess: bool = False
    ) -> Expr | None:
        """The first candidate that holds in every row, else a literal; for numbers of channels, whose
        formulas a layer knows only in part, a `guess`. None: none was found."""
        for candidate in candidates:
            try:
                expr = candidate()
            except Unsettled:
                continue
            found = self._fitted(expr, values, rows)
            if found is not None and not (identical(values) and self._turns(found, rows)):
                return found
        if identical(values):
            return Const(plain(values[0]))
        return self._guess(values, rows) if guess else None

    def _turns(self, expr: Expr, rows: Sequence[Row]) -> bool:
        """Whether it reads variables of loops alone: what all turns have is then better said as it is."""
        names = free(expr)
        return bool(names) and names <= rows[0].names.keys()

    def _fitted(self, expr: Expr, values: Sequence[Any], rows: Sequence[Row]) -> Expr | None:
        if isinstance(expr, Const):  # as the layer holds it: `1` for `1.0`, 3 for (3, 3)
            return expr if all(same(expr.value, value) for value in values) else None
        if self.holds(expr, values, rows):
            shorter = undivided(expr)
            return shorter if shorter is not expr and self.holds(shorter, values, rows) else expr
        if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            self._count_with(expr)
            for counted in (expr, whole(expr), Function("int", (expr,))):
                if self.holds(counted, values, rows):
                    return counted
        return None

    def _count_with(self, expr: Expr) -> None:
        """Parameters that a count is made of hold integers, where their values are whole."""
        for name in free(expr) & self.parameters.keys():
            parameter = self.parameters[name]
            values = [*parameter.values, *([] if parameter.default is UNSET else [parameter.default])]
            if all(is_whole(value) for value in values):
                parameter.values = list(map(int, parameter.values))
                parameter.default = UNSET if parameter.default is UNSET else int(parameter.default)

    def _guess(self, values: Sequence[Any], rows: Sequence[Row]) -> Expr | None:
        """A known name, or a multiple or part of one, with these values."""
        names = [*rows[0].names, *self.parameters]
        for name in names:
            if self.holds(Name(name), values, rows):
                return Name(name)
        first = values[0]
        if not all(type(value) is int for value in values):
            return None
        for name in names:
            known = Values(self.parameters, rows[0])[name]
            if type(known) is not int or not known or not first:
                continue
            op, by = ("*", first // known) if first % known == 0 else ("//", known // first)
            expr = binary(op, *((Const(by), Name(name)) if op == "*" else (Name(name), Const(by))))
            if self.holds(expr, values, rows):
                return expr
        return None

    def require(
        self,
        values: Sequence[Any],
        rows: Sequence[Row],
        name: str,
        arguments: Sequence[Argument | None],
        *candidates: Callable[[], Expr],
        guess: bool = False,
    ) -> Expr:
        """An expression with these values; where there is none, the slot becomes the parameter `name`."""
        found = self.express(values, rows, *candidates, guess=guess)
        if found is not None:
            return found
        return self.foreign(values, rows, name, arguments)

    def foreign(
        self,
        values: Sequence[Any],
        rows: Sequence[Row],
        name: str,
        arguments: Sequence[Argument | None],
        origin: str = "foreign",
        default: Any = UNSET,
    ) -> Expr:
        """A parameter with these values; raises `Unrolled` where they differ between the turns of one use."""
        by_use: dict[int, Any] = {}
        given: dict[int, Argument | None] = {}
        for row, value, argument in zip(rows, values, arguments, strict=True):
            if by_use.setdefault(row.index, value) != value:
                raise Unrolled
            given.setdefault(row.index, argument)
        some = next(iter(by_use.values()))
        every = [plain(by_use.get(index, some)) for index in range(len(self.uses))]
        passed = [given.get(index) for index in range(len(self.uses))]
        return Name(self.add(Parameter(name, every, origin, None, passed, default)))

    def term_of(self, arguments: Sequence[Argument | None], rows: Sequence[Row], scope: Scope) -> Term:
        """What an argument says, where all rows have it from one place in the text of the class."""
        first = arguments[0]
        if first is None or first.expr is None:
            raise Unsettled
        for argument, row in zip(arguments, rows, strict=True):
            if argument is None or argument.expr is not first.expr or argument.frame is not row.use.frame:
                raise Unsettled
        return translate(first.expr, scope)


def is_whole(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)


def integer(term: Term) -> Expr:
    """A term where a number, or a size, is wanted."""
    if isinstance(term, WindowTerm):
        if term.stride is not None:
            raise Unsettled
        return term.kernel
    if isinstance(term, TensorTerm):
        raise Unsettled
    return term


__all__ = [
    "Around",
    "Row",
    "Settling",
    "Split",
    "Unrolled",
    "Values",
    "integer",
    "is_const",
    "same",
    "spread",
]
