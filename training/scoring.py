"""A net, images and a protocol in; what the net says of each image, N x classes, out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol as Interface

import torch
from msgspec import Struct
from PIL.Image import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ..dsl.diagnostics import Unusable
from .data import BadImage
from .dense import Dense
from .ensemble import How, begin, combine
from .run import Origin
from .views import Protocol, Views, plan_views
from .words import BinaryCrossEntropy


class Images(Interface):
    """A split, or files that a person named."""

    light: bool

    def __len__(self) -> int: ...

    def read(self, number: int) -> Image: ...

    def name(self, number: int) -> str: ...


class Machine(Struct, frozen=True):
    """On what, and in what portions, a net is run. `batch` are views at a time."""

    device: str = "cpu"
    batch: int = 64
    workers: int = 0
    bf16: bool = False


class Member(Struct, frozen=True, eq=False):
    """A net, alone or one of several, with what it needs to see an image as it was trained to."""

    name: str
    module: nn.Module
    views: Views
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sigmoid: bool
    """Whether each class may be right by itself, as binary cross-entropy trains it."""


class Scores(Struct, frozen=True, eq=False):
    """(N, K) scores on the CPU, the images that they are of, and those that could not be read."""

    scores: Tensor
    numbers: tuple[int, ...]
    bad: tuple[BadImage, ...]


def make_member(name: str, module: nn.Module, origin: Origin, protocol: Protocol) -> Member:
    """`module` has its weights. Raises `Unusable`."""
    channels, *size = origin.input
    height, width = size
    views = plan_views(origin.recipe, channels, (height, width), protocol)
    module.eval()
    used = Dense(module, channels, (height, width)) if protocol.dense else module
    sigmoid = isinstance(origin.recipe.loss, BinaryCrossEntropy)
    return Member(name, used, views, origin.mean, origin.std, sigmoid)


def score(
    member: Member, images: Images, how: How, machine: Machine, progress: Callable[[int], None]
) -> Scores:
    """What the net says of each image that can be read, its views combined. `progress` is told how many
    images are done. Raises `Unusable`."""
    show = Show(member, machine)
    found: list[Tensor] = []
    numbers: list[int] = []
    bad: list[BadImage] = []
    done = 0
    for portion in load(images, member.views, machine):
        bad += [views for _, views in portion if isinstance(views, BadImage)]
        read = [(number, views) for number, views in portion if not isinstance(views, BadImage)]
        if read:
            logits = show([views for _, views in read])
            refuse_nonsense(logits, member.name, [images.name(number) for number, _ in read])
            found.append(combine(begin(logits, how, member.sigmoid), how))
            numbers += [number for number, _ in read]
        done += len(portion)
        progress(done)
    if not found:
        raise Unusable(
            f"none of the {len(bad):,} images can be read: {bad[0]}" if bad else "there are no images"
        )
    return Scores(torch.cat(found), tuple(numbers), tuple(bad))


class Show:
    """Views in, logits out: the step that runs on the device."""

    def __init__(self, member: Member, machine: Machine) -> None:
        self.machine = machine
        self.device = torch.device(machine.device)
        self.layout = torch.channels_last if self.device.type == "cuda" else torch.contiguous_format
        self.module = member.module.to(self.device).eval()
        self.module.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.mean = torch.tensor(member.mean, device=self.device).view(-1, 1, 1)
        self.std = torch.tensor(member.std, device=self.device).view(-1, 1, 1)

    def __call__(self, images: Sequence[tuple[Tensor, ...]]) -> Tensor:
        """The views of several images, each as stacks of V x C x H x W, as many for each: (V, N, K) on the
        CPU. Views of one size go through the net together."""
        places: dict[tuple[int, ...], list[tuple[int, int, Tensor]]] = defaultdict(list)
        for number, stacks in enumerate(images):
            views = [view for stack in stacks for view in stack]
            for place, view in enumerate(views):
                places[tuple(view.shape)].append((place, number, view))
        logits: Tensor | None = None
        for alike in places.values():
            for start in range(0, len(alike), self.machine.batch):
                rows = alike[start : start + self.machine.batch]
                output = self.run(torch.stack([view for _, _, view in rows]))
                if logits is None:
                    logits = output.new_empty(sum(map(len, images[0])), len(images), output.shape[1])
                logits[[place for place, _, _ in rows], [number for _, number, _ in rows]] = output
        assert logits is not None, "an image has a view"
        return logits

    def run(self, views: Tensor) -> Tensor:
        """uint8 of N x C x H x W: float32 logits, N x K, on the CPU. Raises `Unusable`."""
        try:
            with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, self.machine.bf16):
                return self.module(self.normalise(views)).float().cpu()  # type: ignore[no-any-return]
        except torch.OutOfMemoryError:
            size = "x".join(map(str, views.shape[1:]))
            raise Unusable(
                f"the device has no memory for {len(views)} views of {size} at a time",
                "a smaller `--batch` takes less",
            ) from None

    def normalise(self, views: Tensor) -> Tensor:
        pixels = views.to(self.device, non_blocking=True).float() / 255
        return ((pixels - self.mean) / self.std).contiguous(memory_format=self.layout)


Portion = list[tuple[int, tuple[Tensor, ...] | BadImage]]


class Shown(Dataset[tuple[int, tuple[Tensor, ...] | BadImage]]):
    """The views of each image, or why it cannot be read."""

    def __init__(self, images: Images, views: Views) -> None:
        self.images, self.views = images, views

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> tuple[int, tuple[Tensor, ...] | BadImage]:
        try:
            return number, self.views(self.images.read(number))
        except BadImage as bad:
            return number, bad


def load(images: Images, views: Views, machine: Machine) -> DataLoader[Portion]:
    """Every image once, in order, so many at a time as have `machine.batch` views."""
    return DataLoader(
        Shown(images, views),  # type: ignore[arg-type]
        batch_size=max(1, machine.batch // views.count),
        num_workers=0 if images.light else machine.workers,
        collate_fn=as_they_are,
    )


def as_they_are(portion: Portion) -> Portion:
    return portion


def refuse_nonsense(logits: Tensor, net: str, names: Sequence[str]) -> None:
    """Raise `Unusable` where the net's output is not finite: its classes would mean nothing."""
    finite = torch.isfinite(logits).all(2).all(0)
    if not finite.all():
        first = names[int((~finite).nonzero()[0])]
        raise Unusable(f"what `{net}` says of `{first}` is not finite", "its weights may be damaged")
