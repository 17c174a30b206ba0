"""A run, or a checkpoint of others and its net, in; the net with its weights, and data to use it on, out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .checkpoints import read_checkpoint
from .driver import Compiled
from .dsl.diagnostics import Unusable
from .live import instantiate
from .runs import compile_run, image_of, outputs_of
from .training.run import Origin, Run
from .training.words import Recipe

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .training.data import Images
    from .training.scoring import Trained


def open_trained(name: str) -> tuple[Trained, Origin]:
    """The net of a run, with the weights of its best epoch, or of the file of weights that is named. Raises
    `Unusable`."""
    from .training.scoring import Trained

    run = Run.open(Path(name))
    origin, compiled = run.origin, compile_run(run)
    outputs_of(compiled)
    module = load_weights(compiled, run.weights(), str(run.folder / run.which))
    trained = Trained(name, module, origin.recipe, origin.classes, origin.input, origin.mean, origin.std)
    return trained, origin


def adopt(
    path: str,
    key: str | None,
    compiled: Compiled,
    recipe: Recipe,
    mean: Sequence[float],
    std: Sequence[float],
) -> Trained:
    """A net with the weights of a file that netc did not train; its classes are numbers. Raises `Unusable`.

    `mean` and `std` are those of the channels; where they are empty, the recipe's, else 0 and 1.
    """
    from .training.scoring import Trained

    outputs, image = outputs_of(compiled), image_of(compiled)
    module = load_weights(compiled, read_checkpoint(path, key), path)
    said = recipe.normalize
    mean = mean or (said.mean if said else (0.0,) * image[0])
    std = std or (said.std if said else (1.0,) * image[0])
    if len(mean) != image[0] or len(std) != image[0]:
        raise Unusable(
            f"images have {image[0]} channels: `--mean` and `--std` have {len(mean)} and {len(std)} numbers"
        )
    classes = tuple(map(str, range(outputs)))
    return Trained(path, module, recipe, classes, image, tuple(mean), tuple(std))


def load_weights(compiled: Compiled, tensors: Mapping[str, Tensor], file: str) -> nn.Module:
    """The module with these weights; those of auxiliary classifiers may be missing. Raises `Unusable`."""
    module = instantiate(compiled.source(), compiled.name)
    heads = len(compiled.training.graph) > len(compiled.inference.graph)
    if heads and not tensors.keys() >= module.state_dict().keys():
        module = instantiate(compiled.source(aux=False), compiled.name)
    wrong = list(misfits(module.state_dict(), tensors))
    if wrong:
        more = f", and {len(wrong) - 1:,} more do not fit" if len(wrong) > 1 else ""
        raise Unusable(
            f"the weights in `{file}` are not those of `{compiled.name}`: {wrong[0]}{more}",
            "`netc weights` finds which tensor of a checkpoint is which of a net's",
        )
    module.load_state_dict(dict(tensors))
    return module.eval()


def misfits(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> Iterator[str]:
    """What keeps tensors from being loaded, in words."""
    for name, tensor in ours.items():
        if name not in theirs:
            yield f"`{name}` is missing"
        elif theirs[name].shape != tensor.shape:
            shapes = ("x".join(map(str, each.shape)) or "one number" for each in (theirs[name], tensor))
            yield "`{}` is {}, not {}".format(name, *shapes)
    yield from (f"the net has no `{name}`" for name in theirs if name not in ours)


def open_tested(source: str | None, trained: Trained, origin: Origin | None) -> tuple[Images, str]:
    """Images to evaluate a net on, with labels that are places in its classes, and what they are, in words.

    Of the data that a run was trained on, and without a source, these are what was held out in training.
    Raises `Unusable`.
    """
    from .training.data import open_data, open_test

    if origin is not None and (source is None or is_same(source, origin.data)):
        data = open_data(origin.data, origin.val, seed=origin.options.seed)
        assert data.val is not None
        if data.classes != trained.classes:
            raise Unusable(
                f"`{origin.data}` has other classes than when `{trained.name}` was trained",
                "name data with `--data`",
            )
        changed = "" if data.fingerprint == origin.fingerprint else ", which has changed since"
        return data.val, f"the images of `{origin.data}` that were held out in training{changed}"
    if source is None:
        raise Unusable("there is nothing to evaluate the net on", "name data with `--data`")
    data = open_test(source, trained.classes if origin is not None else None)
    assert data.val is not None
    if len(data.classes) != len(trained.classes):
        raise Unusable(
            f"`{trained.name}` knows {len(trained.classes)} classes, and `{source}` has {len(data.classes)}",
            "the order of a checkpoint's classes has to be that of the names of the data's",
        )
    return data.val, f"`{source}`"


def is_same(source: str, other: str) -> bool:
    """Whether two names of data mean the same."""
    from .training.data import absolute

    if absolute(source) == absolute(other):
        return True
    return os.path.exists(source) and os.path.exists(other) and os.path.samefile(source, other)


def open_shown(source: str) -> Images:
    """Images whose classes do not matter: of a folder of loose images, these; else the data's validation
    split, or all. Raises `Unusable`."""
    from .training.data import open_test
    from .training.data.loose import is_loose, open_loose

    if is_loose(Path(source)):
        return open_loose([source])
    data = open_test(source)
    assert data.val is not None
    return data.val
