"""What the definitions of a file bind and read in, warnings on what nothing reads out.

A name that begins with `_` says that this is meant. A file without nets is a library: others use its blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from ..dsl import ast
from ..dsl.diagnostics import Diagnostic, Edit
from ..dsl.source import Place
from .faults import text_of
from .program import FileScope
from .references import References, words_in
from .sight import Binding


def find_unused(scope: FileScope, read: Sequence[References]) -> Iterator[Diagnostic]:
    """Warnings on imports, blocks, `let`s, parameters and labels; `read` are the definitions of the file."""
    claimed: set[str] = set()
    for item in scope.file.items:
        if isinstance(item.tree, (ast.Expect, ast.Train)):
            claimed |= words_in(item)
    words = claimed.union(*(references.outside for references in read))
    for item in scope.file.items:
        if isinstance(item.tree, ast.Use):
            yield from unused_imports(scope, item, item.tree, words - scope.definitions.keys())
    if scope.net_names():
        yield from unused_definitions(read, claimed)
    for references in read:
        yield from unused_bindings(references, claimed)


def warn(code: str, message: str, place: Place, help: str, *edits: Edit | None) -> Diagnostic:
    fix = tuple(edit for edit in edits if edit is not None)
    return Diagnostic(code, message, place, "never used", help=help, fix=fix, severity="warning")


# --- imports -------------------------------------------------------------------------------------


def unused_imports(scope: FileScope, item: ast.Item, use: ast.Use, words: Set[str]) -> Iterator[Diagnostic]:
    """What a `use` brings and nothing of `words` names."""
    file = f"`{use.module.id}.net`"
    used = {name for name, origin in scope.imports.items() if origin.use is item and name in words}
    if not used:
        help = "remove this `use`"
        yield warn(
            "unused-import", f"nothing of {file} is used", item.place(use), help, remove(item.place(use))
        )
        return
    names = use.names or ()
    for i, name in enumerate(names):
        if name.id in used:
            continue
        # an edit takes the comma before the name along, or, where nothing is left before it, the one after
        leads = not any(earlier.id in used for earlier in names[:i])
        start, end = (name.start, names[i + 1].start) if leads else (names[i - 1].end, name.end)
        place = Place(item.source, item.offset + start, item.offset + end)
        message = f"`{name.id}` is taken from {file} and never used"
        yield warn("unused-import", message, item.place(name), "take it out of the list", erase(place))


# --- definitions ---------------------------------------------------------------------------------


def unused_definitions(read: Sequence[References], claimed: Set[str]) -> Iterator[Diagnostic]:
    """Blocks and `let`s that no net and no claim leads to; of those that lead to each other, the first."""
    reads = {name_of(references.item): references.outside.keys() for references in read}
    roots = [name for name in reads if name in claimed or name.startswith("_")]
    roots += [name_of(r.item) for r in read if isinstance(r.item.tree, (ast.Net, ast.NetAlias))]
    used = reach(roots, reads)
    unused = [name for name in reads if name not in used]
    read_by_others = {name for other in unused for name in reads[other] if name != other}
    tops = {name for name in unused if name not in read_by_others}
    covered = reach(tops, reads)
    for name in unused:
        if name not in covered:
            tops.add(name)
            covered |= reach([name], reads)
    for references in read:
        item = references.item
        name = name_of(item)
        if name not in tops:
            continue
        assert isinstance(item.tree, (ast.Block, ast.Constants))
        place, help = item.place(item.tree.name), f"remove it, or name it `_{name}` to keep it"
        if isinstance(item.tree, ast.Block):
            yield warn("unused-block", f"no net of this file uses the block `{name}`", place, help)
        else:
            yield warn("unused-let", f"no net of this file uses `{name}`", place, help)


def name_of(item: ast.Item) -> str:
    assert isinstance(item.tree, (ast.Block, ast.Net, ast.NetAlias, ast.Constants))
    return item.tree.name.id


def reach(roots: Iterable[str], reads: Mapping[str, Set[str]]) -> set[str]:
    """The definitions that the roots read, and that these read, and so on."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(reads.get(name, ()))
    return found


# --- parameters, `let`s and labels ---------------------------------------------------------------


def unused_bindings(references: References, claimed: Set[str]) -> Iterator[Diagnostic]:
    item = references.item
    owner = name_of(item)
    taken = [binding for binding in references.bindings if binding.kind == "taken"]
    together: dict[ast.Node, list[Binding]] = {}
    for binding in references.bindings:
        if binding.kind == "label":
            together.setdefault(binding.statement, []).append(binding)
    for binding in references.bindings:
        name, place = binding.name, item.place(binding.node)
        if binding.read or name.startswith("_"):
            continue
        match binding.kind:
            case "parameter":
                help = f"remove it, or name it `_{name}` if it must be taken"
                yield warn("unused-parameter", f"`{owner}` never reads its parameter `{name}`", place, help)
            case "taken" if len(taken) == 1:
                help = f"leave `takes ({name})` out, or name it `_{name}`"
                yield warn(
                    "unused-parameter",
                    f"`{owner}` names what enters `{name}` and never reads it",
                    place,
                    help,
                )
            case "taken" if not references.flow_is_read and any(other.read for other in taken):
                help = f"let `{owner}` take one value less, or name it `_{name}`"
                yield warn("unused-parameter", f"`{owner}` takes `{name}` and never reads it", place, help)
            case "let":
                yield warn("unused-let", f"nothing reads `{name}`", place, f"remove it, or name it `_{name}`")
            case "label" if not binding.makes_module and name not in claimed:
                yield from unused_label(references, binding, together[binding.statement])


def unused_label(references: References, binding: Binding, labels: list[Binding]) -> Iterator[Diagnostic]:
    """A label that makes no module. Of those that name the values of a tuple, one may be read for all
    (`labels`)."""
    item, statement = references.item, binding.statement
    assert isinstance(statement, ast.Flow)
    if labels[0] is not binding or any(label.read for label in labels):
        return
    names = " and ".join(f"`{label.name}`" for label in labels)
    what = f"the label {names}, and it makes" if len(labels) == 1 else f"the labels {names}, and they make"
    start, end = item.offset + statement.start, item.offset + statement.value.start
    place = Place(item.source, item.offset + labels[0].node.start, item.offset + labels[-1].node.end)
    if binding.passes_on:
        edit, help = remove(item.place(statement)), "remove this statement"
    else:
        edit, help = erase(Place(item.source, start, end)), f"write `{text_of(item, statement.value)}` alone"
    yield warn("unused-label", f"nothing reads {what} no module", place, help, edit)


# --- edits ---------------------------------------------------------------------------------------


def erase(place: Place) -> Edit | None:
    """An edit without the text at `place`; none where a comment would go with it."""
    return None if "#" in place.source.text[place.start : place.end] else Edit(place, "")


def remove(place: Place) -> Edit | None:
    """An edit without the statement or item at `place`, and without what parts it from the next one."""
    text = place.source.text
    line_start = text.rfind("\n", 0, place.start) + 1
    after = re.compile(r"[ \t]*(;[ \t]*)?").match(text, place.end)
    assert after is not None
    start, end = place.start, after.end() if after[1] else place.end
    line_ends = re.compile(r"[ \t\r]*(\n|\Z)").match(text, end)
    if line_ends is not None and not text[line_start:start].strip():
        start, end = line_start, line_ends.end()
    elif line_ends is not None or not after[1]:
        before = re.compile(r"[ \t]*;[ \t]*\Z").search(text, line_start, start)
        start = before.start() if before else start
    return erase(Place(place.source, start, end))
