"""Expressions in, values out: numbers, lists, windows, layers, and tensors where a chain starts with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..dsl import ast
from ..ops.arguments import parameters
from ..ops.base import Window
from . import flow, groups
from .elaboration import Elaboration
from .faults import POISON, Fault, Silent, text_of
from .frames import Argument, Frame, Shared, Tensor
from .functions import Refusal, call, operate, sized, whole
from .limits import Limits
from .program import FileScope
from .scope import Labelled, Labels, Scope, suggest
from .values import (
    BlockLayer,
    Builtin,
    Closure,
    Function,
    Identity,
    Layer,
    MergeWord,
    NetValue,
    Repeated,
    Rest,
    SharedLayer,
    Value,
    describe,
)


def evaluate(e: Elaboration, expr: ast.Expr, scope: Scope) -> Value:
    """The value of `expr`. Raises `Fault` where it has none, `Silent` where that was already said."""
    match expr:
        case ast.Number(value=number):
            return number
        case ast.Name():
            return scope.look_up(expr)
        case ast.Call():
            return _call(e, expr, scope)
        case ast.Dims(sizes=sizes):
            return Window(sizes)
        case ast.Binary():
            return _binary(e, expr, scope)
        case ast.Attribute():
            return _attribute(e, expr, scope)
        case ast.Constant(value=constant):
            return constant
        case ast.String(value=string):
            return string
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            return evaluate(e, then if test(e, condition, scope) else otherwise, scope)
        case ast.Unary(operator=operator, operand=operand):
            if operator == "not":
                return not test(e, operand, scope)
            return _refusable(scope, expr, operate, "-", 0, evaluate(e, operand, scope), e.limits)
        case ast.List(items=items):
            return [plain(e, item, scope) for item in items]
        case ast.Index():
            return _index(e, expr, scope)
        case ast.Chain(steps=steps):
            first = steps[0]
            if starts_with_tensor(e, first, scope):
                return flow.run_steps(e, steps, scope, None)
            return Closure(expr, scope)
        case ast.Group():
            return Closure(expr, scope)
        case ast.Tuple():
            raise scope.fault(
                expr,
                "wrong-type",
                "a tuple holds tensors that flow; it stands only in a chain",
                help="a list is `[a, b]`",
            )
        case ast.Comprehension():
            return _comprehension(e, expr, scope)
        case ast.Slice():
            raise scope.fault(expr, "wrong-type", "a slice stands only in brackets after a list")
    raise AssertionError(expr)


def evaluate_alone(
    file: FileScope, item: ast.Item, expr: ast.Expr, names: Mapping[str, Value] | None = None
) -> Value:
    """The value of an expression at file level, where no tensor flows; `names` are known too."""
    e = Elaboration(file.report, Limits())
    e.frame = Frame(definition=item.tree, item=item, arguments={})  # type: ignore[arg-type]
    return plain(e, expr, Scope(e.frame, item, file, Labels(e.frame, None, {}), dict(names or {})))


def test(e: Elaboration, expr: ast.Expr, scope: Scope) -> bool:
    """The value of a condition, which must be `true` or `false`."""
    value = evaluate(e, expr, scope)
    if not isinstance(value, bool):
        raise scope.fault(expr, "wrong-type", f"a condition is true or false, not {describe(value)}")
    return value


def plain(e: Elaboration, expr: ast.Expr, scope: Scope) -> Value:
    """A value that may stand in a list or a `let`: anything but tensors."""
    value = evaluate(e, expr, scope)
    if isinstance(value, (Tensor, tuple)):
        raise scope.fault(
            expr, "wrong-type", "a tensor cannot stand here", help="label it, and use the label"
        )
    return value


def starts_with_tensor(e: Elaboration, first: ast.Expr, scope: Scope) -> bool:
    """Whether a chain's first step is a value that flows, not a layer; nothing is applied to find out."""
    match first:
        case ast.Name(id="in"):
            return True
        case ast.Name(id=name):
            found, value = scope.local(name)
            return isinstance(value, (Tensor, tuple)) if found else scope.is_label(name)
        case ast.Attribute(target=target) | ast.Index(target=target):
            return starts_with_tensor(e, target, scope)
        case ast.Tuple(items=items):
            return any(starts_with_tensor(e, item, scope) for item in items)
        case ast.Chain(steps=steps):
            return starts_with_tensor(e, steps[0], scope)
        case ast.Call(target=ast.Name() as name, arguments=arguments):
            return isinstance(_quietly(scope, name), MergeWord) and any(
                not argument.spread and starts_with_tensor(e, argument.value, scope) for argument in arguments
            )
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            return starts_with_tensor(e, then if test(e, condition, scope) else otherwise, scope)
    return False


