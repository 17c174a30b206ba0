"""The recipes of the zoo say what the sources print, and each can be carried out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from netc import driver
from netc.dsl import ast
from netc.dsl.parser import parse
from netc.files import bundled_files, find_spec, open_bundled
from netc.training.augment import Augment
from netc.training.crops import prepare_for
from netc.training.initial import initialise
from netc.training.losses import make_loss
from netc.training.optimizers import make_optimizer
from netc.training.schedules import rate
from netc.training.words import SGD, Constant, CrossEntropy, He, Plateau, Recipe, RMSProp, Steps
from netc.training.words_of_images import ColorJitter, Elastic, Flip, RandomCrop, RandomResizedCrop


def recipe_of(net: str) -> Recipe:
    recipe = driver.recipe(find_spec(net)).recipe
    assert recipe is not None
    return recipe


# --- what the lectures print ------------------------------------------------------------------------


def test_alexnet():
    recipe = recipe_of("alexnet_2012")
    assert recipe.optimizer == SGD(0.01, 0.9, 5e-4)
    assert recipe.batch == 128
    assert recipe.schedule == (Plateau(factor=0.1, monitor="val_top1"),)


@pytest.mark.parametrize("net", ["resnet18", "resnet50", "resnet152", "plain34", "resnet200"])
def test_resnets(net):
    recipe = recipe_of(net)
    assert recipe.optimizer == SGD(0.1, 0.9, 1e-4)  # published; the lecture prints 1e-5
    assert (recipe.batch, recipe.init) == (256, He())
    assert recipe.schedule == (Plateau(factor=0.1, monitor="val_top1"),)


@pytest.mark.parametrize("net", ["se_resnet50", "senet154", "se_vgg16_bn", "se_inception_resnet_v2"])
def test_nets_with_gates(net):
    recipe = recipe_of(net)
    assert recipe.optimizer == SGD(0.6, 0.9)
    assert (recipe.batch, recipe.epochs, recipe.init) == (1024, 100, He())
    assert recipe.schedule == (Steps(30, 0.1),)
    assert [type(word) for word in recipe.augment] == [RandomResizedCrop, Flip]


@pytest.mark.parametrize("net", ["se_mobilenet_v1", "se_shufflenet_v1", "mobilenet_v1", "mobilenet_v1_050"])
def test_mobile_nets_with_and_without_gates(net):
    recipe = recipe_of(net)
    assert recipe.optimizer == SGD(0.1, 0.9)
    assert (recipe.batch, recipe.epochs) == (256, 400)
    assert recipe.schedule == (Plateau(factor=0.1, monitor="val_loss"),)


def test_inceptions():
    assert recipe_of("bn_inception").optimizer.lr == pytest.approx(30 * 0.0015)
    third = recipe_of("inception_v3")
    assert isinstance(third.optimizer, RMSProp)
    assert third.loss == CrossEntropy(smoothing=0.1)
    augment = recipe_of("googlenet").augment
    assert augment[0] == RandomResizedCrop(224, scale=(0.08, 1), ratio=(3 / 4, 4 / 3))
    assert any(isinstance(word, ColorJitter) for word in augment)
    assert Elastic(sigma=10, grid=3) in recipe_of("unet").augment
    assert recipe_of("unet").schedule == (Constant(),)


@pytest.mark.parametrize("net", ["resnet20", "densenet_bc100_k12", "wrn_28_10", "preact_resnet164"])
def test_nets_for_cifar_crop_padded_images(net):
    assert recipe_of(net).augment == (RandomCrop(32, pad=4), Flip())


def test_families_have_one_recipe():
    assert recipe_of("resnext50_2x40d") == recipe_of("resnext50") == recipe_of("resnext101_32x8d")
    assert recipe_of("wide_resnet50_2") == recipe_of("resnet50")
    assert recipe_of("vgg16_bn") == recipe_of("vgg11")


# --- carried out ------------------------------------------------------------------------------------

TRAINED = {
    f"{file}: {source.text[place.start : place.end]}": (source, item)
    for file in bundled_files()
    for source in [open_bundled(file).source]
    for item in parse(source)[0].items
    if isinstance(item.tree, ast.Train)
    for place in [item.place(item.tree.targets[0])]
}


@pytest.mark.parametrize("title", TRAINED)
def test_a_recipe_can_be_carried_out(title):
    """On two images and a net of one layer: crops, distortions, the loss, first weights, a step, the rate."""
    from netc.compiler.imports import resolve
    from netc.training.recipes import read_recipe

    source, item = TRAINED[title]
    program = resolve(source, open_bundled(source.name.split("/")[-1].removesuffix(".net")).load)
    recipe = read_recipe(program.scope, item).recipe
    assert recipe is not None
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (300, 280, 3), dtype=np.uint8)
    prepare = prepare_for(recipe, 3, (32, 32), training=True)
    batch = torch.stack([prepare(Image.fromarray(pixels), random) for _ in range(2)])
    augment = Augment(recipe, 3, 5, (0.5,) * 3, (0.25,) * 3)
    images, targets = augment.train_batch(batch.float() / 255, torch.tensor([1, 4]))
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 30 * 30, 5))
    if recipe.init is not None:
        initialise(module, recipe.init)
    before = [parameter.clone() for parameter in module.parameters()]
    optimizer = make_optimizer(recipe, module)
    loss = make_loss(recipe)(module(images), targets)
    loss.backward()
    optimizer.step()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(parameter).all() for parameter in module.parameters())
    assert any(not torch.equal(was, now) for was, now in zip(before, module.parameters(), strict=True))
    rates = [rate(recipe, step, 7) for step in range(0, 7 * recipe.epochs, 7)]
    assert all(0 <= factor <= 1 for factor in rates)
    assert max(rates) > 0
