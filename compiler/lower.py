"""A program and one of its nets in, its graph out: blocks elaborated, loops unrolled, shapes known."""

from __future__ import annotations

from collections.abc import Mapping

from ..dsl import ast
from . import apply as applying
from . import blocks, flow
from .elaboration import Elaboration
from .faults import POISON, Endless, Enough, Fault, Silent
from .frames import Argument, Frame, OutputEvent
from .graph import Graph, Node, Port
from .limits import Limits
from .names import Naming
from .program import FileScope, Program
from .scope import Labels, Scope
from .suggestions import join, suggest
from .values import NetValue, Value, describe
from .waste import refuse_waste


def choose(program: Program, name: str | None, stem: str = "") -> str:
    """The net that is meant: the one named, else the one named like the file (`stem`), else the only one.

    Raises `Fault`."""
    scope = program.scope
    if name is not None and scope.defines_net(name):
        return name
    nets = scope.net_names()
    start = ast.Node(0, 0)
    place = ast.Item(scope.source, 0, ast.Definition(0, 0)).place(start)
    if name is not None:
        raise Fault(
            "unknown-net",
            f"there is no net `{name}` in this file",
            place,
            help=suggest(name, nets) or (f"its nets are {join(nets)}" if nets else "it defines no net"),
        )
    if stem in nets and not is_template(scope, stem):
        return stem
    if len(nets) == 1:
        return nets[0]
    if not nets:
        raise Fault(
            "unknown-net",
            "this file defines no net",
            place,
            help="a net is `net name { input: 3x224x224; ... }`",
        )
    complete = [net for net in nets if not is_template(scope, net)]
    if len(complete) == 1:
        return complete[0]
    raise Fault(
        "unknown-net",
        "this file holds several nets"
        if stem in nets
        else "this file holds several nets, and none is named like it",
        place,
        help=f"name one after a colon: {join(complete or nets)}",
    )


def is_template(scope: FileScope, name: str) -> bool:
    """Whether a net has parameters that nothing gives."""
    try:
        value = scope.find(name)[1]
    except (Fault, Silent):
        return False
    return isinstance(value, NetValue) and bool(missing(value))


def missing(net: NetValue) -> list[str]:
    return [
        parameter.name
        for parameter in net.definition.parameters
        if parameter.default is None and not parameter.rest and parameter.name not in net.bound
    ]


def net_named(program: Program, name: str) -> NetValue:
    """The net of that name; raises `Fault` or `Silent`."""
    _, value = program.scope.find(name)
    if value is POISON:
        raise Silent
    if not isinstance(value, NetValue):
        item = program.scope.definitions[name]
        raise Fault("not-a-net", f"`{name}` is {describe(value)}, not a net", item.place(item.tree))
    return value


def lower(
    program: Program,
    net: str | NetValue,
    *,
    settings: Mapping[str, Value] | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    limits: Limits | None = None,
) -> Graph | None:
    """Elaborate a net. `settings` bind parameters that it has anew (`--set`), `inputs` the sizes of its
    inputs by name (`""`: the first). None where it has mistakes, which are in `program.report`."""
    limits = limits or Limits()
    report = program.report
    before = len(report.diagnostics)
    name = net if isinstance(net, str) else net.definition.name.id
    try:
        value = net_named(program, net) if isinstance(net, str) else net
    except Fault as fault:
        report.add(fault)
        return None
    except Silent:
        return None
    graph = None
    for may_skip in (True, False):
        e = Elaboration(report, limits, may_skip)
        e.input_sizes = dict(inputs or {})
        try:
            graph = _elaborate(e, value, name, dict(settings or {}))
        except Fault as fault:
            report.add(fault)
        except (Silent, Endless, Enough):
            pass
        except RecursionError:
            report.add(
                Fault(
                    "recursion-limit",
                    f"`{name}` nests deeper than this machine can follow",
                    value.item.place(value.definition.name),
                    help="leave `--limit depth` and `--limit calls` as they are",
                )
            )
        if e.is_whole:
            break
        report.forget(before)
    if any(diagnostic.is_error for diagnostic in report.diagnostics[before:]):
        return None
    return graph


def _elaborate(e: Elaboration, net: NetValue, name: str, settings: dict[str, Value]) -> Graph | None:
    definition, item = net.definition, net.item
    bound = {**net.bound, **{key: Argument(value) for key, value in settings.items()}}
    open_ = missing(NetValue(definition, net.scope, item, bound))
    if open_:
        raise Fault(
            "template",
            f"the net `{name}` is a template: it needs {', '.join(open_)}",
            item.place(definition.name),
            help=_completed(net.scope, definition)
            or f"call it, `net my_{name} = {name}({', '.join(f'{p}=...' for p in open_)})`, or use `--set`",
        )
    frame = Frame(definition=definition, item=item, arguments={})
    e.frame = frame
    scope = Scope(frame, item, net.scope, Labels(frame, None, {}), {})
    blocks.fill_parameters(e, definition, bound, net.rest, frame, scope, scope, definition.name)
    with e.writing(frame.events):
        result = flow.run_body(e, definition.body, scope, None)
    if e.report.failed or e.is_spoilt or not e.is_whole:
        return None
    if not e.inputs:
        raise Fault(
            "no-input",
            f"the net `{name}` has no input",
            item.place(definition.name),
            help="add `input: 3x224x224`",
        )
    ports = _ports(e, result, scope, definition)
    frame.outputs = tuple(
        tensor for event in e.outputs if event.weight is None for tensor in event.outputs
    ) or applying.as_tuple(result)
    return _finish(e, name, frame, ports)


def _completed(scope: FileScope, definition: ast.Net) -> str:
    """The nets of the file that are this template, called with all that it needs."""
    names = []
    for other in scope.net_names():
        value = scope.find(other)[1]
        if isinstance(value, NetValue) and value.definition is definition and not missing(value):
            names.append(other)
    if not names:
        return ""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"nets made of it are {', '.join(names[:8])}{more}"


def _ports(e: Elaboration, result: Value, scope: Scope, definition: ast.Net) -> tuple[Port, ...]:
    """The ways out: the `output` statements, or the last value; the auxiliary heads after them."""
    results = [_port(event) for event in e.outputs if event.weight is None]
    heads = [_port(event) for event in e.outputs if event.weight is not None]
    if not results:
        if result is POISON or result is None:
            raise Silent
        tensors = applying.as_tuple(result)
        names = ["output"] if len(tensors) == 1 else [f"output{i + 1}" for i in range(len(tensors))]
        results = [Port(name, tensor.node) for name, tensor in zip(names, tensors, strict=True)]
    return (*results, *heads)


def _port(event: OutputEvent) -> Port:
    weight = None if event.weight is None else float(event.weight.value)  # type: ignore[arg-type]
    return Port(event.name, event.outputs[0].node, weight)


def _finish(e: Elaboration, name: str, frame: Frame, ports: tuple[Port, ...]) -> Graph | None:
    naming = Naming(e.report.add)
    modules = naming.name(frame)
    if e.report.failed:
        return None
    nodes = (
        Node(
            id_,
            naming.names[id_],
            made.op,
            made.frame,
            made.event,
            made.site,
            made.item,
            made.arguments,
            e.weights.get(id_, id_),
        )
        for id_, made in enumerate(e.nodes)
    )
    edges = {id_: made.inputs for id_, made in enumerate(e.nodes)}
    graph = Graph(name, nodes, edges, ports, frame, modules, naming.labels)
    refuse_waste(e, graph)
    return None if e.report.failed else graph
