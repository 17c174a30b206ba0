"""Layers and merges, lined up over the uses of a class, in; steps with expressions for arguments out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..compiler.frames import Apply, Argument, Event, Merge, Tensor
from ..compiler.graph import Module
from ..dsl import ast
from ..ops.base import Shape
from ..ops.forms import Callee, Emit, Slot
from .arguments import LayerInRows, alike
from .expressions import Const, Expr, Name
from .plan import ClassPlan, Given, Make, Step, Variable
from .readings import free
from .rows import Around, Row, Split
from .settling import Settling
from .terms import TensorTerm

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
            shapes, self.settling.express([shape.channels for shape in shapes], rows, *candidates, guess=True)
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

    def tensor(self, rows: Sequence[Row], tensors: Sequence[Tensor]) -> TensorTerm:
        """What the text may say of these tensors; nothing where they do not enter the class."""
        known = all(row.known(tensor) for row, tensor in zip(rows, tensors, strict=True))
        return TensorTerm(self.find(rows, tensors).channels if known else None)

    # --- modules ---

    def module(self, row: Row, event: Event) -> Module | None:
        return row.use.net.module(event)

    def shared(
        self, rows: Sequence[Row], column: Sequence[Any], kind: str = "module"
    ) -> tuple[str, str | None] | None:
        """How the owner of a shared module is reached, and the parameter that brings it; None for the owner
        itself."""
        modules = [self.module(row, event) for row, event in zip(rows, column, strict=True)]
        owners = [module.shared if module is not None else None for module in modules]
        if all(owner is None for owner in owners):
            return None
        if any(owner is None for owner in owners):
            raise Split(rows, [owner is None for owner in owners])
        return self.reach(rows, [owner for owner in owners if owner is not None], kind)

    def reach(self, rows: Sequence[Row], owners: list[str], kind: str) -> tuple[str, str | None]:
        """The module or tensor at these paths (one a row): an attribute of this class, or one of its
        parameters."""
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
        receiving = {row.index for row in rows}
        if len(receiving) < len(self.settling.rows):  # a use without it has nothing to receive
            raise Split(self.settling.rows, [row.index in receiving for row in self.settling.rows])
        named = self.settling.foreign(owners, rows, owners[0].rpartition(".")[2], [None] * len(rows), kind)
        assert isinstance(named, Name)
        return named.id, named.id

    def title(self, event: Event, attribute: str | None) -> str:
        """What a parameter of this layer or block would be named after: a layer that was passed, or its
        label."""
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

    def parameter_name(
        self, rows: Sequence[Row], title: str, name: str, arguments: Sequence[Argument | None]
    ) -> str:
        """An argument that came with `...opts` keeps its name; others are named after what they are for."""
        for row, argument in zip(rows, arguments, strict=True):
            for key, entry in row.use.frame.rest.items():
                if entry is argument:
                    return key
        return f"{title}_{name}"

    # --- layers and merges ---

    def layer(
        self,
        rows: Sequence[Row],
        column: list[Apply],
        scope: Around,
        as_module: bool = False,
        as_child: bool = False,
    ) -> Step:
        """One built-in layer: a module where it has weights, a label, arguments that vary, or stands in a
        sequence (`as_module`); else a function."""
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
        owner = self.shared(rows, column, kind_of(emit))
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
        describe = LayerInRows(self, rows, column, nodes, inputs, scope, self.title(first, attribute))
        overwrites = emit.inplace and all(
            node.id in row.use.net.overwriting for row, node in zip(rows, nodes, strict=True)
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
            and not isinstance(emit.function, str)
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
        if wanted:
            step.call, step.tensor = emit.call, kind_of(emit) == "tensor"
        if wanted and owner is not None:
            step.reference, step.holder = owner
        elif wanted:
            callee = emit.module
            assert callee is not None
            step.attribute, step.make = attribute, Make(callee.path, given, callee.within)
        else:
            step.function, step.given, step.training = emit.function, given, emit.training
        return step

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
            axis = Slot("dim", joined[0].shape.axis)
            emits = [Emit(function=Callee("torch.cat", (axis,), listed=True))] * len(rows)
        alike(rows, emits, nodes)
        outputs = joined or [event.outputs[0] for event in column]
        describe = LayerInRows(self, rows, column, nodes, inputs, scope, column[0].head, outputs)
        emit = emits[0]
        module = emit.module if emit.function is None else None
        callees = [each.function or each.module for each in emits]
        slots = [
            callee.slots if isinstance(callee, Callee) else each.slots
            for callee, each in zip(callees, emits, strict=True)
        ]
        given = describe.given(slots, keep=isinstance(emit.function, str))
        step = Step(inputs, describe.leave())
        if module is not None:
            step.attribute, step.make = nodes[0].name.rpartition(".")[2], Make(module.path, given)
        else:
            step.function, step.given = emit.function, given
            step.overwrites = all(
                node.id in row.use.net.overwriting for row, node in zip(rows, nodes, strict=True)
            )
        return [step]


def kind_of(emit: Emit) -> str:
    """What a layer with weights is an attribute of its class as: a `module`, or a learned `tensor`."""
    return "tensor" if emit.module is not None and emit.module.within else "module"
