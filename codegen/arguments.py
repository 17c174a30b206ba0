"""One built-in layer in all rows in; its arguments as expressions, and the channels that leave it, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from ..compiler.frames import Apply, Argument, Merge, Tensor
from ..compiler.graph import Node
from ..ops.base import Window
from ..ops.forms import Callee, Emit, Slot
from .expressions import Const, Expr, Unsettled, binary
from .plan import Given, Variable
from .rows import Around, Row, Split
from .settling import integer
from .terms import Term, WindowTerm, constant, identical, instantiate, is_plain, plain, short

if TYPE_CHECKING:
    from .layers import Layers


class LayerInRows:
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
        counts = slot.name.endswith(("_channels", "_features"))
        return self.settling.require(values, self.rows, name, arguments, *candidates, guess=counts)

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
                return self._sometimes(name, arguments)
        values = [argument.value for argument in arguments if argument is not None]
        if identical(values):
            return constant(values[0])
        if all(
            argument is not None and argument.frame is row.use.frame
            for argument, row in zip(arguments, self.rows, strict=True)
        ):
            raise Unsettled(name)
        return self._foreign(name, values, arguments)

    def _sometimes(self, name: str, arguments: Sequence[Argument | None]) -> Term:
        """What came with `...opts` in some uses; in the others the layer's own default holds."""
        absent = [argument is None for argument in arguments]
        values = [getattr(node.op, name, UNSET) for node in self.nodes]
        named = self.layers.parameter_name(self.rows, self.title, name, arguments)
        defaults = [value for value, without in zip(values, absent, strict=True) if without]
        passed = all(
            argument is None or row.use.frame.rest.get(named) is argument
            for row, argument in zip(self.rows, arguments, strict=True)
        )
        if not passed or not all(map(is_plain, values)) or not identical(defaults):
            raise Unsettled(name)
        found = [plain(value) for value in values]
        if identical(found):
            return Const(found[0])
        return self.settling.foreign(found, self.rows, named, arguments, default=plain(defaults[0]))

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
