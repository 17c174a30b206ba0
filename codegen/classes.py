"""Graphs of one net in (as it is, and with other values of its open parameters), the plans of its classes
out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from ..compiler.program import FUNCTIONS, MERGES
from ..dsl import ast
from .expressions import Expr, Name
from .naming import class_name
from .order import in_order
from .plan import (
    Chain,
    ClassPlan,
    Element,
    Entry,
    Event,
    Family,
    Fork,
    Given,
    Made,
    Option,
    Parameter,
    Repeat,
    Running,
    Step,
)
from .readings import free
from .recovery import Recovery
from .rows import Split
from .terms import short
from .uses import Net, Use

WORDS = frozenset((*FUNCTIONS, *MERGES))
"""What is called with values, and makes no layer of them."""
FOREIGN = {"nn", "F", "Tensor", "torch", "NamedTuple", "OrderedDict", "Optional"}


class Fixed(Exception):
    """The parameters that were to stay open decide more than their own places."""


def recover(nets: Sequence[Net], taken: set[str]) -> list[ClassPlan]:
    """Plans of classes, callees first, the net's own last. Raises `Fixed` where the nets differ in
    structure."""
    plans: list[ClassPlan] = []
    found: dict[int, tuple[ClassPlan, int]] = {}
    names = {*taken, *FOREIGN, class_name(nets[0].graph.name, set(), "Net")}
    for group in in_order([net.root for net in nets]):
        queue = [group]
        while queue:
            uses = queue.pop(0)
            if uses[0].kind == "net":
                name = class_name(title(uses[0]), {*taken, *FOREIGN}, "Net")
            else:
                name = class_name(title(uses[0]), names)
            try:
                plan = Recovery(uses, found, name, set()).recover()
            except Split as split:
                if uses[0].kind == "net":
                    raise Fixed from None
                queue[:0] = parts(uses, split)
                continue
            prune(plan)
            names.add(name)
            found.update((id(use), (plan, index)) for index, use in enumerate(uses))
            plans.append(plan)
    net = plans[-1]
    if len(nets) > 1 and any(parameter.origin != "name" for parameter in net.parameters):
        raise Fixed
    for parameter in net.parameters:
        parameter.default = parameter.values[0]
    return plans


def parts(uses: Sequence[Use], split: Split) -> list[list[Use]]:
    """The uses by key, in the order of the text."""
    keys = {row.index: split.keys[id(row)] for row in split.rows}
    some = next(iter(keys.values()))
    found: dict[object, list[Use]] = {}
    for index, use in enumerate(uses):
        found.setdefault(keys.get(index, some), []).append(use)
    if len(found) == 1:
        raise AssertionError("a split that splits nothing")
    return list(found.values())


def title(use: Use) -> str:
    """What a class is named after: the net, the block, or the label of the container."""
    if use.kind == "net":
        return use.net.graph.name
    if use.kind == "block":
        return use.frame.name
    event = use.module.event
    if event is not None and event.label is not None:
        return event.label.name
    head = getattr(event, "head", None) or "branch"
    path = use.module.path
    while "." in path:
        path = path.rpartition(".")[0]
        module = use.net.by_path[path]
        if module.event is not None and module.event.label is not None:
            return f"{module.event.label.name}_{head}"
        if module.frame is not None:
            return f"{module.frame.name}_{head}"
    return str(head)


def prune(plan: ClassPlan) -> None:
    """Keep the parameters that some text of the class prints: input channels, required ones, then defaulted
    ones."""
    written = printed(plan)
    read = {name for expr in written for name in free(expr)}
    for parameter in plan.parameters:
        if parameter.origin == "kernel" and all(
            expr == Name(parameter.name) or parameter.name not in free(expr) for expr in written
        ):
            parameter.values = list(map(square, parameter.values))
            parameter.default = square(parameter.default)
    used = [parameter for parameter in plan.parameters if parameter.name in read]
    plan.unprinted = [parameter for parameter in plan.parameters if parameter.name not in read]
    order = {p.name: i for i, p in enumerate(getattr(plan.uses[0].frame.definition, "parameters", ()))}

    def rank(parameter: Parameter) -> tuple[int, int]:
        if parameter.default is not UNSET:
            return 2, order.get(parameter.source, len(order))
        return (
            (0, parameter.source)
            if parameter.origin == "channels"
            else (1, order.get(parameter.source, len(order)))
        )

    plan.parameters = sorted(used, key=rank)


def square(kernel: Any) -> Any:
    """3 for (3, 3)."""
    return short(kernel) if isinstance(kernel, tuple) else kernel


def printed(plan: ClassPlan) -> list[Expr]:
    """The expressions in the text of a class."""
    found: list[Expr] = []

    def made(make: Made | None) -> None:
        if isinstance(make, Chain):
            entries(make.entries)
        elif make is not None:
            arguments(make.given)

    def arguments(given: tuple[Given, ...]) -> None:
        for entry in given:
            if not isinstance(entry.value, str):
                found.append(entry.value)

    def entries(every: Sequence[Entry]) -> None:
        for entry in every:
            match entry:
                case Element(key=key, make=make):
                    made(make)
                    if isinstance(key, Running):
                        found.append(key.number)
                case Repeat(count=count, entries=inner):
                    found.append(count)
                    entries(inner)
                case Option(condition=condition, then=then, otherwise=otherwise):
                    found.append(condition)
                    entries((*then, *otherwise))

    def step(event: Event) -> None:
        match event:
            case Step(make=make, given=given, holder=holder):
                made(make)
                if holder is not None:
                    found.append(Name(holder))
                arguments(given)
            case Fork(condition=condition):
                found.append(condition)
            case Family(count=count, make=make, key=key):
                found.append(count)
                made(make)
                found.extend(key[1] if key is not None else ())

    entries(plan.entries or ())
    plan.walk(step)
    return found


def open_names(definition: ast.Net | ast.Block) -> list[str]:
    """The parameters of a net with a number as default, of which every use is a bare argument of a layer or
    block."""
    numbers = [p.name for p in definition.parameters if isinstance(p.default, ast.Number)]
    bare: set[int] = set()
    reads: dict[str, list[int]] = {name: [] for name in numbers}
    stack: list[object] = [definition.body]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and node.id in reads:
            reads[node.id].append(id(node))
        if isinstance(node, ast.Call) and not (isinstance(node.target, ast.Name) and node.target.id in WORDS):
            bare.update(id(argument.value) for argument in node.arguments if not argument.spread)
        if isinstance(node, tuple):
            stack.extend(node)
        elif isinstance(node, ast.Node):
            stack.extend(getattr(node, name) for name in node.__struct_fields__)
    return [name for name in numbers if reads[name] and all(read in bare for read in reads[name])]
