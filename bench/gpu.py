"""Generated modules against torchvision's and timm's on a GPU: training, inference, memory. One file, alone.

    python gpu.py -o gpu.json                             where netc is installed
    python gpu.py --prepare FOLDER                        or there, and where only torch is:
    python gpu.py --models FOLDER -o gpu.json

It prints a table and writes the same as JSON. Each net runs in a process of its own, so that a net or a peer
that fails is told and the rest goes on. A missed bound gives the exit status 1.

Without a GPU it runs on the CPU, with small sizes in float32, and no speed is judged; memory is counted at
full size, of fake tensors, which have shapes and no numbers.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import types
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("netc", "torch", "torchvision", "timm")
PARTS = ("train", "compiled", "inference", "memory")
LISTED = "predicted.json"
"""In a folder of prepared modules: what netc predicts of each."""
FASTER, WITHIN = 1.0, 0.10
"""The bounds: ours at least as fast, and the prediction this near."""


@dataclass(frozen=True)
class Net:
    """A bundled net and the module of a package that it equals; `side` of its images, `small` on a CPU."""

    peer: str
    side: int = 224
    small: int = 64


NETS = {
    "resnet50": Net("torchvision:resnet50"),
    "resnext50": Net("torchvision:resnext50_32x4d"),
    "densenet121": Net("torchvision:densenet121"),
    "googlenet_tv": Net("torchvision:googlenet"),
    "inception_v3": Net("torchvision:inception_v3", 299, 299),
    "mobilenet_v2": Net("torchvision:mobilenet_v2"),
    "se_resnet50": Net("timm:legacy_seresnet50"),
    "vgg16": Net("torchvision:vgg16"),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "torchvision:googlenet": {"aux_logits": True, "transform_input": False, "init_weights": False},
    "torchvision:inception_v3": {"aux_logits": True, "transform_input": False, "init_weights": False},
}
CLASSES, MIB = 1000, 2**20
PRECISIONS = {False: "float32", True: "bf16"}
DECLARED: list[Any] = []
"""Operators are declared as long as their library lives."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured: images a batch, steps a round, and rounds; `mixed` is bfloat16."""

    batch: int
    inference: tuple[int, ...]
    steps: int
    rounds: int
    backend: str
    mixed: bool


FULL = Sizes(64, (1, 32, 256), 20, 9, "inductor", mixed=True)
SMALL = Sizes(2, (1, 2, 4), 1, 5, "eager", mixed=False)


@dataclass(frozen=True)
class Row:
    """What was measured of a net: `ours` and `theirs` in `unit`, and `ratio`, of which `low` and `high` are
    the quartiles over the rounds. `holds` is None where nothing is asked; `trouble` tells why something is
    missing."""

    net: str
    what: str
    ours: float | None = None
    theirs: float | None = None
    unit: str = ""
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    bound: str = ""
    holds: bool | None = None
    trouble: str = ""

    def __str__(self) -> str:
        ours, theirs = ("" if x is None else f"{x:,.1f}" for x in (self.ours, self.theirs))
        spread = "" if self.low is None else f" ({self.low:.3f} to {self.high:.3f})"
        ratio = "" if self.ratio is None else f"{self.ratio:.3f}{spread}"
        judged = {None: "", True: "ok", False: "MISSED"}[self.holds]
        told = self.trouble.replace("\n", " ").replace("|", "/")[:160] or judged
        cells = (self.net, self.what, ours, theirs, self.unit, ratio, self.bound, told)
        return f"| {' | '.join(cells)} |"


HEAD = ("net", "what", "ours", "theirs or predicted", "unit", "ratio", "bound", "")


# --- modules ---------------------------------------------------------------------------------------


