"""A net, a recipe and data in, the origin of a run out; a run in, its net out: between specs and training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path, PurePath
from textwrap import indent
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from . import driver
from .compiler.suggestions import join
from .dsl.diagnostics import Unusable
from .dsl.source import Source, Unread
from .files import Spec, find_spec
from .settings import Setting, read_limits, read_settings
from .training.run import Options, Origin, Run
from .training.untrainable import refuse_untrainable
from .training.words import Best, Early, Plateau, Recipe
from .training.writing import write_recipe

if TYPE_CHECKING:
    from torch import Tensor

    from .training.data import Data

LIBRARIES = ("netc", "torch", "lightning", "kornia", "torchmetrics", "datasets", "pillow", "numpy")
CLASSES = "classes"
"""The parameter by which a net is given as many outputs as the data have classes."""


class Recorded(Spec, frozen=True):
    """A spec that remembers the files that it was made of."""

    read: dict[str, Source] = msgspec.field(default_factory=dict)

    def load(self, name: str, user: Source) -> Source | Unread:
        found = super().load(name, user)
        if isinstance(found, Source):
            file = PurePath(found.name).name
            if self.read.setdefault(file, found).text != found.text:
                message = f"two files called `{file}` are used, and a run keeps files by their names"
                return Unread(message, "give yours another name")
        return found


def record(spec: Spec) -> Recorded:
    return Recorded(spec.source, spec.net, spec.folder, spec.note, {file_name(spec): spec.source})


def file_name(spec: Spec) -> str:
    """`resnet.net`; of a text that comes from no file, `net.net`."""
    name = PurePath(spec.source.name).name
    return name if name.endswith(".net") else "net.net"


class Classifier(Struct, frozen=True, eq=False):
    """A net that gives one image's classes: what training needs to know of it."""

    compiled: driver.Compiled
    settings: dict[str, str]
    """As they are written, with the number of classes where it had to be given."""
    input: tuple[int, int, int]
    """C, H, W."""


def fit_to_classes(
    compile: Callable[[Mapping[str, Setting]], driver.Compiled], settings: Mapping[str, Setting], classes: int
) -> Classifier:
    """The net with as many outputs as there are classes. Raises `Unusable`."""
    texts = {name: setting.text for name, setting in settings.items()}
    compiled = compile(settings)
    if outputs_of(compiled) != classes and CLASSES in compiled.parameters and CLASSES not in texts:
        (given,) = read_settings([f"{CLASSES}={classes}"])
        compiled = compile({**settings, **given})
        texts[CLASSES] = str(classes)
    outputs = outputs_of(compiled)
    if outputs != classes:
        fits = f"a net with a parameter `{CLASSES}` is fitted to the data"
        help = f"`--set {CLASSES}={classes}`" if CLASSES in texts else fits
        raise Unusable(f"`{compiled.name}` puts out {outputs} classes, and the data have {classes}", help)
    return Classifier(compiled, texts, image_of(compiled))


def outputs_of(compiled: driver.Compiled) -> int:
    facts = compiled.inference
    shapes = [facts.shapes[port.node] for port in facts.graph.results]
    if len(shapes) != 1:
        raise Unusable(f"`{compiled.name}` has {len(shapes)} outputs, and a classifier has one")
    (shape,) = shapes
    if shape.rank:
        raise Unusable(f"`{compiled.name}` puts out {shape.describe()}, and a classifier a vector")
    return shape.channels


def image_of(compiled: driver.Compiled) -> tuple[int, int, int]:
    inputs = compiled.training.inputs
    if len(inputs) != 1:
        raise Unusable(f"`{compiled.name}` has {len(inputs)} inputs, and a classifier of images has one")
    ((name, shape),) = inputs.items()
    if shape.rank != 2 or shape.dtype != "float32" or shape.channels not in (1, 3):
        raise Unusable(
            f"the input `{name}` of `{compiled.name}` is {shape.describe()}, and images have 1 or 3 channels"
        )
    channels, height, width = shape.dims
    return channels, height, width


RESUMED = ("channels_last", "device", "devices", "nodes", "strategy", "workers", "max_bad", "save_every")
"""Options that may be others when a run goes on: they do not say what is computed."""
SAID = {
    "net": "net",
    "settings": "values of the net's parameters",
    "inputs": "size of the input",
    "fingerprint": "data",
    "val": "validation data",
    "initial": "first weights",
    "phases": "phases",
}
"""What else a run has to have begun with, to go on by the command that would begin it."""


