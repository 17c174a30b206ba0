"""The tensors of a net and of a foreign checkpoint in, by name and shape; which is which out.

Both sides are trees of modules. Two modules can be one where they hold layers of the same shapes. Their parts
are paired where a shape occurs once, and else by what orders them: equal names, numbers in the names, the
order in the file. Where these disagree, or nothing orders two parts of one shape, the pairing stays open, and
nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from math import prod

from msgspec import Struct

Shape = tuple[int, ...]
Signature = tuple[tuple[str, Shape], ...]

ROLES = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
"""What torch's layers call their tensors. A tensor of another name is a part by itself."""
COUNTER = "num_batches_tracked"
"""Old checkpoints lack it, and torch takes 0 for it."""
PACKED = "in_proj_"
"""Attention's projections of queries, keys and values as one: elsewhere a layer of its own."""
NUMBER = re.compile(r"\d+")


class Layer(Struct, frozen=True):
    """The tensors of one layer by role: their names, and their shapes without ones at the end, since a 1x1
    convolution is a fully connected layer."""

    names: Mapping[str, str]
    shapes: Mapping[str, Shape]

    @property
    def signature(self) -> Signature:
        return tuple(sorted((role, shape) for role, shape in self.shapes.items() if role != COUNTER))


class Part:
    """A module: its name within the outer one, and either a layer or parts in order."""

    def __init__(self, name: str, layer: Layer | None = None) -> None:
        self.name, self.layer = name, layer
        self.parts: dict[str, Part] = {}

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All that it holds, in order."""
        if self.layer is not None:
            return (self.layer,)
        return tuple(layer for part in self.parts.values() for layer in part.layers)

    @cached_property
    def signature(self) -> tuple[Signature, ...]:
        return tuple(sorted(layer.signature for layer in self.layers))


class Open(Struct, frozen=True):
    """Tensors of one shape of which it is open which is which."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    shape: Shape


class Match(Struct, frozen=True):
    """What belongs together: our name of each tensor -> its name in the checkpoint.

    `absent` are our counters of batches that the checkpoint lacks. Where `open`, `ours` or `theirs` holds
    anything, the checkpoint does not fit: parts of which it is open which is which, our tensors without
    one, and tensors without a place.
    """

    pairs: Mapping[str, str]
    absent: tuple[str, ...] = ()
    open: tuple[Open, ...] = ()
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return not (self.open or self.ours or self.theirs)


def match(ours: Mapping[str, Shape], theirs: Mapping[str, Shape]) -> Match:
    """Which tensor is which. Both mappings are in the order in which their modules were made."""
    counters = tuple(name for name in ours if is_counter(name) and name not in theirs)
    if ours.keys() - counters == {*theirs} and all(
        squeeze(ours[name]) == squeeze(theirs[name]) for name in theirs
    ):
        return Match({name: name for name in theirs}, counters)
    mine, published = grow(ours), grow(theirs)
    if mine.signature != published.signature:
        rest = compare(mine.layers, published.layers)
        flat = {*rest.ours, *rest.theirs}  # a fully connected layer may be a convolution over the whole map
        mine, published = grow(ours, flat), grow(theirs, flat)
        if mine.signature != published.signature:
            return rest
    pairing = Pairing(ordered=[*theirs] != sorted(theirs))
    pairing.pair(mine, published)
    names = {ours: theirs for mine, other in pairing.layers for ours, theirs in together(mine, other)}
    absent = () if pairing.open else tuple(name for name in ours if is_counter(name) and name not in names)
    return Match(names, absent, tuple(pairing.open))


def rewrite(names: Iterable[str], rules: Iterable[tuple[re.Pattern[str], str]]) -> dict[str, str]:
    """Names of a checkpoint -> the same after all rules, in their order. Raises ValueError where a rule
    cannot be applied or changes nothing, and where two names become one."""
    rewritten = {name: name for name in names}
    for pattern, replacement in rules:
        try:
            changed = {name: pattern.sub(replacement, new) for name, new in rewritten.items()}
        except (re.error, IndexError) as error:
            raise ValueError(f"`{replacement}` cannot stand for `{pattern.pattern}`: {error}") from None
        if changed == rewritten:
            raise ValueError(f"no name of the checkpoint has `{pattern.pattern}`")
        rewritten = changed
    if len({*rewritten.values()}) != len(rewritten):
        raise ValueError("once rewritten, two tensors have one name")
    return rewritten


def is_counter(name: str) -> bool:
    return name.rpartition(".")[2] == COUNTER


def squeeze(shape: Shape) -> Shape:
    size = len(shape)
    while size and shape[size - 1] == 1:
        size -= 1
    return shape[:size]


def together(mine: Layer, other: Layer) -> Iterable[tuple[str, str]]:
    return ((mine.names[role], other.names[role]) for role in mine.names if role in other.names)


def flatten(shape: Shape) -> Shape:
    return (*shape[:1], prod(shape[1:])) if len(shape) > 1 else shape


