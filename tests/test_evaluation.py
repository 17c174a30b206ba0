"""What is shown of an image, what a net says of larger ones, and what is counted, found in other ways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, confusion_matrix, top_k_accuracy_score
from torch import Tensor, nn
from torch.nn import functional as F

import netc
from netc.dsl.diagnostics import Unusable
from netc.training.confusion import draw_confusion
from netc.training.data import BadImage, Split
from netc.training.dense import Dense
from netc.training.ensemble import How, combine
from netc.training.evaluate import measure, together
from netc.training.scoring import Machine, Member, Scores, score
from netc.training.views import Crops, Protocol, plan_views
from netc.training.words import BinaryCrossEntropy, Recipe
from netc.training.words_of_images import CenterCrop, RandomResizedCrop, Resize

# --- views --------------------------------------------------------------------------------------------


def map_of(width: int, height: int) -> Image.Image:
    """An image whose pixels say where they are: x and y, modulo 256, and what is above that."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x % 256, y % 256, x // 256 + 16 * (y // 256)], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


def place_of(view: Tensor) -> tuple[int, int, bool]:
    """Left and top of a view of such an image, and whether it is mirrored; its size is 224."""

    def read(row: int, column: int) -> tuple[int, int]:
        x, y, more = (int(value) for value in view[:, row, column])
        return x + 256 * (more % 16), y + 256 * (more // 16)

    first, last = read(0, 0), read(0, 223)
    assert read(223, 0)[1] - first[1] == 223
    assert abs(last[0] - first[0]) == 223
    return min(first[0], last[0]), first[1], last[0] < first[0]


def views_of(image: Image.Image, crops: Crops, *scales: int, flip: bool = False) -> Tensor:
    (views,) = plan_views(Recipe(), 3, (224, 224), Protocol(crops, scales, flip=flip))(image)
    return views


def test_ten_crops_are_the_corners_and_the_centre_of_the_middle_square_and_their_mirror_images() -> None:
    # "the central 256x256 patch", of it "five 224x224 patches (the four corner patches and the center patch)
    # as well as their horizontal reflections": Krizhevsky et al. 2012, sections 2 and 4.1.
    upright = {(72, 0), (104, 0), (72, 32), (104, 32), (88, 16)}
    found = [place_of(view) for view in views_of(map_of(400, 256), 10)]
    assert len(found) == 10
    assert {(x, y) for x, y, mirror in found if not mirror} == upright
    assert {(x, y) for x, y, mirror in found if mirror} == upright
    portrait = {(x, y) for x, y, _ in map(place_of, views_of(map_of(256, 400), 10))}
    assert portrait == {(y, x) for x, y in upright}


@pytest.mark.parametrize("scale", [256, 288, 320, 352])
def test_of_144_crops_those_of_one_scale_are_where_the_paper_puts_them(scale: int) -> None:
    # "left, center and right square ... for each square, the 4 corners and the center 224x224 crop as well
    # as the square resized to 224x224, and their mirrored versions": Szegedy et al. 2015, section 7.
    for width, height in ((scale + 101, scale), (scale, scale + 101)):
        image = map_of(width, height)
        views = views_of(image, 144, scale)
        assert len(views) == 36
        expected = []
        for start in (0, 50, 101):
            x, y = (start, 0) if width > height else (0, start)
            room = scale - 224
            expected += [
                (x, y),
                (x + room, y),
                (x, y + room),
                (x + room, y + room),
                (x + room // 2, y + room // 2),
            ]
            whole = image.crop((x, y, x + scale, y + scale)).resize((224, 224), Image.Resampling.BILINEAR)
            assert any(np.array_equal(np.asarray(whole).transpose(2, 0, 1), view) for view in views[:18])
        plain = [view for place, view in enumerate(views) if place % 18 % 6 != 5]
        found = sorted(map(place_of, plain))
        assert found == sorted((*place, mirror) for place in expected for mirror in (False, True))
        assert torch.equal(views[18:], views[:18].flip(3))


def test_144_and_12_crops_are_those_of_their_scales_and_squares() -> None:
    image = map_of(500, 400)
    parts = [views_of(image, 144, scale) for scale in (256, 288, 320, 352)]
    both = views_of(image, 144)
    assert len(both) == 144
    assert torch.equal(both, torch.cat([part[:18] for part in parts] + [part[18:] for part in parts]))
    twelve, ten = views_of(image, 12), views_of(image, 10)
    square = image.resize((320, 256), Image.Resampling.BILINEAR).crop((32, 0, 288, 256))
    whole = np.asarray(square.resize((224, 224), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    assert torch.equal(twelve[[*range(5), *range(6, 11)]], ten)
    assert np.array_equal(twelve[5], whole)
    assert np.array_equal(twelve[11], whole[:, :, ::-1])


def test_one_crop_is_the_recipes_and_scales_take_the_middle() -> None:
    image = map_of(400, 300)
    recipe = Recipe(test=(Resize(240), CenterCrop(224)))
    (view,) = plan_views(recipe, 3, (224, 224), Protocol())(image)
    by_hand = image.resize((320, 240), Image.Resampling.BILINEAR).crop((48, 8, 272, 232))
    assert np.array_equal(view[0], np.asarray(by_hand).transpose(2, 0, 1))
    several = views_of(image, 1, 240, 300, flip=True)
    assert np.array_equal(several[0], view[0])
    assert place_of(several[1]) == (88, 38, False)
    assert torch.equal(several[2:], several[:2].flip(3))


def test_scales_follow_the_recipe_and_the_size_of_the_input() -> None:
    def scales(protocol: Protocol, side: int = 224, **words: object) -> tuple[int, ...]:
        return plan_views(Recipe(**words), 3, (side, side), protocol).scales  # type: ignore[arg-type]

    assert scales(Protocol(10)) == (256,)
    assert scales(Protocol(10), augment=(RandomResizedCrop(224),)) == (256,)
    assert scales(Protocol(12), test=(Resize(232), CenterCrop(224))) == (232,)
    assert scales(Protocol(12), 299) == (342,)
    assert scales(Protocol(144), 112) == (128, 144, 160, 176)
    assert scales(Protocol(dense=True)) == (224, 256, 384, 480, 640)
    grey = plan_views(Recipe(), 1, (32, 32), Protocol(10))(map_of(37, 60))
    assert [stack.shape for stack in grey] == [(10, 1, 32, 32)]


def test_dense_views_are_whole_images() -> None:
    plan = plan_views(Recipe(), 3, (224, 224), Protocol(dense=True, scales=(224, 384), flip=True))
    first, second = plan(map_of(768, 384))
    assert first.shape == (2, 3, 224, 448)
    assert np.array_equal(second[0], np.asarray(map_of(768, 384)).transpose(2, 0, 1))
    assert torch.equal(second[1], second[0].flip(2))
    assert plan.count == 4


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (Protocol(10, flip=True), "`--crops 10` shows mirrored views already"),
        (Protocol(144, dense=True), "`--dense` takes whole images, and `--crops 144` parts of them"),
        (Protocol(10, (256, 200)), "an image of 200 pixels a side holds no view of 224x224"),
    ],
)
def test_protocols_that_mean_nothing_are_refused(protocol: Protocol, message: str) -> None:
    with pytest.raises(Unusable) as refusal:
        plan_views(Recipe(), 3, (224, 224), protocol)
    assert refusal.value.message == message


# --- dense evaluation ---------------------------------------------------------------------------------

FLAT_HEAD = """
block gated(width) { conv(3x3, width) -> relu; mul { id; gap -> fc(4) -> relu -> fc(in.c) -> sigmoid } }
net small {
    input image: 3x24x24
    features: {
        conv(3x3, 8) -> relu -> maxpool(2x2) -> gated(8) -> maxpool(2x2)
        conv(3x3, 6) -> bn -> relu
    }
    avgpool: adaptive(SIZE)
    classifier: { fc(20) -> relu -> dropout -> fc(7) }
}
"""
GLOBAL_POOL = """
net pooled {
    input image: 3x16x16
    conv1: conv(3x3, 8); relu; maxpool(2x2)
    conv2: conv(3x3, 8); relu
    POOL
    fc: fc(5)
}
"""


def random_module(text: str) -> nn.Module:
    torch.manual_seed(0)
    return netc.loads(text).module().eval()


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_without_padding_dense_scores_are_the_average_over_all_windows_of_the_image() -> None:
    module = netc.load("lenet5").module().eval()
    dense = Dense(module, 1, (32, 32))
    images = noise(3, 1, 44, 52)
    assert torch.allclose(dense(images[..., :32, :32]), module(images[..., :32, :32]), atol=1e-6)
    windows = [  # two poolings of stride 2: a step of the last map is four pixels
        module(images[..., top : top + 32, left : left + 32])
        for top in range(0, 13, 4)
        for left in range(0, 21, 4)
    ]
    assert len(windows) == 24
    assert torch.allclose(dense(images), torch.stack(windows).mean(0), atol=1e-5)


@pytest.mark.parametrize(("size", "step"), [("6x6", 1), ("3x3", 2), ("2x2", 3)])
@torch.inference_mode()
def test_a_fully_connected_head_is_a_convolution_over_the_larger_map(size: str, step: int) -> None:
    module = random_module(FLAT_HEAD.replace("SIZE", size))
    images = noise(2, 3, 40, 56)
    first, last = (layer for layer in module.classifier if isinstance(layer, nn.Linear))
    side = 6 // step
    maps = F.avg_pool2d(module.features(images), step)
    hidden = F.conv2d(maps, first.weight.view(20, 6, side, side), first.bias)
    logits = F.conv2d(hidden.relu(), last.weight.view(7, 20, 1, 1), last.bias)
    dense = Dense(module, 3, (24, 24))
    assert torch.allclose(dense(images), logits.mean((2, 3)), atol=1e-5)
    assert torch.allclose(dense(images[..., :24, :24]), module(images[..., :24, :24]), atol=1e-6)


@torch.inference_mode()
def test_global_pools_take_the_whole_map_and_fixed_ones_slide() -> None:
    images = noise(2, 3, 24, 20)
    module = random_module(GLOBAL_POOL.replace("POOL", "gap"))
    assert torch.equal(Dense(module, 3, (16, 16))(images), module(images))
    for pool, function in (("avgpool(8x8)", F.avg_pool2d), ("maxpool(8x8)", F.max_pool2d)):
        module = random_module(GLOBAL_POOL.replace("POOL", pool))
        maps = module.conv2(F.max_pool2d(module.conv1(images).relu(), 2)).relu()
        pooled = function(maps, 8, 1).permute(0, 2, 3, 1)
        expected = module.fc(pooled).mean((1, 2))
        assert torch.allclose(Dense(module, 3, (16, 16))(images), expected, atol=1e-6)


@torch.inference_mode()
def test_what_does_not_slide_is_refused() -> None:
    def refusal(module: nn.Module, size: int, image: Tensor) -> str:
        with pytest.raises(Unusable) as raised:
            Dense(module, 3, (size, size))(image)
        return raised.value.message

    small = random_module(FLAT_HEAD.replace("SIZE", "6x6"))
    assert "an image is too small for the net: its last map is 5x6" in refusal(small, 24, noise(1, 3, 20, 24))
    uneven = random_module(FLAT_HEAD.replace("SIZE", "4x4"))
    assert "pools a map of 6x6 to 4x4" in refusal(uneven, 24, noise(1, 3, 40, 40))
    placed = netc.load("vit", patch=8, depth=1, width=16, mlp=16, heads=2, size=16, classes=5).module()
    assert "the net cannot take an image of 24x24: " in refusal(placed.eval(), 16, noise(1, 3, 24, 24))


# --- several views, several nets ------------------------------------------------------------------------


def test_averages_weights_and_votes_by_hand() -> None:
    scores = np.random.default_rng(0).random((4, 6, 5), dtype=np.float32)
    weights = [1.0, 2.0, 0.5, 0.5]
    given = torch.from_numpy(scores)
    assert np.allclose(combine(given, "softmax"), scores.mean(0))
    assert np.allclose(combine(given, "logits", weights), np.average(scores, axis=0, weights=weights))
    votes = np.zeros((6, 5))
    for member, weight in zip(scores, weights, strict=True):
        votes[np.arange(6), member.argmax(1)] += weight / 4
    assert np.allclose(combine(given, "vote", weights), votes, atol=1e-5)


def test_where_votes_are_equal_the_average_decides() -> None:
    scores = torch.tensor([[[0.9, 0.1, 0.0]], [[0.2, 0.3, 0.5]]])
    assert combine(scores, "vote").argsort(descending=True).tolist() == [[0, 2, 1]]


# --- scores -------------------------------------------------------------------------------------------


class Made(Split):
    """Noise as images, some of which cannot be read."""

    classes = tuple("0123456789")
    fingerprint = ""

    def __init__(self, count: int, broken: Sequence[int] = (), side: int = 40) -> None:
        self.labels = np.arange(count) % 10
        self.broken, self.side = broken, side

    def name(self, number: int) -> str:
        return f"image {number}"

    def read(self, number: int) -> Image.Image:
        if number in self.broken:
            raise BadImage(self.name(number), "is damaged")
        pixels = np.random.default_rng(number).integers(0, 256, (self.side, self.side + number), np.uint8)
        return Image.fromarray(pixels)


def member(protocol: Protocol, seed: int = 0, recipe: Recipe | None = None) -> Member:
    torch.manual_seed(seed)
    module = netc.load("lenet5").module().eval()
    recipe = recipe or Recipe()
    views = plan_views(recipe, 1, (32, 32), protocol)
    sigmoid = isinstance(recipe.loss, BinaryCrossEntropy)
    used = Dense(module, 1, (32, 32)) if protocol.dense else module
    return Member("lenet5", used, views, (0.4,), (0.3,), sigmoid)


def quiet(done: int) -> None:
    pass


@pytest.mark.parametrize(
    ("protocol", "how"),
    [
        (Protocol(), "softmax"),
        (Protocol(10), "softmax"),
        (Protocol(12), "logits"),
        (Protocol(10), "vote"),
        (Protocol(dense=True, scales=(32, 40), flip=True), "softmax"),
    ],
)
def test_scores_are_those_of_a_plain_loop_whatever_the_batch(protocol: Protocol, how: How) -> None:
    net, images = member(protocol), Made(7)
    expected = []
    with torch.inference_mode():
        for number in range(7):
            stacks = [(stack.float() / 255 - 0.4) / 0.3 for stack in net.views(images.read(number))]
            logits = torch.cat([net.module(view[None]) for stack in stacks for view in stack])
            if how == "vote":
                expected.append(torch.bincount(logits.argmax(1), minlength=10) / len(logits))
            else:
                expected.append((logits.softmax(1) if how == "softmax" else logits).mean(0))
    for batch in (1, 5, 64):
        found = score(net, images, how, Machine(batch=batch), quiet)
        assert found.names == tuple(f"image {number}" for number in range(7))
        assert torch.allclose(found.scores, torch.stack(expected), atol=1e-5)


def test_images_that_cannot_be_read_are_left_out_and_named() -> None:
    done: list[int] = []
    found = score(member(Protocol()), Made(9, broken=(0, 5)), "softmax", Machine(batch=4), done.append)
    assert found.labels == (1, 2, 3, 4, 6, 7, 8)
    assert [bad.name for bad in found.bad] == ["image 0", "image 5"]
    assert done == [4, 8, 9]
    with pytest.raises(Unusable, match="none of the 2 images can be read: `image 0` is damaged"):
        score(member(Protocol()), Made(2, broken=(0, 1)), "softmax", Machine(), quiet)


def test_processes_that_read_change_nothing() -> None:
    images = Made(6, broken=(2,))
    alone = score(member(Protocol(10)), images, "softmax", Machine(batch=20), quiet)
    several = score(member(Protocol(10)), images, "softmax", Machine(batch=20, workers=2), quiet)
    assert torch.equal(alone.scores, several.scores)
    assert alone.names == several.names
    assert [bad.name for bad in several.bad] == ["image 2"]


def test_weights_that_are_not_finite_are_told() -> None:
    net = member(Protocol())
    with torch.no_grad():
        net.module.f7.bias[3] = torch.nan  # type: ignore[union-attr, index]
    with pytest.raises(Unusable, match="what `lenet5` says of `image 0` is not finite"):
        score(net, Made(2), "softmax", Machine(), quiet)


def test_bf16_is_near() -> None:
    exact = score(member(Protocol()), Made(3), "logits", Machine(), quiet).scores
    near = score(member(Protocol()), Made(3), "logits", Machine(bf16=True), quiet).scores
    assert near.dtype == torch.float32
    assert torch.allclose(near, exact, atol=0.02)
    assert not torch.equal(near, exact)


def test_an_ensemble_is_the_average_of_its_nets() -> None:
    nets = [member(Protocol(), 0), member(Protocol(10), 1)]
    single = [score(net, Made(4), "softmax", Machine(), quiet) for net in nets]
    both = together(nets, single, "softmax", [3, 1])
    assert np.allclose(both.scores, 0.75 * single[0].scores + 0.25 * single[1].scores, atol=1e-6)
    logits = [score(net, Made(4), "logits", Machine(), quiet) for net in nets]
    assert np.allclose(
        together(nets, logits, "logits", None).scores,
        ((logits[0].scores + logits[1].scores) / 2).softmax(1),
        atol=1e-6,
    )
    free = member(Protocol(), 2, Recipe(loss=BinaryCrossEntropy()))
    with pytest.raises(Unusable, match="logits of a softmax and of a sigmoid"):
        together([nets[0], free], logits, "logits", None)
    assert np.allclose(
        score(free, Made(4), "softmax", Machine(), quiet).scores,
        score(free, Made(4), "logits", Machine(), quiet).scores.sigmoid(),
        atol=1e-6,
    )


# --- counts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 5, 6, 40])
def test_metrics_are_those_of_scikit_learn(count: int) -> None:
    random = np.random.default_rng(count)
    scores = random.random((301, count), dtype=np.float32)
    labels = random.integers(0, count - 1, 301)  # the last class has no image
    given = Scores(torch.from_numpy(scores), ("",) * 301, tuple(labels.tolist()), ())
    found = measure(given, tuple(f"c{i}" for i in range(count)))
    taken = scores.argmax(1)
    every = list(range(count))
    assert found.images == 301
    assert found.top1 == pytest.approx(accuracy_score(labels, taken))
    assert np.array_equal(found.confusion, confusion_matrix(labels, taken, labels=every))
    assert found.classes[-1].images == 0
    assert found.classes[-1].top1 is None
    for number, each in enumerate(found.classes[:-1]):
        mine, claimed = labels == number, taken == number
        assert (each.name, each.images) == (f"c{number}", int(mine.sum()))
        assert each.top1 == pytest.approx(accuracy_score(labels[mine], taken[mine]))
        assert each.precision == pytest.approx(accuracy_score(labels[claimed], taken[claimed]))
        if count > 5:
            expected = top_k_accuracy_score(labels[mine], scores[mine], k=5, labels=every)
            assert each.top5 == pytest.approx(expected, abs=1e-6)
    if count > 5:
        assert found.top5 == pytest.approx(top_k_accuracy_score(labels, scores, k=5, labels=every), abs=1e-6)
    else:
        assert found.top5 is None


# --- the picture --------------------------------------------------------------------------------------


def test_the_picture_of_a_confusion_matrix_names_and_counts_and_never_changes() -> None:
    counts = np.array([[41, 3], [0, 17]])
    names = ["cats & <dogs>", "a $x_1$\x1b[31m of more letters than a row has"]
    drawn = draw_confusion(counts, names, "a net: 90 %")
    assert drawn == draw_confusion(counts, names, "a net: 90 %")
    for text in (">41</text>", ">3</text>", ">17</text>", "cats &amp; &lt;dogs&gt;", "a net: 90 %"):
        assert text in drawn
    assert ">0</text>" not in drawn
    assert "\x1b" not in drawn
    assert "a $x_1$␛[31m of more le…" in drawn


@pytest.mark.parametrize(("count", "named"), [(30, True), (300, False)])
def test_many_classes_are_named_and_very_many_numbered(count: int, named: bool) -> None:
    names = [f"class-{number}" for number in range(count)]
    drawn = draw_confusion(np.eye(count, dtype=np.int64), names, "")
    assert drawn.count("class-29<") == 2 * named
    assert ("3 neighbours in a cell" in drawn) != named


class Greedy(nn.Module):
    """Wants more memory than there is, of any image that is not of the size that it was made for."""

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[2] > 8:
            torch.empty(2**52)
        return images.mean((2, 3))


def test_memory_that_runs_out_is_told_as_that() -> None:
    views = plan_views(Recipe(), 3, (8, 8), Protocol(dense=True, scales=(16,)))
    greedy = Member("greedy", Dense(Greedy(), 3, (8, 8)), views, (0.0,), (1.0,), False)
    with pytest.raises(Unusable, match="no memory for 1 view of 3x16x16"):
        score(greedy, Made(1), "softmax", Machine(), quiet)
