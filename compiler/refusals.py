"""A rule's refusal in, a fault out: where the text has what the rule blames, and what made the input so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dsl import ast
from ..dsl.diagnostics import Note
from ..dsl.source import Place
from ..ops.arguments import parameters
from ..ops.base import Op, Reject
from .faults import Fault
from .frames import Argument, Event, Member, Merge, Tensor
from .nesting import splice
from .origins import explain, explain_difference, explain_size, projection
from .scope import Scope

if TYPE_CHECKING:
    from .elaboration import Elaboration


def refuse(
    e: Elaboration,
    reject: Reject,
    op: type[Op],
    arguments: dict[str, Argument],
    inputs: tuple[Tensor, ...],
    event: Event,
    scope: Scope,
    site: ast.Node,
) -> Fault:
    """The fault for a layer at `site` that its rule refuses."""
    place = scope.item.place(site)
    causes: tuple[Note, ...] = ()
    blamed = arguments.get(reject.blame)
    if blamed is not None and blamed.expr is not None and blamed.frame is not None:
        written = blamed.frame.item.place(blamed.expr)
        if written.source is place.source and place.start <= written.start <= place.end:
            place = written
        else:
            causes = (Note(written, f"`{reject.blame}` comes from here"),)
    if blamed is not None or len(inputs) == 1 or op.tensors:
        help = reject.help
        if reject.code == "window-too-large":
            causes += explain_size(e, inputs[0])
            help = help or "enter a larger input, or shrink it less before"
        elif reject.blame.startswith("input") or reject.code == "indivisible":
            causes += tuple(explain(e, tensor) for tensor in inputs)
        elif reject.code == "missing-argument":
            called = site.target if isinstance(site, ast.Call) else site
            names = ", ".join(parameter.name for parameter in parameters(op))
            help = scope.hidden(called) or f"its parameters are {names}"
        return Fault(reject.code, str(reject), place, "", causes, help=help)
    # branches that do not meet
    channels_too = op.name != "concat"
    entering = {tensor.node for tensor in e.frame.inputs}
    if isinstance(event, Merge):
        entering |= {tensor.node for tensor in event.inputs}
    causes += explain_difference(e, inputs, member_places(event, len(inputs)), channels_too)
    marked = f"all branches must have one {'shape' if channels_too else 'size'}"
    help = (projection(inputs, entering) if op.name == "add" else "") or reject.help
    return Fault(reject.code, str(reject), place, marked, causes, help=help)


def member_places(event: Event, count: int) -> tuple[Place | None, ...]:
    """Where the members that give a merge's `count` inputs stand; a `dense` group's own input has none."""
    members = list(splice(event.members)) if isinstance(event, Merge) else []
    places = [event.item.place(m.site) for m in members if isinstance(m, Member) and isinstance(event, Merge)]
    return (*(None,) * (count - len(places)), *places)
