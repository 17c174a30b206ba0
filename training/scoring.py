"""A net, images and a protocol in; what the net says of each image, N x classes, out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Literal, NamedTuple

import torch
from msgspec import Struct
from PIL.Image import Image
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..dsl.diagnostics import Unusable
from .data import BadImage, Images, Split, Stream
from .data.loader import Loader, default_workers
from .dense import Dense
from .ensemble import How, begin, combine
from .room import is_out_of_memory
from .views import Protocol, Views, plan_views
from .words import BinaryCrossEntropy, Recipe

FEW = 100
"""Images that are read sooner than other processes would start."""


class Machine(Struct, frozen=True):
    """On what, and in what portions, a net is run."""

    device: str = "cpu"
    batch: int = 64
    """Views at a time."""
    workers: int | None = None
    """Processes that read images; None: as many as suit them."""
    bf16: bool = False


class Trained(Struct, frozen=True, eq=False):
    """A net with its weights, and what has to be known to show it an image as it was trained to see them."""

    name: str
    module: nn.Module
    recipe: Recipe
    classes: tuple[str, ...]
    """What its outputs mean, in their order."""
    input: tuple[int, int, int]
    """C, H, W."""
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Member(Struct, frozen=True, eq=False):
    """A net, alone or one of several, and what it is shown of an image."""

    name: str
    module: nn.Module
    views: Views
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sigmoid: bool
    """Whether each class may be right by itself, as binary cross-entropy trains it."""


class Scores(Struct, frozen=True, eq=False):
    """(N, K) scores on the CPU, names and labels of their images, and the images that could not be read."""

    scores: Tensor
    names: tuple[str, ...]
    labels: tuple[int, ...]
    """Below 0 where it is not known."""
    bad: tuple[BadImage, ...]


def make_member(trained: Trained, protocol: Protocol) -> Member:
    """Raises `Unusable`."""
    channels, height, width = trained.input
    views = plan_views(trained.recipe, channels, (height, width), protocol)
    module = trained.module.eval()
    if protocol.dense:
        module = Dense(module, channels, (height, width))
    sigmoid = isinstance(trained.recipe.loss, BinaryCrossEntropy)
    return Member(trained.name, module, views, trained.mean, trained.std, sigmoid)


def choose_device(name: Literal["auto", "cpu", "gpu"]) -> str:
    """As torch calls it. Raises `Unusable` where there is no GPU."""
    there = torch.cuda.is_available()
    if name == "gpu" and not there:
        raise Unusable("torch finds no GPU", "`--device cpu` takes none")
    return "cuda" if there and name != "cpu" else "cpu"


def score(
    member: Member, images: Images, how: How, machine: Machine, progress: Callable[[int], None]
) -> Scores:
    """What the net says of each image that can be read, its views combined. `progress` is told how many
    images are done. Raises `Unusable`."""
    portions: list[Scores] = []
    done = 0
    for portion in score_portions(member, images, how, machine):
        portions.append(portion)
        done += len(portion.names) + len(portion.bad)
        progress(done)
    bad = tuple(image for portion in portions for image in portion.bad)
    read = [portion for portion in portions if portion.names]
    if not read:
        raise refuse_all(bad)
    return Scores(
        torch.cat([portion.scores for portion in read]),
        tuple(name for portion in read for name in portion.names),
        tuple(label for portion in read for label in portion.labels),
        bad,
    )


def score_portions(member: Member, images: Images, how: How, machine: Machine) -> Iterator[Scores]:
    """As `score`, a few images at a time, in their order."""
    show = Show(member, machine)
    for seen in load(images, member.views, machine):
        bad = tuple(image.views for image in seen if isinstance(image.views, BadImage))
        read = [(image, image.views) for image in seen if not isinstance(image.views, BadImage)]
        names = tuple(image.name for image, _ in read)
        scores = torch.empty(0)
        if read:
            logits = show([views for _, views in read])
            refuse_nonsense(logits, member.name, names)
            scores = combine(begin(logits, how, member.sigmoid), how)
        yield Scores(scores, names, tuple(image.label for image, _ in read), bad)


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
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            size = "x".join(map(str, views.shape[1:]))
            raise Unusable(
                f"the device has no memory for {len(views)} view{'s'[: len(views) != 1]} of {size} at a time",
                "a smaller `--batch` takes less",
            ) from None

    def normalise(self, views: Tensor) -> Tensor:
        pixels = views.to(self.device).float() / 255
        return ((pixels - self.mean) / self.std).contiguous(memory_format=self.layout)


# --- reading ------------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """An image, and its views, or why it cannot be read."""

    name: str
    label: int
    views: tuple[Tensor, ...] | BadImage


def see(name: str, label: int, read: Callable[[], Image], views: Views) -> Seen:
    try:
        return Seen(name, label, views(read()))
    except BadImage as bad:
        return Seen(name, label, bad)


class Shown(Dataset[Seen]):
    """The images of a split, as processes that read take them."""

    def __init__(self, images: Split, views: Views) -> None:
        self.images, self.views = images, views

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Seen:
        images = self.images
        return see(images.name(number), images.label(number), partial(images.read, number), self.views)


def load(images: Images, views: Views, machine: Machine) -> Iterator[list[Seen]]:
    """Every image once, in order, so many at a time as have `machine.batch` views."""
    size = max(1, machine.batch // views.count)
    if isinstance(images, Stream):
        rows = (see(row.name, images.place(row), row.read, views) for row in images.walk(None))
        while portion := list(islice(rows, size)):
            yield portion
        return
    workers = default_workers(images) if machine.workers is None else machine.workers
    yield from Loader(
        Shown(images, views),
        batch_size=size,
        num_workers=0 if len(images) <= FEW and machine.workers is None else workers,
        collate_fn=list,
    )


def refuse_all(bad: Sequence[BadImage]) -> Unusable:
    return Unusable(
        f"none of the {len(bad):,} images can be read: {bad[0]}" if bad else "there are no images"
    )


def refuse_nonsense(logits: Tensor, net: str, names: Sequence[str]) -> None:
    """Raise `Unusable` where the net's output is not finite: its classes would mean nothing."""
    finite = torch.isfinite(logits).all(2).all(0)
    if not finite.all():
        first = names[int((~finite).nonzero()[0])]
        raise Unusable(f"what `{net}` says of `{first}` is not finite", "its weights may be damaged")
