"""A net, a recipe and data in; the loss at learning rates that rise from step to step out: the range test of
Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from math import inf, isfinite
from typing import Any

import numpy as np
from msgspec import Struct
from torch import nn

from .curves import COLOURS, STYLE
from .data import Images
from .data.loader import Batch
from .disk import writing
from .diverged import Diverged
from .epochs import Epochs
from .optimizers import make_optimizer
from .run import Origin
from .together import quiet_libraries
from .trainer import make_learner
from .trials import clip, make_fabric

KEPT = 0.9
"""Of the running mean of losses, from step to step, by which it is seen that they diverge."""
DIVERGED = 4.0
"""So many times the least running mean is too much."""
HIGHEST = 1.5
"""So many times the first losses is as bad as anything above."""
NEIGHBOURS = 1 / 20
"""Of all steps: the loss of each is averaged with those of so many on both sides."""


class Try(Struct, frozen=True):
    """A step with its learning rate, and the loss of its batch before the step."""

    rate: float
    loss: float


class Advice(Struct, frozen=True):
    """What a range test says. `smooth` is the loss at each rate, averaged over neighbouring rates."""

    smooth: tuple[float, ...]
    steepest: float | None
    """The rate at which the loss falls fastest; None where it falls nowhere."""
    least: float
    """The rate at which the loss is least."""


def try_rates(
    make: Callable[[], nn.Module],
    train: Images,
    origin: Origin,
    low: float,
    high: float,
    steps: int,
    progress: Callable[[int], None],
) -> list[Try]:
    """Train the module that `make` gives with the recipe's optimizer, at rates from `low` to `high`, each
    the same multiple of the one before, and stop when the loss diverges. Raises `Unusable`, and torch's
    OutOfMemoryError."""
    quiet_libraries()
    fabric = make_fabric(origin.options)
    learner, epochs = make_learner(make, train, origin)
    learner.to(fabric.device)
    optimizer = make_optimizer(origin.recipe, learner.module)
    stepping: Any = fabric.setup_optimizers(optimizer)
    batches = repeat(epochs)
    tried: list[Try] = []
    mean, best = 0.0, inf
    for step, rate in enumerate(np.geomspace(low, high, steps).tolist()):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        parts = list(islice(batches, origin.options.accumulate))
        total = 0.0
        try:
            for number, batch in enumerate(parts):
                with fabric.autocast():
                    loss = learner.training_step(fabric.to_device(batch), step * len(parts) + number)
                fabric.backward(loss / len(parts))
                with fabric.autocast():
                    learner.refuse_diverged()
                total += float(loss.detach()) / len(parts)
        except Diverged:
            break
        tried.append(Try(rate, total))
        mean = KEPT * mean + (1 - KEPT) * total
        running = mean / (1 - KEPT ** (step + 1))
        best = min(best, running)
        progress(step + 1)
        if not isfinite(running) or running > DIVERGED * best:
            break
        clip(fabric, learner.module, stepping, origin.recipe.clip)
        stepping.step()
    return tried


def repeat(epochs: Epochs) -> Iterator[Batch]:
    """The batches of epoch after epoch."""
    for epoch in count():
        epochs.progress = lambda epoch=epoch: (epoch, 0)  # type: ignore[misc]
        yield from epochs


def advise(tried: Sequence[Try]) -> Advice:
    """Where the loss falls fastest per multiple of the rate, before it is least. Averaged on both sides, it
    does not lag behind the rate. It falls nowhere where it does not fall by more than it scatters."""
    losses = np.array([each.loss for each in tried])
    width = max(1, round(len(tried) * NEIGHBOURS))
    losses = np.minimum(
        losses, HIGHEST * losses[:width].mean()
    )  # or the last would outweigh their neighbours
    window = np.ones(2 * width + 1)
    smooth = np.convolve(losses, window, "same") / np.convolve(np.ones(len(losses)), window, "same")
    least = int(smooth.argmin())
    scatter = float((losses - smooth)[: least + 1].std())
    steepest = None
    if least > 0 and smooth[0] - smooth[least] > scatter:
        falls = np.gradient(smooth, np.log([each.rate for each in tried]))
        steepest = tried[int(falls[: least + 1].argmin())].rate
    return Advice(tuple(smooth.tolist()), steepest, tried[least].rate)


def draw_rates(tried: Sequence[Try], advice: Advice, path: str) -> None:
    """The losses over the rates, as SVG: each, their averages, and the advice. Raises `Unusable`."""
    import matplotlib
    from matplotlib.figure import Figure

    rates = [each.rate for each in tried]
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        figure = Figure(figsize=(4.8, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.plot(
            rates, [each.loss for each in tried], ".", color="#999999", markersize=3, label="of a batch"
        )
        axes.plot(rates, advice.smooth, color=COLOURS[0], label="averaged")
        if advice.steepest is not None:
            axes.axvline(advice.steepest, color=COLOURS[1], label=f"steepest: {advice.steepest:.2g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        axes.set_ylim(0, HIGHEST * advice.smooth[0])
        axes.legend()
        with writing(path) as file:
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
