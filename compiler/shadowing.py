"""What a file names in, warnings on names that hide a built-in layer, group or function out.

A label hides nothing: after `conv: conv(3x3, 64)` the word `conv` is still the layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..dsl import ast
from ..dsl.diagnostics import Diagnostic
from ..dsl.source import Place
from ..ops.arguments import parameters
from ..ops.registry import LAYERS
from .program import BUILTINS, FileScope
from .references import References
from .values import Function, MergeWord

KINDS = {"parameter": "parameter", "taken": "input", "let": "`let`", "loop": "loop variable"}


def find_shadowing(scope: FileScope, read: Sequence[References]) -> Iterator[Diagnostic]:
    """Warnings on what a file defines and takes, and on the names within its definitions (`read`)."""
    for name, origin in scope.imports.items():
        if name in BUILTINS and name not in scope.definitions:
            assert isinstance(origin.use.tree, ast.Use)
            place = scope.taken.get(name) or origin.use.place(origin.use.tree.module)
            what = f"`{name}` of `{origin.use.tree.module.id}.net`"
            yield warn(what, name, place, "take only the names that are needed: `use file (name, name)`")
    allowed = {parameter.name for layer in LAYERS.values() for parameter in parameters(layer)}
    for references in read:
        item = references.item
        tree = item.tree
        assert isinstance(tree, (ast.Block, ast.Net, ast.NetAlias, ast.Constants))
        if tree.name.id in BUILTINS:
            kind = {"Block": "block", "Constants": "`let`"}.get(type(tree).__name__, "net")
            yield warn(f"the {kind} `{tree.name.id}`", tree.name.id, item.place(tree.name))
        for binding in references.bindings:
            # what layers call a parameter of theirs (`pad`), others may
            if binding.kind != "label" and binding.name in BUILTINS and binding.name not in allowed:
                what = f"the {KINDS[binding.kind]} `{binding.name}`"
                yield warn(what, binding.name, item.place(binding.node))


def warn(what: str, name: str, place: Place, help: str = "") -> Diagnostic:
    value = BUILTINS[name]
    kind = "group" if isinstance(value, MergeWord) else "function" if isinstance(value, Function) else "layer"
    return Diagnostic(
        "shadowed-name",
        f"{what} hides the built-in {kind} of that name",
        place,
        f"`{name}` is no longer the {kind}",
        help=help or f"give it another name, `my_{name}` say",
        severity="warning",
    )
