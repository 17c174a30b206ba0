"""Sources of images, what is held out of them, and what is said of those that cannot be used."""

from __future__ import annotations

import importlib.util
import os
import pickle
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from netc.dsl.diagnostics import Unusable
from netc.training.data import BadImage, Data, Split, open_data, open_test
from netc.training.data.split import hold_out, shuffled


def draw(path: Path, colour: tuple[int, int, int] = (200, 30, 60), size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def make_folder(root: Path, classes: str = "cat dog", count: int = 10, suffix: str = ".png") -> Path:
    for label, name in enumerate(classes.split()):
        for number in range(count):
            draw(root / name / f"{number:03}{suffix}", (label * 80, number, 7))
    return root


def listed(split: Split | None) -> dict[str, str]:
    """The class of each image by name."""
    assert split is not None
    return {split.name(number): split.classes[split.label(number)] for number in range(len(split))}


def parts(data: Data) -> tuple[Split, Split]:
    assert data.train is not None
    assert data.val is not None
    return data.train, data.val


# --- digits and synthetic images


def test_digits_are_scikit_learns_and_a_fifth_of_each_is_held_out_always_the_same() -> None:
    train, val = parts(data := open_data("digits"))
    assert data.classes == tuple("0123456789")
    numbers = {part.name(n): (part, n) for part in (train, val) for n in range(len(part))}
    digits = load_digits()
    assert len(numbers) == len(train) + len(val) == 1797
    for number in random.Random(0).sample(range(1797), 60):
        part, place = numbers[f"digit {number}"]
        assert part.label(place) == digits.target[number]
        image = part.read(place)
        assert image.mode == "L"
        assert np.abs(np.asarray(image) / 255 - digits.images[number] / 16).max() <= 0.5 / 255 + 1e-9
    whole = Counter(digits.target.tolist())
    for label, count in Counter(val.labels.tolist()).items():
        assert count == round(whole[label] / 5)
    assert not data.notes
    assert open_data("digits", seed=5).fingerprint == data.fingerprint
    assert open_data("digits", 0.3, seed=5).fingerprint != open_data("digits", 0.3, seed=6).fingerprint


def test_synthetic_images_have_the_size_that_is_asked_for() -> None:
    train, val = parts(data := open_data("synthetic:60x3x5x7:4"))
    assert (len(train), len(val), len(data.classes)) == (52, 8, 4)
    image = train.read(3)
    assert (image.size, image.mode) == ((7, 5), "RGB")
    assert image.tobytes() == open_data("synthetic:60x3x5x7:4").train.read(3).tobytes()  # type: ignore[union-attr]
    assert image.tobytes() != train.read(4).tobytes()
    grey = open_test("synthetic:5x1x3x2:2").val
    assert grey is not None
    assert (grey.read(4).size, grey.read(4).mode, grey.label(3)) == ((2, 3), "L", 1)
    assert len(open_test("synthetic").val or ()) == 1000


@pytest.mark.parametrize("source", ["synthetic:0x3x4x4", "synthetic:9x2x4x4", "synthetic:", "synthetic:3x4"])
def test_a_size_that_is_none_is_told(source: str) -> None:
    with pytest.raises(Unusable, match="no size of synthetic images") as caught:
        open_data(source)
    assert "1000x3x224x224" in caught.value.help


# --- folders


def test_a_folder_of_class_folders_is_what_a_walk_finds(tmp_path: Path) -> None:
    make_folder(tmp_path, "zebra ape Bee", 4)
    draw(tmp_path / "ape" / "deep" / "er" / "x.JPEG")
    for end in ("webp", "bmp", "gif", "tif", "jpg"):
        draw(tmp_path / "zebra" / f"y.{end}")
    (tmp_path / "ape" / "notes.txt").write_text("no image")
    draw(tmp_path / "ape" / ".hidden.png")
    draw(tmp_path / ".thumbnails" / "x.png")
    draw(tmp_path / "__MACOSX" / "x.png")
    data = open_data(str(tmp_path), seed=3)
    assert data.classes == ("Bee", "ape", "zebra")
    found = {}
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            path = Path(folder, name).relative_to(tmp_path)
            if path.suffix != ".txt" and not path.as_posix().startswith((".", "__")) and name[0] != ".":
                found[path.as_posix()] = path.parts[0]
    train, val = parts(data)
    assert listed(train) | listed(val) == found
    assert not set(listed(train)) & set(listed(val))
    assert set(listed(val).values()) == {"Bee", "ape", "zebra"}
    assert data.notes == (f"`{tmp_path}` has no validation split: 3 of its images are held out",)
    for number in range(len(train)):
        image = train.read(number)
        assert (image.size, image.mode) == ((6, 4), "RGB")
    assert open_data(str(tmp_path), seed=3).fingerprint == data.fingerprint


@pytest.mark.parametrize("held", ["val", "validation", "Test"])
def test_a_folder_may_hold_train_and_a_validation_split(tmp_path: Path, held: str) -> None:
    make_folder(tmp_path / "train", count=5)
    make_folder(tmp_path / held, "dog cat", count=2)
    if held == "validation":
        make_folder(tmp_path / "test", "other things", count=2)
    train, val = parts(data := open_data(str(tmp_path)))
    assert (len(train), len(val), data.notes) == (10, 4, ())
    assert listed(val) == {f"{held}/{name}/00{n}.png": name for name in ("cat", "dog") for n in (0, 1)}
    assert len(open_test(str(tmp_path)).val or ()) == 4


def test_a_split_of_another_folder_is_matched_by_names(tmp_path: Path) -> None:
    make_folder(tmp_path / "one", "ant bee cat", 3)
    make_folder(tmp_path / "two", "bee cat", 2)
    train, val = parts(open_data(str(tmp_path / "one"), str(tmp_path / "two")))
    assert len(train) == 9
    assert set(listed(val).values()) == {"bee", "cat"}
    assert val.labels.tolist() == [1, 1, 2, 2]
    with pytest.raises(Unusable, match="has images of `ant`, which is not among the 2 classes"):
        open_data(str(tmp_path / "two"), str(tmp_path / "one"))
    tested = open_test(str(tmp_path / "two"), ("cat", "bee"))
    assert tested.val is not None
    assert tested.val.labels.tolist() == [1, 1, 0, 0]
    numbered = open_test("synthetic:4x3x2x2:2", ("cat", "bee"))  # its classes are only numbers
    assert numbered.val is not None
    assert numbered.val.labels.tolist() == [0, 1, 0, 1]


def test_who_validates_with_the_same_images_is_told(tmp_path: Path) -> None:
    source = str(make_folder(tmp_path, count=3))
    assert open_data(source, source).notes == ("the images to validate with are those to train on",)


def test_splits_travel_to_other_processes(tmp_path: Path) -> None:
    for source in ("digits", "synthetic:9x3x4x4:3", str(make_folder(tmp_path))):
        train, _ = parts(open_data(source))
        again = pickle.loads(pickle.dumps(train))
        assert listed(again) == listed(train)
        assert again.read(3).tobytes() == train.read(3).tobytes()


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    make_folder(tmp_path, "car plane train", 2)
    assert open_data(str(tmp_path)).classes == ("car", "plane", "train")


def test_a_fraction_is_held_out_of_each_class_by_the_seed(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", count=20)
    make_folder(tmp_path / "val", count=3)
    source = str(tmp_path)
    train, val = parts(data := open_data(source, "0.25", seed=1))
    assert Counter(listed(val).values()) == {"cat": 5, "dog": 5}
    assert not set(listed(train)) & set(listed(val))
    assert len(listed(train) | listed(val)) == 40
    assert "left out" in data.notes[0]
    assert listed(parts(open_data(source, 0.25, seed=2))[1]) != listed(val)
    assert listed(parts(open_data(source, 0.25, seed=1))[1]) == listed(val)
    for wrong in ("0", "1.5", "nan", "1", -0.1):
        with pytest.raises(Unusable, match="is no fraction to hold out"):
            open_data(source, wrong)


def test_what_is_held_out_keeps_one_image_of_a_class_on_either_side() -> None:
    labels = np.array([0] * 100 + [1] * 2 + [2] + [3] * 14)
    stays, held = hold_out(labels, 0.1, 7)
    assert Counter(labels[held].tolist()) == {0: 10, 1: 1, 3: 1}
    assert sorted([*stays, *held]) == list(range(len(labels)))


def test_an_order_is_the_same_in_all_versions_of_numpy() -> None:
    assert shuffled(8, 1, 2, 3).tolist() == [1, 3, 7, 5, 2, 0, 4, 6]
    assert sorted(shuffled(1000, 5)) == list(range(1000))


def test_the_fingerprint_is_of_files_classes_and_what_is_held_out(tmp_path: Path) -> None:
    first, second = make_folder(tmp_path / "a"), make_folder(tmp_path / "b")
    before = open_data(str(first)).fingerprint
    assert open_data(str(second)).fingerprint == before
    assert open_data(str(first), seed=1).fingerprint != before
    draw(first / "cat" / "003.png", size=(20, 20))
    changed = open_data(str(first)).fingerprint
    (second / "cat" / "003.png").rename(second / "dog" / "099.png")
    moved = open_data(str(second)).fingerprint
    (second / "dog").rename(second / "wolf")
    assert len({before, changed, moved, open_data(str(second)).fingerprint}) == 4


def test_loops_of_links_end_and_links_count(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "data", count=3)
    (root / "cat" / "again").symlink_to(root / "cat")
    (root / "dog" / "up").symlink_to(root, target_is_directory=True)
    draw(tmp_path / "elsewhere" / "1.png")
    (root / "eel").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "eel" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    data = open_test(str(root))
    names = listed(data.val)
    assert names["eel/1.png"] == names["eel/gone.png"] == "eel"
    assert sum(name.startswith("cat/") for name in names) == 3
    gone = list(names).index("eel/gone.png")
    assert data.val is not None
    with pytest.raises(BadImage, match=r"`eel/gone\.png` cannot be read: no such file"):
        data.val.read(gone)


def test_names_may_hold_anything(tmp_path: Path) -> None:
    make_folder(tmp_path, "a\x1b[31m\nb caf\u00e9", 2)
    draw(tmp_path / "caf\u00e9" / "line\nbreak.png")
    draw(tmp_path / "caf\u00e9" / "x.png").rename(os.fsdecode(bytes(tmp_path) + b"/caf\xc3\xa9/\xff.png"))
    names = listed(open_test(str(tmp_path)).val)
    assert {"caf\u00e9/line\nbreak.png", "caf\u00e9/\\xff.png", "a\x1b[31m/000.png"} <= set(names)
    split = open_test(str(tmp_path)).val
    assert split is not None
    assert all(split.read(number).size == (6, 4) for number in range(len(split)))
    assert open_data(str(tmp_path)).fingerprint


def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    make_folder(tmp_path, count=2)
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    assert len(open_test(str(tmp_path)).val or ()) == 4


# --- what cannot be used


def empty_class(root: Path) -> str:
    make_folder(root, count=2)
    (root / "eel").mkdir()
    return "the class folder `eel` of `ROOT` has no images"


def no_images(root: Path) -> str:
    (root / "cat").mkdir()
    (root / "dog").mkdir()
    (root / "dog" / "text.txt").touch()
    return "there are no images in the folders of `ROOT`"


def no_classes(root: Path) -> str:
    draw(root / "1.png")
    return "`ROOT` holds images, but no class folders"


def nothing(root: Path) -> str:
    return "`ROOT` holds no class folders"


def one_class(root: Path) -> str:
    make_folder(root, "cat", 4)
    return "all 3 images of `ROOT` to train on are of one class, `cat`"


def one_class_to_validate(root: Path) -> str:
    make_folder(root / "train", "cat dog", 4)
    make_folder(root / "val", "cat", 4)
    return "all 4 images of `ROOT` to validate with are of one class, `cat`"


def unknown_class(root: Path) -> str:
    make_folder(root / "train", "cat dog", 4)
    make_folder(root / "val", "cat dog eel fly", 4)
    return "`ROOT` has images of `eel`, `fly`, which are not among the 2 classes that are trained"


def single_images(root: Path) -> str:
    make_folder(root, "cat dog", 1)
    return "nothing of `ROOT` can be held out: no class has two images"


def only_validation(root: Path) -> str:
    make_folder(root / "val", "cat dog", 1)
    return "`ROOT` has images to validate with, but none to train on"


REFUSED = [
    empty_class,
    no_images,
    no_classes,
    nothing,
    one_class,
    one_class_to_validate,
    unknown_class,
    single_images,
    only_validation,
]


@pytest.mark.parametrize("make", REFUSED)
def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, make: object) -> None:
    assert callable(make)
    message = make(tmp_path).replace("ROOT", str(tmp_path))
    with pytest.raises(Unusable) as caught:
        open_data(str(tmp_path))
    assert caught.value.message == message


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="there is no folder or file `nowhere/at/all`") as caught:
        open_data("nowhere/at/all")
    assert "hf:NAME" in caught.value.help
    (tmp_path / "text.txt").touch()
    with pytest.raises(Unusable, match="is neither a folder nor a file of images"):
        open_data(str(tmp_path / "text.txt"))


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path, count=2)
    scan = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "dog":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(Unusable, match="dog` cannot be read: permission denied"):
        open_data(str(tmp_path))


