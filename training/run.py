"""The folder of a run: what it was made of in, and back; where its files stand. No torch here.

run.json           what the run was made of: net, recipe, data, options, versions
spec/*.net         the files of the net, each that it uses among them
recipe.net         the recipe, as it was resolved
model.py           the module that was trained, to be read and used
metrics.csv        a row for each epoch
curves.svg         the same as a picture
events/            the same for TensorBoard
initial.safetensors   the weights of others that it began with
best.safetensors   the weights of the best epoch
last.safetensors   the weights of the last epoch
state.ckpt         what resuming needs: weights, optimizer, place in the data
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..dsl.diagnostics import Unusable
from .disk import BESIDE, Held, clear_leftovers, holding, reason, replacing
from .history import read_rows
from .words import Constant, Recipe

if TYPE_CHECKING:
    from torch import Tensor

BEST, LAST, INITIAL = "best.safetensors", "last.safetensors", "initial.safetensors"
EARLY = "early.safetensors"
"""The weights that `stop early(restore_best=true)` takes back in the end: what it watches may be another
thing than what `keep best` watches."""


UNFINISHED = f"{BESIDE}new"
"""Stands in the folder of a run until all else does that it begins with."""


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


class Phase(Struct, frozen=True):
    """Epochs of a run through which the same parts of the net are trained.

    Parts are modules or parameters by their names, all that is in them included; the empty name is the net.
    What is not trained has no gradients, no place in the optimizer, and keeps its running statistics.
    """

    name: str
    epochs: int
    trained: tuple[str, ...] = ("",)
    frozen: tuple[str, ...] = ()
    """Within what is trained."""
    rate: float = 1.0
    """By what the optimizer's learning rate is multiplied."""

    def trains(self, name: str) -> bool:
        """Whether the module or the parameter of that name is trained."""
        return is_within(name, self.trained) and not is_within(name, self.frozen)


def is_within(name: str, parts: tuple[str, ...]) -> bool:
    return any(not part or name == part or name.startswith(f"{part}.") for part in parts)


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
    limits: tuple[str, ...] = ()
    """Those of the language that were others, as they were given: `nodes=2_000_000`."""
    initial: str = ""
    """The run or the file whose weights it began with; they are in `initial.safetensors`."""
    phases: tuple[Phase, ...] = ()
    """One after the other; none: the whole net is trained for the epochs of the recipe."""

    @property
    def course(self) -> tuple[Phase, ...]:
        """The phases, at least one."""
        return self.phases or (Phase("all", self.recipe.epochs),)

    @property
    def epochs(self) -> int:
        """Of all phases."""
        return sum(phase.epochs for phase in self.course)

    def first_epoch(self, number: int) -> int:
        """Of a phase, both counted from 0."""
        return sum(phase.epochs for phase in self.course[:number])

    def recipe_of(self, number: int) -> Recipe:
        """The recipe as a phase carries it out. Its schedule and when to stop are the last phase's; before,
        the rate stays as it is, for each of the epochs."""
        phase, recipe = self.course[number], self.recipe
        optimizer = replace(recipe.optimizer, lr=recipe.optimizer.lr * phase.rate)
        recipe = replace(recipe, optimizer=optimizer, epochs=phase.epochs)
        if number + 1 < len(self.course):
            return replace(recipe, schedule=(Constant(),), stop=None)
        return recipe


class Run(Struct, frozen=True):
    """A run's folder, and which of its weights are meant."""

    folder: Path
    origin: Origin
    which: str = BEST

    @classmethod
    def create(
        cls, folder: Path, origin: Origin, files: dict[str, str], weights: Mapping[str, Tensor] | None = None
    ) -> Run:
        """A new folder with `files` by their names in it, the `weights` that the run begins with, and
        `run.json` last. Raises `Unusable`."""
        refuse_taken(folder)
        run = cls(folder, origin)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / UNFINISHED).touch()
            shutil.rmtree(folder / "spec", ignore_errors=True)
            (folder / "spec").mkdir()
            for name, text in files.items():
                (folder / name).write_bytes(text.encode())
            if weights is not None:
                run.save_weights(INITIAL, weights)
            with replacing(run.origin_file) as beside:
                beside.write_bytes(msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")
            clear_leftovers(folder)
        except OSError as error:
            raise Unusable(f"the run `{folder}` cannot be written: {reason(error)}") from None
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run of that folder, or of that file of weights in one. Raises `Unusable`."""
        folder, which = (path, BEST) if path.is_dir() else (path.parent, path.name)
        try:
            data = (folder / "run.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            known = "a run has a `run.json`; `netc train` makes one"
            if (folder / UNFINISHED).exists():
                known = "its beginning was interrupted: begin it again as before"
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

    @contextmanager
    def held(self) -> Iterator[None]:
        """The run is this process's to write to, and nothing half written is left of another. Raises
        `Unusable`."""
        with ExitStack() as stack:
            try:
                stack.enter_context(holding(self.origin_file))
                clear_leftovers(self.folder)
            except Held:
                raise Unusable(f"another process is training the run `{self.folder}`") from None
            except OSError as error:
                raise Unusable(f"the run `{self.folder}` cannot be written: {reason(error)}") from None
            yield

    def state(self) -> dict[str, Any] | None:
        """What was saved to go on with, if anything was. Only tensors and plain data are unpickled. Raises
        `Unusable`."""
        import torch

        try:
            state = torch.load(self.state_file, map_location="cpu", weights_only=True, mmap=True)
            state["callbacks"]["Keeper"], state["state_dict"]
        except FileNotFoundError:
            if self.metrics_file.exists() and len(read_rows(self.metrics_file)) > 1:
                # The second epoch's files are written after the first one's state.
                help = "`netc eval` uses its weights; `-o` names another folder to begin anew"
                raise Unusable(f"`{self.folder}` has lost its `{self.state_file.name}`", help) from None
            return None
        except PermissionError as error:
            raise Unusable(f"`{self.state_file}` cannot be read: {reason(error)}") from None
        except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError):
            raise Unusable(
                f"`{self.state_file}` is damaged, or holds more than tensors and plain data",
                "the run cannot go on; the weights of its epochs stand in the other files",
            ) from None
        return dict(state)

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
            if file.suffix != ".safetensors":
                help = f"the weights of a run are `{BEST}`, `{LAST}` and the like"
                raise Unusable(f"`{file}` is no file of weights", help) from None
            raise Unusable(f"`{file}` is damaged: {error}") from None

    def save_weights(self, which: str, tensors: Mapping[str, Tensor]) -> None:
        """Write a file of weights whole, or not at all. Raises OSError."""
        from safetensors.torch import save  # `save_file` makes a file of its own beside, which a kill leaves

        own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        with replacing(self.folder / which) as beside:
            beside.write_bytes(save(own))


def refuse_taken(folder: Path) -> None:
    """Raises `Unusable` where the folder holds anything but a run that never began."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    is_run = (folder / "run.json").exists()
    if (folder / UNFINISHED).exists() and not is_run:
        return
    help = f"`netc train --resume {folder}` goes on with it; " if is_run else ""
    what = f"`{folder}` {'holds a run' if is_run else 'is there'} already"
    raise Unusable(what, f"{help}`-o` names another folder")
