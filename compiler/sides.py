"""A side of a claim in, its value out: arithmetic over figures of the net, its parts, and other nets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..dsl import ast
from .evaluate import evaluate_alone
from .facts import Facts
from .faults import Fault, text_of
from .functions import SHOWN, Refusal, call, whole
from .metrics import METRICS, Subject, Unaskable, count
from .operators import operate
from .program import FileScope
from .suggestions import suggest
from .values import Value

FactsOf = Callable[[ast.Expr, Mapping[str, Value]], Facts | None]
"""The facts of a net by the expression that names it, which may use these names too; None where it names
none."""


class Side(Struct, frozen=True):
    """A side's value; `computed`: it says something of a net, and is no constant."""

    value: Value
    computed: bool


class Asking:
    """The names that a claim may use: metrics, labels and nets, and the constants of its file."""

    def __init__(self, item: ast.Item, scope: FileScope, net: Facts, facts_of: FactsOf) -> None:
        self.item, self.scope, self.facts_of = item, scope, facts_of
        self.net = Subject(net)
        self.names: dict[str, Value] = {}
        """Of the comprehensions around what is evaluated."""

    def ask(self, expr: ast.Expr, row: ast.Expr | None) -> Side:
        """The value of one side; `row` is the part that a bare metric means. Raises `Fault`."""
        subject = self.net if row is None else self.narrow(self.net, row)
        return self.evaluate(expr, subject)

    def evaluate(self, expr: ast.Expr, subject: Subject) -> Side:
        match expr:
            case ast.Name(id=name) if name in METRICS or name == "count":
                return self.measure(expr, name, (), subject)
            case ast.Name(id="all"):
                return Side("all", False)
            case ast.Call(target=ast.Name(id=name), arguments=arguments) if (
                name in METRICS or name == "count"
            ):
                return self.measure(expr, name, arguments, subject)
            case ast.Call(target=ast.Name(id=name), arguments=arguments) if name in SHOWN:
                self.refuse_names(name, arguments)
                sides = [self.evaluate(argument.value, subject) for argument in arguments]
                return self.combine(expr, sides, lambda *values: call(name, values, self.scope.limits))
            case ast.Binary(operator=operator) if operator not in ("and", "or"):
                sides = [self.evaluate(expr.left, subject), self.evaluate(expr.right, subject)]
                return self.combine(
                    expr, sides, lambda left, right: operate(operator, left, right, self.scope.limits)
                )
            case ast.Unary(operator="-", operand=operand):
                sides = [self.evaluate(operand, subject)]
                return self.combine(expr, sides, lambda value: operate("-", 0, value, self.scope.limits))
            case ast.List(items=items) | ast.Tuple(items=items):
                return self.combine(
                    expr, [self.evaluate(item, subject) for item in items], lambda *values: [*values]
                )
            case ast.Comprehension():
                return self.combine(expr, self.unroll(expr, subject), lambda *values: [*values])
            case ast.Name() | ast.Call(target=ast.Name()) | ast.Index() | ast.Attribute():
                self.refuse_unknown(expr, subject)
        return Side(self.constant(expr), False)

    def refuse_unknown(self, expr: ast.Expr, subject: Subject) -> None:
        """Raise `Fault` where an expression begins with a word that is neither a figure nor a constant."""
        word = expr
        while isinstance(word, (ast.Call, ast.Index, ast.Attribute)):
            word = word.target
        if not isinstance(word, ast.Name) or word.id in self.names or self.scope.knows(word.id):
            return
        text = text_of(self.item, expr)
        if subject.facts.parts.find(expr, self.indices) is not None:
            raise self.fault(
                expr, f"`{text}` is a part of the net, and no figure", f"write `params({text})`, say"
            )
        known = [*METRICS, "count", "all", *self.names, *self.scope.known()]
        help = suggest(word.id, known) or f"figures are {', '.join(METRICS)} and count"
        raise self.fault(word, f"there is no figure `{word.id}`", help, "unknown-name")

    def unroll(self, expr: ast.Comprehension, subject: Subject) -> list[Side]:
        """The entries of `[macs(unit[i]) for i in range(1, 14)]`: the names are constants in each turn."""
        named = (*ast.names_of(expr.targets),)
        turns = self.constant(replace(expr, item=ast.List(expr.start, expr.end, named)))
        assert isinstance(turns, list)
        outer, sides = self.names, []
        names = [name.id for name in named]
        try:
            for values in turns:
                self.names = {**outer, **dict(zip(names, values, strict=True))}
                sides.append(self.evaluate(expr.item, subject))
        finally:
            self.names = outer
        return sides

    def constant(self, expr: ast.Expr) -> Value:
        return evaluate_alone(self.scope, self.item, expr, self.names)

    def combine(self, expr: ast.Expr, sides: Sequence[Side], function: Callable[..., Value]) -> Side:
        try:
            value = function(*(side.value for side in sides))
        except Refusal as refusal:
            raise self.fault(expr, str(refusal), refusal.help, refusal.code) from None
        return Side(value, any(side.computed for side in sides))

    def refuse_names(self, name: str, arguments: tuple[ast.Argument, ...]) -> None:
        """Raise `Fault` for what is not given by its place."""
        for argument in arguments:
            if argument.name is not None or argument.spread:
                help = f"write `{SHOWN[name]}`" if name in SHOWN else "write labels and nets"
                raise self.fault(argument, f"`{name}` takes what it is given by its place", help)

    # --- figures of a net ---

    def measure(
        self, expr: ast.Expr, name: str, arguments: tuple[ast.Argument, ...], subject: Subject
    ) -> Side:
        """`params`, `params(layer[1])`, `params(train)`, `params(resnet18)`, `count(conv, layer[1])`."""
        self.refuse_names(name, arguments)
        places = [argument.value for argument in arguments]
        word = self.take_word(expr, places) if name == "count" else ""
        for place in places:
            subject = self.narrow(subject, place)
        try:
            value: Value = count(subject, word) if name == "count" else METRICS[name](subject)
        except Unaskable as unaskable:
            raise self.fault(expr, unaskable.message, unaskable.help) from None
        return Side(value, True)

    def take_word(self, expr: ast.Expr, places: list[ast.Expr]) -> str:
        """The layer or block that `count` counts."""
        if places and isinstance(places[0], ast.Name):
            word = places.pop(0)
            assert isinstance(word, ast.Name)
            if self.scope.find(word.id)[0]:
                return word.id
            raise self.fault(
                word,
                f"there is no layer or block `{word.id}`",
                suggest(word.id, self.scope.known()),
                "unknown-name",
            )
        raise self.fault(expr, "`count` counts a layer or a block", "write `count(conv)`")

    def narrow(self, subject: Subject, place: ast.Expr) -> Subject:
        """The subject that an argument means: `train`, a part of the net, or another net."""
        match place:
            case ast.Name(id="train"):
                return Subject(subject.net, True, subject.part)
            case ast.Name(id="forward"):
                return Subject(subject.net, False, subject.part)
        for training in (
            subject.training,
            True,
        ):  # what only auxiliary heads need is a part of the training net
            facts = Subject(subject.net, training).facts
            part = facts.parts.find(place, self.indices)
            if part is not None:
                return Subject(subject.net, training, part)
        other = self.facts_of(place, self.names) if self.names_more(place) else None
        if other is not None:
            return Subject(other)
        parts = subject.net.parts
        paths = parts.paths(place, self.indices)
        if not paths:
            raise self.fault(place, "a label is wanted here", "name a part of the net: `params(layer[1])`")
        raise self.fault(
            place,
            f"`{text_of(self.item, place)}` names no part of the net `{parts.graph.name}`",
            parts.list_children(place, self.indices)
            or suggest(paths[0], parts.known())
            or parts.list_labels(),
            "unknown-label",
        )

    def names_more(self, place: ast.Expr) -> bool:
        """Whether the place is a name of the file, or a call of one, and so perhaps a net."""
        while isinstance(place, ast.Call):
            place = place.target
        return isinstance(place, ast.Name) and self.scope.find(place.id)[0]

    def indices(self, items: tuple[ast.Expr, ...]) -> tuple[int | str, ...]:
        keys: list[int | str] = []
        for item in items:
            value = self.constant(item)
            try:
                keys.append(value if isinstance(value, str) else whole(value, "a label's index"))
            except Refusal as refusal:
                raise self.fault(item, str(refusal), refusal.help, refusal.code) from None
        return tuple(keys)

    def fault(self, node: ast.Node, message: str, help: str = "", code: str = "bad-claim") -> Fault:
        return Fault(code, message, self.item.place(node), help=help)
