"""A net, and what of it is to stay as it is, in; the phases in which it is finetuned out. No torch here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..compiler.facts import Facts
from ..compiler.graph import Module, Node
from ..compiler.suggestions import suggest
from ..dsl.diagnostics import Unusable
from .run import Phase, is_within

WEIGHING = ("convolution", "dense")
"""The families of what a head and a stage are known by."""
NEARLY = 3 / 4
"""A part with more of the base's layers than this is no stage of it."""
ALL, NONE = "all", "none"
"""What `--unfreeze` may name beside labels."""


def find_heads(facts: Facts, label: str | None = None) -> tuple[str, ...]:
    """The paths of what makes the classes: the part of that label, or the last layer that weighs, fully
    connected or a convolution; then the auxiliary heads. Raises `Unusable`."""
    if label is not None:
        head = find_part(facts, label)
    else:
        weighing = [node for node in results_of(facts) if weighs(facts, node)]
        if not weighing:
            raise Unusable(f"`{facts.graph.name}` has no layer with weights", "`--head` names a part of it")
        head = facts.graph[weighing[-1].weights].name
    kept = {node.id for node in results_of(facts)}
    beside = {node.id for node in owners_of(facts) if node.id not in kept}
    return head, *cover(facts, beside)


def results_of(facts: Facts) -> list[Node]:
    """The nodes on which the classes depend, in order: all but those of auxiliary heads."""
    found = facts.graph.ancestors(port.node for port in facts.graph.results)
    return [node for node in facts.graph if node.id in found]


def owners_of(facts: Facts) -> list[Node]:
    """The nodes with parameters of their own, in order."""
    return [node for node in facts.graph if facts.costs.nodes[node.id].params]


def find_part(facts: Facts, label: str) -> str:
    """The path of the module, or of the parameter, that a person names. Raises `Unusable`."""
    part = facts.parts.named(label)
    if part is None:
        help = suggest(label, facts.parts.known()) or facts.parts.list_labels()
        raise Unusable(f"`{facts.graph.name}` has no part `{label}`", help)
    owners = {facts.graph[id_].weights for id_ in part.nodes}
    if not any(facts.costs.nodes[id_].params for id_ in owners):
        raise Unusable(f"`{label}` of `{facts.graph.name}` has no weights", "name a part that has some")
    (owner,) = owners if len(owners) == 1 else (None,)
    return part.path if owner is None or owner in part.nodes else facts.graph[owner].name


def cover(facts: Facts, wanted: Collection[int]) -> tuple[str, ...]:
    """The fewest modules that hold these nodes with parameters, and no others, in the order of the text."""
    return tuple(descend(facts.graph.modules, {node.id for node in owners_of(facts)}, wanted))


def descend(module: Module, owners: Collection[int], wanted: Collection[int]) -> Iterator[str]:
    held = {id_ for inner in module.walk() for id_ in inner.nodes if id_ in owners}
    if held and held <= {*wanted} and module.path:
        yield module.path
    elif held & {*wanted}:
        for child in module.children:
            yield from descend(child, owners, wanted)


def weighs(facts: Facts, node: Node) -> bool:
    return node.op.family in WEIGHING and facts.costs.nodes[node.weights].params > 0


def find_last_stage(facts: Facts, heads: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of the last stage before the head, and of what stands between the two.

    A stage is a part beside the head that weighs; where that is nearly the whole base, the last in it. Raises
    `Unusable` where nothing stands before the head."""

    def layers_of(module: Module) -> list[int]:
        nodes = (facts.graph[id_] for inner in module.walk() for id_ in inner.nodes if id_ in facts.graph)
        return [node.id for node in nodes if weighs(facts, node) and not is_within(node.name, heads)]

    before: list[Module] = []
    module: Module | None = facts.graph.modules
    while module is not None:  # towards the head: the deepest level that has something before it counts
        around = next((child for child in module.children if is_within(heads[0], (child.path,))), None)
        beside = module.children[: module.children.index(around)] if around is not None else []
        before = [child for child in beside if layers_of(child)] or before
        module = around if around is not None and around.path != heads[0] else None
    if not before:
        raise Unusable(f"nothing with weights stands before the head `{heads[0]}`", "`--unfreeze none`")
    whole = len(layers_of(facts.graph.modules))
    while len(layers_of(before[-1])) > NEARLY * whole:
        inner = [child for child in before[-1].children if layers_of(child)]
        if not inner:
            break
        before = inner
    place = facts.parts.positions
    begin = min(place[id_] for inner in before[-1].walk() for id_ in inner.nodes if id_ in place)
    later = (node for node in owners_of(facts) if place[node.id] >= begin)
    return cover(facts, {node.id for node in later if not is_within(node.name, heads)})


def plan_phases(
    facts: Facts,
    heads: tuple[str, ...],
    freeze: Sequence[str],
    unfreeze: Sequence[str],
    head_epochs: int,
    epochs: int,
    rate: float,
) -> tuple[Phase, ...]:
    """First the heads alone for `head_epochs`, if any, at the recipe's learning rate; then, for `epochs` and
    at `rate` times it, the heads with what is thawed: the labels of `unfreeze`, or all but those of `freeze`,
    or the last stage; never what `freeze` names. Raises `Unusable`."""
    frozen = tuple(find_part(facts, label) for label in freeze)
    for head in heads:
        if is_within(head, frozen):
            raise Unusable(f"`{head}` is a new head, and a head that is frozen stays as it was drawn")
    within = tuple(part for part in frozen if is_within(part, heads))
    if [*unfreeze] == [NONE]:
        return (Phase("head", epochs, heads, within),)
    if [*unfreeze] == [ALL] or (frozen and not unfreeze):
        thawed: tuple[str, ...] = ("",)
    elif unfreeze:
        thawed = (*heads, *(find_part(facts, label) for label in unfreeze))
    else:
        thawed = (*heads, *find_last_stage(facts, heads))
    together = Phase("together", epochs, thawed, frozen, rate)
    if not any(together.trains(node.name) and not is_within(node.name, heads) for node in owners_of(facts)):
        raise Unusable("all that is to be thawed is frozen", "name other parts with `--unfreeze`")
    return (*([Phase("head", head_epochs, heads, within)] if head_epochs else []), together)


def describe_phase(phase: Phase, facts: Facts) -> str:
    """`layer4 and fc: 8,398,858 of 11,181,642 parameters`"""
    figures = facts.costs.nodes
    owned = {node.name: figures[node.id].params for node in owners_of(facts)}
    trained = sum(params for name, params in owned.items() if phase.trains(name))
    names = "the net" if "" in phase.trained else ", ".join(dict.fromkeys(phase.trained))
    but = f" but {', '.join(phase.frozen)}" if phase.frozen else ""
    return f"{names}{but}: {trained:,} of {facts.total.params:,} parameters"
