"""`netc overfit` and `netc lr-find`: nets that can learn, nets that cannot and why, and rates that fit."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from PIL import Image
from torch import nn
from torch.nn import functional as F

from netc import cli, loads
from netc.training.data.split import Split
from netc.training.overfit import Outcome, Undropped, find_constant, find_silent, overfit, still
from netc.training.rates import Try, advise, try_rates
from netc.training.run import Options, Origin
from netc.training.suspects import find_suspects, least_loss
from netc.training.words import SGD, Adam, BinaryCrossEntropy, CrossEntropy, Recipe
from netc.training.words_of_images import Flip

pytestmark = pytest.mark.xdist_group("tools")
"""What they share is made once, in one process."""

torch.set_num_threads(1)

NET = """net small(classes=4) {{
    input x: 1x8x8
    conv1: conv(3, 8) -> relu -> maxpool(2)
    {middle}
    flatten
    fc1: fc(32) -> relu -> dropout(0.9)
    fc2: fc(classes)
    {end}
}}
"""


def source(middle: str = "drop_path(0.5)", end: str = "") -> str:
    return NET.format(middle=middle, end=end)


class Noise(Split):
    """Images of noise, which only learning by heart tells apart."""

    classes = tuple("abcd")
    light = True
    fingerprint = "noise"

    def __init__(self, count: int, same: bool = False) -> None:
        random = np.random.default_rng(0)
        self.labels = np.arange(count) % 4
        self._pixels = random.integers(0, 256, (count, 8, 8)).astype("uint8")
        if same:
            self._pixels[:] = self._pixels[0]

    def read(self, number: int) -> Image.Image:
        return Image.fromarray(self._pixels[number])

    def name(self, number: int) -> str:
        return f"noise {number}"


def origin(recipe: Recipe) -> Origin:
    return Origin(
        net="small",
        spec="small.net",
        settings={},
        inputs={},
        input=(1, 8, 8),
        recipe=recipe,
        options=Options(workers=0, device="cpu"),
        data="noise",
        val=None,
        fingerprint="",
        classes=tuple("abcd"),
        mean=(0.5,),
        std=(0.25,),
        versions={},
    )


HEART = Recipe(optimizer=Adam(lr=3e-3, weight_decay=0.5), batch=12, augment=(Flip(),), loss=CrossEntropy(0.2))


def learn(text: str, images: Split | None = None, recipe: Recipe = HEART, steps: int = 300) -> Outcome:
    """With dropout, dropped paths, decay, smoothing and flips, all of which are to be off."""
    make = lambda: loads(text).module()  # noqa: E731
    return overfit(make, images or Noise(24), origin(recipe), 0.01, steps, lambda step, loss, top1: None)


def test_a_net_that_can_learns_a_batch_by_heart() -> None:
    outcome = learn(source())
    assert outcome.learned
    assert outcome.loss <= 0.01
    assert outcome.top1 == 100
    assert 0 < outcome.steps < 300
    assert (outcome.images, outcome.doubles) == (12, 0)


def test_the_same_seed_gives_the_same_steps() -> None:
    assert learn(source()) == learn(source())


def test_softmax_before_the_loss() -> None:
    outcome = learn(source(end="softmax"), steps=40)
    assert not outcome.learned
    assert outcome.loss > least_loss(CrossEntropy(), 4, 0, 1) == pytest.approx(math.log(1 + 3 / math.e))


def test_a_dead_branch_is_named() -> None:
    """What is multiplied by 0 gets no gradient, and puts out the same for all."""

    class Dead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kept, self.dead, self.end = nn.Linear(64, 8), nn.Linear(64, 8), nn.Linear(8, 4)
            self.off = nn.Linear(8, 8)
            nn.init.zeros_(self.off.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x.flatten(1)
            return self.end(self.kept(x) + 0 * self.off(self.dead(x))) * 1e-9

    outcome = overfit(Dead, Noise(24), origin(HEART), 0.01, 1, lambda step, loss, top1: None)
    assert not outcome.learned
    assert outcome.silent == ("dead", "off")
    assert "kept" not in outcome.constant


def test_what_is_silent_and_what_is_constant() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.relu, self.two = nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(self.relu(self.one(x)))

    net, x = Net(), torch.rand(5, 3)
    net.one.bias.data.fill_(-100.0)  # every unit is dead
    F.cross_entropy(net(x), torch.tensor([0, 1, 0, 1, 0])).backward()
    assert find_silent(net) == ("one",)
    assert find_constant(net, x) == ("relu",)
    net.one.bias.data.fill_(0.0)
    net.zero_grad()
    F.cross_entropy(net(x), torch.tensor([0, 1, 0, 1, 0])).backward()
    assert find_silent(net) == find_constant(net, x) == ()


def test_images_that_are_the_same_with_other_labels_are_counted() -> None:
    outcome = learn(source(), Noise(24, same=True), steps=3)
    assert not outcome.learned
    assert outcome.doubles == 12


def test_what_is_not_finite_is_named() -> None:
    outcome = learn(source(), recipe=replace(HEART, optimizer=SGD(lr=1e30)), steps=20)
    assert outcome.broken == "fc1.0"  # a step of 1e30 squared is beyond float32
    assert outcome.steps < 20


def test_nothing_drops_out() -> None:
    module = still(
        nn.Sequential(nn.Dropout(0.9), nn.BatchNorm1d(6), nn.Sequential(nn.Linear(6, 6), nn.RReLU()))
    )
    with Undropped():
        assert torch.equal(F.dropout(torch.ones(50), 0.9, training=True), torch.ones(50))
    assert module[1].training
    x = torch.randn(40, 6)
    assert torch.equal(module(x), module(x))


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy()])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 6.0)])
def test_the_least_loss_between_bounds(
    loss: CrossEntropy | BinaryCrossEntropy, low: float, high: float
) -> None:
    logits = torch.full((1, 7), low, dtype=torch.float64)
    logits[0, 3] = high
    expected = F.cross_entropy(logits, torch.tensor([3]))
    if isinstance(loss, BinaryCrossEntropy):
        expected = F.binary_cross_entropy_with_logits(logits, F.one_hot(torch.tensor([3]), 7).double())
    assert least_loss(loss, 7, low, high) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("", None),
        ("softmax", "no loss below 0.744 is possible"),
        ("tanh", "no loss below 0.341 is possible"),
        ("relu", "a class that it makes 0 gets no gradient"),
        ("relu -> dropout(0.1)", "a class that it makes 0 gets no gradient"),
    ],
)
def test_activations_behind_the_logits_are_suspected(end: str, said: str | None) -> None:
    graph = loads(source(end=end)).inference_graph
    told = list(find_suspects(graph, CrossEntropy(), 4, 0.01))
    assert len(told) == (said is not None)
    assert said is None or told[0].endswith(said)


# --- the range test ---------------------------------------------------------------------------------


def test_the_steepest_rate_of_a_curve_that_is_known() -> None:
    """The loss falls as a logistic function of the logarithm, steepest at 0.01, and rises from 1 on."""
    rates = np.geomspace(1e-5, 10, 121)
    noise = np.random.default_rng(0).normal(0, 0.02, 121)
    losses = 2.3 - 2 / (1 + np.exp(-3 * np.log(rates / 0.01))) + np.where(rates > 1, rates, 0) + noise
    advice = advise([Try(float(rate), float(loss)) for rate, loss in zip(rates, losses, strict=True)])
    assert advice.steepest is not None
    assert 0.004 < advice.steepest < 0.025
    assert 0.03 < advice.least <= 1.2


def test_where_nothing_falls_no_rate_is_advised() -> None:
    noise = np.random.default_rng(0).normal(2.3, 0.05, 100)
    rising = noise + np.linspace(0, 5, 100)
    assert (
        advise([Try(10.0**n, float(loss)) for n, loss in zip(range(-50, 50), rising, strict=True)]).steepest
        is None
    )


def test_rates_are_those_of_the_optimizer_and_losses_those_of_a_plain_loop() -> None:
    """A quadratic of one number: w becomes w - rate * w with each step of plain descent."""

    class Line(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor([1.0, -1.0, 0.5, 0.0]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.w.expand(len(x), 4)

    recipe = Recipe(optimizer=SGD(lr=0.7), batch=24)
    tried = try_rates(Line, Noise(24), origin(recipe), 0.01, 1.0, 12, lambda step: None)
    assert [each.rate for each in tried] == pytest.approx(list(np.geomspace(0.01, 1.0, 12)))
    w, labels = torch.tensor([1.0, -1.0, 0.5, 0.0], requires_grad=True), torch.arange(24) % 4
    for each in tried:
        loss = F.cross_entropy(w.expand(24, 4), labels)
        assert each.loss == pytest.approx(float(loss.detach()), rel=1e-5)
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - each.rate * gradient).detach().requires_grad_()


def test_the_test_ends_where_the_loss_diverges() -> None:
    make = lambda: loads(source("drop_path(0.0)")).module()  # noqa: E731
    recipe = Recipe(optimizer=SGD(lr=1.0, momentum=0.9), batch=12)
    tried = try_rates(make, Noise(24), origin(recipe), 1e-3, 1e6, 60, lambda step: None)
    assert 5 < len(tried) < 60
    assert all(math.isfinite(each.loss) for each in tried)


# --- the commands -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images whose brightness tells their class, and nets in files."""
    place = tmp_path_factory.mktemp("tools")
    random = np.random.default_rng(0)
    for label, name in enumerate("abcd"):
        (place / "data" / name).mkdir(parents=True)
        for number in range(16):
            pixels = (random.integers(0, 60, (8, 8)) + 60 * label).astype("uint8")
            Image.fromarray(pixels).save(place / "data" / name / f"{number}.png")
    (place / "small.net").write_text(source())
    (place / "wrong.net").write_text(source(end="softmax").replace("net small", "net wrong"))
    return place