def grow(shapes: Mapping[str, Shape], flat: Container[str] = ()) -> Part:
    """The tree of modules that holds these tensors; of those in `flat` only the output is told apart."""
    root = Part("")
    layers: dict[tuple[str, ...], dict[str, str]] = {}
    for name in shapes:
        *path, attribute = name.split(".")
        role = attribute.removeprefix(PACKED)
        own = attribute.removesuffix(role) if role in ROLES else attribute
        layers.setdefault((*path, own), {})[role if role in ROLES else "weight"] = name
    for (*path, own), names in layers.items():
        outer = root
        for step in path:
            outer = outer.parts.setdefault(step, Part(step))
        shaped = {
            role: squeeze(flatten(shapes[name]) if name in flat else shapes[name])
            for role, name in names.items()
        }
        outer.parts[own or "."] = Part(own, Layer(names, shaped))
    return root


class Pairing:
    """The layers that are one, and those of which it is open. `ordered`: the file's order says something."""

    def __init__(self, ordered: bool) -> None:
        self.ordered = ordered
        self.layers: list[tuple[Layer, Layer]] = []
        self.open: list[Open] = []

    def pair(self, mine: Part, other: Part) -> None:
        """Pair the layers of two parts of one signature."""
        if mine.layer is not None and other.layer is not None:
            self.layers.append((mine.layer, other.layer))
            return
        left, right = level(inner(mine), inner(other))
        alike = [part.signature for part in left] == [part.signature for part in right]
        others = group(right)
        for signature, members in group(left).items():
            candidates = others[signature]
            chosen = choose(members, candidates, self.ordered and alike)
            if chosen is None:
                self.leave_open(members, candidates)
                continue
            for member, candidate in zip(members, chosen, strict=True):
                self.pair(member, candidate)

    def leave_open(self, members: Sequence[Part], candidates: Sequence[Part]) -> None:
        """Parts that could be any of the others; of each only one tensor is told, its first layer's."""
        first = members[0].layers[0]
        role = "weight" if "weight" in first.names else next(iter(first.names))
        ours, theirs = (
            tuple(part.layers[0].names[role] for part in parts) for parts in (members, candidates)
        )
        self.open.append(Open(ours, theirs, first.shapes[role]))


def group(parts: Iterable[Part]) -> dict[tuple[Signature, ...], list[Part]]:
    """The parts of each signature, in order."""
    found: dict[tuple[Signature, ...], list[Part]] = {}
    for part in parts:
        found.setdefault(part.signature, []).append(part)
    return found


def level(left: list[Part], right: list[Part]) -> tuple[list[Part], list[Part]]:
    """Parts of two modules, opened until both sides hold parts of the same signatures."""
    while True:
        counts = [Counter(part.signature for part in side) for side in (left, right)]
        odd = {*(counts[0] - counts[1]), *(counts[1] - counts[0])}
        if not odd:
            return left, right
        most = max(map(len, odd))
        largest = {signature for signature in odd if len(signature) == most}
        left, right = (
            [part for outer in side for part in (opened(outer) if outer.signature in largest else [outer])]
            for side in (left, right)
        )


def inner(part: Part) -> list[Part]:
    """The parts of a module, inside what only wraps them; of a layer, itself."""
    parts = [*part.parts.values()] or [part]
    while len(parts) == 1 and parts[0].layer is None:
        parts = [*parts[0].parts.values()]
    return parts


def opened(outer: Part) -> list[Part]:
    """The parts of a module under their names in what holds the module."""
    if outer.layer is not None:
        return [outer]
    parts = []
    for part in outer.parts.values():
        named = Part(f"{outer.name}.{part.name}", part.layer)
        named.parts = part.parts
        parts.append(named)
    return parts


def choose(members: Sequence[Part], candidates: Sequence[Part], ordered: bool) -> Sequence[Part] | None:
    """The candidate for each member, all being of one signature; None where that is open."""
    if len(members) == 1:
        return candidates
    found: list[Sequence[Part]] = [candidates] if ordered else []
    named = {part.name: part for part in candidates}
    if named.keys() == {part.name for part in members}:
        found.append([named[part.name] for part in members])
    if len({NUMBER.sub("", part.name) for part in candidates}) == 1:
        found.append(sorted(candidates, key=lambda part: [int(n) for n in NUMBER.findall(part.name)]))
    agree = found and all([*map(id, other)] == [*map(id, found[0])] for other in found)
    return found[0] if agree else None


def compare(mine: Sequence[Layer], other: Sequence[Layer]) -> Match:
    """What two sets of layers do not have in common."""
    counts = [Counter(layer.signature for layer in layers) for layers in (mine, other)]
    left, right = (
        [layer for layer in layers if counts[0][layer.signature] != counts[1][layer.signature]]
        for layers in (mine, other)
    )
    signatures = [layer.signature for layer in left], [layer.signature for layer in right]
    matcher = SequenceMatcher(None, *signatures, autojunk=False)
    for block in reversed(matcher.get_matching_blocks()):
        del left[block.a : block.a + block.size], right[block.b : block.b + block.size]
    for layer in [*left]:  # what the order alone keeps apart
        same = next((theirs for theirs in right if theirs.signature == layer.signature), None)
        if same is not None:
            left.remove(layer)
            right.remove(same)
    ours, theirs = (
        tuple(name for layer in layers for name in layer.names.values()) for layers in (left, right)
    )
    return Match({}, (), (), ours, theirs)
