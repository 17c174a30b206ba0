"""A module, data and a run in; a trained run out: what Lightning, the learner and the keeper do together."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.loops.progress import _ProcessedTracker
from torch import nn

from .augment import Augment, measure
from .crops import prepare_for
from .data.loader import KeyedOrder, Prepare, images_loader
from .data.split import Part, Split
from .epochs import Epochs
from .initial import initialise
from .keeper import Keeper, WholeFiles
from .learner import Learner, key
from .reports import Reporter, Row
from .run import Run
from .words import ClipNorm, Normalize, Recipe

MEASURED = 2_000
"""So many training images give the mean and the deviation of all."""


def measure_pixels(
    split: Split, shape: tuple[int, int, int], recipe: Recipe
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel of pixels from 0 to 1; those of `normalize` where it stands."""
    for word in (*recipe.augment, *recipe.test):
        if isinstance(word, Normalize):
            return word.mean, word.std
    some = Part(split, np.arange(0, len(split), -(-len(split) // MEASURED)))
    order = KeyedOrder(len(some), 64, 0, training=False)
    loader = images_loader(some, order, prepare_images(recipe, shape, training=False), workers=0)
    return measure(batch.images for batch in loader)


def prepare_images(recipe: Recipe, shape: tuple[int, int, int], training: bool) -> Prepare:
    channels, *size = shape
    return prepare_for(recipe, channels, (size[0], size[1]), training)


def fit(
    make: Callable[[], nn.Module],
    train: Split,
    val: Split | None,
    run: Run,
    reporter: Callable[[bool], Reporter],
    resume: bool = False,
) -> list[Row]:
    """Train the module that `make` gives, whose weights are its own until the recipe's `init`, and give the
    rows of all epochs. `reporter(first)` says what goes on; `first` is true in one process only.

    Raises `Unusable`, `Interrupted`, `Diverged`, `TooManyBad`, and torch's OutOfMemoryError.
    """
    quiet_libraries()
    origin = run.origin
    recipe, options = origin.recipe, origin.options
    trainer, keeper = make_trainer(run, reporter)
    torch.manual_seed(key(options.seed))
    module = make()
    if recipe.init is not None:
        initialise(module, recipe.init)
    if options.channels_last:
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    keyed = partial(KeyedOrder, seed=options.seed, rank=trainer.global_rank, world=trainer.world_size)
    order = keyed(len(train), recipe.batch // options.accumulate)
    prepare = prepare_images(recipe, origin.input, training=True)
    epochs = Epochs(images_loader(train, order, prepare, options.workers), order)
    epochs.progress = partial(progress_of, trainer)
    tested = None
    if val is not None:
        prepare = prepare_images(recipe, origin.input, training=False)
        tested = images_loader(val, keyed(len(val), recipe.batch, training=False), prepare, options.workers)
    augment = Augment(recipe, origin.input[0], len(origin.classes), origin.mean, origin.std)
    steps = -(-len(epochs) // options.accumulate)
    learner = Learner(module, recipe, options, augment, len(origin.classes), steps)
    state = run.state_file if resume and run.state_file.exists() else None
    with asked_by_signals(keeper):
        trainer.fit(learner, epochs, tested, ckpt_path=state, weights_only=True)
    return keeper.rows


def make_trainer(run: Run, reporter: Callable[[bool], Reporter]) -> tuple[pl.Trainer, Keeper]:
    recipe, options = run.origin.recipe, run.origin.options
    clipped: dict[str, Any] = {}
    if recipe.clip is not None:
        algorithm = "norm" if isinstance(recipe.clip, ClipNorm) else "value"
        clipped = {"gradient_clip_val": recipe.clip.most, "gradient_clip_algorithm": algorithm}
    keeper = Keeper(run)
    trainer = pl.Trainer(
        accelerator=options.device,
        devices=options.devices,
        num_nodes=options.nodes,
        strategy=options.strategy,
        precision="32-true" if options.precision == "32" else options.precision,
        max_epochs=recipe.epochs,
        accumulate_grad_batches=options.accumulate,
        deterministic=options.deterministic,
        benchmark=not options.deterministic,
        logger=TensorBoardLogger(run.folder, name="", version="events"),
        plugins=[WholeFiles()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=[keeper],
        **clipped,
    )
    keeper.reporter = reporter(trainer.is_global_zero)
    return trainer, keeper


def progress_of(trainer: pl.Trainer) -> tuple[int, int]:
    """The epoch that begins or runs, and how many of its batches are done."""
    epochs, batches = (
        trainer.fit_loop.epoch_progress.current,
        trainer.fit_loop.epoch_loop.batch_progress.current,
    )
    assert isinstance(epochs, _ProcessedTracker)
    assert isinstance(batches, _ProcessedTracker)
    return epochs.processed, batches.processed


@contextmanager
def asked_by_signals(keeper: Keeper) -> Iterator[None]:
    """Ctrl-C and a scheduler's SIGTERM ask the run to save and stop; the second time they stop it at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        keeper.asked = True
        for signal_, before in handlers.items():
            signal.signal(signal_, before)

    handlers: dict[signal.Signals, Any] = {}
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        handlers[signal_] = signal.signal(signal_, ask)
    try:
        yield
    finally:
        for signal_, before in handlers.items():
            signal.signal(signal_, before)


def quiet_libraries() -> None:
    """What Lightning says of itself is not for the person who trains."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\.")
