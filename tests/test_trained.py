"""The commands that use a trained net, on runs whose folders are written here, against plain loops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

import netc
from netc.cli import run as netc_command
from netc.cli.train import prepare_run
from netc.trained import is_same
from netc.training.data import Data, Stream, open_data, open_test, streams
from netc.training.features import names_of
from netc.training.run import BEST, Options, Origin, Run
from netc.training.words import BinaryCrossEntropy, Recipe

SMALL = """
net small(classes=10) {
    input image: 1x16x16
    layer[1]: { conv(3x3, 4) -> relu -> maxpool(2x2) }
    mix["b"]: conv(3x3, 6); relu
    gap
    head: fc(classes)
}
"""
TEN = tuple("0123456789")
MEAN, STD = 0.3, 0.32
PLAIN = Recipe()


def write_run(
    folder: Path,
    spec: str = SMALL,
    net: str = "small",
    classes: tuple[str, ...] = TEN,
    data: str = "digits",
    seed: int = 0,
    recipe: Recipe = PLAIN,
    limits: tuple[str, ...] = (),
) -> Path:
    """A run with random weights; of no class is the average logit above the others'."""
    torch.manual_seed(seed)
    model = netc.loads(spec, net)
    ((_, shape),) = model.inputs.items()
    module = model.module()
    images = [Image.fromarray(np.rint(digit * 15).astype(np.uint8)) for digit in load_digits().images[:100]]
    with torch.no_grad():
        module.head.bias -= module(pixels(images, shape.spatial[0])).mean(0)
    fingerprint = open_data(data).fingerprint if data == "digits" else ""
    origin = Origin(
        net=net,
        spec="spec.net",
        settings={},
        inputs={},
        input=(shape.channels, *shape.spatial),
        recipe=recipe,
        options=Options(),
        data=data,
        val=None,
        fingerprint=fingerprint,
        classes=classes,
        mean=(MEAN,),
        std=(STD,),
        versions={},
        limits=limits,
    )
    run = Run.create(folder, origin, {"spec/spec.net": spec})
    run.save_weights(BEST, module.state_dict())
    return folder


def module_of(folder: Path) -> nn.Module:
    run = Run.open(folder)
    module = netc.loads(run.spec_file.read_text(), run.origin.net).module().eval()
    module.load_state_dict(run.weights())
    return module


def held_out() -> Data:
    return open_data("digits")


def pixels(images: list[Image.Image], side: int) -> Tensor:
    """As the default recipe shows images to a net of that size."""
    resized = [image.convert("L").resize((side, side), Image.Resampling.BILINEAR) for image in images]
    stacked = torch.from_numpy(np.stack([np.asarray(image) for image in resized]))
    return (stacked[:, None].float() / 255 - MEAN) / STD


