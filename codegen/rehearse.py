"""A generated module and its graph in; nothing out, or `Mismatch`: the module is not what the graph says.

The module is run against stand-ins for torch, constructors and `forward`, in training and in evaluation: each
layer must have the graph's arguments, each weight the graph's name, and each output must be the graph's own
computation. What runs here was first read: nothing but classes, calls of layers and arithmetic may stand in
it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from types import CodeType
from typing import Any

from msgspec import UNSET

from ..compiler.graph import Graph, Node
from ..compiler.weights import state_paths
from ..ops.forms import Callee, Emit
from . import stand_ins
from .stand_ins import Layer, Module, Parameter, layers_of
from .traces import Key, Ledger, Trace, function_key, layer_key

NODES = tuple(
    getattr(ast, name)
    for name in [
        "Module",
        "ClassDef",
        "FunctionDef",
        "arguments",
        "arg",
        "Expr",
        "Assign",
        "AnnAssign",
        "AugAssign",
        "Return",
        "For",
        "If",
        "IfExp",
        "Call",
        "keyword",
        "Starred",
        "Attribute",
        "Name",
        "Subscript",
        "Slice",
        "Constant",
        "Tuple",
        "List",
        "JoinedStr",
        "FormattedValue",
        "BinOp",
        "UnaryOp",
        "BoolOp",
        "Compare",
        "GeneratorExp",
        "ListComp",
        "comprehension",
        "operator",
        "unaryop",
        "boolop",
        "cmpop",
        "expr_context",
    ]
)
"""What may stand in a generated module."""
BUILTINS = (
    "abs",
    "float",
    "int",
    "len",
    "max",
    "min",
    "range",
    "round",
    "str",
    "sum",
    "super",
    "tuple",
    "list",
    "bool",
)
IMPORTS = {
    "from collections import OrderedDict",
    "from typing import NamedTuple",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import Tensor, nn",
    "from torch import nn",
    "from torch import Tensor",
}


class Mismatch(Exception):
    """The generator is wrong: an internal error, never the user's."""


def rehearse(text: str, name: str, graph: Graph, emits: dict[int, Emit], support: set[str]) -> None:
    """Compare the class `name` of the module `text` with the graph. Raises `Mismatch`."""
    code = read(text, support)
    for training in (True, False):
        ledger = Ledger(*_callees(emits))
        names = stand_ins.namespace(ledger, support)
        root = _construct(code, names, name)
        _own(root, ledger, graph, emits)
        expected = _interpret(graph, emits, ledger, training)
        root.train(training)
        entering = [
            Trace(ledger, ledger.number(("input", node.id))) for node in graph if node.op.family == "input"
        ]
        try:
            given = root(*entering)
        except Exception as error:
            raise Mismatch(f"`forward` of {name} fails: {type(error).__name__}: {error}") from error
        if any(tensor.overwritten for tensor in entering):
            raise Mismatch(f"`forward` of {name} overwrites its input")
        ports = graph.outputs if training else graph.results
        found = [given] if isinstance(given, Trace) else list(given)
        if [value.number for value in found] != [expected[port.node] for port in ports]:
            raise Mismatch(
                f"`forward` of {name} does not compute the graph{' in training' if training else ''}"
            )


def read(text: str, support: set[str]) -> CodeType:
    """The module without imports and support, compiled, after a look at every node in it."""
    tree = ast.parse(text)
    body = []
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            if ast.unparse(statement) not in IMPORTS:
                raise Mismatch(f"the generated module may not say `{ast.unparse(statement)}`")
        elif not (isinstance(statement, ast.ClassDef | ast.FunctionDef) and statement.name in support):
            body.append(statement)
    for statement in body:
        for node in ast.walk(statement):
            if not isinstance(node, NODES):
                raise Mismatch(f"the generated module may not hold {type(node).__name__}")
            word = (
                node.attr
                if isinstance(node, ast.Attribute)
                else node.id
                if isinstance(node, ast.Name)
                else ""
            )
            if word.startswith("__") and word not in ("__init__", "__all__"):
                raise Mismatch(f"the generated module may not read `{word}`")
    return compile(ast.Module(body, []), "<generated>", "exec", dont_inherit=True)


def _construct(code: CodeType, names: dict[str, Any], name: str) -> Module:
    allowed = {word: getattr(builtins, word) for word in BUILTINS}
    scope = {
        "__builtins__": {**allowed, "__build_class__": builtins.__build_class__},
        "__name__": "generated",
        **names,
    }
    try:
        exec(code, scope)
        root = scope[name]()
    except Exception as error:
        raise Mismatch(f"{name} cannot be constructed: {type(error).__name__}: {error}") from error
    assert isinstance(root, Module)
    return root


