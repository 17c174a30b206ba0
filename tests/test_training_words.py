"""The words of a recipe against torch's schedulers and optimizers, papers' formulas, and Keras's rules."""

from __future__ import annotations

import io
import math

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

import netc
from netc.training.averaging import Average
from netc.training.initial import initialise
from netc.training.losses import make_loss
from netc.training.meters import Meters
from netc.training.optimizers import make_optimizer
from netc.training.schedules import make_reductions, rate
from netc.training.stopping import Watcher
from netc.training.words import (
    SGD,
    Adam,
    AdamW,
    Best,
    BinaryCrossEntropy,
    Constant,
    Cosine,
    CrossEntropy,
    Early,
    Exponential,
    He,
    Milestones,
    Normal,
    Plateau,
    Polynomial,
    Recipe,
    RMSProp,
    Schedule,
    Steps,
    TruncatedNormal,
    Warmup,
    Xavier,
)

NAN = math.nan

# --- schedules -------------------------------------------------------------------------------------


def torch_rates(make, steps: int, lr: float = 0.5) -> list[float]:
    """The rates that one of torch's schedulers gives, over so many steps."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def warmed(make, warm: int, start: float):
    """torch's scheduler after its linear warm-up, which wants to start above 0."""

    def both(optimizer):
        first = lr_scheduler.LinearLR(optimizer, start_factor=start, total_iters=warm)
        return lr_scheduler.SequentialLR(optimizer, [first, make(optimizer)], milestones=[warm])

    return both


def rates(recipe: Recipe, per_epoch: int) -> list[float]:
    return [0.5 * rate(recipe, step, per_epoch) for step in range(recipe.epochs * per_epoch)]


def recipe_of(*schedule: Schedule, epochs: int = 8) -> Recipe:
    return Recipe(optimizer=SGD(lr=0.5), schedule=schedule, epochs=epochs)


SCHEDULES = [
    (Constant(), lambda o, n, left: lr_scheduler.ConstantLR(o, factor=1.0)),
    (Steps(every=2, factor=0.3), lambda o, n, left: lr_scheduler.StepLR(o, 2 * n, gamma=0.3)),
    (Exponential(factor=0.5), lambda o, n, left: lr_scheduler.ExponentialLR(o, 0.5 ** (1 / n))),
    (Exponential(factor=0.5, every=2.5), lambda o, n, left: lr_scheduler.ExponentialLR(o, 0.5 ** (0.4 / n))),
    (Cosine(), lambda o, n, left: lr_scheduler.CosineAnnealingLR(o, left)),
    (Cosine(floor=0.05), lambda o, n, left: lr_scheduler.CosineAnnealingLR(o, left, eta_min=0.05)),
    (Polynomial(), lambda o, n, left: lr_scheduler.PolynomialLR(o, left)),
    (Polynomial(power=2.5), lambda o, n, left: lr_scheduler.PolynomialLR(o, left, power=2.5)),
]


@pytest.mark.parametrize("per_epoch", [1, 7])
@pytest.mark.parametrize("epochs", [1, 8])
@pytest.mark.parametrize(("word", "torchs"), SCHEDULES, ids=[str(word) for word, _ in SCHEDULES])
def test_rates_are_those_of_torchs_schedulers(word, torchs, epochs: int, per_epoch: int) -> None:
    steps = epochs * per_epoch
    expected = torch_rates(lambda o: torchs(o, per_epoch, steps), steps)
    assert rates(recipe_of(word, epochs=epochs), per_epoch) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("word", "torchs"), SCHEDULES, ids=[str(word) for word, _ in SCHEDULES])
@pytest.mark.parametrize("warm_epochs", [1, 2.5, 8])
def test_what_follows_a_warmup_begins_after_it(word, torchs, warm_epochs: float) -> None:
    per_epoch, steps = 6, 48
    warm = int(warm_epochs * per_epoch)
    recipe = recipe_of(Warmup(epochs=warm_epochs, start=0.1), word)
    make = warmed(lambda o: torchs(o, per_epoch, max(steps - warm, 1)), warm, 0.1)
    assert rates(recipe, per_epoch) == pytest.approx(torch_rates(make, steps), abs=1e-9)


