"""A module, data and a run in; a trained run out: what Lightning, the learner and the keeper do together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loops.progress import _ProcessedTracker
from msgspec.structs import replace
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..dsl.diagnostics import Unusable
from .augment import Augment, measure, refuse_channels
from .crops import prepare_for
from .data import Images, few
from .data.loader import KeyedOrder, Prepare, images_loader
from .epochs import Epochs
from .initial import initialise
from .keeper import Keeper, WholeFiles
from .launch import read_launch, settle_devices
from .learner import Learner, key
from .reports import Reporter, Row
from .room import has_gpu
from .run import INITIAL, Origin, Run
from .sharded import Sharded
from .together import devices_of, find_others, quiet_libraries
from .words import ClipNorm, Recipe

MEASURED = 2_000
"""So many training images give the mean and the deviation of all."""


def measure_pixels(
    images: Images, shape: tuple[int, int, int], recipe: Recipe
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel of pixels from 0 to 1; those of `normalize` where it stands. Raises
    `Unusable`."""
    if recipe.normalize is not None:
        mean, std = recipe.normalize.mean, recipe.normalize.std
        refuse_channels(shape[0], mean, std)
        return mean, std
    some = few(images, MEASURED)
    order = KeyedOrder(len(some), 64, 0, training=False)
    loader = images_loader(some, order, prepare_images(recipe, shape, training=False), workers=0)
    return measure(batch.images for batch in loader)


def prepare_images(recipe: Recipe, shape: tuple[int, int, int], training: bool) -> Prepare:
    channels, *size = shape
    return prepare_for(recipe, channels, (size[0], size[1]), training)


def fit(
    make: Callable[[], nn.Module],
    train: Images,
    val: Images | None,
    run: Run,
    reporter: Callable[[bool], Reporter],
    resume: bool = False,
) -> list[Row]:
    """Train the module that `make` gives, through all phases, and give the rows of all epochs. Its weights
    are its own until the recipe's `init`, and then those that the run begins with. `reporter(first)` says
    what goes on; `first` is true in one process only.

    Raises `Unusable`, `Interrupted`, `Diverged`, `TooManyBad`, and torch's OutOfMemoryError.
    """
    quiet_libraries()
    origin = settle(run.origin, train, val)
    run = replace(run, origin=origin)
    saved = run.state() if resume else None
    state = None if saved is None else run.state_file
    begun = 0 if saved is None else int(saved["callbacks"]["Keeper"]["phase"])
    keeper = Keeper(run)
    trainers = [make_trainer(run, keeper, number) for number in range(begun, len(origin.course))]
    rank, world = trainers[0].global_rank, trainers[0].world_size
    leads = trainers[0].is_global_zero
    keeper.reporter = reporter(leads)
    learner, epochs = make_learner(make, train, origin, rank, world)
    if saved is not None:
        refuse_others(saved, learner, run)
    elif origin.initial:
        load(learner.module, run.weights(INITIAL))
    tested = None if val is None else make_tests(val, origin, rank, world)
    with run.held() if leads else nullcontext(), keeper.asked.listening(), closing(keeper.reporter):
        for number, trainer in enumerate(trainers, begun):
            phase, first = origin.course[number], origin.first_epoch(number)
            learner.begin(phase, origin.recipe_of(number), first)
            keeper.begin(number)
            epochs.progress = partial(progress_of, trainer)
            done = trainer.fit_loop.epoch_progress.current
            done.ready = done.started = done.processed = done.completed = first  # type: ignore[attr-defined]
            trainer.fit(learner, epochs, tested, ckpt_path=state, weights_only=True)
            state = None
    return keeper.rows


