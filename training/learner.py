"""A module, a recipe and batches in; losses, metrics and steps out: what Lightning's loop calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from .augment import Augment
from .averaging import Average
from .data.loader import Batch
from .diverged import Diverged, find_diverged
from .losses import make_loss
from .meters import Meters
from .optimizers import make_optimizer
from .run import Options, Phase
from .schedules import rate
from .sharded import Sharded, is_sharded, shard, share_statistics
from .together import any_says, gather
from .words import Recipe

DISTORTED, DROPPED = 1, 2
"""The last number of a step's key: what is drawn by it."""


def key(*parts: int) -> int:
    """A seed of 63 bits that depends on all the numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


class Step(NamedTuple):
    """What a step was of, as long as its loss has not been looked at."""

    number: int
    seed: int
    images: Tensor
    loss: Tensor


class Learner(pl.LightningModule):
    """What is random in a step depends on (seed, epoch, batch, process) alone, so that a run that is resumed
    goes on as if it had never stopped: no generator's state is kept."""

    def __init__(
        self, module: nn.Module, recipe: Recipe, options: Options, augment: Augment, classes: int, steps: int
    ) -> None:
        """`steps` are the optimizer's in an epoch."""
        super().__init__()
        self.module = module
        self.average = Average(module, recipe.ema) if recipe.ema is not None else None
        self.augment = augment
        self.trained, self.validated = Meters("train", classes), Meters("val", classes)
        self.options, self.steps = options, steps
        self.loss = make_loss(recipe, getattr(module, "aux_weights", ()))
        self.scale = 1.0
        """By what a plateau has multiplied the learning rate."""
        self._run: list[Callable[[Tensor], Any]] = [torch.compile(module) if options.compile else module]
        """In a list, so that its tensors do not appear twice among the learner's."""
        self.begin(Phase("all", recipe.epochs), recipe, 0)

    def begin(self, phase: Phase, recipe: Recipe, first: int) -> None:
        """Train the parts that `phase` says, as `recipe` says, of which `first` is the first epoch. To be
        called before the optimizer is made."""
        self.phase, self.recipe, self.first = phase, recipe, first
        self.scale = 1.0
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(phase.trains(name))
            parameter.grad = None
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Statistics of parts that are not trained stay as they are, and are those that are used."""
        super().train(mode)
        for name, layer in self.module.named_modules():
            if hasattr(layer, "running_mean") and not self.phase.trains(name):
                layer.eval()
        return self

    @property
    def tested(self) -> nn.Module:
        """The module that is validated, kept and used: with averaged weights, where the recipe wants them."""
        return self.module if self.average is None else self.average.module

    # --- steps

    def training_step(self, batch: Batch, number: int) -> Tensor:
        place = self.options.seed, self.current_epoch, number, self.global_rank
        torch.manual_seed(key(*place, DISTORTED))
        with torch.autocast(self.device.type, enabled=False):
            images, targets = self.augment.train_batch(as_floats(batch.images), batch.labels)
        images, seed = self.arrange(images), key(*place, DROPPED)
        torch.manual_seed(seed)
        outputs = self._run[0](images)
        loss = self.loss(outputs, targets)
        self._step = Step(number, seed, images, loss.detach())
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        self.trained.update(loss.detach(), logits.detach(), batch.labels)
        return loss

    def on_after_backward(self) -> None:
        """Asked here, where backward has been handed to the device and no weight has changed yet: asked
        before it, a GPU would have nothing to do meanwhile."""
        with self.trainer.precision_plugin.forward_context():
            self.refuse_diverged()

    def refuse_diverged(self) -> None:
        """Raises `Diverged` where the loss of the last step is not finite, in any process."""
        step = self._step
        if any_says(not torch.isfinite(step.loss), self.device):
            torch.manual_seed(step.seed)  # the same units drop out again
            layers = gather(find_diverged(self.module, step.images))
            raise Diverged(self.current_epoch, step.number, next(filter(None, layers), ""))

    def validation_step(self, batch: Batch, number: int) -> None:
        outputs = self.tested(self.arrange(self.augment.test_batch(as_floats(batch.images))))
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        self.validated.update(self.loss(logits, batch.labels), logits, batch.labels)

    def arrange(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last) if self.options.channels_last else images

    # --- several processes

    def configure_model(self) -> None:
        """Called by Lightning in each process, before the optimizer is made."""
        if isinstance(self.trainer.strategy, Sharded):
            mesh = self.trainer.strategy.device_mesh["data_parallel"]
            for module in filter(None, (self.module, self.average and self.average.module)):
                shard(module, mesh)

    def on_validation_start(self) -> None:
        if is_sharded(self.module):
            share_statistics(self)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["meters"] = gather([self.trained.state(), self.validated.state()])

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Of what the processes had measured, which may have been more or fewer, each takes its share."""
        for trained, validated in checkpoint["meters"][self.global_rank :: self.trainer.world_size]:
            self.trained.add(trained)
            self.validated.add(validated)

    # --- the optimizer

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = make_optimizer(self.recipe, self.module)
        self._rates = [float(group["lr"]) for group in optimizer.param_groups]
        return optimizer

    def on_train_batch_start(self, batch: Batch, number: int) -> None:
        """The rate is a function of the step, so that nothing of it has to be kept."""
        step = (self.current_epoch - self.first) * self.steps + number // self.options.accumulate
        factor = self.scale * rate(self.recipe, step, self.steps)
        for group, first in zip(self.optimizers().param_groups, self._rates, strict=True):  # type: ignore[union-attr]
            group["lr"] = first * factor

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        super().optimizer_step(*arguments, **named)
        if self.average is not None:
            self.average.update(self.module)

    @property
    def learning_rate(self) -> float:
        return float(self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]


def as_floats(images: Tensor) -> Tensor:
    """uint8 of N x C x H x W, as numbers from 0 to 1."""
    return images.float() / 255
