"""Groups in, their value out: braces one after the other, and the merges `add mul max mean concat dense`."""

from __future__ import annotations

from ..dsl import ast
from ..ops.registry import LAYERS
from . import apply as applying
from . import evaluate as evaluating
from . import flow
from .arity import refuse_several
from .elaboration import Elaboration
from .faults import POISON, Fault, Silent, text_of
from .frames import Apply, Argument, Event, Label, Member, Merge, Sequence, Tensor
from .functions import Refusal, call, is_number
from .scope import Labels, Scope
from .unknown import refuse_group, refuse_parameter
from .values import MergeWord, Value, describe

MERGES = ("add", "mul", "max", "mean", "concat", "dense")


def run_group(
    e: Elaboration,
    group: ast.Group,
    value: Value,
    scope: Scope,
    label: Label | None = None,
    inner: Labels | None = None,
) -> Value:
    """Send `value` through a group written in `scope`. `label` names its module, `inner` takes its labels."""
    if value is None:
        raise applying.nothing_yet(scope, group)
    word: MergeWord | None = None
    if group.head is not None:
        try:
            word = _head(e, group, scope)
            _check_head(e, word, scope, group.head)
        except Fault as fault:
            e.complain(fault)
            value = POISON
        except Silent:
            value = POISON
    body = scope.inside(here=value, labels=inner, in_loop=False if label is not None else None)
    if value is POISON:  # what is wrong with the members is said all the same
        with e.writing([]):
            flow.run_body(e, group.body, body, POISON)
        raise Silent
    if word is None or group.head is None:
        return _run_braces(e, group, value, body, label)
    if word.head == "dense" and not isinstance(value, Tensor):
        raise scope.fault(
            group.head, "wrong-arity", f"`{word.head}` takes one value and receives {describe(value)}"
        )
    event = Merge(
        site=group,
        inputs=entering(value),
        label=label,
        head=word.head,
        op=None,
        nodes=(),
        arguments=word.bound,
        item=scope.item,
        members=[],
        scope=scope.frame,
    )
    course = (
        _Accumulating(e, value, scope, group, event) if word.head == "dense" else _Parallel(e, value, scope)
    )
    with e.writing(event.members):
        flow.run_statements(e, group.body, body, course)
    if course.broken:
        raise Silent
    result = course.merge(event, group.head)
    event.outputs = (result,)
    e.sink.append(event)
    return result


def entering(value: Value) -> tuple[Tensor, ...]:
    """What enters, as the inputs of an event; a tuple enters whole."""
    return value if isinstance(value, tuple) else (value,)


def _run_braces(e: Elaboration, group: ast.Group, value: Value, body: Scope, label: Label | None) -> Value:
    events: list[Event] = []
    with e.writing(events):
        result = flow.run_body(e, group.body, body, value)
    if result is POISON:
        raise Silent
    e.sink.append(
        Sequence(
            site=group,
            inputs=entering(value),
            outputs=result if isinstance(result, tuple) else (result,),
            label=label,
            form="braces",
            events=events,
            scope=body.frame,
        )
    )
    return result


def _head(e: Elaboration, group: ast.Group, scope: Scope) -> MergeWord:
    head = group.head
    assert head is not None
    if isinstance(head, ast.Name) and not scope.local(head.id)[0] and not scope.file.find(head.id)[0]:
        raise refuse_group(head, scope.item, MERGES)
    word = evaluating.evaluate(e, head, scope)
    if not isinstance(word, MergeWord):
        raise scope.fault(
            head,
            "wrong-type",
            f"braces follow {describe(word)}, which is no group",
            help=f"groups are {', '.join(MERGES)}; a layer and a group in sequence are joined by `->`",
        )
    return word


def _check_head(e: Elaboration, word: MergeWord, scope: Scope, head: ast.Expr) -> None:
    """Refuse the arguments of a group's head; its members may be one, of which no layer is made."""
    if word.bound:
        e.check(LAYERS[word.head], word.bound, scope, head)