class Makers:
    """Where modules come from: ours from netc or from a folder, theirs from their packages."""

    def __init__(self, models: Path | None) -> None:
        self.models = models

    def source(self, net: str) -> str:
        if self.models is not None:
            return (self.models / f"{net}.py").read_text(encoding="utf-8")
        import netc

        return netc.load(net).source()

    def ours(self, net: str) -> Any:
        import torch

        module = sys.modules[f"generated_{net}"] = types.ModuleType(f"generated_{net}")
        exec(compile(self.source(net), f"{net}.py", "exec"), vars(module))
        exported = (getattr(module, name) for name in module.__all__)
        return next(value for value in exported if issubclass(value, torch.nn.Module))()

    def theirs(self, net: str) -> Any:
        package, _, name = NETS[net].peer.partition(":")
        declare_operators()
        if package == "timm":
            import timm

            return timm.create_model(name, num_classes=CLASSES)
        from torchvision import models

        return models.get_model(name, weights=None, **OPTIONS.get(NETS[net].peer, {}))

    def predicted(self, net: str, mixed: bool) -> int:
        """Bytes at the fullest moment of a step of `FULL.batch` images: SGD with momentum and decay."""
        if self.models is not None:
            listed = json.loads((self.models / LISTED).read_text(encoding="utf-8"))
            return int(listed[net][PRECISIONS[mixed]])
        import netc
        from netc.compiler.budget import Regime, predict
        from netc.compiler.shapes import infer

        graph = netc.load(net).graph
        return predict(graph, infer(graph), Regime(FULL.batch, mixed, state=1, scratch=1)).total


def declare_operators() -> None:
    """A CPU torch lacks what torchvision registers shapes for when it is imported, and nothing here runs."""
    import torch

    if torch.cuda.is_available():
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    DECLARED.append(library)
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


# --- what is done ----------------------------------------------------------------------------------


