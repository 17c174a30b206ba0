"""Uses of blocks and containers, lined up, in; constructor calls of their classes out. Shared ones too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import UNSET

from ..compiler.frames import Argument, Call, Event
from .arguments import LayerInRows, alike
from .expressions import Const, Expr, Name, Unsettled
from .layers import Layers
from .plan import ClassPlan, Given, Make, Parameter, Step, Variable
from .readings import substitute
from .rows import Around, Row, Split, same
from .settling import integer
from .terms import TensorTerm, Term, WindowTerm, translate
from .uses import Use

IDENTITY = Make("nn.Identity")


FLAT_LINEAR = "FlatLinear"
"""In a sequence a layer that flattens what enters does so itself: the flattening is no child."""


class Calls(Layers):
    """What a class is made of: the parts that have classes of their own."""

    def call(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Step:
        """A use of a class: its arguments over the names of this one."""
        uses = [row.use.net.uses[id(event)] for row, event in zip(rows, column, strict=True)]
        attribute = uses[0].module.attribute
        inputs = tuple(
            self.find(
                rows,
                [
                    use.inputs[i] if use.kind != "block" else event.inputs[i]
                    for use, event in zip(uses, column, strict=True)
                ],
            )
            for i in range(len(uses[0].inputs))
        )
        owner = self.shared(rows, column)
        plan, given, found = self.arguments(rows, column, uses, inputs, scope)
        if len(inputs) > 1 and plan.kind == "block":
            for variable, name in zip(inputs, plan.input_names, strict=True):
                variable.hint = variable.hint or name  # as what takes it calls it
        outputs = []
        for position, leaving in enumerate(plan.outputs):
            tensors = [
                use.outputs[position] if use.kind != "block" else event.outputs[position]
                for use, event in zip(uses, column, strict=True)
            ]
            channels = None
            if leaving.channels is not None:
                try:
                    channels = substitute(leaving.channels, {**self.spare(plan, found, rows, given)})
                except Unsettled:
                    channels = None
            if plan.is_empty:
                variable = inputs[0]
            else:
                variable = self.variable(rows, [tensor.shape for tensor in tensors], channels)
            for row, tensor in zip(rows, tensors, strict=True):
                row.define(tensor, variable)
            outputs.append(variable)
        if plan.is_empty:
            return Step(inputs, inputs)
        if owner is not None:
            return Step(inputs, tuple(outputs), reference=owner[0], holder=owner[1])
        step = Step(inputs, tuple(outputs), attribute, Make(plan.name, self.written(plan, given)))
        if any(use.module.attribute != attribute for use in uses):
            step.attribute = None  # a child of a list: its number names it
        return step

    def arguments(
        self,
        rows: Sequence[Row],
        column: list[Any],
        uses: Sequence[Use],
        inputs: tuple[Variable, ...],
        scope: Around,
    ) -> tuple[ClassPlan, dict[str, Expr | str], list[tuple[ClassPlan, int]]]:
        """The class that these uses have, an argument for each of its parameters, and which of its uses they
        are."""
        found = [self.plans[id(use)] for use in uses]
        plan = found[0][0]
        if any(other is not plan for other, _ in found):
            raise Split(rows, [id(other) for other, _ in found])
        title = self.title(column[0], uses[0].module.attribute)
        callee = _Callee(self, rows, column, uses, inputs, scope)
        given: dict[str, Expr | str] = {}
        for parameter in plan.parameters:
            values = [parameter.values[index] for _, index in found]
            if parameter.origin in ("module", "tensor"):
                path, holder = self.reach(rows, values, parameter.origin)
                given[parameter.name] = Name(holder) if holder is not None else path
                continue
            arguments = [behind(parameter, use, index) for use, (_, index) in zip(uses, found, strict=True)]
            named = self.parameter_name(rows, title, parameter.name, arguments)
            written = partial(callee.argument, parameter, arguments)
            expr = self.settling.express(values, rows, written, guess=parameter.origin == "channels")
            if expr is None:
                default = (
                    parameter.default
                    if parameter.origin == "foreign" and parameter.default in values
                    else UNSET
                )
                expr = self.settling.foreign(values, rows, named, arguments, default=default)
            given[parameter.name] = expr
        return plan, given, found

    def written(self, plan: ClassPlan, given: Mapping[str, Expr | str]) -> tuple[Given, ...]:
        """The arguments as they are printed: those with defaults by name, and not where they have them."""
        return tuple(
            Given(p.name if p.default is not UNSET else None, given[p.name], p.origin == "tensor")
            for p in plan.parameters
            if p.default is UNSET or not is_literal(given[p.name], p.default)
        )

    def spare(
        self, plan: ClassPlan, found: Sequence[Any], rows: Sequence[Row], given: Mapping[str, Expr | str]
    ) -> dict[str, Expr]:
        """The arguments, and where they can be had those of parameters that no text of the class prints."""
        names = {name: expr for name, expr in given.items() if not isinstance(expr, str)}
        for parameter in plan.unprinted:
            values = [parameter.values[index] for _, index in found]
            expr = self.settling.express(values, rows, guess=True)
            if expr is not None:
                names[parameter.name] = expr
        return names

    # --- shared ones, made where their `let` stands ---

    def owned(self, rows: Sequence[Row], column: Sequence[Any], scope: Around) -> list[Step]:
        """`let f = share(...)` in whose body `f` is not used first: the layer is made here, and used
        elsewhere."""
        named = [event.shared is not None for event in column]
        if len(set(named)) > 1:
            raise Split(rows, named)
        if not named[0]:
            return []
        paths = [row.use.net.home(event.shared) for row, event in zip(rows, column, strict=True)]
        users = [row.use.net.users(path) for row, path in zip(rows, paths, strict=True)]
        absent = [
            path not in row.use.net.by_path and bool(found)
            for row, path, found in zip(rows, paths, users, strict=True)
        ]
        if len(set(absent)) > 1:
            raise Split(rows, absent)
        if not absent[0]:
            return []
        first = [found[0] for found in users]
        if len({type(event) for event in first}) > 1:
            raise Split(rows, [type(event) for event in first])
        make = (
            self.call_of(rows, first, scope)
            if isinstance(first[0], Call)
            else self.make_of(rows, first, scope)
        )
        attributes = [path.rpartition(".")[2] for path in paths]
        if len(set(attributes)) > 1:
            raise Split(rows, attributes)
        return [Step((), (), attributes[0], make)]

    def make_of(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Make:
        """The constructor call of a layer that is used elsewhere."""
        nodes = [row.use.net.graph[event.nodes[0]] for row, event in zip(rows, column, strict=True)]
        emits = [row.use.net.emits[node.id] for row, node in zip(rows, nodes, strict=True)]
        alike(rows, emits, nodes)
        inputs = (self.variable(rows, [event.inputs[0].shape for event in column]),)
        describe = LayerInRows(self, rows, column, nodes, inputs, scope, nodes[0].op.name)
        callees = [emit.module for emit in emits if emit.module is not None]
        given = describe.given([callee.slots for callee in callees], keep=False)
        return Make(callees[0].path, given, callees[0].within)

    def call_of(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Make:
        """The constructor call of a block that is used elsewhere."""
        uses = [row.use.net.uses[id(event)] for row, event in zip(rows, column, strict=True)]
        inputs = tuple(
            self.variable(rows, [use.inputs[position].shape for use in uses])
            for position in range(len(uses[0].inputs))
        )
        plan, given, _ = self.arguments(rows, column, uses, inputs, scope)
        return Make(plan.name, self.written(plan, given))


class _Callee:
    """One call of a class in all rows: what its parameters are here."""

    def __init__(
        self,
        layers: Layers,
        rows: Sequence[Row],
        column: Sequence[Event],
        uses: Sequence[Use],
        inputs: tuple[Variable, ...],
        scope: Around,
    ) -> None:
        self.layers, self.rows, self.column, self.uses = layers, rows, column, uses
        self.settling, self.inputs, self.scope = layers.settling, inputs, scope

    def argument(self, parameter: Parameter, arguments: Sequence[Argument | None]) -> Expr:
        """What a parameter of the class is over the names here; raises `Unsettled`."""
        match parameter.origin:
            case "channels":
                channels: Expr | None = self.inputs[parameter.source].channels
                if channels is None:
                    raise Unsettled
                return channels
            case "foreign":
                return integer(self.settling.term_of(arguments, self.rows, self.scope))
        term = self._named(parameter.source)
        if parameter.origin == "name":
            return integer(term)
        if parameter.origin == "kernel":
            return term.kernel if isinstance(term, WindowTerm) else integer(term)
        if isinstance(term, WindowTerm) and term.stride is not None:
            return term.stride
        return Const(1)

    def _named(self, name: str) -> Term:
        """A name that the class reads from around it: a container's is in scope here, a block's is its
        argument."""
        if self.uses[0].kind != "block":
            return self.scope[name]
        arguments = [use.names[name] for use in self.uses]
        try:
            return self.settling.term_of(arguments, self.rows, self.scope)
        except Unsettled:
            if any(
                argument.frame is not use.frame for argument, use in zip(arguments, self.uses, strict=True)
            ):
                raise
        default = next(p.default for p in self.uses[0].frame.definition.parameters if p.name == name)
        assert default is not None
        return translate(default, _Defaults(self))


class _Defaults(dict[str, Term]):
    """The names that a default may read, as they are at the call."""

    def __init__(self, callee: _Callee) -> None:
        super().__init__()
        self.callee = callee
        definition = callee.uses[0].frame.definition
        takes = getattr(definition, "takes", None) or ()
        for name, variable in zip(takes, callee.inputs, strict=False):
            self[name.id] = TensorTerm(variable.channels)
        if len(callee.inputs) == 1:
            self["in"] = TensorTerm(callee.inputs[0].channels)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.callee.uses[0].names

    def __missing__(self, name: str) -> Term:
        if name not in self.callee.uses[0].names:
            raise Unsettled(name)
        return self.callee._named(name)


def behind(parameter: Parameter, use: Use, index: int) -> Argument | None:
    """The argument that a parameter of a class has in a use of it, wherever that is written: a layer that is
    passed on has some of its arguments from further out."""
    if parameter.arguments:
        return parameter.arguments[index]
    return use.names.get(str(parameter.source)) if parameter.origin == "name" else None


def is_literal(expr: Expr | str, value: object) -> bool:
    return isinstance(expr, Const) and same(expr.value, value) and type(expr.value) is type(value)
