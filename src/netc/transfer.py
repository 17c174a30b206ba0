"""A run, or a checkpoint of others, in; the tensors that a net with a new head begins with out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .checkpoints import read_checkpoint
from .compiler.matching import Match, Shape, match
from .dsl.diagnostics import Unusable
from .live import instantiate_empty
from .runs import Prepared, compile_run, outputs_of
from .training.run import Origin, Phase, Run, is_within
from .training.transfer import find_heads

if TYPE_CHECKING:
    from torch import Tensor

    from .driver import Compiled

Shapes = Mapping[str, Shape]


class Misfit(Exception):
    """The tensors of a source are not those of a net's base: `found` says why, of these shapes."""

    def __init__(self, found: Match, ours: Shapes, theirs: Shapes) -> None:
        super().__init__("the weights do not fit")
        self.found, self.ours, self.theirs = found, ours, theirs


class Base(Struct, frozen=True, eq=False):
    """What a net begins with: the tensors of its base by the net's names, and the names of those that are
    `new`. `origin` is that of a source that is a run."""

    tensors: Mapping[str, Tensor]
    new: tuple[str, ...]
    origin: Origin | None


def take_base(
    source: str, key: str | None, compiled: Compiled, heads: tuple[str, ...], head: str | None
) -> Base:
    """The base of `compiled`, all but its `heads`, with the weights of `source`: a run, a file of weights in
    one, or a checkpoint of others, whose names may be others (`key` says which of its tensors). Of a run that
    has a part `head` that is its head. Raises `Misfit` and `Unusable`."""
    classes = outputs_of(compiled)
    ours = shapes_of(instantiate_empty(compiled.source(), compiled.name).state_dict())
    base = without(ours, heads)
    if is_run(Path(source)):
        run = Run.open(Path(source))
        tensors, origin = run.weights(), run.origin
        theirs = shapes_of(tensors)
        bare = without(theirs, heads_of(compile_run(run), head))
        forms: list[tuple[Shapes, Shapes]] = [(base, bare)]
    else:
        tensors, origin = read_checkpoint(source, key), None
        theirs = shapes_of(tensors)
        forms = [(base, theirs), *((form, theirs) for form in with_heads(ours, theirs, heads, classes))]
    found = [match(mine, others) for mine, others in forms]
    fitting = next((each for each in found if each.fits), None)
    if fitting is None:
        nearest = min(range(len(found)), key=lambda n: len(found[n].ours) + len(found[n].theirs))
        raise Misfit(found[nearest], *forms[nearest])
    pairs = {name: other for name, other in fitting.pairs.items() if name in base}
    taken = {name: tensors[other].reshape(ours[name]) for name, other in pairs.items()}
    return Base(taken, tuple(name for name in ours if name not in base), origin)


def is_run(path: Path) -> bool:
    return ((path if path.is_dir() else path.parent) / "run.json").exists()


def heads_of(compiled: Compiled, label: str | None) -> tuple[str, ...]:
    """The heads of the source's net: the part of that label, where it has such a part."""
    known = label is not None and compiled.training.parts.named(label) is not None
    return find_heads(compiled.training, label if known else None)


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def without(shapes: Shapes, heads: tuple[str, ...]) -> dict[str, Shape]:
    return {name: shape for name, shape in shapes.items() if not is_within(name, heads)}


def with_heads(ours: Shapes, theirs: Shapes, heads: tuple[str, ...], classes: int) -> Iterator[Shapes]:
    """Our shapes as they would be with the head of the source: with its number of classes in place of ours,
    without the auxiliary heads and with them."""
    layer = [shape for name, shape in ours.items() if is_within(name, heads[:1]) and len(shape) > 1][-1]
    counts = [shape[0] for shape in theirs.values() if len(shape) > 1 and prod(shape[1:]) == prod(layer[1:])]
    for count in dict.fromkeys(counts):
        changed = {
            name: (count, *shape[1:]) if is_within(name, heads) and shape[:1] == (classes,) else shape
            for name, shape in ours.items()
        }
        if heads[1:]:
            yield without(changed, heads[1:])
        yield changed


def begin_with(
    prepared: Prepared,
    source: str,
    base: Base,
    phases: tuple[Phase, ...],
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Prepared:
    """The run that begins with these weights and goes through these phases. Where the recipe says nothing of
    it, images are normalised as the source's were, of which its first layers know no others: as a run says
    it, or `mean` and `std`. Raises `Unusable`."""
    origin = replace(prepared.origin, initial=source, phases=phases)
    if mean or std:
        from .training.augment import refuse_channels

        if origin.recipe.normalize is not None or base.origin is not None:
            where = "the recipe" if base.origin is None else f"the run `{source}`"
            raise Unusable(f"{where} says how images are normalised", "leave `--mean` and `--std` out")
        refuse_channels(origin.input[0], mean, std)
        if min(std) <= 0:
            raise Unusable(f"a standard deviation is above 0, and `--std` has {min(std):g}")
        origin = replace(origin, mean=mean, std=std)
    elif base.origin is not None and origin.recipe.normalize is None:
        origin = replace(origin, mean=base.origin.mean, std=base.origin.std)
    return replace(prepared, origin=origin, weights=base.tensors)


def tell_base(base: Base) -> str:
    """What a person should know of where the weights come from."""
    return f"{len(base.tensors):,} tensors are the source's; new are {', '.join(base.new)}"