class Bench:
    """One net, ours and theirs, on the one device."""

    def __init__(self, net: str, makers: Makers) -> None:
        import torch

        self.net, self.makers = net, makers
        self.gpu = has_gpu()
        self.device = torch.device("cuda" if self.gpu else "cpu")
        self.sizes = FULL if self.gpu else SMALL
        self.side = NETS[net].side if self.gpu else NETS[net].small
        self.precision = PRECISIONS[self.sizes.mixed]

    def images(self, batch: int, side: int) -> Any:
        import torch

        images = torch.randn(batch, 3, side, side, device=self.device)
        return images.to(memory_format=torch.channels_last)

    def run(self, parts: list[str]) -> Iterator[Row]:
        for part in parts:
            measure: Callable[[], Iterator[Row]] = getattr(self, part)
            try:
                yield from measure()
            except Exception as error:  # told, and the rest goes on
                yield Row(self.net, part, trouble=tell(error))
            self.clear()

    def clear(self) -> None:
        import torch

        gc.collect()
        torch.compiler.reset()
        if self.gpu:
            torch.cuda.empty_cache()

    def wait(self) -> None:
        import torch

        if self.gpu:
            torch.cuda.synchronize()

    def train(self) -> Iterator[Row]:
        yield self.throughput(f"training, {self.precision}", self.sizes.batch, self.stepper)

    def compiled(self) -> Iterator[Row]:
        import torch

        def stepper(module: Any, batch: int) -> Callable[[], None]:
            return self.stepper(torch.compile(module, backend=self.sizes.backend), batch)

        what = f"training, {self.precision}, {self.sizes.backend}"
        yield self.throughput(what, self.sizes.batch, stepper)

    def inference(self) -> Iterator[Row]:
        for batch in self.sizes.inference:
            yield self.throughput(f"inference, {self.precision}", batch, self.forwarder)

    def stepper(self, module: Any, batch: int) -> Callable[[], None]:
        """A step of SGD, under autocast where it is mixed."""
        import torch

        module.train()
        images = self.images(batch, self.side)
        classes = torch.zeros(batch, dtype=torch.int64, device=self.device)
        optimizer = make_optimizer(module)
        return lambda: step(module, images, classes, optimizer, self.sizes.mixed)

    def forwarder(self, module: Any, batch: int) -> Callable[[], None]:
        import torch

        dtype = torch.bfloat16 if self.sizes.mixed else torch.float32
        module.eval().to(dtype)
        images = self.images(batch, self.side).to(dtype)

        def forward() -> None:
            with torch.inference_mode():
                module(images)

        return forward

    def throughput(self, what: str, batch: int, prepare: Callable[[Any, int], Callable[[], None]]) -> Row:
        """Images a second; the two alternate, and so does who comes first."""
        import torch

        def warm_up(make: Callable[[str], Any]) -> Callable[[], None]:
            work = prepare(self.place(make(self.net)), batch)
            for _ in range(3):
                work()
            return work

        torch.backends.cudnn.benchmark = True
        works, trouble = [warm_up(self.makers.ours)], ""
        try:
            works.append(warm_up(self.makers.theirs))
        except Exception as error:  # without its peer a net is measured alone
            trouble = f"{NETS[self.net].peer}: {tell(error)}"
        times: list[list[float]] = [[] for _ in works]
        for turn in range(self.sizes.rounds):
            order = range(len(works)) if turn % 2 else reversed(range(len(works)))
            for number in order:
                times[number].append(self.time(works[number]))
        images = batch * self.sizes.steps
        rates = [images / statistics.median(rounds) for rounds in times]
        row = Row(self.net, f"{what}, {batch}", rates[0], unit="images/s", trouble=trouble)
        if len(works) == 1:
            return row
        low, ratio, high = statistics.quantiles(
            [theirs / ours for ours, theirs in zip(*times, strict=True)], n=4
        )
        bound = f">= {FASTER:.2f}, or in the range" if self.gpu else ""
        holds = high >= FASTER if self.gpu else None
        return Row(
            self.net, row.what, rates[0], rates[1], row.unit, ratio, low, high, bound=bound, holds=holds
        )

    def place(self, module: Any) -> Any:
        """On a GPU with channels last; fake parameters cannot be moved, nor need they."""
        import torch

        return module.to(self.device).to(memory_format=torch.channels_last) if self.gpu else module

    def time(self, work: Callable[[], None]) -> float:
        self.wait()
        start = time.perf_counter()
        for _ in range(self.sizes.steps):
            work()
        self.wait()
        return time.perf_counter() - start

    def memory(self) -> Iterator[Row]:
        """The fullest moment of a step; without cuDNN's benchmark mode, whose workspaces nobody predicts."""
        import torch

        torch.backends.cudnn.benchmark = False
        for mixed, precision in PRECISIONS.items():
            what = f"memory, {precision}, {FULL.batch}"
            found = self.peak(self.makers.ours, mixed)
            yield self.set_beside(
                f"{what}, predicted", found, partial(self.makers.predicted, self.net, mixed), WITHIN
            )
            yield self.set_beside(what, found, partial(self.peak, self.makers.theirs, mixed))
        if self.gpu:

            def compile(net: str) -> Any:
                return torch.compile(self.makers.ours(net), backend=FULL.backend)

            what = f"memory, bf16, {FULL.backend}, {FULL.batch}"
            yield Row(self.net, what, self.peak(compile, mixed=True) / MIB, unit="MiB")

    def set_beside(self, what: str, ours: int, find: Callable[[], int], within: float | None = None) -> Row:
        """Our memory and another number, which may be missing; `within` is how far off it may be."""
        try:
            other = find()
        except Exception as error:
            return Row(self.net, what, ours / MIB, unit="MiB", trouble=tell(error))
        ratio = other / ours
        bound, holds = ("", None) if within is None else (f"within {within:.0%}", abs(ratio - 1) <= within)
        return Row(self.net, what, ours / MIB, other / MIB, "MiB", ratio, bound=bound, holds=holds)

    def peak(self, make: Callable[[str], Any], mixed: bool) -> int:
        """Bytes, above what was there before the module."""
        import torch

        self.clear()
        with watch_memory(self.device) as memory:
            module = self.place(make(self.net)).train()
            images = self.images(FULL.batch, NETS[self.net].side)
            classes = torch.zeros(FULL.batch, dtype=torch.int64, device=self.device)
            optimizer = make_optimizer(module)
            for _ in range(2):
                memory.restart()
                step(module, images, classes, optimizer, mixed)
            return int(memory.most)


def make_optimizer(module: Any) -> Any:
    import torch

    return torch.optim.SGD(module.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4, foreach=True)