class _Parallel:
    """Each member receives the group's input."""

    def __init__(self, e: Elaboration, value: Value, scope: Scope) -> None:
        self.e, self.value, self.scope = e, value, scope
        self.members: list[Tensor] = []
        self.broken = False

    def receive(self) -> Value:
        return self.value

    def give(self, statement: ast.Statement, value: Value, events: list[Event], steps: int = 1) -> None:
        if value is POISON:
            self.broken = True
            return
        if not isinstance(value, Tensor):
            raise refuse_several(self.e, "a member gives one value", value, self.scope, statement)
        self.members.append(value)
        self.e.sink.append(
            Member(site=statement, inputs=entering(self.value), outputs=(value,), events=events, steps=steps)
        )

    def merge(self, event: Merge, head: ast.Expr) -> Tensor:
        if not self.members:
            raise self.scope.fault(head, "wrong-arity", f"`{event.head}` has no members, so no value")
        return self._join(event, head, tuple(self.members), event.arguments)

    def _join(
        self, event: Merge, head: ast.Expr, values: tuple[Tensor, ...], arguments: dict[str, Argument]
    ) -> Tensor:
        if len(values) == 1:
            return values[0]
        op = LAYERS["concat" if event.head == "dense" else event.head]
        id_, tensor, event.op = self.e.make(op, arguments, values, event, self.scope, head)
        event.nodes += (id_,)
        return tensor


class _Accumulating(_Parallel):
    """Each member receives the concatenation of the group's input and all earlier members."""

    def __init__(self, e: Elaboration, value: Tensor, scope: Scope, group: ast.Group, event: Merge) -> None:
        super().__init__(e, value, scope)
        self.event, self.head = event, group.head
        self.joined = value

    def receive(self) -> Value:
        return self.joined

    def give(self, statement: ast.Statement, value: Value, events: list[Event], steps: int = 1) -> None:
        before = self.joined
        super().give(statement, value, events, steps)
        if self.broken:
            return
        member = self.e.sink[-1]
        member.inputs = (before,)
        assert self.head is not None
        self.joined = self._join(self.event, self.head, (self.value, *self.members), {})

    def merge(self, event: Merge, head: ast.Expr) -> Tensor:
        if not self.members:
            raise self.scope.fault(head, "wrong-arity", "`dense` has no members, so nothing to accumulate")
        return self.joined


def call_word(e: Elaboration, word: MergeWord, expr: ast.Call, scope: Scope) -> Value:
    """`add(a, b)` on tensors, `max(1, 2)` on numbers, or a head with its parameters: `mean(drop=0.15)`."""
    bound = dict(word.bound)
    values: list[Value] = []
    for argument in expr.arguments:
        value = evaluating.evaluate(e, argument.value, scope)
        if argument.name is not None:
            if word.head != "mean" or argument.name != "drop":
                known = ["drop"] if word.head == "mean" else []
                raise refuse_parameter(
                    scope.item.place(argument), f"the group `{word.head}`", argument.name, known
                )
            bound[argument.name] = Argument(value, argument.value, scope.frame)
        elif (argument.spread and isinstance(value, list)) or isinstance(value, tuple):
            values.extend(value)
        else:
            values.append(value)
    if not values:
        return MergeWord(word.head, bound)
    if word.head == "max" and all(is_number(value) or isinstance(value, list) for value in values):
        try:
            return call("max", values, e.limits)
        except Refusal as refusal:
            raise scope.fault(expr, refusal.code, str(refusal), help=refusal.help) from None
    for value, argument in zip(values, expr.arguments, strict=False):
        if not isinstance(value, Tensor):
            raise scope.fault(
                argument,
                "wrong-type",
                f"`{word.head}(...)` joins tensors, not {describe(value)}",
                help=scope.hidden(argument.value)
                or _instead(word.head, expr.arguments, value, argument, scope),
            )
        if value.frame is not e.frame:
            applying.own(e, value, scope, argument)
    if word.head == "dense":
        raise scope.fault(expr, "wrong-type", "`dense` needs braces with its members")
    if len(values) == 1:
        return values[0]
    tensors = tuple(values)
    event = Apply(site=expr, inputs=tensors, op=None, nodes=(), arguments=bound)  # type: ignore[arg-type]
    id_, output, event.op = e.make(LAYERS[word.head], bound, tensors, event, scope, expr)
    event.nodes, event.outputs = (id_,), (output,)
    e.sink.append(event)
    return output


def _instead(
    head: str, arguments: tuple[ast.Argument, ...], value: Value, argument: ast.Argument, scope: Scope
) -> str:
    """What to write for an operation on something that is no tensor."""
    text = text_of(scope.item, argument.value)
    if not is_number(value):
        return f"branches stand in braces: `{head} {{ ... }}`"
    if head == "mean" and len(arguments) == 1:
        return f"the drop rate is named: `mean(drop={text})`"
    constant = {"add": "shift", "mul": "scale"}.get(head)
    others = [given.value for given in arguments if given is not argument]
    if constant is not None and len(others) == 1:
        return f"write `{text_of(scope.item, others[0])} -> {constant}({text})`"
    return f"branches stand in braces: `{head} {{ ... }}`"
