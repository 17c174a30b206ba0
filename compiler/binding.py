"""The arguments of a call in, what each parameter is given out; every argument that does not fit is told."""

from __future__ import annotations

from collections import deque

from ..dsl import ast
from ..dsl.diagnostics import Note
from . import evaluate as evaluating
from .elaboration import Elaboration
from .faults import Fault, Silent, text_of
from .frames import Argument, Tensor
from .scope import Scope
from .suggestions import MOST_LISTED, join
from .unknown import refuse_parameter
from .values import Rest, describe

Arguments = dict[str, Argument]


class Binding:
    """What the arguments of a call give, bound anew: positions fill the parameters still open, names may
    bind again, `rest` (where the definition has one) takes what has no parameter. Of two with one name the
    later wins if one was spread. `written` are the arguments of this call by parameter."""

    def __init__(
        self,
        expr: ast.Call,
        scope: Scope,
        positions: list[str],
        rest: Arguments | None,
        bound: Arguments,
        owner: str,
    ) -> None:
        self.expr, self.scope, self.positions, self.owner = expr, scope, positions, owner
        self.result, self.further, self.takes_rest = dict(bound), dict(rest or {}), rest is not None
        self.known = frozenset(positions)
        self.open = deque(name for name in positions if name not in bound)
        self.written: dict[str, ast.Node] = {}
        self.too_many = False

    def bind(self, e: Elaboration) -> tuple[Arguments, Arguments]:
        """By parameter, and what goes to `rest`. Raises `Silent` where one is wrong, once all were told."""
        broken = False
        for given in self.expr.arguments:
            try:
                self.take(given, evaluating.evaluate(e, given.value, self.scope))
            except Fault as fault:
                broken = True
                e.complain(fault)
            except Silent:
                broken = True
        if broken:
            raise Silent
        return self.result, self.further

    def take(self, given: ast.Argument, value: object) -> None:
        if given.spread:
            self.spread(given, value)
            return
        argument = Argument(value, given.value, self.scope.frame)
        if given.name is None:
            self.give_next(argument, given)
            return
        if given.name in self.written:
            first = self.scope.item.place(self.written[given.name])
            raise Fault(
                "repeated-argument",
                f"`{given.name}` is given twice",
                self.scope.item.place(given),
                "again here",
                (Note(first, f"`{given.name}` is this already"),),
                help="leave one of them out",
            )
        self.give(given.name, argument, given)
        self.written[given.name] = given

    def spread(self, given: ast.Argument, value: object) -> None:
        if isinstance(value, Rest):
            for name, argument in value.entries.items():
                self.give(name, argument, given)
        elif isinstance(value, list):
            for entry in value:
                self.give_next(Argument(entry), given)
        else:
            raise self.scope.fault(
                given,
                "wrong-type",
                f"`...` spreads a list or a rest parameter, not {describe(value)}",
                help=f"write `{text_of(self.scope.item, given.value)}` without `...`",
            )

    def give(self, name: str, argument: Argument, node: ast.Node) -> None:
        if name in self.known:
            self.result[name] = argument
        elif self.takes_rest:
            self.further[name] = argument
        else:
            raise refuse_parameter(self.scope.item.place(node), self.owner, name, self.positions)

    def give_next(self, argument: Argument, node: ast.Node) -> None:
        """Fill the next parameter that is open; of several arguments too many the first is told."""
        while self.open:
            name = self.open.popleft()
            if name not in self.written:
                self.written[name] = node
                self.result[name] = argument
                return
        if self.too_many:
            raise Silent
        self.too_many = True
        count = len(self.positions)
        takes = f"{count} argument{'s'[: count != 1]}" if count else "no arguments"
        sent = send_first(self.scope.item, self.expr, node) if isinstance(argument.value, Tensor) else ""
        has = f"its parameter{' is' if count == 1 else 's are'} {join(self.positions, MOST_LISTED)}"
        raise self.scope.fault(
            node,
            "surplus-argument",
            f"{self.owner} takes {takes}",
            marked="one too many",
            help=sent or (has if count else f"write `{text_of(self.scope.item, self.expr.target)}`"),
        )


def send_first(item: ast.Item, call: ast.Call, given: ast.Node) -> str:
    """`conv(3x3, 8)(x)` and `fc(x, 10)`, as other libraries have it, with an arrow; nothing where the tensor
    `given` is not the first argument."""
    first, *others = call.arguments
    if given not in (first, first.value):
        return ""
    target, rest = text_of(item, call.target), ", ".join(text_of(item, other) for other in others)
    return f"write `{text_of(item, first)} -> {target}{f'({rest})' if rest else ''}`"