def step(module: Any, images: Any, classes: Any, optimizer: Any, mixed: bool) -> None:
    """All outputs count: logits and auxiliary heads."""
    import torch

    with torch.autocast(images.device.type, torch.bfloat16, enabled=mixed):
        given = module(images)
        outputs = [given] if isinstance(given, torch.Tensor) else list(given)
        losses = [torch.nn.functional.cross_entropy(output, classes) for output in outputs]
    torch.stack(losses).sum().backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def tell(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


# --- memory ----------------------------------------------------------------------------------------


class GpuMemory:
    """What CUDA's allocator counts. What cuBLAS holds for good is made first, and left out."""

    def __init__(self, device: Any) -> None:
        import torch

        for dtype in (torch.float32, torch.bfloat16):
            layer = torch.nn.Linear(256, 256, device=device, dtype=dtype)
            layer(torch.zeros(256, 256, device=device, dtype=dtype)).sum().backward()
        del layer
        self.device, self.before = device, torch.cuda.memory_allocated(device)

    def restart(self) -> None:
        import torch

        torch.cuda.reset_peak_memory_stats(self.device)

    @property
    def most(self) -> int:
        import torch

        return int(torch.cuda.max_memory_allocated(self.device)) - self.before


class Storages:
    """Where no allocator counts: every storage that an operation makes, until it is freed."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.known: set[int] = set()

    def hold(self, tensor: Any) -> None:
        storage = tensor.untyped_storage()
        place, size = storage._cdata, storage.nbytes()
        if place not in self.known:
            self.known.add(place)
            self.now += size
            weakref.finalize(storage, self.release, place, size)
        self.most = max(self.most, self.now)

    def release(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size

    def restart(self) -> None:
        self.most = self.now


@contextmanager
def watch_memory(device: Any) -> Iterator[GpuMemory | Storages]:
    """What tensors take from here on; without a GPU they are fake ones, meanwhile."""
    if device.type == "cuda":
        yield GpuMemory(device)
        return
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(), count_storages() as storages:
        yield storages


@contextmanager
def count_storages() -> Iterator[Storages]:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    storages = Storages()

    class Counted(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for value in tree_leaves(result):
                if isinstance(value, torch.Tensor):
                    storages.hold(value)
            return result

    with Counted():
        yield storages


# --- the command -----------------------------------------------------------------------------------


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def describe_machine() -> dict[str, str]:
    import torch

    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    if has_gpu():
        found["device"] = torch.cuda.get_device_name()
        found["cuda"] = str(torch.version.cuda)
        found["cudnn"] = str(torch.backends.cudnn.version())
    else:
        found["device"] = "CPU"
    return found


def prepare(folder: Path, nets: list[str]) -> None:
    """The modules and what is predicted of them, for a machine without netc."""
    folder.mkdir(parents=True, exist_ok=True)
    makers, listed = Makers(None), {}
    for net in nets:
        (folder / f"{net}.py").write_text(makers.source(net), encoding="utf-8")
        listed[net] = {name: makers.predicted(net, mixed) for mixed, name in PRECISIONS.items()}
    (folder / LISTED).write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def run_apart(net: str, arguments: list[str]) -> list[Row]:
    """A net in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.json")
        command = [sys.executable, __file__, "--apart", net, "-o", str(path), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not path.exists():
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            return [Row(net, "", trouble=lines[-1])]
        return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def choose(text: str, known: Any, what: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"there is no {what} {unknown[0]}; there are {', '.join(known)}")
    return names


def read_arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the rows as JSON")
    parser.add_argument("--nets", type=lambda text: choose(text, NETS, "net"), default=list(NETS))
    parser.add_argument("--parts", type=lambda text: choose(text, PARTS, "part"), default=list(PARTS))
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="modules that `--prepare` wrote")
    parser.add_argument(
        "--prepare", type=Path, metavar="FOLDER", help="write modules and predictions, and stop"
    )
    parser.add_argument("--apart", choices=NETS, help=argparse.SUPPRESS)
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    asked = read_arguments(given)
    if asked.prepare is not None:
        prepare(asked.prepare, asked.nets)
        return 0
    if asked.apart is not None:
        bench = Bench(asked.apart, Makers(asked.models))
        done = [asdict(row) for row in bench.run(asked.parts)]
        asked.output.write_text(json.dumps(done), encoding="utf-8")
        return 0
    machine = describe_machine()
    print(", ".join(f"{name} {text}" for name, text in machine.items()), end="\n\n")
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}", flush=True)
    arguments = ["--parts", ",".join(asked.parts)]
    if asked.models is not None:
        arguments += ["--models", str(asked.models)]
    rows: list[Row] = []
    for name in asked.nets:
        for row in run_apart(name, arguments):
            rows.append(row)
            print(row, flush=True)
    if asked.output is not None:
        sizes = FULL if has_gpu() else SMALL
        written = {"machine": machine, "sizes": asdict(sizes), "rows": [asdict(row) for row in rows]}
        asked.output.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
