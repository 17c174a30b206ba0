"""Finetuning: what each phase trains, against a loop in plain torch; and runs that go on from a kill."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from netc import cli, driver, load, loads
from netc.compiler.facts import Facts
from netc.dsl.diagnostics import Unusable
from netc.files import find_spec
from netc.training.data.loader import KeyedOrder, images_loader
from netc.training.data.split import Split
from netc.training.reports import Silent
from netc.training.run import INITIAL, LAST, Options, Origin, Phase, Run
from netc.training.trainer import fit, prepare_images
from netc.training.transfer import describe_phase, find_heads, find_last_stage, plan_phases
from netc.training.words import SGD, Constant, Cosine, Early, Recipe

pytestmark = pytest.mark.xdist_group("finetune")
"""What they share is made once, in one process."""

torch.set_num_threads(1)

SMALL = """net small(classes=5) {
    input x: 1x8x8
    stem: conv(3, 4) -> bn
    layer[1]: conv(3, 6) -> bn -> relu -> maxpool(2)
    layer[2]: conv(3, 8) -> bn -> relu
    gap -> flatten
    fc: linear(classes)
}
"""


def facts_of(net: str) -> Facts:
    compiled = driver.compile(find_spec(net)).compiled
    assert compiled is not None
    return compiled.training


# --- what is the head, and what the last stage ------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "heads", "stage"),
    [
        ("lenet5", ("f7",), ("f6",)),
        ("resnet18", ("fc",), ("layer4",)),
        ("vgg16", ("classifier.6",), ("classifier.3",)),
        ("googlenet", ("linear", "aux1", "aux2"), ("inception5b",)),
        ("mobilenet_v2", ("classifier.1",), ("features.18",)),
        ("densenet121", ("classifier",), ("features.denseblock4", "features.norm5")),
        ("squeezenet1_1", ("classifier.1",), ("features.12",)),
        ("vit_b_16", ("heads.head",), ("encoder.layers.encoder_layer_11", "encoder.ln")),
    ],
)
def test_heads_and_last_stages_of_bundled_nets(
    net: str, heads: tuple[str, ...], stage: tuple[str, ...]
) -> None:
    facts = facts_of(net)
    assert find_heads(facts) == heads
    assert find_last_stage(facts, heads) == stage


@pytest.mark.parametrize("net", ["lenet5", "resnet18", "googlenet", "vit_b_16"])
def test_phases_count_what_the_module_has(net: str) -> None:
    """Names of the graph are names of the module: the numbers of the plan are those of its parameters."""
    facts = facts_of(net)
    module = load(net).module()
    for phase in plan_phases(facts, find_heads(facts), (), (), 1, 1, 0.1):
        trained = sum(p.numel() for name, p in module.named_parameters() if phase.trains(name))
        assert f": {trained:,} of {facts.total.params:,} " in describe_phase(phase, facts)
        assert 0 < trained < facts.total.params


def test_what_is_frozen_and_thawed() -> None:
    facts = facts_of("resnet18")
    plan = partial(plan_phases, facts, ("fc",), head_epochs=2, epochs=3, rate=0.5)
    head = Phase("head", 2, ("fc",))
    assert plan(freeze=(), unfreeze=()) == (head, Phase("together", 3, ("fc", "layer4"), (), 0.5))
    assert plan(freeze=(), unfreeze=["layer[3][0]", "layer4"])[1].trained == ("fc", "layer3.0", "layer4")
    first, second = plan(freeze=["conv1", "layer[1]"], unfreeze=())
    assert first.trained == ("fc",)
    assert second.trains("layer2.0.conv1.weight")
    assert second.trains("fc.bias")
    assert not second.trains("layer1.0.conv1.weight")
    assert not second.trains("conv1.weight")
    assert plan(freeze=["conv1"], unfreeze=["none"]) == (Phase("head", 3, ("fc",)),)
    assert plan(freeze=(), unfreeze=["all"])[1].trained == ("",)
    assert len(plan_phases(facts, ("fc",), (), (), 0, 3, 0.1)) == 1


@pytest.mark.parametrize(
    ("freeze", "unfreeze", "message"),
    [
        (["layr1"], (), "`resnet18` has no part `layr1`"),
        (["gap1"], (), "`gap1` of `resnet18` has no weights"),
        (["fc"], (), "`fc` is a new head"),
        (["layer4"], ["layer4"], "all that is to be thawed is frozen"),
    ],
)
def test_parts_that_cannot_be_meant(freeze: list[str], unfreeze: list[str], message: str) -> None:
    facts = facts_of("resnet18")
    with pytest.raises(Unusable, match=message):
        plan_phases(facts, ("fc",), freeze, unfreeze, 1, 1, 0.1)


# --- what the phases do -----------------------------------------------------------------------------


class Noise(Split):
    """Images of noise whose brightness tells their class."""

    classes = tuple("abcde")
    light = True
    fingerprint = "noise"

    def __init__(self, count: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.labels = random.integers(0, 5, count)
        noise = random.integers(0, 100, (count, 8, 8))
        self._pixels = (noise + 30 * self.labels[:, None, None]).astype("uint8")

    def read(self, number: int) -> Image.Image:
        return Image.fromarray(self._pixels[number])

    def name(self, number: int) -> str:
        return f"noise {number}"


RECIPE = Recipe(
    optimizer=SGD(lr=0.1, momentum=0.9, weight_decay=0.01), schedule=(Cosine(),), epochs=3, batch=8
)
PHASES = (Phase("head", 1, ("fc",)), Phase("together", 2, ("fc", "layer2"), rate=0.5))


def begin(folder: Path, phases: tuple[Phase, ...] = PHASES, recipe: Recipe = RECIPE) -> Run:
    origin = Origin(
        net="small",
        spec="small.net",
        settings={},
        inputs={},
        input=(1, 8, 8),
        recipe=recipe,
        options=Options(save_every=0, workers=0, device="cpu"),
        data="noise",
        val=None,
        fingerprint="",
        classes=tuple("abcde"),
        mean=(0.5,),
        std=(0.25,),
        versions={},
        phases=phases,
    )
    return Run.create(folder, origin, {})


def make() -> nn.Module:
    return loads(SMALL).module()


def carry_out(run: Run, reporter: Silent | None = None, resume: bool = False) -> list[dict[str, float]]:
    return fit(make, Noise(40, 1), Noise(16, 2), run, lambda first: reporter or Silent(), resume)


def train_plainly(module: nn.Module, phases: tuple[Phase, ...]) -> dict[str, torch.Tensor]:
    """What the phases are to do, in plain torch: each an optimizer of its own; what it does
    not train is normalised by the statistics that it has; the last phase's rate falls as a cosine."""
    split, epoch = Noise(40, 1), 0
    order = KeyedOrder(len(split), 8, seed=0)
    for number, phase in enumerate(phases):
        for name, parameter in module.named_parameters():
            parameter.requires_grad = any(name.startswith(f"{part}.") for part in phase.trained)
        module.train()
        for name, layer in module.named_modules():
            if isinstance(layer, nn.BatchNorm2d) and not any(name.startswith(part) for part in phase.trained):
                layer.eval()
        first = 0.1 * phase.rate
        trained = [p for p in module.parameters() if p.requires_grad]
        optimizer = torch.optim.SGD(trained, lr=first, momentum=0.9, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, phase.epochs * 5)
        for _ in range(phase.epochs):
            order.set_epoch(epoch)
            epoch += 1
            for batch in images_loader(split, order, prepare_images(RECIPE, (1, 8, 8), True), 0):
                loss = F.cross_entropy(module((batch.images / 255 - 0.5) / 0.25), batch.labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if number == len(phases) - 1:
                    schedule.step()
    return module.state_dict()


def test_the_phases_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    torch.manual_seed(5)
    module = make()
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 2)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    run = begin(tmp_path / "run")
    rows = fit(lambda: module, Noise(40, 1), Noise(16, 2), run, lambda first: Silent())
    after = run.weights(LAST)
    again = make()
    again.load_state_dict(before)
    expected = train_plainly(again, PHASES)
    for name, tensor in after.items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-5, atol=1e-6, msg=name)
        changed = name.startswith(("fc.", "layer2."))
        assert torch.equal(tensor, before[name]) is not changed, name
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["step"] for row in rows] == [5, 10, 15]
    assert rows[0]["lr"] == 0.1
    assert 0.05 > rows[1]["lr"] > rows[2]["lr"]


