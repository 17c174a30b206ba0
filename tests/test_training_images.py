"""What recipes do to images: crops and distortions against arithmetic written here; learning curves."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs
from PIL import Image
from torch.nn import functional as F

from netc.dsl.diagnostics import Unusable
from netc.training.augment import Augment, measure
from netc.training.crops import Prepare, prepare_for, random_box
from netc.training.curves import draw_comparison, draw_curves
from netc.training.elastic import bent, displacements
from netc.training.pca_color import COMPONENTS
from netc.training.words import Recipe
from netc.training.words_of_images import (
    CenterCrop,
    ColorJitter,
    CutMix,
    Elastic,
    Erase,
    Flip,
    Mixup,
    Noise,
    PCAColor,
    RandomCrop,
    RandomResize,
    RandomResizedCrop,
    Resize,
    Rotate,
    Scale,
    Shear,
    Shift,
)

# --- crops -----------------------------------------------------------------------------------------


def picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def pixels(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image).transpose(2, 0, 1).copy())


def prepared(image: Image.Image, *augment, training: bool = True, test=(), size=(24, 24), seed=0):
    recipe = Recipe(augment=augment, test=test)
    return prepare_for(recipe, 3, size, training)(image, np.random.default_rng(seed))


@pytest.mark.parametrize(("width", "height"), [(61, 40), (40, 61), (40, 40), (20, 33)])
def test_testing_is_torchvisions_resize_and_center_crop(width: int, height: int) -> None:
    """As `torchvision.transforms.v2.functional` does it: the longer side truncated, the corner rounded."""
    image = picture(width, height)
    if width <= height:
        wide, tall = 32, int(32 * height / width)
    else:
        wide, tall = int(32 * width / height), 32
    left, top = round((wide - 28) / 2.0), round((tall - 28) / 2.0)
    expected = pixels(
        image.resize((wide, tall), Image.Resampling.BILINEAR).crop((left, top, left + 28, top + 28))
    )
    for words in (
        {"test": (Resize(32), CenterCrop(28))},
        {"augment": (RandomResizedCrop(28), Flip())},
        {"augment": (RandomCrop(28),)},
        {"augment": (RandomResizedCrop(),)},
        {"augment": (Resize(32), RandomCrop(28))},
        {"augment": (RandomResize(24, 40), RandomCrop(28))},
    ):
        prepare = prepare_for(Recipe(**words), 3, (28, 28), training=False)
        assert torch.equal(prepare(image, np.random.default_rng()), expected), words


def test_images_of_the_nets_size_are_left_alone() -> None:
    image = picture(24, 24)
    for training in (True, False):
        assert torch.equal(prepared(image, training=training), pixels(image))
    assert torch.equal(prepared(image, RandomCrop(24, pad=4), training=False), pixels(image))
    assert prepared(picture(50, 31), training=True).shape == (3, 24, 24)
    assert prepared(picture(50, 31), size=(10, 20)).shape == (3, 10, 20)
    assert prepared(picture(50, 31), RandomCrop(28), size=(10, 20)).shape == (3, 10, 20)


def test_cifars_crop_is_of_a_padded_image() -> None:
    image = picture(24, 24)
    padded = F.pad(pixels(image), (4, 4, 4, 4))
    places = set()
    for seed in range(400):
        found = prepared(image, RandomCrop(24, pad=4), seed=seed)
        places |= {
            (top, left)
            for top in range(9)
            for left in range(9)
            if torch.equal(padded[:, top : top + 24, left : left + 24], found)
        }
    assert len(places) == pytest.approx(81, abs=5)  # 81 (1 - 1/81)^400 = 0.6 are not expected to come


@pytest.mark.parametrize("crop", [CenterCrop(24), RandomCrop(24), RandomCrop()])
def test_an_image_that_is_smaller_than_its_crop_is_enlarged_first(crop) -> None:
    square = picture(10, 10).resize((24, 24), Image.Resampling.BILINEAR)
    assert torch.equal(prepared(picture(10, 10), crop), pixels(square))
    tall = picture(10, 40).resize((24, 96), Image.Resampling.BILINEAR)
    found = prepared(picture(10, 40), crop)
    assert any(torch.equal(pixels(tall.crop((0, y, 24, y + 24))), found) for y in range(73))


def test_random_boxes_have_the_areas_and_aspects_of_the_paper() -> None:
    """In a square image every ratio of 3/4 to 4/3 fits areas to 3/4: there nothing is drawn anew."""
    random = np.random.default_rng(0)
    crop = RandomResizedCrop(scale=(0.08, 0.75))
    boxes = np.array([random_box(300, 300, crop, random) for _ in range(20_000)])
    wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    assert_uniform(wide * tall / 300**2, 0.08, 0.75)
    assert_uniform(np.log(wide / tall), math.log(3 / 4), math.log(4 / 3))
    assert_uniform(boxes[:, 0] / (300 - wide), 0, 1)
    assert_uniform(boxes[:, 1] / (300 - tall), 0, 1)
    assert abs(np.corrcoef(wide * tall, np.log(wide / tall))[0, 1]) < 0.03


def assert_uniform(values: np.ndarray, low: float, high: float) -> None:
    """By Kolmogorov and Smirnov: the largest gap is above 1.95 / sqrt(n) once in a thousand times."""
    ranks = (np.arange(len(values)) + 0.5) / len(values)
    gaps = np.abs(np.sort((values - low) / (high - low)) - ranks)
    assert gaps.max() < 1.95 / math.sqrt(len(values))


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (400, 100, (400 / 3, 0, 800 / 3, 100)),
        (100, 400, (0, 400 / 3, 100, 800 / 3)),
        (90, 90, (0, 0, 90, 90)),
    ],
)
def test_a_box_that_never_fits_is_the_middle(width: int, height: int, box) -> None:
    crop = RandomResizedCrop(scale=(1, 1), ratio=(3 / 4, 4 / 3))
    random = np.random.default_rng(0)
    assert random_box(width, height, crop, random) == pytest.approx(box)


def test_a_random_resized_crop_takes_its_box() -> None:
    """Of an image whose red is its column and whose green is its row."""
    rows, columns = np.mgrid[0:200, 0:200].astype(np.uint8)
    image = Image.fromarray(np.stack([columns, rows, rows * 0], -1))
    crop = RandomResizedCrop()
    for seed in range(20):
        left, top, right, bottom = random_box(200, 200, crop, np.random.default_rng(seed))
        found = prepared(image, crop, size=(25, 50), seed=seed).double()
        across = (np.arange(50) + 0.5) / 50 * (right - left) + left - 0.5
        down = (np.arange(25) + 0.5) / 25 * (bottom - top) + top - 0.5
        inner = slice(3, -3)  # at the border less is averaged; twice a value is rounded
        assert np.abs(found[0].mean(0).numpy() - across)[inner].max() < 1.1
        assert np.abs(found[1].mean(1).numpy() - down)[inner].max() < 1.1


def test_the_shorter_side_is_drawn_from_its_range() -> None:
    recipe = Recipe(augment=(RandomResize(24, 26), RandomCrop(24)))
    prepare = prepare_for(recipe, 3, (24, 24), training=True)
    image = picture(30, 60)
    sizes = {
        n
        for seed in range(30)
        for n in (24, 25, 26)
        if any(
            torch.equal(
                prepare(image, np.random.default_rng(seed)), pixels(large.crop((x, y, x + 24, y + 24)))
            )
            for large in [image.resize((n, 2 * n), Image.Resampling.BILINEAR)]
            for x in range(n - 23)
            for y in range(2 * n - 23)
        )
    }
    assert sizes == {24, 25, 26}


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_get_the_nets_channels(mode: str, channels: int) -> None:
    image = Image.new("RGB", (8, 8), (255, 255, 255)).convert(mode)
    prepare = prepare_for(Recipe(), channels, (8, 8), training=False)
    found = prepare(image, np.random.default_rng())
    assert found.dtype == torch.uint8
    assert found.shape == (channels, 8, 8)
    assert (found == 255).all()


def test_colour_becomes_grey_by_its_luminance() -> None:
    image = Image.new("RGB", (4, 4), (200, 100, 50))
    found = prepare_for(Recipe(), 1, (4, 4), training=False)(image, np.random.default_rng())
    assert int(found[0, 0, 0]) == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)


def test_images_have_one_channel_or_three() -> None:
    with pytest.raises(Unusable, match="4 channels"):
        prepare_for(Recipe(), 4, (8, 8), training=True)


def test_preparing_can_be_sent_to_another_process() -> None:
    prepare = prepare_for(Recipe(augment=(RandomResizedCrop(),)), 3, (8, 8), training=True)
    again = pickle.loads(pickle.dumps(prepare))
    assert isinstance(again, Prepare)
    image = picture(30, 30)
    assert torch.equal(*(p(image, np.random.default_rng(1)) for p in (prepare, again)))


# --- distortions -----------------------------------------------------------------------------------

MANY = (
    Flip(),
    ColorJitter(0.4, 0.4, 0.4, 0.1),
    PCAColor(),
    Rotate(20),
    Shift(0.1),
    Scale(0.8, 1.2),
    Shear(10),
    Noise(0.1),
    Elastic(),
    Erase(),
)


def augment(*words, channels: int = 3) -> Augment:
    return Augment(Recipe(augment=words), channels, 5, (0.0,), (1.0,))


def distorted(images: torch.Tensor, *words, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return augment(*words, channels=images.shape[1]).train_batch(images, torch.zeros(len(images)).long())[0]


def spot(number: int, row: int, column: int, side: int = 41) -> torch.Tensor:
    """Black images with a white spot of 3 x 3 about a place."""
    images = torch.zeros(number, 1, side, side)
    images[:, :, row - 1 : row + 2, column - 1 : column + 2] = 1
    return images


def centres(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Row and column of the centre of mass, of N x 1 x H x W."""
    mass = images[:, 0] / images.sum((1, 2, 3)).reshape(-1, 1, 1)
    lines = torch.arange(float(images.shape[-1]))
    return (mass.sum(2) * lines).sum(1), (mass.sum(1) * lines).sum(1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("word", MANY, ids=lambda word: word.word())
def test_distortions_are_drawn_for_each_image_and_kept_by_a_seed(word, channels: int) -> None:
    image = F.interpolate(torch.rand(1, channels, 4, 4), 32, mode="bicubic").clamp(0, 1)
    batch = image.expand(64, -1, -1, -1).clone()
    first, again, other = distorted(batch, word), distorted(batch, word), distorted(batch, word, seed=1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == batch.shape
    assert first.dtype == torch.float32
    assert first.min() >= 0
    assert first.max() <= 1
    kinds = len({tuple(one.flatten().tolist()) for one in first})
    assert kinds == 2 if isinstance(word, Flip) else kinds > 20
    assert torch.equal(batch, image.expand_as(batch))  # what came in stays


def test_everything_together_and_in_half_precision() -> None:
    images = torch.rand(8, 3, 32, 32)
    whole = distorted(images, *MANY)
    assert torch.isfinite(whole).all()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(distorted(images, *MANY), whole)


@pytest.mark.parametrize("word", MANY, ids=lambda word: word.word())
def test_an_image_is_changed_with_its_probability(word) -> None:
    images = F.interpolate(torch.rand(400, 1, 4, 4), 16, mode="bilinear")
    changed = (distorted(images, structs.replace(word, p=0.3)) - images).flatten(1).abs().amax(1) > 1e-3
    assert 0.3 - 0.1 < changed.float().mean() < 0.3 + 0.1  # more than four deviations


def test_flips_mirror() -> None:
    images = torch.rand(4, 3, 5, 7)
    assert torch.equal(distorted(images, Flip(p=1)), images.flip(3))
    assert torch.equal(distorted(images, Flip(p=1, axis="vertical")), images.flip(2))


def test_shifts_move_by_parts_of_the_sides() -> None:
    rows, columns = centres(distorted(spot(500, 20, 20), Shift(0.2, 0.1)))
    assert_uniform((columns - 20).numpy() / 41, -0.2, 0.2)
    assert_uniform((rows - 20).numpy() / 41, -0.1, 0.1)
    rows, _ = centres(distorted(spot(500, 20, 20), Shift(0.2)))
    assert_uniform((rows - 20).numpy() / 41, -0.2, 0.2)


def test_rotations_turn_about_the_middle() -> None:
    rows, columns = centres(distorted(spot(500, 20, 32), Rotate(30)))
    turned = torch.atan2(rows - 20, columns - 20).rad2deg().numpy()
    assert torch.hypot(rows - 20, columns - 20).numpy() == pytest.approx(12, abs=0.1)
    assert_uniform(turned, -30, 30)


def test_scales_enlarge_about_the_middle() -> None:
    rows, columns = centres(distorted(spot(500, 20, 30), Scale(0.7, 1.3)))
    assert rows.numpy() == pytest.approx(20, abs=0.1)
    assert_uniform((columns - 20).numpy() / 10, 0.7, 1.3)


def test_shears_slant_along_the_width() -> None:
    rows, columns = centres(distorted(spot(500, 28, 20), Shear(30)))
    assert rows.numpy() == pytest.approx(28, abs=0.1)
    slants = torch.atan((columns - 20) / 8).rad2deg().numpy()
    assert_uniform(slants, -30, 30)


def test_noise_has_its_deviation() -> None:
    found = distorted(torch.full((4, 3, 64, 64), 0.5), Noise(0.05))
    assert float(found.std()) == pytest.approx(0.05, rel=0.02)
    assert float(found.mean()) == pytest.approx(0.5, abs=0.001)


def test_erased_rectangles_have_their_areas_and_aspects() -> None:
    found = distorted(torch.ones(500, 3, 64, 48), Erase(p=1, scale=(0.1, 0.3), ratio=(0.4, 0.8)))
    assert torch.equal(found[:, 0], found[:, 2])
    for image in found[:, 0]:
        rows, columns = (image == 0).any(1), (image == 0).any(0)
        tall, wide = int(rows.sum()), int(columns.sum())
        assert int((image == 0).sum()) == tall * wide  # one rectangle, whole
        assert 0.08 < tall * wide / (64 * 48) < 0.32
        assert 0.35 < wide / tall < 0.9


def test_brightness_and_contrast_of_colour_jitter() -> None:
    """Brightness multiplies; contrast multiplies the distance from the mean grey."""
    images = torch.full((500, 1, 4, 4), 0.4)
    assert_uniform(distorted(images, ColorJitter(brightness=0.5))[:, 0, 0, 0].numpy() / 0.4, 0.5, 1.5)
    images[:, :, 2:] = 0.6
    found = distorted(images, ColorJitter(contrast=0.5))
    assert found.mean((1, 2, 3)).numpy() == pytest.approx(0.5, abs=1e-5)
    assert_uniform((found[:, 0, 3, 0] - found[:, 0, 0, 0]).numpy() / 0.2, 0.5, 1.5)


def test_saturation_and_hue_of_colour_jitter() -> None:
    """Grey has neither, and an image without colours stays."""
    grey = torch.rand(16, 1, 4, 4).expand(-1, 3, -1, -1)
    assert distorted(grey, ColorJitter(saturation=0.9, hue=0.5)).numpy() == pytest.approx(
        grey.numpy(), abs=1e-5
    )
    assert torch.equal(distorted(grey[:, :1], ColorJitter(saturation=0.9, hue=0.5)), grey[:, :1])
    red = torch.tensor([0.8, 0.2, 0.2]).reshape(1, 3, 1, 1).expand(300, 3, 2, 2)
    turned = distorted(red, ColorJitter(hue=0.5))
    assert turned.amax(1).numpy() == pytest.approx(0.8, abs=1e-4)
    assert turned.amin(1).numpy() == pytest.approx(0.2, abs=1e-4)
    assert set(turned[:, :, 0, 0].argmax(1).tolist()) == {0, 1, 2}


def test_colours_are_shifted_along_the_principal_components() -> None:
    found = distorted(torch.full((4000, 3, 2, 2), 0.5), PCAColor(std=0.5)) - 0.5
    assert (found == found[:, :, :1, :1]).all()
    along = found[:, :, 0, 0] @ torch.tensor(COMPONENTS).T
    expected = 0.5 * torch.tensor([0.2175, 0.0188, 0.0045])
    assert along.std(0).numpy() == pytest.approx(expected.numpy(), rel=0.06)
    grey = distorted(torch.full((4000, 1, 2, 2), 0.5), PCAColor(std=0.5))[:, 0, 0, 0]
    weights = torch.tensor([0.299, 0.587, 0.114])
    spread = (weights @ torch.tensor(COMPONENTS).T * expected).norm()
    assert float(grey.std()) == pytest.approx(float(spread), rel=0.06)


def test_displacements_are_u_nets() -> None:
    """Of deviation 1 at 3 x 3 points, each on its own, the corners among them; smooth in between."""
    torch.manual_seed(0)
    moves = displacements(4000, 3, 33, 49)
    points = moves[:, :, ::16, ::24]
    assert points.shape == (4000, 2, 3, 3)
    assert points.std(0).numpy() == pytest.approx(1, abs=0.06)
    together = torch.corrcoef(points.flatten(1).T) - torch.eye(18)
    assert float(together.abs().max()) < 0.08
    steps = moves.diff(dim=3).abs()
    assert float(steps.max()) < 4 * float(points.abs().max()) / 24
    assert float(moves.diff(dim=3).diff(dim=3).abs().max()) < 0.2


def test_images_are_bent_from_where_they_are_moved() -> None:
    images = torch.rand(2, 3, 9, 7)
    moves = torch.zeros(2, 2, 9, 7)
    torch.testing.assert_close(bent(images, moves), images)
    moves[0, 0], moves[1, 1] = 2, -3  # from two to the right; from three above
    found = bent(images, moves)
    torch.testing.assert_close(found[0, :, :, :-2], images[0, :, :, 2:])
    torch.testing.assert_close(found[0, :, :, -2:], images[0, :, :, -2:].flip(2))
    torch.testing.assert_close(found[1, :, 3:], images[1, :, :-3])
    torch.testing.assert_close(found[1, :, :3], images[1, :, :3].flip(1))


# --- normalising and mixing ------------------------------------------------------------------------


def test_normalising_comes_last() -> None:
    images = torch.rand(4, 3, 6, 6)
    mean, std = (0.1, 0.2, 0.3), (0.5, 1.0, 2.0)
    module = Augment(Recipe(augment=(Noise(3.0),)), 3, 5, mean, std)
    shape = (1, 3, 1, 1)
    expected = (images - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(shape)
    torch.testing.assert_close(module.test_batch(images), expected)
    found, targets = module.train_batch(images, torch.arange(4))
    assert torch.equal(targets, torch.arange(4))
    least, most = (-torch.tensor(mean) / torch.tensor(std)), (1 - torch.tensor(mean)) / torch.tensor(std)
    torch.testing.assert_close(found.amin((0, 2, 3)), least)
    torch.testing.assert_close(found.amax((0, 2, 3)), most)
    assert not module.state_dict()
    with pytest.raises(Unusable, match="3 numbers in `mean`, the net 1"):
        Augment(Recipe(), 1, 5, mean, std)


def test_mean_and_deviation_are_those_of_all_pixels() -> None:
    images = torch.randint(0, 256, (7, 3, 5, 4), dtype=torch.uint8)
    images[:, 2] = 51
    mean, std = measure([images[:3], images[3:]])
    whole = images.double() / 255
    assert mean == pytest.approx(whole.mean((0, 2, 3)).tolist())
    assert std == pytest.approx([*whole.std((0, 2, 3), correction=0).tolist()[:2], 1.0])
    assert measure([images[:3], images[3:]]) == measure([images[4:], images[:4]])
    with pytest.raises(Unusable, match="no image"):
        measure([])


def numbered(number: int, side: int = 20) -> torch.Tensor:
    """Image i is i everywhere."""
    return torch.arange(float(number)).reshape(-1, 1, 1, 1).expand(-1, 1, side, side) / number


def mixed_batches(*words, number: int = 16, side: int = 20, times: int = 300):
    """Batches of images that are their number, and of targets of which each has a class of its own."""
    module = Augment(Recipe(augment=words), 1, number, (0.0,), (1.0,))
    torch.manual_seed(0)
    for _ in range(times):
        yield module.train_batch(numbered(number, side), torch.arange(number))


def test_mixup_averages_images_as_targets() -> None:
    parts = []
    for images, targets in mixed_batches(Mixup(alpha=0.4)):
        assert targets.sum(1).numpy() == pytest.approx(1)
        expected = targets @ torch.arange(16.0) / 16
        assert images.mean((1, 2, 3)).numpy() == pytest.approx(expected.numpy(), abs=1e-5)
        assert images.std((1, 2, 3)).max() < 1e-5
        own = targets.diagonal()
        parts.append(float(own[own < 1].min()) if (own < 1).any() else 1.0)
    # Beta(a, a) has the mean 1/2 and the variance 1 / (4 (2a + 1))
    assert np.mean(parts) == pytest.approx(0.5, abs=0.08)
    assert np.var(parts) == pytest.approx(1 / 7.2, rel=0.25)


def test_cutmix_shares_targets_as_areas() -> None:
    parts = []
    for images, targets in mixed_batches(CutMix(), side=40):
        for number, (image, target) in enumerate(zip(images[:, 0], targets, strict=True)):
            other = image != number / 16
            if not other.any():
                continue
            rows, columns = other.any(1), other.any(0)
            assert int(other.sum()) == int(rows.sum()) * int(columns.sum())
            assert len(image[other].unique()) == 1
            partner = round(float(image[other][0]) * 16)
            assert float(target[partner]) == pytest.approx(float(other.float().mean()), abs=1e-5)
            assert float(target[number]) == pytest.approx(1 - float(other.float().mean()), abs=1e-5)
            parts.append(float(target[number]))
    assert 0.5 < np.mean(parts) < 0.75  # 1/2 before rectangles are cut off at the border


def test_one_mix_is_drawn_for_a_batch() -> None:
    kinds = [
        "none"
        if torch.equal(t.diagonal(), torch.ones(16))
        else "mixup"
        if i.std((1, 2, 3)).max() < 1e-5
        else "cutmix"
        for i, t in mixed_batches(Mixup(alpha=1.0), CutMix(p=0.5), times=400)
    ]
    assert kinds.count("mixup") == pytest.approx(200, abs=50)
    assert kinds.count("cutmix") == pytest.approx(100, abs=45)
    assert kinds.count("none") == pytest.approx(100, abs=45)


def test_targets_that_are_parts_are_mixed_too() -> None:
    module = augment(Mixup(alpha=1.0))
    parts = torch.rand(6, 5)
    _, found = module.train_batch(torch.rand(6, 3, 4, 4), parts)
    torch.testing.assert_close(found.sum(0), parts.sum(0))  # every image is once a partner


# --- curves ----------------------------------------------------------------------------------------


def rows(number: int, *names: str) -> list[dict[str, float]]:
    return [{"epoch": e + 1, "lr": 0.1 / (e + 1)} | dict.fromkeys(names, 50 / (e + 1)) for e in range(number)]


def test_curves_show_what_is_known(tmp_path: Path) -> None:
    run = rows(5, "train_loss", "val_loss", "val_top1")
    run[2]["val_loss"] = math.nan
    draw_curves(run, tmp_path / "one")
    draw_curves(run, tmp_path / "two")
    text = (tmp_path / "one").read_text()
    assert (tmp_path / "two").read_text() == text
    assert text.startswith("<?xml")
    assert "<svg" in text
    for shown, there in (("loss", True), ("top-1", True), ("top-5", False), ("learning rate", True)):
        assert (f"<!-- {shown}" in text) is there
    assert "dc:date" not in text
    assert "<script" not in text
    assert text.count('clip-path="url(') >= 4  # the lines: two losses, an accuracy, the rate


@pytest.mark.parametrize("number", [0, 1])
def test_curves_of_no_epoch_and_of_one(tmp_path: Path, number: int) -> None:
    draw_curves(rows(number, "train_loss"), tmp_path / "curves.svg")
    assert "</svg>" in (tmp_path / "curves.svg").read_text()


def test_runs_are_compared_by_name(tmp_path: Path) -> None:
    names = ["residual", "plain $x_", "_third", "<script>alert(1)</script> -->"]
    draw_comparison(
        {n: rows(3 + i, "train_loss", "val_loss") for i, n in enumerate(names)}, tmp_path / "c.svg"
    )
    text = (tmp_path / "c.svg").read_text()
    comments = [part.split("-->")[0] for part in text.split("<!--")[1:]]
    for name in names[:3]:
        assert any(name in comment.replace("\\", "") for comment in comments), name
    visible = "".join(part.split("-->", 1)[-1] for part in text.split("<!--"))
    assert "script" not in visible
    assert "alert" not in visible