def test_milestones_are_epochs_of_the_whole_training() -> None:
    word = Milestones(at=(2, 5), factor=0.2)
    expected = torch_rates(lambda o: lr_scheduler.MultiStepLR(o, [6, 15], gamma=0.2), 24)
    assert rates(recipe_of(word), 3) == pytest.approx(expected)
    behind = rates(recipe_of(Warmup(epochs=1), word), 3)
    assert behind[:3] == pytest.approx([0, 0.5 / 3, 1 / 3])
    assert behind[3:] == pytest.approx(expected[3:])


def test_a_straight_line_is_torchs() -> None:
    expected = torch_rates(lambda o: lr_scheduler.LinearLR(o, 1.0, 0.1, total_iters=24), 24)
    assert rates(recipe_of(Polynomial(power=1, floor=0.05)), 3) == pytest.approx(expected)


@pytest.mark.parametrize("every", [0.3, 1.1, 2.4])
def test_steps_need_not_be_of_whole_epochs(every: float) -> None:
    """EfficientNet's are of 2.4: at 10 steps an epoch these are 24 steps. 10 x 1.1 is not quite 11."""
    steps = round(10 * every)
    expected = torch_rates(lambda o: lr_scheduler.StepLR(o, steps, gamma=0.97), 80)
    assert rates(recipe_of(Steps(every=every, factor=0.97)), 10) == pytest.approx(expected)


def test_a_warmup_begins_where_it_says() -> None:
    recipe = recipe_of(Warmup(epochs=0.5), Constant(), epochs=1)
    assert [rate(recipe, step, 8) for step in range(6)] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1])
    assert rate(recipe_of(Warmup(epochs=0.4), Constant()), 0, 1) == 1  # not even one step


def test_a_schedule_goes_on_beyond_its_end() -> None:
    """A run that is resumed for no more epochs asks for the rate after the last step."""
    assert rate(recipe_of(Cosine(floor=0.05)), 800, 1) == pytest.approx(0.1)
    assert rate(recipe_of(Polynomial(power=0.5)), 800, 1) == 0


VALUES = {
    "falls, then stays": [1.0, 0.9, 0.8] + [0.8] * 9,
    "hardly better": [1.0 - 1e-5 * n for n in range(12)],
    "exactly the least gain": [1.0 - 0.125 * n for n in range(8)] + [0.1] * 4,
    "not a number": [NAN, NAN, NAN, 1.0, NAN, NAN, NAN, 0.5, 0.6, 0.7, 0.8, 0.9],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("monitor", ["val_loss", "val_top1"])
@pytest.mark.parametrize(
    ("patience", "min_delta", "floor"), [(0, 0.0, 0.0), (2, 1e-4, 0.0), (1, 0.125, 0.004)]
)
def test_a_plateau_is_torchs(values, monitor, patience: int, min_delta: float, floor: float) -> None:
    word = Plateau(factor=0.3, patience=patience, monitor=monitor, min_delta=min_delta, floor=floor)
    reductions = make_reductions(recipe_of(word))
    assert reductions is not None
    assert reductions.monitor == monitor
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    oracle = lr_scheduler.ReduceLROnPlateau(
        optimizer,
        "min" if monitor == "val_loss" else "max",
        factor=0.3,
        patience=patience,
        threshold=min_delta,
        threshold_mode="abs",
        min_lr=floor,
        eps=0,
    )
    for value in values if monitor == "val_loss" else [-value for value in values]:
        oracle.step(value)
        assert 0.5 * reductions.update(value) == pytest.approx(optimizer.param_groups[0]["lr"])
        again = make_reductions(recipe_of(word))
        assert again is not None
        again.load(saved(reductions.state()))
        reductions = again


def test_a_plateau_does_not_count_the_warmup() -> None:
    reductions = make_reductions(recipe_of(Warmup(epochs=2.5), Plateau(patience=0, factor=0.5)))
    assert reductions is not None
    assert [reductions.update(1.0) for _ in range(5)] == [1, 1, 1, 0.5, 0.25]
    assert make_reductions(recipe_of(Warmup(epochs=1), Cosine())) is None
    assert rate(recipe_of(Warmup(epochs=1), Plateau()), 30, 4) == 1


def saved(state):
    """Through a checkpoint that is loaded without unpickling anything."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# --- optimizers ------------------------------------------------------------------------------------


class Bent(nn.Module):
    """A bit of everything that has parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, 4))
        self.positions = nn.Parameter(torch.randn(1, 5, 4))
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.norm = nn.LayerNorm([4, 2])
        self.act = nn.PReLU(4)
        self.up = nn.ConvTranspose1d(4, 4, 2)
        self.attention = nn.MultiheadAttention(4, 2)
        self.embed = nn.Embedding(7, 4)
        self.fc = nn.Linear(4, 10)