def _callees(emits: dict[int, Emit]) -> tuple[dict[str, tuple[str, ...]], dict[str, dict[str, Any]]]:
    """The names of arguments by place, and the defaults that may be left out, of every callee."""
    positions: dict[str, tuple[str, ...]] = {}
    defaults: dict[str, dict[str, Any]] = {}
    for callee in _every_callee(emits):
        positions[callee.path] = tuple(slot.name for slot in callee.slots)
        defaults[callee.path] = {
            slot.name: slot.default for slot in callee.slots if slot.default is not UNSET
        }
    return positions, defaults


def _every_callee(emits: dict[int, Emit]) -> Iterator[Callee]:
    for emit in emits.values():
        for callee in (emit.module, emit.function):
            if isinstance(callee, Callee):
                yield callee


def _own(root: Module, ledger: Ledger, graph: Graph, emits: dict[int, Emit]) -> None:
    """Give every layer with weights its name, which must be one, and the graph's."""
    weighted = {
        emit.module.within or emit.module.path
        for emit in emits.values()
        if emit.weights and emit.module is not None
    }
    found: dict[str, Layer | Parameter] = {}
    names: dict[int, str] = {}
    for path, layer in layers_of(root):
        if layer.path not in weighted:
            continue
        if names.setdefault(id(layer), path) != path:
            raise Mismatch(f"a layer is registered as `{path}` and as `{names[id(layer)]}`")
        found[path] = layer
        if isinstance(layer, Parameter):
            layer.name(path)
    ledger.owners = names
    paths = state_paths(graph)
    wanted = {paths[id_] for id_, emit in emits.items() if emit.weights and graph[id_].weights == id_}
    if wanted != set(found):
        missing, surplus = sorted(wanted - set(found)), sorted(set(found) - wanted)
        raise Mismatch(
            f"weights are missing ({', '.join(missing[:3])}) or too many ({', '.join(surplus[:3])})"
        )


def _interpret(graph: Graph, emits: dict[int, Emit], ledger: Ledger, training: bool) -> dict[int, int]:
    """What each node computes, as the ledger's number."""
    paths = state_paths(graph)
    numbers: dict[int, int] = {}
    for node in graph:
        if node.op.family == "input":
            numbers[node.id] = ledger.number(("input", node.id))
            continue
        inputs = [numbers[source] for source in graph.inputs(node.id)]
        if emits[node.id].flattens:
            inputs[0] = ledger.number(("flatten", inputs[0]))
        numbers[node.id] = _node(node, emits[node.id], inputs, ledger, paths.get(node.weights, ""), training)
    return numbers


def _node(node: Node, emit: Emit, inputs: list[int], ledger: Ledger, path: str, training: bool) -> int:
    """The number of a node's value, whichever of its forms the module uses."""
    function = emit.function
    if isinstance(function, Callee) and function.path == "torch.cat":
        return ledger.concatenate(inputs, next(int(str(slot.value)) for slot in function.slots))
    keys = []
    if emit.call:
        assert emit.module is not None
        return _formula(emit.call, emit, inputs, ledger, self=_made(emit.module, ledger, path))
    if emit.module is not None:
        if emit.module.path == "nn.Flatten":
            return ledger.number(("flatten", *inputs))
        keys.append(
            layer_key(emit.module.path, _bound(emit.module, ledger), path if emit.weights else "", inputs)
        )
    if isinstance(function, Callee):
        named = {"training": training} if emit.training else {}
        keys.append(function_key(function.path, _bound(function, ledger, **named), inputs))
    if isinstance(function, str):
        return ledger.equate(_formula(function, emit, inputs, ledger), *keys)
    return ledger.equate(None, *keys)


def _bound(callee: Callee, ledger: Ledger, **named: Any) -> Key:
    return ledger.bind(
        callee.path, (), {**{slot.name: slot.value for slot in callee.slots if not slot.omitted}, **named}
    )


def _made(callee: Callee, ledger: Ledger, path: str) -> Layer | Parameter:
    """A layer, or a learned tensor, with the weights that lie at `path`."""
    if callee.within:
        made = Parameter(Trace(ledger, ledger.number(function_key(callee.path, _bound(callee, ledger), ()))))
        made.name(path)
        return made
    named = {slot.name: slot.value for slot in callee.slots if not slot.omitted}
    return Layer(ledger, callee.path, (), named, path)


def _formula(function: str, emit: Emit, inputs: list[int], ledger: Ledger, **further: Any) -> int:
    """The number of what an expression of a layer, which is ours, gives on the stand-ins."""
    names: dict[str, Any] = {f"x{i}": Trace(ledger, number) for i, number in enumerate(inputs)}
    values = {slot.name: repr(slot.value) for slot in emit.slots}
    text = function.format(*names, **values, **{name: name for name in further})
    known = {**stand_ins.namespace(ledger, emit.support), **names, **further}
    value = eval(text, {"__builtins__": {"float": float}, **known})
    assert isinstance(value, Trace)
    return value.number