def plain_logits(folder: Path, side: int = 16, mirror: bool = False) -> tuple[Tensor, Tensor]:
    """Of the digits that are held out; and their labels."""
    split = held_out().val
    images = [split.read(number) for number in range(len(split))]
    with torch.inference_mode():
        shown = pixels(images, side)
        return module_of(folder)(shown.flip(3) if mirror else shown), torch.tensor(split.labels)


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert netc_command(["eval", *map(str, arguments), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert netc_command([*map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


# --- eval ---------------------------------------------------------------------------------------------


def test_eval_counts_what_a_plain_loop_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logits, labels = plain_logits(folder)
    taken = logits.argmax(1)
    told = evaluate(capsys, folder, "--batch", "50")
    assert told["images"] == len(labels) == 359
    assert told["top1"] == pytest.approx((taken == labels).float().mean().item())
    best = logits.topk(5).indices
    assert told["top5"] == pytest.approx((best == labels[:, None]).any(1).float().mean().item())
    for row, column, count in ((0, 0, 36), (3, 5, 37)):
        assert told["confusion"][row][column] == int(((labels == row) & (taken == column)).sum())
        assert sum(told["confusion"][row]) == told["classes"][row]["images"] == count
    assert told["data"] == "the images of `digits` that were held out in training"


def test_eval_tells_and_draws(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "confusion.svg"
    top1 = evaluate(capsys, folder)["top1"]
    assert netc_command(["eval", str(folder), "--confusion", str(picture)]) == 0
    told = capsys.readouterr()
    assert f"top-1 {top1:.2%}".replace("%", " %") in told.out
    assert len(told.out.splitlines()) == 4 + 1 + 10
    assert f"wrote {picture}" in told.err
    assert "taken for" in picture.read_text()


def test_protocols_and_averages_change_the_answer_and_the_weights_file_may_be_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = evaluate(capsys, folder / BEST, "--crops", "10", "--average", "vote", "--data", "digits")
    assert told["views"] == "10 views of each image at 18 pixels, a vote for each"
    dense = evaluate(capsys, folder, "--dense", "--tta", "flip", "--scales", "16,24")
    assert dense["views"].startswith("4 views of each image, whole, at 16, 24 pixels")
    shown = [plain_logits(folder, side, mirror) for side in (16, 24) for mirror in (False, True)]
    together = torch.stack([logits.softmax(1) for logits, _ in shown]).mean(0)
    labels = shown[0][1]
    assert dense["top1"] == pytest.approx((together.argmax(1) == labels).float().mean().item())
    assert dense["top1"] != evaluate(capsys, folder)["top1"]


def test_an_ensemble_of_nets_of_several_inputs_and_orders_of_classes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)
    spec = SMALL.replace("1x16x16", "1x20x20")
    other = write_run(tmp_path / "other", spec, classes=tuple(TEN[i] for i in order), seed=1)
    (one, labels), (two, _) = plain_logits(folder), plain_logits(other, 20)
    arranged = torch.empty_like(two)
    arranged[:, list(order)] = two
    together = 0.25 * one.softmax(1) + 0.75 * arranged.softmax(1)
    told = evaluate(capsys, folder, "--ensemble", other, "--weights", "1,3")
    assert told["top1"] == pytest.approx((together.argmax(1) == labels).float().mean().item())
    assert [each["top1"] for each in told["alone"]] == pytest.approx(
        [(each.argmax(1) == labels).float().mean().item() for each in (one, arranged)]
    )


def test_an_ensemble_is_asked_for_and_knows_the_same_classes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "2 runs are named; `--ensemble`" in refusal(capsys, "eval", folder, folder)
    other = write_run(tmp_path / "other", classes=(*TEN[:9], "ten"))
    told = refusal(capsys, "eval", folder, "--ensemble", other)
    assert "does not tell the same classes apart" in told
    assert "`9` is not among its classes" in told
    assert "are 1 number for 2 nets" in refusal(
        capsys, "eval", folder, folder, "--ensemble", "--weights", "1"
    )
    assert "no weight is below 0" in refusal(capsys, "eval", folder, "--weights", "-1")


def save_digits(folder: Path, names: dict[int, str], count: int = 3) -> None:
    digits = load_digits()
    for label, name in names.items():
        (folder / name).mkdir(parents=True)
        for number in np.flatnonzero(digits.target == label)[:count]:
            scaled = np.rint(digits.images[number] * 255 / 16).astype(np.uint8)
            Image.fromarray(scaled).save(folder / name / f"{number}.png")


def test_classes_of_data_are_found_by_name_and_corrupt_images_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_digits(tmp_path / "some", {7: "7", 2: "2"})
    (tmp_path / "some/2/broken.png").write_bytes(b"no image")
    assert netc_command(["eval", str(folder), "--data", str(tmp_path / "some"), "--format", "json"]) == 0
    result = capsys.readouterr()
    told = json.loads(result.out)
    assert told["images"] == 6
    assert [each["images"] for each in told["classes"]] == [0, 0, 3, 0, 0, 0, 0, 3, 0, 0]
    assert [bad["name"] for bad in told["bad"]] == ["2/broken.png"]
    assert "1 image cannot be read, and is left out" in result.err
    save_digits(tmp_path / "more", {7: "seven", 2: "2"})
    message = refusal(capsys, "eval", folder, "--data", tmp_path / "more")
    assert "`seven`" in message


def test_streamed_tables_are_evaluated_as_kept_ones(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_digits(tmp_path / "some", {7: "7", 2: "2"}, count=5)
    files = sorted((tmp_path / "some").rglob("*.png"))
    images = [{"bytes": path.read_bytes() if path != files[3] else b"", "path": path.name} for path in files]
    table = pa.table({"image": images, "label": [path.parent.name for path in files]})
    pq.write_table(table, tmp_path / "some.parquet")
    kept = evaluate(capsys, folder, "--data", tmp_path / "some.parquet", "--crops", "10", "--batch", "30")
    monkeypatch.setattr(streams, "LARGE", 10)
    assert isinstance(open_test(str(tmp_path / "some.parquet")).val, Stream)
    streamed = evaluate(capsys, folder, "--data", tmp_path / "some.parquet", "--crops", "10", "--batch", "30")
    assert streamed == kept
    assert kept["images"] == 9
    assert [bad["name"] for bad in kept["bad"]] == [files[3].name]


def test_foreign_checkpoints(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.net").write_text(SMALL)
    checkpoint = tmp_path / "small.pth"
    torch.save({"state_dict": module_of(folder).state_dict(), "epoch": 3}, checkpoint)
    theirs = [checkpoint, "--net", tmp_path / "small.net", "--data", "digits", "--mean", MEAN, "--std", STD]
    assert evaluate(capsys, *map(str, theirs))["confusion"] == evaluate(capsys, folder)["confusion"]
    wide = tmp_path / "wide.net"
    wide.write_text(SMALL.replace("conv(3x3, 6)", "conv(3x3, 7)"))
    told = refusal(capsys, "eval", checkpoint, "--net", wide, "--data", "digits")
    assert "`mixb.weight` is 6x4x3x3, not 7x4x3x3, and 2 more do not fit" in told
    several = tmp_path / "several.net"
    several.write_text(SMALL.replace("head: fc(classes)", "output a: fc(classes)\n    output b: fc(3)"))
    assert "2 outputs" in refusal(capsys, "eval", checkpoint, "--net", several, "--data", "digits")
    assert "is for checkpoints" in refusal(capsys, "eval", folder, "--mean", "0.5")
    assert "`--mean x`" in refusal(
        capsys, "eval", checkpoint, "--net", wide, "--mean", "x", "--data", "digits"
    )
    assert "nothing to evaluate" in refusal(capsys, "eval", checkpoint, "--net", tmp_path / "small.net")


def test_auxiliary_classifiers_say_nothing_and_may_be_missing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SMALL.replace("    gap\n", "    aux side(weight=0.3): gap -> fc(classes)\n    gap\n")
    (tmp_path / "small.net").write_text(spec)
    model = netc.loads(spec)
    alone = module_of(folder).state_dict()
    whole = model.module().state_dict() | alone
    assert len(whole) == len(alone) + 2
    expected = evaluate(capsys, folder)["confusion"]
    for name, tensors in (("alone.pth", alone), ("whole.pth", whole)):
        torch.save(tensors, tmp_path / name)
        given = ["--net", tmp_path / "small.net", "--data", "digits", "--mean", MEAN, "--std", STD]
        assert evaluate(capsys, tmp_path / name, *given)["confusion"] == expected
    save_digits(tmp_path / "two", {7: "7", 2: "2"})
    told = refusal(
        capsys, "eval", tmp_path / "alone.pth", "--net", tmp_path / "small.net", "--data", tmp_path / "two"
    )
    assert "knows 10 classes, and" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scales", "big"], "`--scales big` is not of the form"),
        (["--scales", "12"], "an image of 12 pixels a side holds no view of 16x16"),
        (["--crops", "12", "--dense"], "`--dense` takes whole images"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused(
    folder: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refusal(capsys, "eval", folder, *options)


# --- predict ------------------------------------------------------------------------------------------


def test_predict_names_the_likeliest_classes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_digits(tmp_path, {4: "photos"}, count=2)
    first, second = sorted((tmp_path / "photos").iterdir())
    with torch.inference_mode():
        images = [Image.open(path) for path in (second, first, second)]
        expected = module_of(folder)(pixels(images, 16)).softmax(1)
    given = ["predict", str(folder), str(second), str(tmp_path / "photos"), "--top", "3"]
    assert netc_command([*given, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["image"] for each in told["images"]] == [str(second), str(first), str(second)]
    for each, row in zip(told["images"], expected, strict=True):
        best = row.topk(3)
        assert [guess["name"] for guess in each["classes"]] == [TEN[i] for i in best.indices]
        assert [guess["probability"] for guess in each["classes"]] == pytest.approx(
            best.values.tolist(), abs=1e-5
        )
    assert netc_command(given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{second}: {told['images'][0]['classes'][0]['name']} ")
    assert lines[0] == lines[2]


def test_predict_goes_on_after_a_corrupt_image_and_sends_nothing_to_the_terminal(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = tmp_path / "\x1b[31mred.png"
    Image.new("RGB", (20, 30), "red").save(hostile)
    (tmp_path / "broken.png").write_bytes(b"")
    assert netc_command(["predict", str(folder), str(tmp_path / "broken.png"), str(hostile)]) == 2
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 1
    assert "\x1b" not in told.out + told.err
    assert "broken.png` is empty" in told.err
    assert "there is no file" in refusal(capsys, "predict", folder, tmp_path / "none.png")


def test_probabilities_of_a_sigmoid_need_not_sum_to_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "run", recipe=Recipe(loss=BinaryCrossEntropy()))
    image = tmp_path / "grey.png"
    Image.new("L", (16, 16), 99).save(image)
    assert netc_command(["predict", str(folder), str(image), "--top", "10", "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["images"]
    with torch.inference_mode():
        expected = module_of(folder)(pixels([Image.open(image)], 16))[0].sigmoid()
    found = {guess["name"]: guess["probability"] for guess in told["classes"]}
    assert [found[name] for name in TEN] == pytest.approx(expected.tolist(), abs=1e-5)


# --- features -----------------------------------------------------------------------------------------


def features(folder: Path, data: str | Path, path: Path, *options: str) -> dict:
    assert netc_command(["features", str(folder), str(data), "-o", str(path), *options]) == 0
    return pq.read_table(path).to_pydict()


def test_features_are_what_enters_the_classifier_or_what_a_layer_puts_out(
    folder: Path, tmp_path: Path
) -> None:
    split = held_out().val
    images = pixels([split.read(number) for number in range(len(split))], 16)
    module = module_of(folder)
    with torch.inference_mode():
        first = module.layer1(images)
        second = module.mixb(first)
        entering = F.adaptive_avg_pool2d(second.relu(), 1).flatten(1)
    path = tmp_path / "features.parquet"
    found = features(folder, "digits", path)
    assert np.allclose(found["features"], entering, atol=1e-5)
    assert found["name"] == [split.name(number) for number in range(len(split))]
    assert found["label"] == [TEN[label] for label in split.labels]
    assert pq.read_schema(path).metadata[b"layer"] == b"what enters the classifier"
    assert np.allclose(
        features(folder, "digits", path, "--layer", 'mix["b"]')["features"], second.mean((2, 3)), atol=1e-5
    )
    whole = features(folder, "digits", path, "--layer", "layer[1]", "--whole")["features"]
    assert np.allclose(whole, first.flatten(1), atol=1e-5)


def test_features_of_a_head_that_flattens_and_of_a_convolutional_one(tmp_path: Path) -> None:
    flat = SMALL.replace("    gap\n", "")
    folder = write_run(tmp_path / "flat", flat)
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / "a.png")
    image = pixels([Image.open(tmp_path / "a.png")], 16)
    path = tmp_path / "features.parquet"
    module = module_of(folder)
    with torch.inference_mode():
        maps = module.mixb(module.layer1(image)).relu()
    found = features(folder, tmp_path / "a.png", path)
    assert np.allclose(found["features"], maps.flatten(1), atol=1e-5)
    assert found["label"] == [None]
    all_conv = SMALL.replace("    gap\n    head: fc(classes)", "    head: conv(1x1, classes); gap; flatten")
    folder = write_run(tmp_path / "conv", all_conv)
    module = module_of(folder)
    with torch.inference_mode():
        maps = module.mixb(module.layer1(image)).relu()
    found = features(folder, tmp_path / "a.png", path)
    assert np.allclose(found["features"], maps.mean((2, 3)), atol=1e-5)


def test_a_layer_that_is_not_there_is_told_and_nothing_is_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "features.parquet"
    told = refusal(capsys, "features", folder, "digits", "-o", path, "--layer", "layer2")
    assert "has no layer `layer2`" in told
    assert "did you mean `layer1`?" in told
    assert not path.exists()
    told = refusal(capsys, "features", folder, "digits", "-o", tmp_path / "none/f.parquet")
    assert "cannot be written" in told


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("layer[1]", "layer1"),
        ("layer[1][0].conv1", "layer1.0.conv1"),
        ("conv[3, 2]", "conv3_2"),
        ('Mixed_6["b"].pool', "Mixed_6b.pool"),
        ("features[28]", "features.28"),
        ("features.denseblock[2]", "features.denseblock2"),
        ("classifier.0", "classifier.0"),
    ],
)
def test_a_label_is_found_by_the_name_of_its_module(label: str, name: str) -> None:
    assert name in list(names_of(label))


def test_data_are_the_runs_by_whatever_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern of shards names no file: what a run was trained on would be taken for test data."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    for source in ("shards-{0..3}.tar", "photos", "link"):
        assert is_same(source, str(tmp_path / source.replace("link", "photos")))
    assert is_same("digits", "digits")
    assert not is_same("shards-{0..3}.tar", str(tmp_path / "shards-{4..5}.tar"))
    assert not is_same("digits", str(tmp_path / "digits"))


# --- what a run keeps of its net ------------------------------------------------------------------------


def test_a_run_keeps_the_limits_under_which_its_net_was_compiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spec.net").write_text(SMALL)
    spec = str(tmp_path / "spec.net:small")
    prepared = prepare_run(spec, "digits", None, {}, (), (), ("nodes=5000",), Options())
    assert prepared.origin.limits == ("nodes=5000",)
    folder = write_run(tmp_path / "run", limits=("nodes=3",))
    assert "does not compile" in refusal(capsys, "eval", folder)


def test_two_files_of_one_name_are_not_taken_for_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`senet.net` uses the bundled `resnet.net`, which in the run would be the person's."""
    file = tmp_path / "resnet.net"
    file.write_text("use senet\n\nnet mine(classes=10) = senet.se_resnet50(classes=classes)\n")
    assert netc_command(["train", f"{file}:mine", "--data", "digits", "--dry-run"]) == 1
    assert "two files called `resnet.net` are used" in capsys.readouterr().err


def test_what_of_a_run_is_no_file_of_weights_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "model.py").write_text("# a module\n" * 9)
    told = refusal(capsys, "eval", folder / "model.py")
    assert "is no file of weights" in told
    assert "best.safetensors" in told