# --- the example that makes a folder of photographs


def test_photographs_make_a_folder_whose_halves_share_no_pixel(tmp_path: Path) -> None:
    make_photographs(tmp_path / "a", "--size 24 --train 6 --val 4 --side 100")
    data = open_data(str(tmp_path / "a"))
    train, val = parts(data)
    assert len(data.classes) == 16
    assert (len(train), len(val)) == (96, 64)
    assert {train.read(n).size for n in range(96)} == {(24, 24)}
    make_photographs(tmp_path / "b", "--size 24 --train 6 --val 4 --side 100")
    for path in (tmp_path / "a").rglob("*.png"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
    other = make_photographs(tmp_path / "c", "--size 24 --train 6 --val 4 --side 100 --seed 1")
    assert open_data(str(tmp_path / "c")).fingerprint != data.fingerprint
    for photograph in other.photographs().values():
        image = other.enlarge(photograph, 100)
        assert min(image.size) == 100
        used = np.zeros((*image.size, 2), bool)
        for half, tiles in enumerate(other.divide(*image.size, 48, random.Random(1))):
            for left, top, right, bottom in tiles:
                used[left:right, top:bottom, half] = True
        assert used.any((0, 1)).all()
        assert not used.all(2).any()


def make_photographs(folder: Path, options: str) -> Any:
    path = Path(__file__).parent.parent / "examples" / "photographs.py"
    spec = importlib.util.spec_from_file_location("photographs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main([str(folder), *options.split()]) == 0
    return module