class Prepared(Struct, frozen=True, eq=False):
    """All that a run needs, and nothing written yet."""

    compiled: driver.Compiled
    data: Data
    origin: Origin
    sources: dict[str, Source]
    """The files that the net was made of, by the names under which the run keeps them."""
    weights: Mapping[str, Tensor] | None = None
    """What it begins with, of some of the net's tensors."""

    def create(self, folder: Path) -> Run:
        """The run's folder. Raises `Unusable`."""
        recipe = indent(write_recipe(self.origin.recipe), "    ")
        texts = {f"spec/{name}": source.text for name, source in self.sources.items()}
        texts["model.py"] = self.compiled.source()
        texts["recipe.net"] = f"train {self.origin.net} {{\n{recipe}}}\n"
        return Run.create(folder, self.origin, texts, self.weights)

    def refuse_other(self, run: Run) -> None:
        """Raises `Unusable` where `run` began as another than this would be."""
        mine, other = self.origin, run.origin
        differing = [word for name, word in SAID.items() if getattr(mine, name) != getattr(other, name)]
        differing += [f"`{name}`" for name in differing_fields(mine.recipe, other.recipe)]
        options = differing_fields(mine.options, other.options)
        differing += [f"`--{name.replace('_', '-')}`" for name in options if name not in RESUMED]
        kept = {name: run.folder / "spec" / name for name in self.sources}
        texts = {name: file.read_text(encoding="utf-8") for name, file in kept.items() if file.exists()}
        differing += [f"`{name}`" for name, source in self.sources.items() if texts.get(name) != source.text]
        if differing:
            raise Unusable(
                f"the run `{run.folder}` began with other {', '.join(differing)}",
                f"`netc train --resume {run.folder}` goes on with it; `-o` names another folder",
            )


def prepare(
    spec: Recorded,
    compile: Callable[[Mapping[str, Setting]], driver.Compiled],
    settings: Mapping[str, Setting],
    inputs: dict[str, tuple[int, ...]],
    limits: tuple[str, ...],
    recipe: Recipe,
    options: Options,
    data: str,
    val: str | None,
) -> Prepared:
    """The net, the data and what is known of both. Raises `Unusable`."""
    from .training.data import absolute, open_data, read_fraction
    from .training.trainer import measure_pixels, settle

    opened = open_data(data, val, seed=options.seed)
    assert opened.train is not None
    check_monitors(recipe, opened)
    fitted = fit_to_classes(compile, settings, len(opened.classes))
    mean, std = measure_pixels(opened.train, fitted.input, recipe)
    origin = Origin(
        net=fitted.compiled.name,
        spec=file_name(spec),
        settings=fitted.settings,
        inputs=inputs,
        limits=limits,
        input=fitted.input,
        recipe=recipe,
        options=options,
        data=absolute(data),
        val=absolute(held) if isinstance(held := read_fraction(val), str) else held,
        fingerprint=opened.fingerprint,
        classes=opened.classes,
        mean=mean,
        std=std,
        versions=list_versions(),
    )
    settled = settle(origin, opened.train, opened.val)
    refuse_untrainable(fitted.compiled.training, recipe, settled.options, len(opened.train))
    return Prepared(fitted.compiled, opened, origin, spec.read)


def check_monitors(recipe: Recipe, data: Data) -> None:
    """Raises `Unusable` where a recipe watches what these data do not tell."""
    from .training.meters import names_of

    splits = ["train", *(["val"] if data.val is not None else [])]
    measured = [name for split in splits for name in names_of(split, len(data.classes))]
    for word in (recipe.keep, *filter(None, [recipe.stop]), *recipe.schedule):
        if isinstance(word, Best | Early | Plateau) and word.monitor not in measured:
            split, _, what = word.monitor.partition("_")
            few = f"of {len(data.classes)} classes `{what}` is not measured"
            raise Unusable(
                f"`{word.word()}` watches `{word.monitor}`: "
                + (few if split in splits else "there is nothing to validate with"),
                f"`monitor` may be {join([f'`{name}`' for name in measured])}",
            )


def differing_fields(one: Struct, other: Struct) -> list[str]:
    return [name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)]


def reopen(run: Run, data: str | None) -> Data:
    """The data of a run, or the same that lie elsewhere now. Raises `Unusable` where they are others."""
    from .training.data import open_data

    origin = run.origin
    try:
        opened = open_data(data or origin.data, origin.val, seed=origin.options.seed)
    except Unusable as error:
        help = error.help if data else "where the data of a run lie elsewhere now, `--data` says so"
        raise Unusable(error.message, help) from None
    if opened.fingerprint != origin.fingerprint:
        raise Unusable(
            f"`{data or origin.data}` has other names, sizes or classes than what `{run.folder}` began with",
            "a run goes on with the same data only; `--data` says where they are now",
        )
    return opened


def compile_run(run: Run) -> driver.Compiled:
    """The net of a run, from the files that it keeps. Raises `Unusable`."""
    spec = find_spec(f"{run.spec_file}:{run.origin.net}")
    (settings,) = read_settings(f"{name}={text}" for name, text in run.origin.settings.items())
    limits = read_limits(run.origin.limits)
    result = driver.compile(spec, settings=settings, inputs=run.origin.inputs, limits=limits)
    if result.compiled is None:
        help = f"`netc check {run.spec_file}` says why"
        raise Unusable(f"the net of `{run.folder}` does not compile", help)
    return result.compiled


def list_versions() -> dict[str, str]:
    return {"python": sys.version.split()[0], **{name: version(name) for name in LIBRARIES}}
