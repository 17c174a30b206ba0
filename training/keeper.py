"""The end of each step and each epoch in; the files of the run out, so that it can go on from any kill."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from torch import Tensor

from ..dsl.diagnostics import Unusable
from .curves import draw_curves
from .data.loader import Batch
from .disk import find_reason, reason, replacing
from .diverged import Diverged, find_broken
from .events import Events
from .history import format_rows
from .learner import Learner
from .reports import Reporter, Row, Silent
from .run import BEST, EARLY, LAST, Run
from .schedules import Reductions, make_reductions
from .sharded import gather_weights
from .signals import Asked
from .stopping import Watcher
from .together import any_says, gather

DRAW_EVERY = 10.0
"""Seconds between two pictures of the curves: one takes longer than a small epoch."""


class Interrupted(Exception):
    """The run was asked to stop, and has saved where it is."""


class TooManyBad(Exception):
    """More images cannot be read than are borne; the run has saved where it is, or is `done`."""

    def __init__(self, names: list[str], done: bool) -> None:
        super().__init__(f"{len(names)} images cannot be read")
        self.names, self.done = names, done


class WholeFiles(TorchCheckpointIO):
    """Checkpoints as `torch.save` writes them, whole or not at all."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with replacing(path) as beside, beside.open("wb") as file:
            torch.save(checkpoint, file)


