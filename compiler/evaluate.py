"""Expressions in, values out: numbers, lists, windows, layers, and tensors where a chain starts with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from ..dsl import ast
from ..dsl.diagnostics import Edit
from ..ops.base import Window
from . import calls, chains, labels
from .elaboration import Elaboration
from .faults import Enough, Fault, Silent, inner_text_of, text_of
from .frames import Argument, Frame, Tensor
from .functions import entries_in, is_number, sized, whole
from .operators import negate, operate
from .program import FileScope
from .scope import Labels, Scope
from .values import (
    Closure,
    Layer,
    MergeWord,
    Repeated,
    Value,
    describe,
)


def _as_list(item: ast.Item, expr: ast.Tuple) -> tuple[Edit, ...]:
    """Brackets for the parentheses around constants, which are no tensors."""
    if not all(isinstance(part, (ast.Number, ast.String, ast.Dims)) for part in expr.items):
        return ()
    place = item.place(expr)
    opener, closer = replace(place, end=place.start + 1), replace(place, start=place.end - 1)
    return Edit(opener, "["), Edit(closer, "]")


def evaluate(e: Elaboration, expr: ast.Expr, scope: Scope) -> Value:
    """The value of `expr`. Raises `Fault` where it has none, `Silent` where that was already said."""
    match expr:
        case ast.Number(value=number):
            return number
        case ast.Name():
            return scope.look_up(expr)
        case ast.Call():
            return calls.call(e, expr, scope)
        case ast.Dims(sizes=sizes):
            return Window(sizes)
        case ast.Binary():
            return _binary(e, expr, scope)
        case ast.Attribute():
            return labels.attribute(e, expr, scope)
        case ast.Constant(value=constant):
            return constant
        case ast.String(value=string):
            return string
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            return evaluate(e, then if test(e, condition, scope) else otherwise, scope)
        case ast.Unary(operator=operator, operand=operand):
            if operator == "not":
                return not test(e, operand, scope)
            return scope.attempt(expr, negate, evaluate(e, operand, scope))
        case ast.List(items=items):
            return scope.attempt(expr, sized, [plain(e, item, scope) for item in items], e.limits)
        case ast.Index():
            return labels.index(e, expr, scope)
        case ast.Chain(steps=steps):
            first = steps[0]
            if starts_with_tensor(e, first, scope):
                return chains.run_steps(e, steps, scope, None)
            return Closure(expr, scope)
        case ast.Group():
            return Closure(expr, scope)
        case ast.Tuple():
            fault = scope.fault(
                expr,
                "wrong-type",
                "a tuple holds tensors that flow; it stands only in a chain",
                help="a list is `[a, b]`",
            )
            fault.fix = _as_list(scope.item, expr)
            raise fault
        case ast.Comprehension():
            return _comprehension(e, expr, scope)
        case ast.Slice():
            raise scope.fault(expr, "wrong-type", "a slice stands only in brackets after a list")
    raise AssertionError(expr)


def evaluate_alone(
    file: FileScope, item: ast.Item, expr: ast.Expr, names: Mapping[str, Value] | None = None
) -> Value:
    """The value of an expression at file level, where no tensor flows; `names` are known too."""
    e, scope = alone(file, item, names)
    try:
        return plain(e, expr, scope)
    except Enough:
        raise Silent from None


def alone(
    file: FileScope, item: ast.Item, names: Mapping[str, Value] | None = None
) -> tuple[Elaboration, Scope]:
    """An elaboration, and a scope in it, for what stands in `item` at file level."""
    e = Elaboration(file.report, file.limits)
    e.frame = Frame(definition=item.tree, item=item, arguments={})  # type: ignore[arg-type]
    return e, Scope(e.frame, item, file, Labels(e.frame, None, {}), dict(names or {}))


def test(e: Elaboration, expr: ast.Expr, scope: Scope) -> bool:
    """The value of a condition, which must be `true` or `false`."""
    value = evaluate(e, expr, scope)
    if not isinstance(value, bool):
        text = text_of(scope.item, expr)
        compared = f"write what it is compared with: `{text} > 0`" if is_number(value) else ""
        given = f"write `{text} != none`" if value is None or isinstance(value, Layer) else compared
        raise scope.fault(
            expr,
            "wrong-type",
            f"a condition is true or false, not {describe(value)}",
            help=given,
            traced=True,
        )
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
                expr,
                "wrong-type",
                "`*` is for numbers, lists and layers",
                help=_as_layer(expr, left, right, scope),
            )
    if operator in ("+", "-", "/") and (isinstance(left, Tensor) or isinstance(right, Tensor)):
        raise scope.fault(
            expr,
            "wrong-type",
            f"`{operator}` is for numbers{' and lists' if operator == '+' else ''}",
            help=_as_layer(expr, left, right, scope),
        )
    for side in (left, right):
        if isinstance(side, list):
            e.count_entries(scope, expr, entries_in(side) // 10)
    return scope.attempt(expr, operate, operator, left, right, e.limits, parts=(expr.left, expr.right))


def _as_layer(expr: ast.Binary, left: Value, right: Value, scope: Scope) -> str:
    """How arithmetic on a tensor is written: a number by a layer, another tensor by a group."""
    one, other = text_of(scope.item, expr.left), text_of(scope.item, expr.right)
    if is_number(left) and expr.operator in ("*", "+"):
        one, other, left, right = other, one, right, left
    if is_number(right):
        layer = {"*": "scale({})", "/": "scale(1 / {})", "+": "shift({})", "-": "shift(-{})"}[expr.operator]
        return f"write `{one} -> {layer.format(other)}`"
    if isinstance(left, Tensor) and isinstance(right, Tensor) and expr.operator in ("*", "+"):
        return f"write `{'mul' if expr.operator == '*' else 'add'}({one}, {other})`"
    return "tensors meet in `add(a, b)` and `mul(a, b)`"


def _repeat(
    e: Elaboration, expr: ast.Binary, layer: Layer, times: Value, site: ast.Expr, scope: Scope
) -> Repeated:
    if isinstance(times, Layer):
        left, right = text_of(scope.item, expr.left), text_of(scope.item, expr.right)
        raise scope.fault(
            expr, "wrong-type", "`*` repeats a layer, and joins no two", help=f"write `{left} -> {right}`"
        )
    count = scope.attempt(site, whole, times, "the number of repeats")
    if count < 0:
        raise scope.fault(
            site,
            "out-of-range",
            f"a layer cannot be repeated {count} times",
            help="write how often, 0 or more"
            if isinstance(site, (ast.Unary, ast.Number))
            else f"`max(0, {inner_text_of(scope.item, site)})` is at least 0",
            traced=True,
        )
    if count > e.limits.list_entries:
        raise scope.fault(
            site,
            "unroll-limit",
            f"a layer is repeated at most {e.limits.list_entries:,} times, not {count:,}",
            help="`--limit list_entries=N` raises the limit",
        )
    return Repeated(layer, count, Argument(count, site, scope.frame), expr)


def _comprehension(e: Elaboration, expr: ast.Comprehension, scope: Scope) -> Value:
    found: list[Value] = []
    for bindings in each(e, expr.targets, expr.source, scope):
        e.count_entries(scope, expr)
        inner = scope.inside()
        inner.names.update(bindings)
        if expr.condition is None or test(e, expr.condition, inner):
            found.append(plain(e, expr.item, inner))
    return scope.attempt(expr, sized, found, e.limits)


def each(e: Elaboration, targets: ast.Targets, source: ast.Expr, scope: Scope) -> Iterator[dict[str, Value]]:
    """The bindings of a loop's variables, turn by turn."""
    entries = evaluate(e, source, scope)
    if not isinstance(entries, list):
        count = f"`range({text_of(scope.item, source)})` counts from 0" if is_number(entries) else ""
        message = f"a loop goes over a list, not over {describe(entries)}"
        raise scope.fault(source, "wrong-type", message, help=count, traced=True)
    for entry in entries:
        parts = entry if len(targets) > 1 else [entry]
        if not isinstance(parts, list) or len(parts) != len(targets):
            first = next(ast.names_of(targets)).id
            raise scope.fault(
                source,
                "wrong-type",
                f"an entry of this list is {_describe_list(entry)}, which does not give {len(targets)} names",
                help=f"`enumerate({text_of(scope.item, source)})` counts the entries as well"
                if len(targets) == 2
                else f"write `for {first} in ...`, and `{first}[0]` for its first part",
            )
        yield {
            name: value
            for target, part in zip(targets, parts, strict=True)
            for name, value in _parts(target, part, scope)
        }


def _describe_list(value: Value) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else describe(value)


def _parts(target: ast.Name | ast.Parts, value: Value, scope: Scope) -> Iterator[tuple[str, Value]]:
    """The names of one target with their values."""
    if isinstance(target, ast.Name):
        yield target.id, value
        return
    if not isinstance(value, list) or len(value) != len(target.targets):
        told = _describe_list(value)
        message = f"a part of an entry is {told}, which does not give {len(target.targets)} names"
        raise scope.fault(target, "wrong-type", message)
    for inner, part in zip(target.targets, value, strict=True):
        yield from _parts(inner, part, scope)
