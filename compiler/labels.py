"""Paths of labels in, the values that they name out; a label's words in, the module's attribute out."""

from __future__ import annotations

from ..dsl import ast
from ..ops.base import Window
from . import evaluate as evaluating
from .elaboration import Elaboration
from .faults import POISON, Silent
from .frames import Label, Merge, Sequence, Tensor
from .functions import whole
from .names import suffix
from .nesting import children
from .reserved import RESERVED
from .scope import Labelled, Scope, show_indices
from .suggestions import join
from .unknown import refuse_path
from .values import Value, describe


def find_label(e: Elaboration, expr: ast.Expr, scope: Scope) -> Labelled | None:
    """What a path of labels (`layer[1]`, `features.norm5`) names; None where `expr` is no such path."""
    match expr:
        case ast.Name(id=name):
            return scope.labels.find(name, ()) if scope.is_label(name) else None
        case ast.Index(target=ast.Name(id=name), items=items) if scope.is_label(name):
            keys = label_indices(e, items, scope)
            found = scope.labels.find(name, keys)
            if found is None and scope.labels.find(name, ()) is not None:
                return child_of(e, expr, scope)
            if found is None:
                known = scope.labels.indices_of(name)
                if not known:
                    assert isinstance(expr.target, ast.Name)
                    raise scope.unknown(expr.target)
                raise scope.fault(
                    expr,
                    "unknown-label",
                    f"there is no label `{name}{show_indices(keys)}` before this",
                    marked="unknown",
                    help=f"`{name}` has {join(known)}",
                )
            return found
        case ast.Index(target=ast.Attribute(target=target, name=name), items=items):
            outer = find_label(e, target, scope)
            indexed = _within(outer, name, label_indices(e, items, scope)) if outer is not None else None
            return indexed or (child_of(e, expr, scope) if _within(outer, name, ()) else None)
        case ast.Index():
            return child_of(e, expr, scope) if find_label(e, expr.target, scope) else None
        case ast.Attribute(target=target, name=name):
            return _within(find_label(e, target, scope), name, ())
    return None


def _within(outer: Labelled | None, name: str, indices: tuple[int | str, ...]) -> Labelled | None:
    """A label of a labelled group."""
    return outer.inner.entries.get((name, indices)) if outer is not None and outer.inner is not None else None


def child_of(e: Elaboration, expr: ast.Index, scope: Scope) -> Labelled:
    """`layer[1][0]`: the value of a labelled sequence's child, by number."""
    outer = find_label(e, expr.target, scope)
    if outer is not None and outer.value is POISON:
        raise Silent
    keys = label_indices(e, expr.items, scope)
    number = keys[0] if len(keys) == 1 and isinstance(keys[0], int) else -1
    written = ", ".join(map(str, keys))
    if outer is not None and isinstance(outer.event, (Sequence, Merge)):
        found = children(outer.event)
        if 0 <= number < len(found):
            outputs = found[number].outputs
            return Labelled(outputs[0] if len(outputs) == 1 else outputs, None, found[number])
        count = f"{len(found)} {'child' if len(found) == 1 else 'children'}"
        raise scope.fault(
            expr,
            "unknown-label",
            f"this sequence has {count}, from 0 on, so none is [{written}]",
            "no such child",
            help=f"the last is [{len(found) - 1}]" if found else "",
        )
    if outer is not None and isinstance(outer.value, tuple):
        if 0 <= number < len(outer.value):
            return Labelled(outer.value[number])
        raise scope.fault(
            expr,
            "unknown-label",
            f"this tuple has {len(outer.value)} values, from 0 on, so none is [{written}]",
        )
    raise scope.fault(expr, "unknown-label", "only a labelled sequence has children by number")


def label_indices(e: Elaboration, items: tuple[ast.Expr, ...], scope: Scope) -> tuple[int | str, ...]:
    """The values of a label's indices: whole numbers or strings."""
    keys: list[int | str] = []
    for item in items:
        value = evaluating.evaluate(e, item, scope)
        keys.append(value if isinstance(value, str) else scope.attempt(item, whole, value, "a label's index"))
    return tuple(keys)


def bind_label(e: Elaboration, label: ast.Label, scope: Scope) -> Label:
    """A label with its indices settled, and the attribute that it becomes."""
    indices = label_indices(e, label.indices, scope)
    if not indices and scope.in_loop:
        raise scope.fault(
            label,
            "bad-label",
            f"the label `{label.name}` stands in a loop and needs an index",
            help=f"write `{label.name}[i]:` with the loop's variable",
        )
    attribute = label.name + suffix(indices)
    if not attribute.isidentifier() or not attribute.isascii() or attribute.startswith("__"):
        raise scope.fault(
            label,
            "bad-label",
            f"`{attribute}` cannot be the name of a module",
            help="use the letters a to z, digits and `_`, but no `__` before them",
        )
    if attribute in RESERVED:
        raise scope.fault(
            label,
            "bad-label",
            f"`{attribute}` cannot be a label: Python or `nn.Module` has taken that name",
            help=f"write `{attribute}_`, or another name",
        )
    return Label(label.name, indices, attribute, label, scope.item)


def attribute(e: Elaboration, expr: ast.Attribute, scope: Scope) -> Value:
    labelled = find_label(e, expr, scope)
    if labelled is not None:
        return _unpoisoned(labelled.value)
    if (
        isinstance(expr.target, ast.Name)
        and scope.is_label(expr.target.id)
        and scope.labels.find(expr.target.id, ()) is None
    ):
        raise scope.unknown(expr.target)
    value = evaluating.evaluate(e, expr.target, scope)
    if not isinstance(value, Tensor):
        raise scope.fault(expr, "wrong-type", f"{describe(value)} has no `.{expr.name}`")
    shape = value.shape
    match expr.name:
        case "c":
            return shape.channels
        case "shape":
            return list(shape.dims)
        case "h" | "w" if shape.rank == 2:
            return shape.spatial[0 if expr.name == "h" else 1]
        case "n" if shape.rank == 1:
            return shape.spatial[0]
        case "h" | "w" | "n":
            kind = shape.kind.removeprefix("a ")
            raise scope.fault(expr, "rank-mismatch", f"the {kind} {shape} has no `.{expr.name}`")
    outer = find_label(e, expr.target, scope)
    within = [key[0] for key in outer.inner.entries] if outer is not None and outer.inner is not None else []
    raise refuse_path(scope.item.place(expr), expr.name, within)


def index(e: Elaboration, expr: ast.Index, scope: Scope) -> Value:
    labelled = find_label(e, expr, scope)
    if labelled is not None:
        return _unpoisoned(labelled.value)
    target = evaluating.evaluate(e, expr.target, scope)
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
                else scope.attempt(bound, whole, evaluating.evaluate(e, bound, scope), "a bound")
                for bound in (item.low, item.high)
            )
            entries = entries[low:high]
            continue
        at = scope.attempt(item, whole, evaluating.evaluate(e, item, scope), "an index")
        if not -len(entries) <= at < len(entries):
            count = len(entries)
            raise scope.fault(
                item,
                "out-of-range",
                f"the list has {count} entr{'y' if count == 1 else 'ies'}, so no entry {at}",
                help=f"entries are counted from 0: the last is {count - 1}" if count else "the list is empty",
                traced=True,
            )
        entries = entries[at]
    return entries


def _unpoisoned(value: Value) -> Value:
    if value is POISON:
        raise Silent
    return value