def test_one_phase_over_all_is_plain_training(tmp_path: Path) -> None:
    plain, phased = begin(tmp_path / "plain", ()), begin(tmp_path / "phased", (Phase("all", 3),))
    assert carry_out(plain) == carry_out(phased)
    for name, tensor in plain.weights(LAST).items():
        assert torch.equal(tensor, phased.weights(LAST)[name]), name


def test_a_phase_keeps_nothing_of_the_optimizer_of_what_it_freezes(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    carry_out(run)
    state = torch.load(run.state_file, weights_only=True)
    assert state["callbacks"]["Keeper"]["phase"] == 1
    (optimizer,) = state["optimizer_states"]
    assert len(optimizer["param_groups"][0]["params"]) == 6  # of layer2 and of fc


class Killed(BaseException):
    pass


class Listener(Silent):
    """Keeps the losses that are shown."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def step(self, done: int, images: int, loss: float) -> None:
        self.losses.append(loss)


def test_losses_of_parts_are_shown_as_large_as_they_are(tmp_path: Path) -> None:
    run, heard = begin(tmp_path / "run", phases=()), Listener()
    options = replace(run.origin.options, accumulate=4)
    recipe = replace(RECIPE, epochs=1)
    run = replace(run, origin=replace(run.origin, options=options, recipe=recipe))
    (row,) = carry_out(run, heard)
    assert len(heard.losses) == 20
    assert sum(heard.losses) / 20 == pytest.approx(row["train_loss"])


class Killer(Silent):
    """Ends the process, as it were, at the so-manieth event."""

    def __init__(self, at: int) -> None:
        self.left = at

    def step(self, done: int, images: int, loss: float) -> None:
        self.count()

    def end(self, row: dict[str, float], best: bool, seconds: float) -> None:
        self.count()

    def count(self) -> None:
        self.left -= 1
        if not self.left:
            raise Killed


def test_a_run_goes_on_from_a_kill_in_any_phase(tmp_path: Path) -> None:
    whole = begin(tmp_path / "whole")
    rows = carry_out(whole)
    for at in (6, 7, 14):  # at the end of the first phase, after the second's first step, and later
        run = begin(tmp_path / str(at))
        with pytest.raises(Killed):
            carry_out(run, Killer(at))
        assert carry_out(run, resume=True) == rows, at
        for file in (LAST, "best.safetensors"):
            expected, found = whole.weights(file), run.weights(file)
            assert all(torch.equal(found[name], expected[name]) for name in expected), (at, file)


def test_stopping_early_is_of_the_last_phase(tmp_path: Path) -> None:
    """What is watched cannot become better by 100: the run would stop after its second epoch."""
    stop = Early(monitor="val_loss", min_delta=100.0, patience=1)
    recipe = Recipe(optimizer=SGD(lr=0.01), schedule=(Constant(),), epochs=4, batch=8, stop=stop)
    phases = (Phase("head", 3, ("fc",)), Phase("together", 4, ("",)))
    rows = carry_out(begin(tmp_path / "run", phases, recipe))
    assert len(rows) == 3 + 2


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of images of digits, 0 to 4 and 5 to 9, 24 of each."""
    folder = tmp_path_factory.mktemp("digits")
    seen = load_digits()
    for digit in range(10):
        place = folder / ("low" if digit < 5 else "high") / str(digit)
        place.mkdir(parents=True)
        for number, pixels in enumerate(seen.images[seen.target == digit][:24]):
            Image.fromarray((pixels * 15.9).astype("uint8")).save(place / f"{number}.png")
    return folder


COMMON = ["--workers", "0", "--device", "cpu", "--val", "0.25", "--batch", "16", "--schedule", "constant"]


@pytest.fixture(scope="module")
def source(digits: Path) -> Path:
    """A run of a small net on the digits 0 to 4."""
    (digits / "small.net").write_text(SMALL)
    arguments = ["train", str(digits / "small.net"), "--data", str(digits / "low"), "-o", str(digits / "run")]
    assert cli.run([*arguments, *COMMON, "--epochs", "2", "--optimizer", "adam(lr=0.01)"]) == 0
    return digits / "run"


def finetune(digits: Path, source: Path | str, output: Path, *more: str) -> int:
    arguments = ["finetune", str(digits / "small.net"), "--from", str(source), "--data", str(digits / "high")]
    return cli.run([*arguments, "-o", str(output), *COMMON, "--epochs", "2", "--head-epochs", "1", *more])


def test_finetuning_a_run(
    digits: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finetune(digits, source, tmp_path / "tuned", "--optimizer", "adam(lr=0.01)") == 0
    told = capsys.readouterr().err
    assert "new are fc.weight, fc.bias" in told
    lines = told.splitlines()
    phases = [n for n, line in enumerate(lines) if line.startswith("note: from here on is trained: ")]
    assert [lines[n].split(": ")[-1] for n in phases] == ["fc", "fc, layer2"]
    assert lines[phases[0] + 1].startswith("epoch 1 of 3: ")
    assert lines[phases[1] + 1].startswith("epoch 2 of 3: ")
    run = Run.open(tmp_path / "tuned")
    assert run.origin.initial == str(source)
    assert [phase.name for phase in run.origin.phases] == ["head", "together"]
    assert run.origin.classes == tuple("56789")
    assert run.origin.mean == Run.open(source).origin.mean
    with (tmp_path / "tuned" / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    theirs, ours = Run.open(source).weights(), run.weights(LAST)
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]) is name.startswith(("stem", "layer1")), name
    assert {*run.weights(INITIAL)} == {name for name in theirs if not name.startswith("fc.")}


def test_a_run_that_was_killed_before_its_first_epoch_begins_with_the_same_weights(
    digits: Path, source: Path, tmp_path: Path
) -> None:
    """The source may be gone by then: the run holds what it begins with."""
    assert finetune(digits, source, tmp_path / "whole") == 0
    copy = tmp_path / "copy"
    for file in ("run.json", INITIAL, "spec/small.net", "model.py", "recipe.net"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_bytes((tmp_path / "whole" / file).read_bytes())
    assert cli.run(["train", "--resume", str(copy), "--workers", "0"]) == 0
    expected = Run.open(tmp_path / "whole").weights(LAST)
    found = Run.open(copy).weights(LAST)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_a_dry_run_shows_the_phases_and_touches_nothing(
    digits: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--dry-run", "--freeze", "stem", "--lr", "0.2", "--optimizer", "sgd(lr=1)")
    assert finetune(digits, source, tmp_path / "none", *more) == 0
    told = capsys.readouterr().out
    assert "head, 1 epoch, lr 0.2: fc: 45 of 783 parameters" in told
    assert "together, 2 epochs, lr 0.02: the net but stem: 735 of 783 parameters" in told
    assert not (tmp_path / "none").exists()


def test_checkpoints_of_others_with_other_names_and_classes(
    digits: Path, source: Path, tmp_path: Path
) -> None:
    """Their names, their number of classes, and their head where it is there."""
    tensors = Run.open(source).weights()
    renamed = {
        name.replace("layer", "block").replace("fc", "out"): tensor for name, tensor in tensors.items()
    }
    renamed["out.weight"], renamed["out.bias"] = torch.randn(7, 8), torch.randn(7)
    torch.save({"state_dict": renamed}, tmp_path / "other.pth")
    torch.save({n: t for n, t in renamed.items() if not n.startswith("out")}, tmp_path / "bare.pth")
    for file in ("other.pth", "bare.pth"):
        output = tmp_path / file.removesuffix(".pth")
        assert finetune(digits, tmp_path / file, output, "--unfreeze", "none", "--epochs", "1") == 0
        after = Run.open(output).weights(LAST)
        for name, tensor in after.items():
            if not name.startswith("fc."):
                assert torch.equal(tensor, tensors[name]), (file, name)


def test_weights_that_do_not_fit_are_told(
    digits: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = Run.open(source).weights()
    tensors["layer2.0.weight"] = torch.zeros(9, 6, 3, 3)
    torch.save(tensors, tmp_path / "wrong.pth")
    assert finetune(digits, tmp_path / "wrong.pth", tmp_path / "none") == 1
    told = capsys.readouterr().err
    assert "does not fit the base of small" in told
    assert "9x6x3x3" in told
    assert not (tmp_path / "none").exists()


def test_how_the_images_of_a_checkpoint_were_normalised(digits: Path, source: Path, tmp_path: Path) -> None:
    torch.save(Run.open(source).weights(), tmp_path / "other.pth")
    few = ("--unfreeze", "none", "--epochs", "1")
    assert (
        finetune(digits, tmp_path / "other.pth", tmp_path / "tuned", *few, "--mean", "0.4", "--std", "0.2")
        == 0
    )
    origin = Run.open(tmp_path / "tuned").origin
    assert (origin.mean, origin.std) == ((0.4,), (0.2,))
    for wrong in (("--mean", "0.4"), ("--mean", "0.4", "--std", "0"), ("--mean", "1,1", "--std", "1,1")):
        assert finetune(digits, tmp_path / "other.pth", tmp_path / "none", *few, *wrong) == 2, wrong
    assert finetune(digits, source, tmp_path / "none", *few, "--mean", "0.4", "--std", "0.2") == 2
    assert not (tmp_path / "none").exists()


def test_what_is_not_there_is_told(digits: Path, source: Path, tmp_path: Path) -> None:
    assert finetune(digits, tmp_path / "nothing", tmp_path / "none") == 2
    assert finetune(digits, source, tmp_path / "none", "--freeze", "stm") == 2
    assert finetune(digits, source, tmp_path / "none", "--head", "nothing") == 2
    assert not (tmp_path / "none").exists()
