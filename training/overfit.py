"""A net and a recipe in; whether it can learn one batch by heart, and what stands in its way, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from msgspec import Struct
from msgspec.structs import replace
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from .data import Images
from .data.loader import Batch, KeyedOrder, images_loader
from .diverged import find_diverged
from .learner import as_floats
from .losses import make_loss
from .optimizers import make_optimizer
from .run import Origin
from .together import quiet_libraries
from .trainer import make_learner, prepare_images
from .trials import clip, make_fabric

PATIENCE = 100
"""Steps without a lower loss, after which the learning rate is halved."""


class Outcome(Struct, frozen=True):
    """How far a net came on one batch, and what was seen of it there."""

    learned: bool
    steps: int
    loss: float
    top1: float
    """In percent."""
    images: int
    classes: int
    """How many there are among the labels."""
    doubles: int
    """Images that also are there with another label: one of the two is always wrong."""
    broken: str = ""
    """The first layer whose output or weights are not finite."""
    silent: tuple[str, ...] = ()
    """Layers whose parameters get no gradient, or zeros."""
    constant: tuple[str, ...] = ()
    """Layers that put out the same for every image, and are given more than that."""


class Undropped(TorchFunctionMode):
    """Meanwhile nothing drops out."""

    def __torch_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        if function in (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout):
            return arguments[0]
        return function(*arguments, **(named or {}))


def overfit(
    make: Callable[[], nn.Module],
    train: Images,
    origin: Origin,
    most: float,
    steps: int,
    progress: Callable[[int, float, float], None],
) -> Outcome:
    """Train the module that `make` gives on one batch until its loss is at `most` and every image is right,
    with at most so many steps. `progress` is told how many are done, and loss and top-1 (in percent) then.

    Nothing that works against learning by heart is on: images are as for testing, nothing drops out, no
    weight decays, no target is smoothed; batches are normalised as in training. The learning rate is the
    recipe's, and is halved when the loss stays. Raises `Unusable`, and torch's OutOfMemoryError."""
    quiet_libraries()
    recipe = origin.recipe
    plain = replace(recipe.optimizer, weight_decay=0.0)
    recipe = replace(recipe, optimizer=plain, loss=replace(recipe.loss, smoothing=0.0))
    fabric = make_fabric(origin.options)
    learner, _ = make_learner(make, train, replace(origin, recipe=recipe))
    learner.to(fabric.device)
    module, alone = still(learner.module), make_loss(recipe)
    batch = fabric.to_device(take_batch(train, origin))
    images, labels = learner.augment.test_batch(as_floats(batch.images)), batch.labels
    optimizer = make_optimizer(recipe, module)
    falling = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=PATIENCE)
    stepping: Any = fabric.setup_optimizers(optimizer)
    doubles = count_doubles(images, labels)
    for step in range(steps + 1):
        with Undropped():
            with fabric.autocast():
                outputs = module(images)
            total = learner.loss(outputs, labels)
            logits = outputs[0] if isinstance(outputs, tuple) else outputs
            loss = float(alone(logits.detach(), labels))
            top1 = 100 * float((logits.argmax(1) == labels).float().mean())
            seen = Outcome(False, step, loss, top1, len(labels), len({*labels.tolist()}), doubles)
            progress(step, loss, top1)
            if not torch.isfinite(total):
                return replace(seen, broken=find_diverged(module, images))
            if loss <= most and top1 == 100:
                return replace(seen, learned=True)
            optimizer.zero_grad()
            fabric.backward(total)
        if step < steps:
            clip(fabric, module, stepping, recipe.clip)
            stepping.step()
            falling.step(loss)
    return replace(seen, silent=find_silent(module), constant=find_constant(module, images))


def take_batch(train: Images, origin: Origin) -> Batch:
    """The first batch of a shuffled order, cut as for testing."""
    order = KeyedOrder(len(train), origin.recipe.batch, seed=origin.options.seed)
    prepare = prepare_images(origin.recipe, origin.input, training=False)
    batch: Batch = next(iter(images_loader(train, order, prepare, 0)))
    return batch


def still(module: nn.Module) -> nn.Module:
    """What acts in training only, and holds nothing, acts as in use: dropped paths, random slopes."""
    for layer in module.train().modules():
        if isinstance(layer, nn.MultiheadAttention):
            layer.dropout = 0.0
        held = [*layer.children(), *layer.parameters(recurse=False), *layer.buffers(recurse=False)]
        if not held:
            layer.eval()
    return module


def count_doubles(images: Tensor, labels: Tensor) -> int:
    """How many images are another one to the bit, and have another label."""
    _, same = torch.unique(images.flatten(1), dim=0, return_inverse=True)
    pairs = (same[:, None] == same) & (labels[:, None] != labels)
    return int(pairs.any(1).sum())


def find_silent(module: nn.Module) -> tuple[str, ...]:
    """Layers with parameters of which none has a gradient that is not zero."""
    found = []
    for name, layer in module.named_modules():
        own = [parameter for parameter in layer.parameters(recurse=False) if parameter.requires_grad]
        if own and not any(p.grad is not None and bool(p.grad.any()) for p in own):
            found.append(name)
    return tuple(found)


@torch.no_grad()
def find_constant(module: nn.Module, images: Tensor) -> tuple[str, ...]:
    """Layers whose output is the same for all images (N, C, H, W), while what enters is not."""
    found: list[str] = []

    def watch(name: str) -> Callable[..., None]:
        def look(layer: nn.Module, given: Sequence[Any], output: Any) -> None:
            entering = [value for value in given if isinstance(value, Tensor)]
            told = isinstance(output, Tensor) and len(output) == len(images)
            if told and is_constant(output) and not all(map(is_constant, entering)):
                found.append(name)

        return look

    leaves = [(name, layer) for name, layer in module.named_modules() if not any(layer.children())]
    hooks = [layer.register_forward_hook(watch(name)) for name, layer in leaves]
    try:
        with Undropped():
            module(images)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(dict.fromkeys(found))


def is_constant(values: Tensor) -> bool:
    return bool((values == values[:1]).all())
