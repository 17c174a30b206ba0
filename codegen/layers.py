"""Layers and calls of blocks, lined up over the uses of a class, in; constructor calls with expressions out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from ..compiler.frames import Apply, Argument, Call, Event, Merge, Tensor
from ..compiler.graph import Module, Node
from ..dsl import ast
from ..ops.base import Callee, Emit, Shape, Slot, Window
from .expressions import Const, Expr, Name, Unsettled, binary, free, substitute
from .plan import ClassPlan, Given, Make, Parameter, Step, Variable
from .settling import Around, Row, Settling, Split, integer, same
from .terms import (
    TensorTerm,
    Term,
    WindowTerm,
    constant,
    identical,
    instantiate,
    is_plain,
    plain,
    short,
    translate,
)
from .uses import Use

IDENTITY = Make("nn.Identity")
FLAT_LINEAR = "FlatLinear"
"""In a sequence a layer that flattens what enters does so itself: the flattening is no child."""
LIGHT = {"normalisation", "activation", "regularisation"}


class Layers:
    """What a class is made of. `plans` give the class of each use below, and which of its uses that is."""

    def __init__(self, settling: Settling, plans: Mapping[int, tuple[ClassPlan, int]]) -> None:
        self.settling, self.plans = settling, plans

    # --- tensors ---

    def variable(self, rows: Sequence[Row], shapes: list[Shape], *channels: Expr | None) -> Variable:
        """A tensor whose channels are the first of these expressions that holds."""
        candidates = [lambda found=found: found for found in channels if found is not None]
        return Variable(
            shapes, self.settling.express([shape.channels for shape in shapes], rows, *candidates)
        )

    def enter(self, rows: Sequence[Row], tensors: Sequence[Tensor], channels: Expr | None) -> Variable:
        variable = Variable([tensor.shape for tensor in tensors], channels)
        for row, tensor in zip(rows, tensors, strict=True):
            row.define(tensor, variable)
        return variable

    def find(self, rows: Sequence[Row], tensors: Sequence[Tensor]) -> Variable:
        """The variable that these tensors are in all rows."""
        known = [row.known(tensor) for row, tensor in zip(rows, tensors, strict=True)]
        for candidate in known[0]:
            if all(any(candidate is other for other in others) for others in known[1:]):
                return candidate
        raise Split(rows, [id(others[0]) if others else None for others in known])

    def module(self, row: Row, event: Event) -> Module | None:
        return row.use.net.module(event)

    # --- shared layers ---

    def shared(self, rows: Sequence[Row], column: Sequence[Any]) -> tuple[str, str | None] | None:
        """How the owner of a shared module is reached, and the parameter that brings it; None for the owner itself."""
        modules = [self.module(row, event) for row, event in zip(rows, column, strict=True)]
        owners = [module.shared if module is not None else None for module in modules]
        if all(owner is None for owner in owners):
            return None
        if any(owner is None for owner in owners):
            raise Split(rows, [owner is None for owner in owners])
        return self.reach(rows, [owner for owner in owners if owner is not None])

    def reach(self, rows: Sequence[Row], owners: list[str]) -> tuple[str, str | None]:
        """The module at these paths (one a row): an attribute of this class, or one of its parameters."""
        inner = []
        for row, owner in zip(rows, owners, strict=True):
            path = row.use.module.path
            inner.append(
                owner[len(path) + 1 :] if path and owner.startswith(f"{path}.") else "" if path else owner
            )
        if any(found != inner[0] for found in inner):
            raise Split(rows, inner)
        if inner[0]:
            return inner[0], None
        named = self.settling.foreign(
            owners, rows, owners[0].rpartition(".")[2], [None] * len(rows), "module"
        )
        assert isinstance(named, Name)
        return named.id, named.id

    def owned(self, rows: Sequence[Row], column: Sequence[Any], scope: Around) -> list[Step]:
        """`let f = share(...)` in whose body `f` is not used first: the layer is made here, and used elsewhere."""
        paths = [
            f"{row.use.module.path}.{event.name}".lstrip(".") for row, event in zip(rows, column, strict=True)
        ]
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
        return [Step((), (), column[0].name, make)]

    def make_of(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Make:
        """The constructor call of a layer that is used elsewhere."""
        nodes = [row.use.net.graph[event.nodes[0]] for row, event in zip(rows, column, strict=True)]
        emits = [row.use.net.emits[node.id] for row, node in zip(rows, nodes, strict=True)]
        alike(rows, emits, nodes)
        inputs = (self.variable(rows, [event.inputs[0].shape for event in column]),)
        describe = _Layer(self, rows, column, nodes, inputs, scope, nodes[0].op.name)
        callees = [emit.module for emit in emits if emit.module is not None]
        return Make(callees[0].path, describe.given([callee.slots for callee in callees], keep=False))

    def call_of(self, rows: Sequence[Row], column: list[Any], scope: Around) -> Make:
        """The constructor call of a block that is used elsewhere."""
        uses = [row.use.net.uses[id(event)] for row, event in zip(rows, column, strict=True)]
        inputs = tuple(
            self.variable(rows, [use.inputs[position].shape for use in uses])
            for position in range(len(uses[0].inputs))
        )
        plan, given, _ = self.arguments(rows, column, uses, inputs, scope)
        return Make(plan.name, self.written(plan, given))

    # --- built-in layers ---

    def layer(
        self,
        rows: Sequence[Row],
        column: list[Apply],
        scope: Around,
        as_module: bool = False,
        as_child: bool = False,
    ) -> Step:
        """One built-in layer: a module where it has weights, a label, arguments that vary, or stands in a sequence
        (`as_module`); else a function."""
        first = column[0]
        nodes = [row.use.net.graph[event.nodes[0]] for row, event in zip(rows, column, strict=True)]
        emits = [row.use.net.emits[node.id] for row, node in zip(rows, nodes, strict=True)]
        alike(rows, emits, nodes)
        emit = emits[0]
        inputs = tuple(
            self.find(rows, [event.inputs[slot] for event in column]) for slot in range(len(first.inputs))
        )
        modules = [self.module(row, event) for row, event in zip(rows, column, strict=True)]
        attribute = modules[0].attribute if modules[0] is not None else None
        owner = self.shared(rows, column)
        wanted = emit.module is not None and (
            as_module or as_child or bool(emit.weights) or first.label is not None or emit.function is None
        )
        if (
            wanted
            and not as_module
            and owner is None
            and any(module is None or module.attribute != attribute for module in modules)
        ):
            raise Split(rows, [module.attribute if module is not None else None for module in modules])
        describe = _Layer(self, rows, column, nodes, inputs, scope, self.title(first, attribute))
        overwrites = emit.inplace and all(
            node.id in row.use.net.inplace for row, node in zip(rows, nodes, strict=True)
        )
        callees = [each.module if wanted else each.function for each in emits]
        slots = [
            callee.slots if isinstance(callee, Callee) else each.slots
            for callee, each in zip(callees, emits, strict=True)
        ]
        given = describe.given(slots, keep=isinstance(callees[0], str))
        if (
            not wanted
            and emit.module is not None
            and any(free(entry.value) for entry in given if isinstance(entry.value, Expr))
        ):
            return self.layer(rows, column, scope, as_child=True)
        if overwrites:
            given = (*given, Given("inplace", Const(True)))
        step = Step(
            inputs,
            describe.leave(),
            flattens=emit.flattens,
            light=nodes[0].op.family in LIGHT or nodes[0].op.name == "flatten",
        )
        if wanted and owner is not None:
            step.reference, step.holder = owner
        elif wanted:
            callee = emit.module
            assert callee is not None
            step.attribute, step.make = attribute, Make(callee.path, given)
        else:
            step.function, step.given, step.training = emit.function, given, emit.training
        return step

    def title(self, event: Event, attribute: str | None) -> str:
        """What a parameter of this layer or block would be named after: a layer that was passed, or its label."""
        site = event.site
        if isinstance(site, ast.Call):
            site = site.target
        if (
            isinstance(site, ast.Name)
            and event.label is None
            and site.id in self.settling.uses[0].frame.arguments
        ):
            return site.id
        if attribute is None or attribute.isdigit():
            return event.op.name if isinstance(event, Apply) else "layer"
        return attribute

    # --- merges ---

    def join(
        self,
        rows: Sequence[Row],
        column: list[Merge],
        members: list[list[Tensor]],
        position: int,
        scope: Around,
        joined: list[Tensor] | None = None,
    ) -> list[Step]:
        """What joins the members of a group: nothing, where there is one."""
        chosen = [event.nodes[position] if len(event.nodes) > position else None for event in column]
        if any((node is None) != (chosen[0] is None) for node in chosen):
            raise Split(rows, [node is None for node in chosen])
        if chosen[0] is None:
            return []
        inputs = tuple(self.find(rows, tensors) for tensors in members)
        nodes = [row.use.net.graph[node] for row, node in zip(rows, chosen, strict=True) if node is not None]
        emits = [row.use.net.emits[node.id] for row, node in zip(rows, nodes, strict=True)]
        if joined is not None:  # `dense`: what was joined before, and the new member
            emits = [Emit(function=Callee("torch.cat", (Slot("dim", 1),), listed=True))] * len(rows)
        alike(rows, emits, nodes)
        outputs = joined or [event.outputs[0] for event in column]
        describe = _Layer(self, rows, column, nodes, inputs, scope, column[0].head, outputs)
        emit = emits[0]
        module = emit.module if emit.function is None else None
        slots = [
            (module or emit.function).slots if not isinstance(emit.function, str) else each.slots
            for each in emits
        ]  # type: ignore[union-attr]
        given = describe.given(slots, keep=isinstance(emit.function, str))
        step = Step(inputs, describe.leave())
        if module is not None:
            step.attribute, step.make = nodes[0].name.rpartition(".")[2], Make(module.path, given)
        else:
            step.function, step.given = emit.function, given
            step.overwrites = all(
                node.id in row.use.net.inplace for row, node in zip(rows, nodes, strict=True)
            )
        return [step]

    # --- blocks and containers with a class of their own ---

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
        """The class that these uses have, an argument for each of its parameters, and which of its uses they are."""
        found = [self.plans[id(use)] for use in uses]
        plan = found[0][0]
        if any(other is not plan for other, _ in found):
            raise Split(rows, [id(other) for other, _ in found])
        title = self.title(column[0], uses[0].module.attribute)
        callee = _Callee(self, rows, column, uses, inputs, scope)
        given: dict[str, Expr | str] = {}
        for parameter in plan.parameters:
            values = [parameter.values[index] for _, index in found]
            if parameter.origin == "module":
                path, holder = self.reach(rows, values)
                given[parameter.name] = Name(holder) if holder is not None else path
                continue
            arguments = [parameter.arguments[index] if parameter.arguments else None for _, index in found]
            named = self.parameter_name(rows, title, parameter.name, arguments)
            given[parameter.name] = self.settling.require(
                values, rows, named, arguments, lambda p=parameter, a=arguments: callee.argument(p, a)
            )
        return plan, given, found

    def written(self, plan: ClassPlan, given: Mapping[str, Expr | str]) -> tuple[Given, ...]:
        """The arguments as they are printed: those with defaults by name, and not where they have them."""
        return tuple(
            Given(p.name if p.default is not UNSET else None, given[p.name])
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
            expr = self.settling.express(values, rows)
            if expr is not None:
                names[parameter.name] = expr
        return names

    def parameter_name(
        self, rows: Sequence[Row], title: str, name: str, arguments: Sequence[Argument | None]
    ) -> str:
        """An argument that came with `...opts` keeps its name; others are named after what they are for."""
        for row, argument in zip(rows, arguments, strict=True):
            for key, entry in row.use.frame.rest.items():
                if entry is argument:
                    return key
        return f"{title}_{name}"


class _Layer:
    """One built-in layer in all rows: its arguments as terms, its slots as expressions."""

    def __init__(
        self,
        layers: Layers,
        rows: Sequence[Row],
        column: Sequence[Apply | Merge],
        nodes: Sequence[Node],
        inputs: tuple[Variable, ...],
        scope: Around,
        title: str,
        outputs: Sequence[Tensor] | None = None,
    ) -> None:
        self.layers, self.rows, self.column, self.nodes = layers, rows, column, nodes
        self.settling = layers.settling
        self.inputs, self.scope, self.title = inputs, scope, title
        self.outputs = outputs
        self.leaving: list[Expr] = []

    def given(self, slots: Sequence[tuple[Slot, ...]], keep: bool) -> tuple[Given, ...]:
        """The arguments to print. `keep`: those of an expression, which has a place for each."""
        found = []
        for position, slot in enumerate(slots[0]):
            every = [each[position] for each in slots]
            if not keep and slot.keyword and all(each.omitted for each in every):
                continue
            expr = self.slot(every)
            found.append(Given(slot.name if slot.keyword or keep else None, expr))
            if slot.name.startswith("out_"):
                self.leaving.append(expr)
        return tuple(found)

    def slot(self, slots: Sequence[Slot]) -> Expr:
        slot = slots[0]
        values = [each.value for each in slots]
        arguments = [event.arguments.get(slot.formula) for event in self.column]
        candidates: list[Callable[[], Expr]] = []
        if slot.formula and all(each.formula == slot.formula for each in slots):
            candidates.append(lambda: instantiate(slot.formula, self.look_up))
            if slot.each:
                candidates.append(lambda: instantiate(slot.each, self.look_up))
        name = self.layers.parameter_name(self.rows, self.title, slot.name, arguments)
        return self.settling.require(values, self.rows, name, arguments, *candidates)

    def look_up(self, name: str) -> Expr:
        """A name of a formula: a parameter of the layer, a part of its window, or what enters it."""
        match name:
            case "in_channels":
                channels = self.inputs[0].channels
                if channels is None:
                    raise Unsettled
                return channels
            case "in_features":
                return self._features()
            case "kernel":
                return self._kernel()
            case "stride":
                return self._stride()
        try:
            return integer(self._argument(name))
        except KeyError:
            return self._fixed(name)

    def _features(self) -> Expr:
        """Channels times places, which are of one number in all rows."""
        channels = self.inputs[0].channels
        places = {shape.elements // shape.channels for shape in self.inputs[0].shapes}
        if channels is None or len(places) != 1:
            raise Unsettled
        return binary("*", Const(places.pop()), channels)

    def _kernel(self) -> Expr:
        try:
            term = self._argument("window")
        except KeyError:
            return self._fixed("kernel")
        return term.kernel if isinstance(term, WindowTerm) else integer(term)

    def _stride(self) -> Expr:
        try:
            term = self._argument("window")
            if isinstance(term, WindowTerm) and term.stride is not None:
                return term.stride
        except (KeyError, Unsettled):
            pass
        try:
            return integer(self._argument("stride"))
        except KeyError:
            pass
        values = [getattr(node.op, "stride", None) for node in self.nodes]
        if None not in values and all(value == values[0] for value in values):
            return Const(values[0])
        return self._kernel()

    def _fixed(self, name: str) -> Expr:
        """A parameter that the text does not give: the layer's own default."""
        values = [getattr(node.op, name, UNSET) for node in self.nodes]
        if any(not is_plain(value) for value in values) or not identical(values):
            raise Unsettled(name)
        return Const(plain(values[0]))

    def _argument(self, name: str) -> Term:
        """What the text gives; raises `KeyError` where it gives nothing in any row."""
        arguments = [event.arguments.get(name) for event in self.column]
        if all(argument is None for argument in arguments):
            raise KeyError(name)
        try:
            return self.settling.term_of(arguments, self.rows, self.scope)
        except Unsettled:
            if any(argument is None for argument in arguments):
                raise
        values = [argument.value for argument in arguments if argument is not None]
        if identical(values):
            return constant(values[0])
        if all(
            argument is not None and argument.frame is row.use.frame
            for argument, row in zip(arguments, self.rows, strict=True)
        ):
            raise Unsettled(name)
        return self._foreign(name, values, arguments)

    def _foreign(self, name: str, values: list[Any], arguments: Sequence[Argument | None]) -> Term:
        """An argument that was written elsewhere and passed here: a parameter, or two for a window."""
        named = self.layers.parameter_name(self.rows, self.title, name, arguments)
        if all(is_plain(value) for value in values):
            return self.settling.foreign([plain(value) for value in values], self.rows, named, arguments)
        if not all(isinstance(value, Window) for value in values):
            raise Unsettled(name)
        kernel = self._part([short(value.size) for value in values], f"{self.title}_kernel", arguments)
        strides = [value.stride for value in values]
        if all(stride is None for stride in strides):
            return WindowTerm(kernel, None)
        if any(stride is None for stride in strides):
            raise Unsettled(name)
        return WindowTerm(kernel, self._part([short(s) for s in strides], f"{self.title}_stride", arguments))

    def _part(self, values: list[Any], name: str, arguments: Sequence[Argument | None]) -> Expr:
        if all(value == values[0] for value in values):
            return Const(values[0])
        return self.settling.foreign(values, self.rows, name, [None] * len(values))

    def leave(self) -> tuple[Variable, ...]:
        """Variables for what leaves: as many channels as an argument says, as enter, or as enter together."""
        outputs = []
        first = self.column[0]
        for position in range(1 if self.outputs else len(first.outputs)):
            tensors = self.outputs or [event.outputs[position] for event in self.column]
            shapes = [tensor.shape for tensor in tensors]
            variable = self.layers.variable(
                self.rows, shapes, *self.leaving, self.inputs[0].channels, *self._counts()
            )
            for row, tensor in zip(self.rows, tensors, strict=True):
                row.define(tensor, variable)
            outputs.append(variable)
        return tuple(outputs)

    def _counts(self) -> list[Expr]:
        """What a layer's output may count, beside what is printed."""
        found: list[Expr] = []
        together: Expr | None = Const(0)
        for entering in self.inputs:
            together = (
                None
                if together is None or entering.channels is None
                else binary("+", together, entering.channels)
            )
        if together is not None and len(self.inputs) > 1:
            found.append(together)
        for formula in ("out", "b - a", "dim", "in_channels // n", "in_channels * mult", "in_channels // k"):
            try:
                found.append(instantiate(formula, self.look_up))
            except Unsettled:
                continue
        return found


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
                channels = self.inputs[parameter.source].channels
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
        """A name that the class reads from around it: a container's is in scope here, a block's is its argument."""
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


def alike(rows: Sequence[Row], emits: Sequence[Emit], nodes: Sequence[Node]) -> None:
    """Whether one line of Python can do for all rows."""
    keys = [
        (
            node.op.name,
            emit.module.path if emit.module is not None else None,
            emit.function.path if isinstance(emit.function, Callee) else emit.function,
            tuple(slot.name for slot in emit.module.slots) if emit.module is not None else None,
            tuple(slot.name for slot in emit.slots),
            emit.flattens,
        )
        for emit, node in zip(emits, nodes, strict=True)
    ]
    if any(key != keys[0] for key in keys):
        raise Split(rows, keys)


def is_literal(expr: Expr | str, value: object) -> bool:
    return isinstance(expr, Const) and same(expr.value, value) and type(expr.value) is type(value)
