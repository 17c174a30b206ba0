"""A recipe and the number of a step in; by what the optimizer's learning rate is multiplied there out."""

from __future__ import annotations

from math import cos, inf, pi

from .words import (
    Constant,
    Cosine,
    Exponential,
    Milestones,
    Plateau,
    Polynomial,
    Recipe,
    Schedule,
    Steps,
    Warmup,
)


def rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """By what the learning rate is multiplied in step `step`, from 0 on.

    A warm-up of w steps goes from `start` in step 0 to 1 in step w, where what follows begins: its epochs are
    counted from there, and `cosine` and `polynomial` share out the steps that are left, to be at their floor
    when the last one is done. Only `milestones` are epochs of the whole training, as papers print them. A
    `plateau` stays at 1 here: what it does depends on the metrics (`Reductions`)."""
    warm, schedule = 0, recipe.schedule[-1]
    if isinstance(recipe.schedule[0], Warmup):
        first = recipe.schedule[0]
        warm = round(first.epochs * steps_per_epoch)
        if step < warm:
            return first.start + (1 - first.start) * step / warm
    return after_warmup(schedule, recipe, step, warm, steps_per_epoch)


def after_warmup(schedule: Schedule, recipe: Recipe, step: int, warm: int, steps_per_epoch: int) -> float:
    match schedule:
        case Steps(every=every, factor=factor):
            return float(factor ** whole((step - warm) / (every * steps_per_epoch)))
        case Milestones(at=at, factor=factor):
            return factor ** sum(step >= epoch * steps_per_epoch for epoch in at)
        case Exponential(factor=factor, every=every):
            return float(factor ** ((step - warm) / (every * steps_per_epoch)))
        case Cosine(floor=floor):
            progress = (step - warm) / max(recipe.epochs * steps_per_epoch - warm, 1)
            return between(floor / recipe.optimizer.lr, (1 + cos(pi * min(progress, 1.0))) / 2)
        case Polynomial(power=power, floor=floor):
            progress = (step - warm) / max(recipe.epochs * steps_per_epoch - warm, 1)
            return between(floor / recipe.optimizer.lr, float((1 - min(progress, 1.0)) ** power))
        case Warmup() | Constant() | Plateau():
            return 1.0


def whole(quotient: float) -> int:
    """Cut off; but what is whole except for rounding is not made less (11 steps over 1.1 epochs of 10)."""
    return int(quotient + 1e-9)


def between(floor: float, part: float) -> float:
    """From 1, where `part` is 1, to `floor`, where it is 0."""
    return floor + (1 - floor) * part


def falls(monitor: str) -> bool:
    """Whether less is better of what is watched."""
    return monitor.endswith("loss")


class Reductions:
    """What a plateau has made of the learning rate: `scale` is by what it is multiplied, after what is
    watched was shown for each epoch. As `torch.optim.lr_scheduler.ReduceLROnPlateau` with an absolute
    threshold; what ends within the warm-up is not counted. NaN is never better."""

    def __init__(self, plateau: Plateau, recipe: Recipe) -> None:
        self._plateau, self.monitor = plateau, plateau.monitor
        self._lowest = min(plateau.floor / recipe.optimizer.lr, 1.0)
        warmup = recipe.schedule[0]
        self._warm = warmup.epochs if isinstance(warmup, Warmup) else 0.0
        self.scale = 1.0
        self._epochs, self._best, self._worse = 0, inf if falls(plateau.monitor) else -inf, 0

    def update(self, value: float) -> float:
        """`value` is what is watched, of one more epoch. Gives `scale`."""
        self._epochs += 1
        if self._epochs < self._warm:
            return self.scale
        plateau = self._plateau
        gain = self._best - value if falls(plateau.monitor) else value - self._best
        if gain > plateau.min_delta:
            self._best, self._worse = value, 0
        else:
            self._worse += 1
        if self._worse > plateau.patience:
            self.scale, self._worse = max(self.scale * plateau.factor, self._lowest), 0
        return self.scale

    def state(self) -> dict[str, float]:
        """Plain numbers, for a checkpoint."""
        return {"scale": self.scale, "epochs": self._epochs, "best": self._best, "worse": self._worse}

    def load(self, state: dict[str, float]) -> None:
        self.scale, self._best = state["scale"], state["best"]
        self._epochs, self._worse = int(state["epochs"]), int(state["worse"])


def make_reductions(recipe: Recipe) -> Reductions | None:
    """None where the rate does not depend on the metrics."""
    schedule = recipe.schedule[-1]
    return Reductions(schedule, recipe) if isinstance(schedule, Plateau) else None
