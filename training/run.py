"""The folder of a run: what it was made of in, and back; where its files stand. No torch here.

run.json           what the run was made of: net, recipe, data, options, versions
spec/*.net         the files of the net, each that it uses among them
recipe.net         the recipe, as it was resolved
model.py           the module that was trained, to be read and used
metrics.csv        a row for each epoch
curves.svg         the same as a picture
events/            the same for TensorBoard
best.safetensors   the weights of the best epoch
last.safetensors   the weights of the last epoch
state.ckpt         what resuming needs: weights, optimizer, place in the data
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from ..dsl.diagnostics import Unusable
from .disk import reason, replacing
from .words import Recipe

if TYPE_CHECKING:
    from torch import Tensor

BEST, LAST = "best.safetensors", "last.safetensors"
EARLY = "early.safetensors"
"""The weights that `stop early(restore_best=true)` takes back in the end: what it watches may be another
thing than what `keep best` watches."""


class Options(Struct, frozen=True):
    """How a recipe is carried out: what no paper says."""

    seed: int = 0
    precision: Literal["32", "bf16-mixed", "16-mixed"] = "32"
    compile: bool = False
    channels_last: bool = False
    accumulate: int = 1
    """Of so many parts, one after the other, is each batch of the recipe made."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    deterministic: bool = False
    workers: int | None = None
    """Processes that read images; None: as many as suit the data."""
    max_bad: int = 0
    """So many images that cannot be read are borne."""
    save_every: float = 300.0
    """Seconds between two savings within an epoch; each epoch is saved besides."""


class Origin(Struct, frozen=True):
    """What a run was made of, enough to do it again."""

    net: str
    spec: str
    """The file of `spec/` that holds the net."""
    settings: dict[str, str]
    """Values of the net's parameters, as expressions."""
    inputs: dict[str, tuple[int, ...]]
    input: tuple[int, int, int]
    """C, H, W."""
    recipe: Recipe
    options: Options
    data: str
    val: str | float | None
    fingerprint: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    """Of each channel of the training images, pixels from 0 to 1; what `normalize` says where it stands."""
    std: tuple[float, ...]
    versions: dict[str, str]
    initial: str = ""
    """The run or the file whose weights it began with."""


class Run(Struct, frozen=True):
    """A run's folder, and which of its weights are meant."""

    folder: Path
    origin: Origin
    which: str = BEST

    @classmethod
    def create(cls, folder: Path, origin: Origin, files: dict[str, str]) -> Run:
        """A new folder with `files` by their names in it, and `run.json` last. Raises `Unusable`."""
        try:
            (folder / "spec").mkdir(parents=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8", newline="")
            run = cls(folder, origin)
            with replacing(run.origin_file) as beside:
                beside.write_bytes(msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")
        except OSError as error:
            raise Unusable(f"the run `{folder}` cannot be written: {reason(error)}") from None
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run of that folder, or of that file of weights in one. Raises `Unusable`."""
        folder, which = (path, BEST) if path.is_dir() else (path.parent, path.name)
        try:
            data = (folder / "run.json").read_bytes()
        except FileNotFoundError:
            known = "a run has a `run.json`; `netc train` makes one"
            what = f"`{path}` is no run" if path.exists() else f"there is no `{path}`"
            raise Unusable(what, known) from None
        except OSError as error:
            raise Unusable(f"`{folder}` cannot be read: {reason(error)}") from None
        try:
            origin = msgspec.json.decode(data, type=Origin)
        except msgspec.DecodeError as error:
            raise Unusable(f"`{folder / 'run.json'}` is damaged: {error}") from None
        return cls(folder, origin, which)

    @property
    def origin_file(self) -> Path:
        return self.folder / "run.json"

    @property
    def state_file(self) -> Path:
        return self.folder / "state.ckpt"

    @property
    def metrics_file(self) -> Path:
        return self.folder / "metrics.csv"

    @property
    def curves_file(self) -> Path:
        return self.folder / "curves.svg"

    @property
    def spec_file(self) -> Path:
        """The file that holds the net; those that it uses stand beside it."""
        return self.folder / "spec" / self.origin.spec

    def weights(self, which: str | None = None) -> dict[str, Tensor]:
        """The tensors of the net by name, of `best.safetensors` or another file. Raises `Unusable`."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        file = self.folder / (which or self.which)
        try:
            return load_file(file)
        except FileNotFoundError:
            raise Unusable(f"`{self.folder}` has no `{file.name}` yet", "train for an epoch first") from None
        except OSError as error:
            raise Unusable(f"`{file}` cannot be read: {reason(error)}") from None
        except SafetensorError as error:
            raise Unusable(f"`{file}` is damaged: {error}") from None

    def save_weights(self, which: str, tensors: dict[str, Tensor]) -> None:
        """Write a file of weights whole, or not at all. Raises OSError."""
        from safetensors.torch import save_file

        with replacing(self.folder / which) as beside:
            save_file(
                {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, beside
            )
