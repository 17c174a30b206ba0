"""A trained net and images in; a Parquet file with what a layer makes of each image out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..compiler.suggestions import suggest
from ..dsl.diagnostics import Unusable
from .data import BadImage, Images
from .disk import writing
from .scoring import Machine, Scores, Trained, make_member, refuse_all, score_portions
from .views import Protocol

WEIGHING = (nn.Linear, nn.Conv1d, nn.Conv2d)


class Tapped(nn.Module):
    """A net that gives what passes by one of its layers in place of its output: (N, C, H, W) gives (N, D).

    Maps (N x C x H x W) are averaged over their places, and tokens (N x L x C) over theirs, or taken `whole`.
    Maps whose channels come last are not told from others.
    """

    def __init__(self, net: nn.Module, layer: nn.Module, entering: bool, whole: bool) -> None:
        """`entering`: what enters the layer, else what it puts out."""
        super().__init__()
        self.net, self.whole = net, whole
        self.seen: Tensor | None = None
        if entering:
            layer.register_forward_pre_hook(self.see_entering)
        else:
            layer.register_forward_hook(self.see_leaving)

    def see_entering(self, layer: nn.Module, given: tuple[Any, ...]) -> None:
        (self.seen,) = given
        if isinstance(layer, nn.Linear) and given[0].dim() > 2 and given[0].shape[-1] != layer.in_features:
            self.seen = given[0].flatten(1)  # a layer that flattens by itself

    def see_leaving(self, layer: nn.Module, given: Any, output: Any) -> None:
        # A layer that follows may work in place.
        self.seen = output.clone() if isinstance(output, Tensor) else output

    def forward(self, images: Tensor) -> Tensor:
        self.seen = None
        self.net(images)
        seen = self.seen
        if not isinstance(seen, Tensor) or seen.dim() < 2:
            raise Unusable("the layer puts out no single tensor with a row for each image")
        if self.whole or seen.dim() == 2:
            return seen.flatten(1)
        return seen.mean(1) if seen.dim() == 3 else seen.mean((2, 3))


def tap(trained: Trained, label: str | None, whole: bool) -> Tapped:
    """The net that gives what the layer `label` puts out; without one, what enters the classifier, the last
    layer with weights. `label` is as in the spec (`layer[4][0]`) or as in the module (`layer4.0`). Raises
    `Unusable`."""
    net = trained.module.eval()
    if label is None:
        return Tapped(net, find_classifier(trained), entering=True, whole=whole)
    layers = dict(net.named_modules())
    layers.pop("", None)
    found = next((layers[name] for name in names_of(label) if name in layers), None)
    if found is None:
        known = [name for name in layers if name.count(".") < 2]
        hint = suggest(label, layers) or f"it has {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}"
        raise Unusable(f"`{trained.name}` has no layer `{label}`", hint)
    return Tapped(net, found, entering=False, whole=whole)


def names_of(label: str) -> Iterator[str]:
    """What the module of that label may be called: `layer[4]` is `layer4` or, of a sequence, `layer.4`."""
    yield label
    choices = []
    for part in label.split("."):
        name, *indices = re.findall(r"[^\[\]]+", part) or [part]
        texts = ["_".join(re.findall(r"\w+", index)) for index in indices]
        joined = [name + texts[0], *texts[1:]] if texts else [name]
        choices.append(list(dict.fromkeys([".".join(joined), ".".join([name, *texts])])))
    yield from map(".".join, product(*choices))


def find_classifier(trained: Trained) -> nn.Module:
    """The last layer with weights that runs: fully connected, or a convolution."""
    ran: list[nn.Module] = []
    layers = [layer for layer in trained.module.modules() if isinstance(layer, WEIGHING)]
    hooks = [layer.register_forward_pre_hook(lambda layer, _: ran.append(layer)) for layer in layers]
    weight = next(trained.module.parameters(), torch.zeros(()))
    with torch.inference_mode():
        trained.module(weight.new_zeros(1, *trained.input))
    for hook in hooks:
        hook.remove()
    if not ran:
        raise Unusable(f"`{trained.name}` has no layer with weights", "name a layer with `--layer`")
    return ran[-1]


def write_features(
    tapped: Tapped,
    trained: Trained,
    images: Images,
    path: Path,
    machine: Machine,
    progress: Callable[[int], None],
    about: dict[str, str],
) -> tuple[int, int, tuple[BadImage, ...]]:
    """Write a Parquet file with the columns `name` (string), `label` (the class's name, null where it is not
    known) and `features` (D times float32), a row for each image that can be read, in their order, and with
    `about` as its metadata. Gives the rows, D, and the images that could not be read. Raises `Unusable`."""
    import pyarrow.parquet as pq

    tapping = Trained(
        trained.name, tapped, trained.recipe, trained.classes, trained.input, trained.mean, trained.std
    )
    member = make_member(tapping, Protocol())
    rows = done = width = 0
    bad: list[BadImage] = []
    writer = None
    with writing(path) as file:
        for portion in score_portions(member, images, "logits", machine):
            bad += portion.bad
            done += len(portion.names) + len(portion.bad)
            if portion.names:
                table = tabulate(portion, images.classes, about)
                width = portion.scores.shape[1]
                writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
                writer.write_table(table)
                rows += len(table)
            progress(done)
        if writer is None:
            raise refuse_all(bad)
        writer.close()
    return rows, width, tuple(bad)


def tabulate(portion: Scores, classes: tuple[str, ...], about: dict[str, str]) -> Any:
    import pyarrow as pa

    labels = [classes[label] if label >= 0 else None for label in portion.labels]
    features = pa.array(portion.scores.reshape(-1).numpy(), pa.float32())
    columns = {
        "name": pa.array(portion.names, pa.string()),
        "label": pa.array(labels, pa.string()),
        "features": pa.FixedSizeListArray.from_arrays(features, portion.scores.shape[1]),
    }
    return pa.table(columns, metadata=about)