def test_weights_decay_and_nothing_else() -> None:
    module = Bent()
    module.up.requires_grad_(False)
    optimizer = make_optimizer(Recipe(optimizer=SGD(lr=0.1, weight_decay=0.5, decayed="weights")), module)
    names = {id(p): name for name, p in module.named_parameters()}
    decayed, others = ({names[id(p)] for p in group["params"]} for group in optimizer.param_groups)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]
    assert decayed == {
        "conv.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "embed.weight",
        "fc.weight",
    }
    assert others == set(names.values()) - decayed - {"up.weight", "up.bias"}


def test_a_weight_that_is_shared_is_stepped_once() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    module[1].weight = module[0].weight
    for decayed in ("all", "weights"):
        optimizer = make_optimizer(Recipe(optimizer=SGD(lr=0.1, decayed=decayed)), module)
        assert sum(len(group["params"]) for group in optimizer.param_groups) == 3


@pytest.mark.parametrize(
    ("word", "make"),
    [
        (
            SGD(lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
            lambda p: torch.optim.SGD(p, 0.1, 0.9, 0, 0.1, True),
        ),
        (
            RMSProp(lr=0.01, alpha=0.9, eps=1.0, momentum=0.9, weight_decay=0.1),
            lambda p: torch.optim.RMSprop(p, 0.01, 0.9, 1.0, 0.1, 0.9),
        ),
        (
            Adam(lr=0.01, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
            lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.9), 1e-3, 0.1),
        ),
        (
            AdamW(lr=0.01, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
            lambda p: torch.optim.AdamW(p, 0.01, (0.8, 0.9), 1e-3, 0.1),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_steps_are_those_of_torchs_optimizers(word, make) -> None:
    def train(optimizer_of) -> torch.Tensor:
        torch.manual_seed(0)
        layer, inputs = nn.Linear(3, 2), torch.randn(4, 3)
        optimizer = optimizer_of(layer)
        for _ in range(4):
            optimizer.zero_grad()
            layer(inputs).square().sum().backward()
            optimizer.step()
        return layer.weight.detach()

    ours = train(lambda layer: make_optimizer(Recipe(optimizer=word), layer))
    assert torch.equal(ours, train(lambda layer: make(layer.parameters())))


# --- losses ----------------------------------------------------------------------------------------


def test_smoothing_gives_the_targets_of_inception_v3() -> None:
    """(1 - s) onehot + s / K: 0.9001 and 0.0001 of 1,000 classes. The gradient of a cross entropy by its
    logits is the probabilities less the targets."""
    logits = torch.randn(1, 1000, dtype=torch.float32, requires_grad=True)
    make_loss(Recipe(loss=CrossEntropy(smoothing=0.1)))(logits, torch.tensor([3])).backward()
    targets = (logits.detach().softmax(1) - logits.grad)[0]
    assert float(targets[3]) == pytest.approx(0.9001, abs=1e-6)
    assert float(targets[4]) == pytest.approx(0.0001, abs=1e-6)


@pytest.mark.parametrize("word", [CrossEntropy(), CrossEntropy(smoothing=0.2)], ids=str)
@pytest.mark.parametrize("pixels", [(), (2, 3)])
def test_cross_entropy_is_minus_the_logarithm_of_the_right_class(word, pixels) -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 5, *pixels)
    classes = torch.randint(5, (4, *pixels))
    flat, right = logits.movedim(1, -1).reshape(-1, 5).double(), classes.flatten()
    expected = 0.0
    for row, own in zip(flat.tolist(), right.tolist(), strict=True):
        total = math.log(sum(math.exp(x) for x in row))
        for k, x in enumerate(row):
            expected += (total - x) * ((1 - word.smoothing) * (k == own) + word.smoothing / 5)
    loss = make_loss(Recipe(loss=word))
    assert float(loss(logits, classes)) == pytest.approx(expected / len(right), rel=1e-6)
    parts = nn.functional.one_hot(classes, 5).movedim(-1, 1).float()
    assert float(loss(logits, parts)) == pytest.approx(expected / len(right), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy_is_of_each_class(smoothing: float) -> None:
    torch.manual_seed(0)
    logits, classes = torch.randn(4, 5), torch.tensor([0, 4, 2, 2])
    expected = 0.0
    for row, own in zip(logits.double().tolist(), classes.tolist(), strict=True):
        for k, x in enumerate(row):
            p, t = 1 / (1 + math.exp(-x)), (1 - smoothing) * (k == own) + smoothing / 5
            expected -= (t * math.log(p) + (1 - t) * math.log(1 - p)) / 20
    loss = make_loss(Recipe(loss=BinaryCrossEntropy(smoothing=smoothing)))
    assert float(loss(logits, classes)) == pytest.approx(expected, rel=1e-6)
    assert float(loss(logits, nn.functional.one_hot(classes, 5).float())) == pytest.approx(expected, rel=1e-6)


def test_losses_are_computed_in_float32() -> None:
    logits = torch.randn(4, 5).bfloat16()
    for word in (CrossEntropy(), BinaryCrossEntropy()):
        loss = make_loss(Recipe(loss=word))
        assert torch.equal(loss(logits, torch.arange(4)), loss(logits.float(), torch.arange(4)))


def test_auxiliary_heads_count_by_their_weights() -> None:
    logits, first, second = torch.randn(3, 4, 5).unbind()
    classes = torch.tensor([0, 1, 2, 3])
    loss = make_loss(Recipe(), (0.3, 0.5))
    whole = [nn.functional.cross_entropy(head, classes) for head in (logits, first, second)]
    assert float(loss((logits, first, second), classes)) == pytest.approx(
        float(whole[0] + 0.3 * whole[1] + 0.5 * whole[2])
    )
    assert torch.equal(loss(logits, classes), whole[0])  # as outside of training
    with pytest.raises(ValueError, match="shorter"):
        loss((logits, first), classes)


def test_the_loss_of_a_generated_net_with_heads() -> None:
    text = """net small {
        input image: 3x8x8
        conv(3x3, 4) -> relu
        aux early(weight=0.3): gap -> fc(5)
        conv(3x3, 4) -> pos_embed -> relu -> gap -> fc(5)
    }"""
    module = netc.loads(text).module()
    classes = torch.tensor([0, 4])
    output = module.train()(torch.randn(2, 3, 8, 8))
    loss = make_loss(Recipe(), module.aux_weights)
    expected = [nn.functional.cross_entropy(head, classes) for head in output]
    total = loss(output, classes)
    assert total.item() == pytest.approx((expected[0] + 0.3 * expected[1]).item())
    total.backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    optimizer = make_optimizer(Recipe(optimizer=SGD(lr=0.1, decayed="weights")), module)
    assert [p.dim() for p in optimizer.param_groups[0]["params"]] == [4, 2, 4, 2]  # not the embedding


# --- the first weights -----------------------------------------------------------------------------

LAYERS = [  # a layer; how many inputs an output of it has; how many outputs an input
    (nn.Linear(300, 200), 300, 200),
    (nn.Conv1d(60, 40, 5), 60 * 5, 40 * 5),
    (nn.Conv2d(60, 40, 3), 60 * 9, 40 * 9),
    (nn.Conv3d(20, 40, 3), 20 * 27, 40 * 27),
    (nn.Conv2d(120, 240, 3, groups=4), 30 * 9, 60 * 9),
    (nn.Conv2d(900, 900, 5, groups=900), 25, 25),
    (nn.ConvTranspose2d(80, 30, 3), 80 * 9, 30 * 9),
    (nn.ConvTranspose1d(80, 240, 4, groups=4), 20 * 4, 60 * 4),
]


@pytest.mark.parametrize(("layer", "fan_in", "fan_out"), LAYERS, ids=[str(layer) for layer, _, _ in LAYERS])
def test_first_weights_have_the_variance_of_the_papers(layer, fan_in: int, fan_out: int) -> None:
    for word, variance in (
        (He(), 2 / fan_in),
        (He(fan="out"), 2 / fan_out),
        (Xavier(), 2 / (fan_in + fan_out)),
        (Normal(std=0.02), 0.0004),
        (TruncatedNormal(std=0.02), 0.0004 * 0.7737),  # of a normal cut at two deviations
    ):
        torch.manual_seed(0)
        initialise(layer, word)
        weights = layer.weight.detach()
        error = 5 * math.sqrt(2 / weights.numel())  # five deviations of a variance that is measured
        assert float(weights.var()) == pytest.approx(variance, rel=error)
        assert abs(float(weights.mean())) < 5 * math.sqrt(variance / weights.numel())
        assert not layer.bias.any()
        if isinstance(word, Xavier):
            assert float(weights.abs().max()) <= math.sqrt(6 / (fan_in + fan_out))
        if isinstance(word, TruncatedNormal):
            assert 0.038 < float(weights.abs().max()) <= 0.04
        first = weights.clone()
        torch.manual_seed(0)
        initialise(layer, word)
        assert torch.equal(first, layer.weight)


def test_first_weights_of_other_layers() -> None:
    module = Bent()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(7)
    initialise(module, Normal(std=0.01))
    for name, parameter in module.named_parameters():
        if name in ("cls_token", "positions", "act.weight", "embed.weight"):
            assert (parameter == 7).all(), name
        elif name in ("bn.weight", "norm.weight"):
            assert (parameter == 1).all(), name
        elif "bias" in name:
            assert not parameter.any(), name
        else:
            assert 0 < parameter.abs().max() < 0.1, name


# --- averages --------------------------------------------------------------------------------------


def test_an_average_is_that_of_all_steps_and_goes_on_after_a_checkpoint() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    average = Average(module, 0.9)
    assert not any(p.requires_grad for p in average.parameters())
    expected: dict[str, torch.Tensor] = {}
    for step in range(6):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter += torch.randn_like(parameter)
        module(torch.randn(5, 3))  # moves the statistics
        average.update(module)
        for name, now in module.state_dict().items():
            before = expected.get(name)
            whole = before is None or not now.is_floating_point()
            expected[name] = now.double() if whole else 0.9 * before + 0.1 * now.double()
        if step == 3:
            state = saved(average.state_dict())
            average = Average(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), 0.9)
            average.load_state_dict(state)
    found = average.module.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name].double(), value, rtol=1e-5, atol=1e-6)
    assert found["1.num_batches_tracked"] == 6


# --- who watches the epochs ------------------------------------------------------------------------

STOPS = [  # the word; what is watched; stopped after which epoch; whose weights are the best
    ("no better at once", Early(), [3.0, 3.0, 1.0], 1, 0),
    ("patience 1 is patience 0", Early(patience=1), [3.0, 3.0, 1.0], 1, 0),
    ("never after the first epoch", Early(), [NAN, 2.0, 1.0], None, 2),
    ("always better", Early(), [3.0, 2.0, 1.0], None, 2),
    ("the count begins anew", Early(patience=2), [3.0, 4.0, 2.0, 4.0, 4.0, 0.0], 4, 2),
    ("equal is not better", Early(patience=3), [3.0, 3.0, 3.0, 3.0, 3.0], 3, 0),
    ("less than min_delta better", Early(patience=2, min_delta=0.5), [3.0, 2.75, 2.5, 1.0], 2, 0),
    ("just min_delta better", Early(min_delta=0.5), [3.0, 2.5, 2.0], 1, 0),
    ("small steps add up", Early(patience=3, min_delta=0.5), [3.0, 2.75, 2.25, 2.0, 1.5], None, 4),
    ("accuracies rise", Early(monitor="val_top1"), [30.0, 40.0, 40.0, 50.0], 2, 1),
    ("min_delta of what rises", Early(monitor="val_top1", min_delta=5.0), [30.0, 36.0, 40.0], 2, 1),
    ("told that less is better", Early(monitor="val_top1", mode="min"), [30.0, 20.0, 25.0], 2, 1),
    ("told that more is better", Early(mode="max"), [1.0, 2.0, 1.5], 2, 1),
    ("NaN is not better", Early(patience=2), [3.0, NAN, NAN, 1.0], 2, 0),
    ("anything is better than NaN", Early(patience=2), [NAN, 3.0, 2.0], None, 2),
    ("only NaN", Early(patience=2), [NAN, NAN, NAN], 1, 0),
    ("baseline passed at once", Early(baseline=5.0, patience=2), [4.0, 4.5, 4.5], 2, 0),
    ("baseline never passed", Early(baseline=1.0, patience=2), [4.0, 3.0, 3.5], 2, 1),
    ("better does not stop, below the baseline", Early(baseline=1.0), [5.0, 4.0, 3.0], None, 2),
    ("baseline passed late", Early(baseline=2.0, patience=3), [4.0, 3.0, 1.0, 2.0, 2.0, 2.0], 5, 2),
    ("a baseline is no best", Early(baseline=2.0, patience=9), [4.0, 3.0, 5.0], None, 1),
    ("baseline by min_delta", Early(baseline=2.0, min_delta=0.5, patience=2), [3.0, 1.75, 1.75], 2, 1),
]


@pytest.mark.parametrize(
    ("word", "values", "stopped", "best"), [row[1:] for row in STOPS], ids=[r[0] for r in STOPS]
)
def test_stopping_is_kerass(word: Early, values: list[float], stopped: int | None, best: int) -> None:
    watcher, seen, kept = Watcher(word), None, None
    for epoch, value in enumerate(values):
        if watcher.update(epoch, value):
            kept = epoch
        state = saved(watcher.state())
        watcher = Watcher(word)
        watcher.load(state)
        if watcher.stopped:
            seen = epoch
            break
    assert (seen, watcher.best_epoch, kept) == (stopped, best, best)


@pytest.mark.parametrize(
    ("word", "values", "kept"),
    [
        (Best(), [3.0, 2.0, 2.0, NAN, 1.0, 1.5], [0, 1, 4]),
        (Best(monitor="val_top1"), [30.0, 20.0, 40.0], [0, 2]),
        (Best(monitor="val_top1", mode="min"), [30.0, 20.0, 40.0], [0, 1]),
        (Best(), [NAN, NAN, math.inf, 5.0], [0, 2, 3]),
    ],
)
def test_the_best_epoch_is_kerass(word: Best, values: list[float], kept: list[int]) -> None:
    watcher = Watcher(word)
    assert [epoch for epoch, value in enumerate(values) if watcher.update(epoch, value)] == kept
    assert not watcher.stopped


def test_what_is_measured_is_of_all_images_together() -> None:
    meters, logits = Meters("val", 7), torch.randn(10, 7)
    labels = torch.arange(10) % 7
    meters.update(torch.tensor(2.0), logits[:8], labels[:8])
    meters.update(torch.tensor(4.0), logits[8:], labels[8:])
    ranked = logits.argsort(1, descending=True)
    tops = [100 * float((ranked[:, :k] == labels[:, None]).any(1).double().mean()) for k in (1, 5)]
    assert meters.take() == pytest.approx({"val_loss": 2.4, "val_top1": tops[0], "val_top5": tops[1]})


def test_a_loss_that_is_not_finite_is_no_part_of_a_mean_that_is() -> None:
    meters = Meters("val", 2)
    meters.update(torch.tensor(NAN), torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64))
    meters.update(torch.tensor(1.0), torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64))
    assert math.isnan(meters.take()["val_loss"])