class Keeper(pl.Callback):
    """Keeps the history, the best and the last weights, and the state.

    What an epoch decides is decided here, in one place and order, and is in the state that is saved after it:
    the row of the metrics, the plateau, the best, whether to stop.
    """

    def __init__(self, run: Run) -> None:
        recipe = run.origin.recipe
        self.run, self.recipe, self.phase = run, recipe, 0
        self.reporter: Reporter = Silent()
        self.rows: list[Row] = []
        self.times: list[float] = []
        """When each epoch ended, in seconds since 1970."""
        self.bad: list[str] = []
        self._known = 0
        """Of so many all processes know."""
        self.reductions: Reductions | None = None
        self.best = Watcher(recipe.keep)
        self.stop = None if recipe.stop is None else Watcher(recipe.stop)
        self.events = Events(run.folder / "events")
        self.asked = Asked()
        self._told = False
        self._saved = self._began = time.monotonic()
        self._drawn = float("-inf")
        self._epoch = -1

    def begin(self, phase: int) -> None:
        """A phase of the run begins, of that number."""
        self.phase = phase
        self.reductions = make_reductions(self.run.origin.recipe_of(phase))

    @property
    def in_last_phase(self) -> bool:
        return self.phase + 1 == len(self.run.origin.course)

    # --- what the state holds

    def state_dict(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "rows": self.rows,
            "times": self.times,
            "bad": self.bad,
            "reductions": self.reductions and self.reductions.state(),
            "best": self.best.state(),
            "stop": self.stop and self.stop.state(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self.times = list(state_dict["rows"]), list(state_dict["times"])
        self.bad = list(state_dict["bad"])
        self._known = 0  # too many stop the run again, unless more are borne now
        if self.reductions is not None:
            self.reductions.load(state_dict["reductions"])
        self.best.load(state_dict["best"])
        if self.stop is not None:
            self.stop.load(state_dict["stop"])

    # --- steps

    def on_train_start(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        assert isinstance(learner, Learner)
        if self.reductions is not None:
            learner.scale = self.reductions.scale
        if trainer.is_global_zero:
            self.guard(self.events.begin, self.rows, self.times)
        self.asked.listen()  # Lightning has just put a handler of its own in that place

    def on_train_batch_start(
        self, trainer: pl.Trainer, learner: pl.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        if self._epoch != trainer.current_epoch:  # Lightning tells of no start where a run goes on
            self._epoch, self._began = trainer.current_epoch, time.monotonic()
            self.tell_phase()
            self.reporter.begin(self._epoch, self.run.origin.epochs, int(trainer.num_training_batches))

    def tell_phase(self) -> None:
        """What is trained, where a phase of several begins."""
        origin = self.run.origin
        if origin.phases and self._epoch == origin.first_epoch(self.phase):
            phase = origin.phases[self.phase]
            names = "the net" if "" in phase.trained else ", ".join(phase.trained)
            but = f" but {', '.join(phase.frozen)}" if phase.frozen else ""
            self.reporter.note(f"from here on is trained: {names}{but}")

    def on_train_batch_end(
        self, trainer: pl.Trainer, learner: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.note_bad(batch.bad)
        options, done = self.run.origin.options, batch_idx + 1
        loss = float(outputs["loss"]) * options.accumulate  # which Lightning has divided by it
        self.reporter.step(done, len(batch.labels) * trainer.world_size, loss)
        last = done == trainer.num_training_batches  # the end of the epoch saves
        if last or done % options.accumulate:  # gradients are not saved
            return
        due = time.monotonic() - self._saved >= options.save_every
        if not any_says(due or bool(self.asked) or len(self.bad) > self._known, learner.device):
            return
        due, asked = self.hear_all(due)
        end = self.find_end(asked)
        if due or end is not None:
            self.save(trainer)
        if end is not None:
            raise end

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        learner: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self.note_bad(batch.bad)
        self.reporter.validate(batch_idx + 1, int(trainer.num_val_batches[0]))
        if self.asked and not self._told:
            self._told = True
            self.reporter.note("it stops after this validation; Ctrl-C again stops it at once")

    def note_bad(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.bad:
                self.bad.append(name)
                self.reporter.note(f"`{name}` cannot be read; another image takes its place")

    def hear_all(self, due: bool) -> tuple[bool, bool]:
        """Whether it is due in any process that the run is saved, and whether any was asked to stop; what
        cannot be read is known to all. All processes must ask at once, and what follows from it they do
        alike: a signal that comes later is heard the next time."""
        heard = gather((due, bool(self.asked), self.bad))
        for _, _, bad in heard:
            self.note_bad(bad)
        self._known = len(self.bad)
        return any(due for due, _, _ in heard), any(asked for _, asked, _ in heard)

    def find_end(self, asked: bool) -> Interrupted | TooManyBad | None:
        """Why the run stops here, if it does, after what is done has been saved."""
        if asked:
            return Interrupted()
        too_many = len(self.bad) > self.run.origin.options.max_bad
        return TooManyBad(self.bad, self.finished) if too_many else None

    # --- epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        assert isinstance(learner, Learner)
        epoch = trainer.current_epoch
        _, asked = self.hear_all(False)
        broken = next(filter(None, gather(find_broken(learner.module))), "")
        if broken:  # the last step made them so: what is saved is better
            raise Diverged(epoch, int(trainer.num_training_batches) - 1, broken)
        row: Row = {"epoch": epoch + 1, "step": (epoch + 1) * learner.steps, "lr": learner.learning_rate}
        row |= learner.trained.take()
        if trainer.val_dataloaders is not None:
            row |= learner.validated.take()
        self.rows.append(row)
        self.times.append(time.time())
        if self.reductions is not None:
            learner.scale = self.reductions.update(row[self.reductions.monitor])
        best = self.best.update(epoch, row[self.best.monitor])
        kept = [LAST, *([BEST] if best else [])]
        if self.stop is not None and self.recipe.stop is not None and self.in_last_phase:
            restored = self.stop.update(epoch, row[self.stop.monitor])
            kept += [EARLY] if restored and self.recipe.stop.restore_best else []
            trainer.should_stop = trainer.should_stop or self.stop.stopped
        every = self.recipe.keep.every
        kept += [f"epoch-{epoch + 1}.safetensors"] if every and (epoch + 1) % every == 0 else []
        weights = gather_weights(learner.tested)
        if trainer.is_global_zero:
            self.guard(self.write_epoch, weights, kept, self.finished)
        self.save(trainer)
        self.reporter.end(row, best, time.monotonic() - self._began)
        end = self.find_end(asked)
        if end is not None and not (isinstance(end, Interrupted) and self.finished):
            raise end

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done, or the one after which the recipe stops."""
        stopped = self.stop is not None and self.stop.stopped
        return stopped or len(self.rows) >= self.run.origin.epochs

    def write_epoch(self, weights: dict[str, Tensor], files: list[str], ended: bool) -> None:
        """The files before the state that knows of them: a kill between the two only does the epoch again."""
        for file in files:
            self.run.save_weights(file, weights)
        if ended and self.recipe.stop is not None and self.recipe.stop.restore_best:
            self.run.save_weights(LAST, self.run.weights(EARLY))
        with replacing(self.run.metrics_file) as beside:
            beside.write_text(format_rows(self.rows), encoding="utf-8")
        if ended or time.monotonic() - self._drawn > DRAW_EVERY:
            with replacing(self.run.curves_file) as beside:
                draw_curves(self.rows, beside)
            self._drawn = time.monotonic()
        self.events.add(self.rows[-1], self.times[-1])

    def save(self, trainer: pl.Trainer) -> None:
        self.guard(trainer.save_checkpoint, self.run.state_file)
        self._saved = time.monotonic()

    def guard(self, write: Any, *arguments: Any) -> None:
        """Call what writes files of the run. Raises `Unusable` where the disk is full or may not be written:
        what stood there before is still there."""
        try:
            write(*arguments)
        except Unusable:
            raise
        except Exception as error:
            found = find_reason(error)
            if found is None:
                raise
            raise Unusable(
                f"the run `{self.run.folder}` cannot be written: {reason(found)}",
                f"what it had saved is whole: mend this, then `netc train --resume {self.run.folder}`",
            ) from None