def settle(origin: Origin, train: Images, val: Images | None) -> Origin:
    """A run with the devices and machines of the processes that there are. Raises `Unusable` where it cannot
    be carried out by them."""
    options, recipe = settle_devices(origin.options, read_launch()), origin.recipe
    devices_of(options)
    if options.precision == "16-mixed" and not (options.device != "cpu" and has_gpu()):
        raise Unusable("`--precision 16-mixed` needs a GPU", "`--precision bf16-mixed` does not")
    world = options.devices * options.nodes
    KeyedOrder(len(train), recipe.batch, options.seed, world=world, parts=options.accumulate)
    if val is not None:
        KeyedOrder(len(val), recipe.batch, options.seed, world=world, training=False)
    if options.strategy == "fsdp":
        help = "`--strategy ddp` does"
        if len(origin.course) > 1:
            raise Unusable("`--strategy fsdp` does not train a net in phases", help)
        if options.precision == "16-mixed":
            raise Unusable("`--strategy fsdp` does not scale gradients for `--precision 16-mixed`", help)
    return replace(origin, options=options)


def make_learner(
    make: Callable[[], nn.Module], train: Images, origin: Origin, rank: int = 0, world: int = 1
) -> tuple[Learner, Epochs]:
    """What is trained, with the weights that the recipe's `init` gives it, and the batches to train it on."""
    recipe, options = origin.recipe, origin.options
    torch.manual_seed(key(options.seed))
    module = make()
    if recipe.init is not None:
        initialise(module, recipe.init)
    if options.channels_last and options.strategy != "fsdp":  # which wants its weights as they are
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    order = KeyedOrder(
        len(train), recipe.batch, options.seed, rank=rank, world=world, parts=options.accumulate
    )
    prepare = prepare_images(recipe, origin.input, training=True)
    epochs = Epochs(images_loader(train, order, prepare, options.workers), order)
    augment = Augment(recipe, origin.input[0], len(origin.classes), origin.mean, origin.std)
    steps = len(epochs) // options.accumulate
    return Learner(module, recipe, options, augment, len(origin.classes), steps), epochs


def make_tests(val: Images, origin: Origin, rank: int, world: int) -> DataLoader[Any]:
    recipe, options = origin.recipe, origin.options
    order = KeyedOrder(len(val), recipe.batch, seed=options.seed, rank=rank, world=world, training=False)
    return images_loader(val, order, prepare_images(recipe, origin.input, training=False), options.workers)


def refuse_others(saved: dict[str, Any], learner: Learner, run: Run) -> None:
    """Raises `Unusable` where what was saved is of another net."""
    inside = "module."
    theirs = {name: value.shape for name, value in saved["state_dict"].items() if name.startswith(inside)}
    if theirs != {f"{inside}{name}": value.shape for name, value in learner.module.state_dict().items()}:
        raise Unusable(
            f"`{run.state_file}` is of another net than `{run.spec_file}`",
            "a run goes on with the net that it began with",
        )


def load(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Take these values, of some of its tensors. Raises `Unusable` where it has none of these."""
    own = module.state_dict()
    for name, tensor in tensors.items():
        if name not in own or own[name].shape != tensor.shape:
            raise Unusable(
                f"the net has no `{name}` of {tuple(tensor.shape)}, as the weights that it begins with"
            )
    module.load_state_dict(dict(tensors), strict=False)


def make_trainer(run: Run, keeper: Keeper, phase: int) -> pl.Trainer:
    recipe, options = run.origin.recipe, run.origin.options
    clipped: dict[str, Any] = {}
    if recipe.clip is not None:
        algorithm = "norm" if isinstance(recipe.clip, ClipNorm) else "value"
        clipped = {"gradient_clip_val": recipe.clip.most, "gradient_clip_algorithm": algorithm}
    return pl.Trainer(
        **devices_of(options),
        strategy=Sharded() if options.strategy == "fsdp" else options.strategy,
        precision="32-true" if options.precision == "32" else options.precision,
        max_epochs=run.origin.first_epoch(phase + 1),
        accumulate_grad_batches=options.accumulate,
        deterministic=options.deterministic,
        benchmark=not options.deterministic,
        logger=False,
        plugins=[find_others(), WholeFiles()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=[keeper],
        **clipped,
    )


def progress_of(trainer: pl.Trainer) -> tuple[int, int]:
    """The epoch that begins or runs, and how many of its batches are done."""
    epochs, batches = (
        trainer.fit_loop.epoch_progress.current,
        trainer.fit_loop.epoch_loop.batch_progress.current,
    )
    assert isinstance(epochs, _ProcessedTracker)
    assert isinstance(batches, _ProcessedTracker)
    return epochs.processed, batches.processed
