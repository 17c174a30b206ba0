"""A rule's refusal in, a fault out: where the text has what the rule blames, and what made the input so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dsl import ast
from ..dsl.diagnostics import Edit, Note
from ..dsl.source import Place
from ..ops.base import Aspect, Op, Reject, Shape
from ..ops.settle import FOREIGN
from . import remedies
from .faults import Fault
from .frames import Apply, Argument, Event, Member, Merge, Tensor
from .frames import Branch as Choice
from .nesting import splice
from .origins import explain, explain_branch, fork_of, tell
from .provenance import place_of, root, sources, text_of_argument
from .reconcile import Branch, reconcile
from .scope import Scope
from .values import describe

if TYPE_CHECKING:
    from .elaboration import Elaboration


def refuse(
    e: Elaboration,
    reject: Reject,
    op: type[Op],
    arguments: dict[str, Argument],
    inputs: tuple[Tensor, ...],
    event: Event | None,
    scope: Scope,
    site: ast.Node,
) -> Fault:
    """The fault for a layer at `site` that its rule refuses; without an event, whatever its inputs."""
    place = scope.item.place(site)
    if event is not None and op.arity is None and reject.blame.startswith("input["):
        return refuse_branches(e, reject, op, inputs, event, scope, site)
    causes: tuple[Note, ...] = ()
    blamed = arguments.get(reject.blame)
    if blamed is None and isinstance(event, Apply):
        blamed = event.arguments.get(reject.blame)  # a tensor is no argument of the rule, but of the text
    if blamed is not None:
        place, causes = locate(blamed, reject.blame, place)
    elif reject.code == "missing-argument" and isinstance(site, ast.Expr):
        causes = sources(Argument(None, site, scope.frame))
    if e.report.has(reject.code, place):  # and will not be told again: to look for causes takes time
        return Fault(reject.code, str(reject), place)
    if reject.aspect:
        at = {"input[1]": slice(1, 2), "input": slice(0, 1)}.get(reject.blame, slice(None))
        for tensor in inputs[at]:
            causes += explain(e, tensor, reject.aspect)
    if blamed is not None and place == place_of(root(blamed)):
        blamed = root(blamed)
    help = reject.help.replace("...", text_of_argument(blamed) or "...")
    help = remedies.mend(e, reject, op, arguments, inputs, scope, site) or help or remedies.example(op)
    message = str(reject)
    fix: tuple[Edit, ...] = ()
    if blamed is not None:
        message = message.replace(FOREIGN, describe(blamed.value))
        if reject.write and place == place_of(blamed):
            fix = (Edit(place, reject.write),)
    return Fault(reject.code, message, place, "", causes, help, fix)


def refuse_size(shape: Shape, arguments: dict[str, Argument], scope: Scope, site: ast.Node) -> Fault:
    """The fault for a layer whose output no machine can count, at the largest of its arguments."""
    place = scope.item.place(site)
    causes: tuple[Note, ...] = ()
    counts = {name: given.value for name, given in arguments.items() if isinstance(given.value, int)}
    if counts:
        largest = max(counts, key=counts.__getitem__)
        place, causes = locate(arguments[largest], largest, place)
    message = f"this gives {shape}, more elements than 64 bits can count"
    return Fault("graph-limit", message, place, causes=causes, help="write smaller numbers")


def locate(argument: Argument, name: str, around: Place) -> tuple[Place, tuple[Note, ...]]:
    """The place of a blamed argument, and where its value was written if that is elsewhere. An argument that
    was given outside of `around`, the layer, is no part of it: there the layer itself is marked. What a block
    of another file (the prelude, say) is given is blamed where it is given, each use by itself."""
    written = place_of(argument)
    if written is None:
        return around, ()
    origin = root(argument)
    given = place_of(origin)
    if given is not None and given.source is not around.source:
        what = f"`{name}` of this layer" if name != "this" else "for this layer"
        return given, (Note(around, what), *sources(origin))
    notes = sources(argument)
    if written.source is around.source and around.start <= written.start <= around.end:
        return written, notes
    what = f"`{name}` comes" if name != "this" else "it comes"
    return around, (Note(written, f"{what} from here"), *notes)


def refuse_branches(
    e: Elaboration,
    reject: Reject,
    op: type[Op],
    inputs: tuple[Tensor, ...],
    event: Event,
    scope: Scope,
    site: ast.Node,
) -> Fault:
    """The fault for branches that do not meet: the one that the rule blames, beside the first that it differs
    from, each with what made it so since they parted."""
    place = scope.item.place(site)
    if e.report.has(reject.code, place):
        return Fault(reject.code, str(reject), place)
    places = branch_places(event, scope, site, len(inputs))
    odd = int(reject.blame[len("input[") : -1])
    other = next((i for i, tensor in enumerate(inputs) if differences(op, tensor, inputs[odd])), 0)
    causes: dict[Note, None] = {}
    aspects = differences(op, inputs[other], inputs[odd])
    for aspect in aspects:
        fork = fork_of(e, inputs[other].node, inputs[odd].node, aspect)
        for i in sorted((other, odd)):
            causes.update(dict.fromkeys(explain_branch(e, inputs[i], aspect, fork, places[i])))
    what = "size" if op.name == "concat" else "shape"
    entering = {tensor.node for tensor in e.frame.inputs}
    message = str(reject)
    if isinstance(event, Merge):
        entering |= {tensor.node for tensor in event.inputs}
        if event.head == "dense":  # of whose branches the first is what enters
            told = (tell(inputs[i].shape, aspects[0]) for i in (odd, other))
            message = "member {} of `dense` is {}, and what it joins {}".format(odd, *told)
    majority = len(inputs) > 2 or (isinstance(event, Merge) and event.head == "dense")
    one, two = (Branch(inputs[i], places[i], majority and i == other) for i in (other, odd))
    help = (
        embrace(op, event, inputs, odd, other) or reconcile(e, op, one, two, aspects, entering) or reject.help
    )
    return Fault(
        reject.code,
        message,
        place,
        f"all branches must have one {what}",
        tuple(causes),
        help=help,
    )


def embrace(op: type[Op], event: Event, inputs: tuple[Tensor, ...], odd: int, other: int) -> str:
    """What to write where an `if` gives two members that were meant as one: the later only keeps the shape
    that enters, and without it all is well."""
    if not isinstance(event, Merge) or inputs[odd].shape != event.inputs[0].shape:
        return ""
    if not odd or differences(op, inputs[odd - 1], inputs[other]):
        return ""
    for choice in event.members:
        given = splice(choice.events) if isinstance(choice, Choice) else ()
        nodes = [member.outputs[0].node for member in given if isinstance(member, Member)]
        if inputs[odd].node in nodes and inputs[odd - 1].node in nodes:
            return "each statement of the `if` is a branch of its own; braces around the `if` make it one"
    return ""


def differences(op: type[Op], one: Tensor, other: Tensor) -> list[Aspect]:
    """In what two branches do not fit: their kind, else size and channels."""
    first, second = one.shape, other.shape
    if first.dtype != second.dtype:
        return ["dtype"]
    stretching = op.name == "mul"
    if first.kind != second.kind and not (stretching and 0 in (first.rank, second.rank)):
        return ["rank"]
    found: list[Aspect] = []
    pairs = list(zip(first.spatial, second.spatial, strict=False))
    if any(a != b and not (stretching and 1 in (a, b)) for a, b in pairs):
        found.append("size")
    counts = (first.channels, second.channels)
    if op.name != "concat" and counts[0] != counts[1] and not (stretching and 1 in counts):
        found.append("channels")
    return found


def branch_places(event: Event, scope: Scope, site: ast.Node, count: int) -> tuple[Place | None, ...]:
    """Where the branches of a merge stand: its members, or the arguments of `add(a, b)`. What enters `dense`
    is its first branch, and stands nowhere in it."""
    places: list[Place] = []
    if isinstance(event, Merge):
        members = splice(event.members)
        places = [event.item.place(member.site) for member in members if isinstance(member, Member)]
    elif isinstance(site, ast.Call):
        given = [argument for argument in site.arguments if argument.name is None]
        places = [scope.item.place(argument.value) for argument in given]
        if len(places) != count:  # a tuple, or a spread one
            return (None,) * count
    return (*(None,) * (count - len(places)), *places)