def _quietly(scope: Scope, name: ast.Name) -> Value:
    try:
        return scope.look_up(name)
    except (Fault, Silent):
        return None


def _refusable(scope: Scope, node: ast.Node, function: object, *values: object) -> Value:
    """A function's value, its refusal as a fault at `node`."""
    try:
        return function(*values)  # type: ignore[operator]
    except Refusal as refusal:
        raise scope.fault(node, refusal.code, str(refusal), help=refusal.help) from None


def _binary(e: Elaboration, expr: ast.Binary, scope: Scope) -> Value:
    operator = expr.operator
    if operator in ("and", "or"):
        left = test(e, expr.left, scope)
        if left == (operator == "or"):
            return left
        return test(e, expr.right, scope)
    left, right = evaluate(e, expr.left, scope), evaluate(e, expr.right, scope)
    if operator == "*":
        if isinstance(left, Layer):
            return _repeat(e, expr, left, right, expr.right, scope)
        if isinstance(right, Layer):
            return _repeat(e, expr, right, left, expr.left, scope)
        if isinstance(left, (Tensor, tuple)) or isinstance(right, (Tensor, tuple)):
            raise scope.fault(
                expr, "wrong-type", "`*` is for numbers, lists and layers", help="tensors meet in `mul(a, b)`"
            )
    if operator == "+" and (isinstance(left, Tensor) or isinstance(right, Tensor)):
        raise scope.fault(
            expr, "wrong-type", "`+` is for numbers and lists", help="tensors meet in `add(a, b)`"
        )
    return _refusable(scope, expr, operate, operator, left, right, e.limits)


def _repeat(
    e: Elaboration, expr: ast.Binary, layer: Layer, times: Value, site: ast.Expr, scope: Scope
) -> Repeated:
    count = _refusable(scope, site, whole, times, "the number of repeats")
    if count < 0:
        raise scope.fault(site, "out-of-range", f"a layer cannot be repeated {count} times")
    if count > e.limits.list_entries:
        raise scope.fault(
            site,
            "unroll-limit",
            f"a layer is repeated at most {e.limits.list_entries:,} times, not {count:,}",
            help="`--limit list_entries=N` raises the limit",
        )
    return Repeated(layer, count, Argument(count, site, scope.frame), expr)


# --- names with more behind them -----------------------------------------------------------------


def find_label(e: Elaboration, expr: ast.Expr, scope: Scope) -> Labelled | None:
    """What a path of labels (`layer[1]`, `features.norm5`) names; None where `expr` is no such path."""
    match expr:
        case ast.Name(id=name):
            return scope.labels.find(name, ()) if scope.is_label(name) else None
        case ast.Index(target=ast.Name(id=name), items=items) if scope.is_label(name):
            keys = label_indices(e, items, scope)
            found = scope.labels.find(name, keys)
            if found is None and scope.labels.find(name, ()) is not None:
                return flow.child_of(e, expr, scope)
            if found is None:
                written = ", ".join(map(str, keys))
                raise scope.fault(
                    expr,
                    "unknown-label",
                    f"there is no label `{name}[{written}]` before this",
                    marked="unknown",
                    help=suggest(name, list(scope.labels.names())),
                )
            return found
        case ast.Index():
            return flow.child_of(e, expr, scope) if find_label(e, expr.target, scope) else None
        case ast.Attribute(target=target, name=name):
            outer = find_label(e, target, scope)
            if outer is None or outer.inner is None:
                return None
            return outer.inner.entries.get((name, ()))
    return None


def label_indices(e: Elaboration, items: tuple[ast.Expr, ...], scope: Scope) -> tuple[int | str, ...]:
    """The values of a label's indices: whole numbers or strings."""
    keys: list[int | str] = []
    for item in items:
        value = evaluate(e, item, scope)
        keys.append(
            value if isinstance(value, str) else _refusable(scope, item, whole, value, "a label's index")
        )
    return tuple(keys)