def call(folder: Path, command: str, net: str, *more: str) -> int:
    arguments = [
        command,
        str(folder / net),
        "--data",
        str(folder / "data"),
        "--device",
        "cpu",
        "--workers",
        "0",
    ]
    return cli.run([*arguments, *more])


def test_overfit_says_yes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "overfit", "small.net", "--batch", "8") == 0
    told = capsys.readouterr().out
    assert told.startswith("yes: small learns 8 images by heart in ")


def test_overfit_says_no_and_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "overfit", "wrong.net", "--steps", "20") == 1
    told = capsys.readouterr()
    assert told.out.startswith("no: after 20 steps wrong is at loss ")
    assert "a `softmax`, stands between the classifier and the loss" in told.err
    assert "no loss below 0.744 is possible" in told.err


def test_lr_find_prints_a_rate_and_leaves_only_what_is_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    more = ("--batch", "16", "--optimizer", "sgd(lr=1, momentum=0.9)", "--steps", "60", "-o", "rates.svg")
    assert call(folder, "lr-find", "small.net", *more) == 0
    told = capsys.readouterr()
    assert 1e-5 < float(told.out) < 3
    assert f"--lr {told.out.strip()}`" in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["rates.svg"]
    assert (tmp_path / "rates.svg").read_text().startswith("<?xml")


def test_what_the_tools_cannot_do_is_told(folder: Path) -> None:
    again = partial(call, folder, "lr-find", "small.net")
    assert again("--low", "1", "--high", "0.1") == 2
    assert again("--steps", "3") == 2
    assert again("-o", str(folder / "nowhere" / "rates.svg"), "--steps", "20", "--batch", "16") == 2