def _attribute(e: Elaboration, expr: ast.Attribute, scope: Scope) -> Value:
    labelled = find_label(e, expr, scope)
    if labelled is not None:
        return _unpoisoned(labelled.value)
    if (
        isinstance(expr.target, ast.Name)
        and scope.is_label(expr.target.id)
        and scope.labels.find(expr.target.id, ()) is None
    ):
        raise scope._unknown(expr.target)
    value = evaluate(e, expr.target, scope)
    if not isinstance(value, Tensor):
        raise scope.fault(expr, "wrong-type", f"{describe(value)} has no `.{expr.name}`")
    shape = value.shape
    match expr.name:
        case "c":
            return shape.channels
        case "shape":
            return list(shape.dims)
        case "h" | "w" if shape.rank == 2:
            return shape.dims[1 if expr.name == "h" else 2]
        case "n" if shape.rank == 1:
            return shape.dims[1]
        case "h" | "w" | "n":
            kind = {0: "vector", 1: "sequence", 2: "map"}[shape.rank]
            raise scope.fault(expr, "rank-mismatch", f"the {kind} {shape} has no `.{expr.name}`")
    raise scope.fault(
        expr,
        "unknown-label",
        f"there is no `.{expr.name}` here",
        marked="unknown",
        help="a tensor has `.c`, `.h`, `.w`, `.n` and `.shape`; a labelled group has its labels",
    )


def _unpoisoned(value: Value) -> Value:
    if value is POISON:
        raise Silent
    return value


def _index(e: Elaboration, expr: ast.Index, scope: Scope) -> Value:
    labelled = find_label(e, expr, scope)
    if labelled is not None:
        return _unpoisoned(labelled.value)
    target = evaluate(e, expr.target, scope)
    entries = list(target.size) if isinstance(target, Window) and target.stride is None else target
    if not isinstance(entries, (list, tuple)):
        raise scope.fault(expr, "wrong-type", f"{describe(target)} has no entries to pick by index")
    for item in expr.items:
        if not isinstance(entries, (list, tuple)):
            raise scope.fault(item, "wrong-type", f"{describe(entries)} has no entries to pick by index")
        if isinstance(item, ast.Slice):
            low, high = (
                None
                if bound is None
                else _refusable(scope, bound, whole, evaluate(e, bound, scope), "a bound")
                for bound in (item.low, item.high)
            )
            entries = entries[low:high]
            continue
        at = _refusable(scope, item, whole, evaluate(e, item, scope), "an index")
        if not -len(entries) <= at < len(entries):
            raise scope.fault(item, "out-of-range", f"the list has {len(entries)} entries, so no entry {at}")
        entries = entries[at]
    return entries


def _comprehension(e: Elaboration, expr: ast.Comprehension, scope: Scope) -> Value:
    found: list[Value] = []
    for bindings in each(e, expr.targets, expr.source, scope):
        e.count_entry(scope, expr)
        inner = scope.inside()
        inner.names.update(bindings)
        if expr.condition is None or test(e, expr.condition, inner):
            found.append(plain(e, expr.item, inner))
    return _refusable(scope, expr, sized, found, e.limits)


def each(
    e: Elaboration, targets: tuple[ast.Name, ...], source: ast.Expr, scope: Scope
) -> Iterator[dict[str, Value]]:
    """The bindings of a loop's variables, turn by turn."""
    entries = evaluate(e, source, scope)
    if not isinstance(entries, list):
        raise scope.fault(source, "wrong-type", f"a loop goes over a list, not over {describe(entries)}")
    for entry in entries:
        if len(targets) == 1:
            yield {targets[0].id: entry}
            continue
        if not isinstance(entry, list) or len(entry) != len(targets):
            raise scope.fault(
                source,
                "wrong-type",
                f"an entry of this list is {describe(entry)}, which does not give {len(targets)} names",
            )
        yield {target.id: value for target, value in zip(targets, entry, strict=True)}


# --- calls ---------------------------------------------------------------------------------------


def _call(e: Elaboration, expr: ast.Call, scope: Scope) -> Value:
    target = evaluate(e, expr.target, scope)
    match target:
        case Builtin(op=op):
            positions = [parameter.name for parameter in parameters(op)]
            bound, _ = bind_arguments(e, expr, scope, positions, None, target.bound, f"the layer `{op.name}`")
            return Builtin(op, bound)
        case BlockLayer(definition=definition):
            positions = [parameter.name for parameter in definition.parameters if not parameter.rest]
            takes_rest = any(parameter.rest for parameter in definition.parameters)
            bound, rest = bind_arguments(
                e,
                expr,
                scope,
                positions,
                target.rest if takes_rest else None,
                target.bound,
                f"the block `{definition.name.id}`",
            )
            return BlockLayer(definition, target.scope, target.item, bound, rest)
        case NetValue(definition=definition):
            positions = [parameter.name for parameter in definition.parameters]
            bound, _ = bind_arguments(
                e, expr, scope, positions, None, target.bound, f"the net `{definition.name.id}`"
            )
            return NetValue(definition, target.scope, target.item, bound)
        case MergeWord():
            return groups.call_word(e, target, expr, scope)
        case Function(name="share"):
            return _share(e, expr, scope)
        case Function(name=name):
            values: list[Value] = []
            for argument in expr.arguments:
                if argument.name is not None:
                    raise scope.fault(argument, "unknown-parameter", f"`{name}` takes no named arguments")
                value = plain(e, argument.value, scope)
                values.extend(value if argument.spread and isinstance(value, list) else [value])
            return _refusable(scope, expr, call, name, values, e.limits)
        case Identity():
            raise scope.fault(expr, "surplus-argument", "`id` has no parameters", help="write `id`")
        case SharedLayer() | Closure() | Repeated():
            raise scope.fault(
                expr, "not-a-layer", f"`{text_of(scope.item, expr.target)}` has no parameters to give"
            )
    raise scope.fault(
        expr.target,
        "not-a-layer",
        f"{describe(target)} cannot be called",
        help="only layers, blocks, nets and functions can",
    )


def _share(e: Elaboration, expr: ast.Call, scope: Scope) -> SharedLayer:
    if len(expr.arguments) != 1 or expr.arguments[0].name or expr.arguments[0].spread:
        raise scope.fault(
            expr, "missing-argument", "`share` takes one layer", help="write `share(conv(3x3, 64))`"
        )
    layer = evaluate(e, expr.arguments[0].value, scope)
    if not isinstance(layer, Layer):
        raise scope.fault(expr.arguments[0], "wrong-type", f"`share` takes a layer, not {describe(layer)}")
    return SharedLayer(layer, Shared())


def bind_arguments(
    e: Elaboration,
    expr: ast.Call,
    scope: Scope,
    positions: list[str],
    rest: dict[str, Argument] | None,
    bound: dict[str, Argument],
    owner: str,
) -> tuple[dict[str, Argument], dict[str, Argument]]:
    """Arguments bound anew: positions fill the parameters still open, names may bind again, `rest` (where the
    definition has one) takes what has no parameter. Of two with one name the later wins if one was spread."""
    result, further = dict(bound), dict(rest or {})
    open_ = [name for name in positions if name not in bound]
    written: dict[str, ast.Node] = {}

    def give(name: str, argument: Argument, node: ast.Node) -> None:
        if name in positions:
            result[name] = argument
        elif rest is not None:
            further[name] = argument
        else:
            raise scope.fault(
                node,
                "unknown-parameter",
                f"{owner} has no parameter `{name}`",
                marked="unknown",
                help=suggest(name, positions)
                or (f"it has {', '.join(positions)}" if positions else "it has none"),
            )

    def give_next(argument: Argument, node: ast.Node) -> None:
        for name in open_:
            if name not in written:
                written[name] = node
                result[name] = argument
                return
        raise scope.fault(
            node,
            "surplus-argument",
            f"{owner} takes {len(positions)} argument{'s' if len(positions) != 1 else ''}",
            marked="one too many",
            help=f"its parameters are {', '.join(positions)}" if positions else "",
        )

    for given in expr.arguments:
        value = evaluate(e, given.value, scope)
        if given.spread:
            if isinstance(value, Rest):
                for name, argument in value.entries.items():
                    give(name, argument, given)
            elif isinstance(value, list):
                for entry in value:
                    give_next(Argument(entry), given)
            else:
                raise scope.fault(
                    given, "wrong-type", f"`...` spreads a list or a rest parameter, not {describe(value)}"
                )
            continue
        argument = Argument(value, given.value, scope.frame)
        if given.name is None:
            give_next(argument, given)
            continue
        if given.name in written:
            raise scope.fault(
                given, "repeated-argument", f"`{given.name}` is given twice", marked="again here"
            )
        give(given.name, argument, given)
        written[given.name] = given
    return result, further
