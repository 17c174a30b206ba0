"""Parquet, Arrow and WebDataset files, kept and streamed; the hub where it cannot be reached."""

from __future__ import annotations

import io
import socket
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor

from netc.dsl.diagnostics import Unusable
from netc.training.data import BadImage, Data, Split, Stream, few, files, hub, open_data, open_test, streams
from netc.training.data.columns import Asked
from netc.training.data.loader import Batch, KeyedOrder, images_loader
from netc.training.data.shards import expand


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and no network."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("the network is asked")

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.1)  # 5 s at the end of an epoch
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def encode(number: int, end: str = "png") -> bytes:
    """An image that says its number."""
    data = io.BytesIO()
    Image.new("RGB", (4, 3), (number, 1, 2)).save(data, {"jpg": "jpeg"}.get(end, end))
    return data.getvalue()


def write_parquet(path: Path, labels: Any, image: str = "image", label: str = "label", first: int = 0) -> str:
    cells = [{"bytes": encode(first + n), "path": f"{first + n}.png"} for n in range(len(labels))]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": range(len(labels)), image: cells, label: labels}), path)
    return str(path)


def write_tar(path: Path, samples: list[dict[str, bytes]], first: int = 0) -> str:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as tar:
        for number, sample in enumerate(samples, first):
            for end, data in sample.items():
                info = tarfile.TarInfo(f"s{number:03}.{end}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return str(path)


def samples(count: int, first: int = 0) -> list[dict[str, bytes]]:
    return [{"png": encode(first + n), "cls": str(n % 3).encode()} for n in range(count)]


def split_of(source: str) -> Split:
    split = open_test(source).val
    assert isinstance(split, Split)
    return split


def red(image: Image.Image) -> int:
    pixel = image.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return int(pixel[0])


def told(source: str) -> Unusable:
    with pytest.raises(Unusable) as caught:
        open_test(source)
    return caught.value


# --- Parquet and Arrow


def test_parquet_gives_what_pyarrow_reads(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "things.parquet", [n % 3 for n in range(30)])
    split = split_of(source)
    rows = pq.read_table(source).to_pylist()
    assert split.classes == ("0", "1", "2")
    assert [split.label(n) for n in range(30)] == [row["label"] for row in rows]
    for number in (0, 7, 29):
        assert red(split.read(number)) == number
        assert split.name(number) == rows[number]["image"]["path"]
    data = open_data(source, seed=4)
    assert isinstance(data.train, Split)
    assert isinstance(data.val, Split)
    assert Counter(data.val.labels.tolist()) == {0: 1, 1: 1, 2: 1}
    names = [part.name(n) for part in (data.train, data.val) for n in range(len(part))]
    assert sorted(names) == sorted(f"{n}.png" for n in range(30))


def test_tables_are_read_by_several_processes(tmp_path: Path) -> None:
    split = split_of(write_parquet(tmp_path / "things.parquet", [n % 3 for n in range(30)]))
    order = KeyedOrder(30, 8, 0)
    alone, several = (list(images_loader(split, order, prepare, workers)) for workers in (0, 2))
    assert len(alone) == 3
    for one, other in zip(alone, several, strict=True):
        assert torch.equal(one.images, other.images)
        assert reds([one]) == one.numbers.tolist() == other.numbers.tolist()


def test_splits_are_told_by_the_names_of_files(tmp_path: Path) -> None:
    write_parquet(tmp_path / "data" / "train-0.parquet", [0, 1] * 4)
    write_parquet(tmp_path / "data" / "train-1.parquet", [0, 1] * 3, first=8)
    write_parquet(tmp_path / "data" / "validation-0.parquet", [1, 0], first=100)
    write_parquet(tmp_path / "data" / "test-0.parquet", [0, 1], first=200)
    for source in (str(tmp_path), str(tmp_path / "data" / "*.parquet")):
        data = open_data(source)
        assert isinstance(data.train, Split)
        assert isinstance(data.val, Split)
        assert [red(data.train.read(n)) for n in range(len(data.train))] == list(range(14))
        assert [red(data.val.read(n)) for n in (0, 1)] == [100, 101]
        assert not data.notes
    only = open_data(
        str(tmp_path / "data" / "train-{0..1}.parquet"), str(tmp_path / "data" / "test-0.parquet")
    )
    assert (len(only.train or ()), len(only.val or ())) == (14, 2)


def test_a_folder_of_images_is_one_though_a_table_lies_beside_them(tmp_path: Path) -> None:
    write_parquet(tmp_path / "old.parquet", [0, 1])
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(encode(1))
    assert split_of(str(tmp_path)).classes == ("cat", "dog")


def test_names_of_classes_come_from_the_table(tmp_path: Path) -> None:
    features = datasets.Features(
        {"img": datasets.Image(), "fine_label": datasets.ClassLabel(names=["wolf", "ape", "bee"])}
    )
    rows = {"img": [Image.new("L", (5, 5), 9)] * 4, "fine_label": [2, 0, 1, 0]}
    table = datasets.Dataset.from_dict(rows, features=features)
    table.to_parquet(tmp_path / "x.parquet")
    table.save_to_disk(tmp_path / "saved")
    with pa.ipc.new_file(tmp_path / "y.feather", table.data.schema) as file:
        file.write_table(table.data.table)
    for source in (tmp_path / "x.parquet", tmp_path / "saved", tmp_path / "y.feather"):
        split = split_of(str(source))
        assert split.classes == ("wolf", "ape", "bee")
        assert split.labels.tolist() == [2, 0, 1, 0]
        assert split.read(3).mode == "L"
    matched = open_test(str(tmp_path / "x.parquet"), ("ape", "bee", "cat", "wolf")).val
    assert isinstance(matched, Split)
    assert matched.labels.tolist() == [1, 3, 0, 3]


def test_labels_may_be_names_or_whole_fractions(tmp_path: Path) -> None:
    named = split_of(write_parquet(tmp_path / "a.parquet", ["owl", "ape", "owl"]))
    assert (named.classes, named.labels.tolist()) == (("ape", "owl"), [1, 0, 1])
    whole = split_of(write_parquet(tmp_path / "b.parquet", [3.0, 1.0, 10.0]))
    assert (whole.classes, whole.labels.tolist()) == (("1", "3", "10"), [1, 0, 2])
    truth = split_of(write_parquet(tmp_path / "c.parquet", [True, False]))
    assert (truth.classes, truth.labels.tolist()) == (("false", "true"), [1, 0])


def test_columns_may_be_named(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", [0, 1, 1], image="shot", label="kind")
    error = told(source)
    assert error.message.startswith(f"which column of `{source}` holds the labels is not clear")
    assert error.help == f"say it behind the name: `{source}?label=NAME`"
    for asked in ("?label=kind", "?image=shot&label=kind"):
        split = split_of(source + asked)
        assert split.labels.tolist() == [0, 1, 1]
        assert red(split.read(2)) == 2
    assert "has no column `sort`" in told(f"{source}?label=sort").message
    assert "the column `id` of" in told(f"{source}?label=kind&image=id").message


LABELS = {
    "is -1, less than 0": [0, 1, -1],
    "row 2 of `": [0, 1, None],
    "is 1.5, no whole number": [0.0, 1.5, 1.0],
    "are neither numbers nor names": [[0], [1], [2]],
}


@pytest.mark.parametrize("message", LABELS)
def test_labels_that_are_none_are_told(tmp_path: Path, message: str) -> None:
    assert message in told(write_parquet(tmp_path / "a.parquet", LABELS[message])).message


def test_a_label_beyond_the_named_classes_is_told(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    schema = features.arrow_schema
    cells = [{"bytes": encode(n), "path": None} for n in range(3)]
    pq.write_table(pa.table({"image": cells, "label": [0, 1, 7]}, schema=schema), tmp_path / "a.parquet")
    message = told(str(tmp_path / "a.parquet")).message
    assert "7" in message
    assert "2" in message


def test_files_that_are_no_tables_are_told(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.arrow", "c.tar", "d.tar.gz"):
        (tmp_path / name).write_bytes(b"this is text and no table at all" * 50)
        (tmp_path / f"0{name}").touch()
        for path in (tmp_path / name, tmp_path / f"0{name}"):
            assert told(str(path)).message.startswith(f"`{path}` cannot be read as "), name
    whole = Path(write_parquet(tmp_path / "e.parquet", [0, 1])).read_bytes()
    (tmp_path / "e.parquet").write_bytes(whole[: len(whole) // 2])
    assert "e.parquet` cannot be read as Parquet: " in told(str(tmp_path / "e.parquet")).message
    pq.write_table(
        pa.table({"image": pa.array([], pa.binary()), "label": pa.array([], pa.int64())}),
        tmp_path / "f.parquet",
    )
    assert told(str(tmp_path / "f.parquet")).message.endswith("f.parquet` has no rows")


def test_patterns_that_mean_nothing_are_told(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a-0.parquet", [0, 1])
    write_tar(tmp_path / "a-0.tar", samples(3))
    assert told(str(tmp_path / "b-*.parquet")).message == f"no file matches `{tmp_path}/b-*.parquet`"
    assert "a-1.parquet`, which" in told(str(tmp_path / "a-{0..1}.parquet")).message
    assert "are tables of two kinds" in told(str(tmp_path / "a-*")).message
    assert "means more than 100,000 files" in told(str(tmp_path / "a-{0..999}{0..999}.tar")).message


def test_braces_mean_what_they_mean_to_a_shell() -> None:
    assert expand("s-{0008..0011}.tar") == ["s-0008.tar", "s-0009.tar", "s-0010.tar", "s-0011.tar"]
    assert expand("{a,b}{2..1}") == ["a2", "a1", "b2", "b1"]
    assert expand("x{y}z") == ["x{y}z"]


def test_names_of_files_may_hold_signs_of_patterns(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "odd [1] {a}.parquet", [0, 1])
    assert len(split_of(source)) == 2


def test_a_damaged_image_of_a_table_is_bad(tmp_path: Path) -> None:
    cells = [{"bytes": data, "path": None} for data in (encode(0), b"", encode(2)[:48], None, b"text")]
    pq.write_table(pa.table({"image": cells, "label": range(5)}), tmp_path / "a.parquet")
    split = split_of(str(tmp_path / "a.parquet"))
    assert red(split.read(0)) == 0
    for number, why in enumerate(
        ("is empty", "is damaged", "is not there", "is of no known image format"), 1
    ):
        with pytest.raises(BadImage, match=why) as caught:
            split.read(number)
        assert caught.value.name == f"row {number} of {tmp_path / 'a.parquet'}"


def test_the_fingerprint_of_a_table_is_of_its_file(tmp_path: Path) -> None:
    first = write_parquet(tmp_path / "1" / "a.parquet", [0, 1] * 6)
    second = write_parquet(tmp_path / "2" / "a.parquet", [0, 1] * 6)
    assert open_data(first).fingerprint == open_data(second).fingerprint
    assert open_data(first, seed=1).fingerprint != open_data(first).fingerprint
    third = write_parquet(tmp_path / "3" / "a.parquet", [0, 1] * 6, first=1)
    assert open_data(third).fingerprint != open_data(first).fingerprint


# --- WebDataset


def test_shards_give_what_tarfile_reads(tmp_path: Path) -> None:
    write_tar(tmp_path / "s-00.tar", samples(5), 0)
    write_tar(tmp_path / "s-01.tar", samples(4, 5), 5)
    split = split_of(str(tmp_path / "s-{00..01}.tar"))
    found = {}
    for path in sorted(tmp_path.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                found[member.name] = tar.extractfile(member).read()  # type: ignore[union-attr]
    assert len(split) == 9
    for number in range(9):
        name = split.name(number)
        with Image.open(io.BytesIO(found[name])) as image:
            assert red(split.read(number)) == red(image)
        assert split.classes[split.label(number)] == found[name.replace("png", "cls")].decode()
    assert len(split_of(str(tmp_path))) == len(split_of(str(tmp_path / "s-*.tar"))) == 9


def test_a_packed_shard_is_read_and_a_damaged_one_told(tmp_path: Path) -> None:
    assert len(split_of(write_tar(tmp_path / "a.tar.gz", samples(6)))) == 6
    data = Path(write_tar(tmp_path / "b.tar", samples(6))).read_bytes()
    (tmp_path / "b.tar").write_bytes(data[:3000])
    assert "b.tar` cannot be read as WebDataset: " in told(str(tmp_path / "b.tar")).message
    wrong = write_tar(tmp_path / "c.tar", [{"png": encode(1), "cls": b"cat"}])
    assert "c.tar` cannot be read as WebDataset: invalid literal" in told(wrong).message


def test_a_shard_writes_nothing_where_its_names_point(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("../../escaped", "/tmp/netc-escaped"):
            for end, data in samples(1)[0].items():
                info = tarfile.TarInfo(f"{name}.{end}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    before = sorted(tmp_path.parent.rglob("*escaped*"))
    split = split_of(str(tmp_path / "a.tar"))
    assert red(split.read(1)) == 0
    assert sorted(tmp_path.parent.rglob("*escaped*")) == before
    assert not Path("/tmp/netc-escaped.png").exists()


# --- streams


def prepare(image: Image.Image, random: np.random.Generator) -> Tensor:
    pixels = np.asarray(image.convert("RGB")).copy()
    pixels[..., 2] = random.integers(256)
    return torch.from_numpy(pixels).permute(2, 0, 1)


def streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Data, str]:
    """Sixty images in four files, and twelve to validate with."""
    for shard in range(4):
        labels = ["owl" if n % 4 else "ape" for n in range(15)]
        write_parquet(tmp_path / f"train-{shard}.parquet", labels, first=shard * 15)
    write_parquet(tmp_path / "val.parquet", ["ape", "owl"] * 6, first=100)
    monkeypatch.setattr(streams, "LARGE", 1000)
    return open_data(str(tmp_path)), str(tmp_path)


def reds(batches: list[Batch]) -> list[int]:
    return [int(pixel) for batch in batches for pixel in batch.images[:, 0, 0, 0]]


def test_a_stream_gives_every_image_once_in_the_order_of_seed_and_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _ = streamed(tmp_path, monkeypatch)
    assert isinstance(data.train, Stream)
    assert (len(data.train), len(data.val or ()), data.classes) == (60, 12, ("ape", "owl"))
    assert data.notes == (f"`{tmp_path}` is large: its 60 images are streamed and not kept",)

    def read(seed: int, epoch: int, start: int = 0, workers: int = 0, **share: int) -> list[Batch]:
        assert data.train is not None
        order = KeyedOrder(60, 12, seed, epoch, start, **share)
        return list(images_loader(data.train, order, prepare, workers))

    first = read(0, 0)
    assert [len(batch.labels) for batch in first] == [12] * 5
    assert sorted(reds(first)) == list(range(60))
    assert all(
        data.classes[label] == ("owl" if number % 15 % 4 else "ape")
        for batch in first
        for label, number in zip(batch.labels, reds([batch]), strict=True)
    )
    assert len({tuple(reds(read(seed, epoch))) for seed in (0, 1) for epoch in (0, 1, 2)}) == 6
    for again, start in ((read(0, 0, workers=2), 0), (read(0, 0, 3), 3)):
        for one, other in zip(first[start:], again, strict=True):
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.labels, other.labels)
            assert torch.equal(one.numbers, other.numbers)
    shares = [read(0, 0, rank=rank, world=3) for rank in range(3)]
    for whole, *pieces in zip(first, *shares, strict=True):
        for rank, piece in enumerate(pieces):
            assert torch.equal(whole.images[rank::3], piece.images)
    assert data.val is not None
    order = KeyedOrder(12, 5, 0, training=False)
    assert reds(list(images_loader(data.val, order, prepare, 1))) == list(range(100, 112))


def test_a_stream_is_told_apart_and_nothing_of_it_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, source = streamed(tmp_path, monkeypatch)
    assert open_data(source).fingerprint == data.fingerprint
    with pytest.raises(Unusable, match="so large that it is streamed") as caught:
        open_data(source, 0.1)
    assert "--val" in caught.value.help
    tested = open_test(source, ("eel", "owl", "ape")).val
    assert isinstance(tested, Stream)
    batches = list(images_loader(tested, KeyedOrder(12, 12, 0, training=False), prepare, 0))
    assert batches[0].labels.tolist() == [2, 1] * 6
    with pytest.raises(Unusable, match="has images of `ape`, which is not among"):
        open_test(source, ("owl", "eel"))


def test_a_few_images_are_spread_over_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = streamed(tmp_path, monkeypatch)
    assert isinstance(data.train, Stream)
    some = few(data.train, 20)
    numbers = [red(some.read(n)) for n in range(20)]
    assert len(set(numbers)) == 20
    assert max(numbers) > 30
    assert [some.label(n) for n in range(20)] == [int(number % 15 % 4 > 0) for number in numbers]
    digits = open_test("digits").val
    assert isinstance(digits, Split)
    assert 90 <= len(few(digits, 100)) <= 100
    assert len(few(digits, 10**6)) == len(digits)


def test_a_bad_image_of_a_stream_is_stood_in_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tar(
        tmp_path / "a.tar",
        [*samples(3), {"png": b"", "cls": b"1"}, *samples(4, 4), {"png": b"x", "cls": b"2"}],
    )
    monkeypatch.setattr(streams, "LARGE", 10)
    stream = open_test(str(tmp_path / "a.tar")).val
    assert isinstance(stream, Stream)
    batches = list(images_loader(stream, KeyedOrder(9, 4, 0, training=False), prepare, 2))
    assert reds(batches) == [0, 1, 2, 0, 4, 5, 6, 7, 7]
    assert [batch.bad for batch in batches] == [("s003.png",), (), ("s008.png",)]
    assert torch.cat([batch.labels for batch in batches]).tolist() == [0, 1, 2, 0, 0, 1, 2, 0, 0]


def test_images_of_a_stream_that_are_all_bad_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tar(tmp_path / "a.tar", [{"png": b"x", "cls": str(n).encode()} for n in range(4)])
    monkeypatch.setattr(streams, "LARGE", 10)
    stream = open_test(str(tmp_path / "a.tar")).val
    assert stream is not None
    with pytest.raises(Unusable, match=r"no image of a whole batch can be read; `s00\d\.png`"):
        list(images_loader(stream, KeyedOrder(4, 4, 0), prepare, 0))


# --- the hub


def test_a_name_of_the_hub_without_a_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    error = told("hf:user/things:small")
    assert error.message.startswith("`hf:user/things:small` cannot be had from the hub: couldn't reach")
    assert "without a network" in error.help
    assert told("hf:user/../x").message == "`hf:user/../x` is no name of a data set on the hub"


@pytest.mark.parametrize("large", [False, True])
def test_a_builder_as_the_hub_gives_it_is_kept_or_streamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    """What comes after the names of the files are known is the same for files of this machine."""
    names = {"train": [0, 1, 1, 2], "valid": [2, 1], "test": [-1, -1]}
    parts = {name: write_parquet(tmp_path / f"{name}.parquet", labels) for name, labels in names.items()}
    with files.offline():
        builder = datasets.load_dataset_builder("parquet", data_files=parts)
    if large:
        monkeypatch.setattr(hub, "is_large", lambda size: True)
    sets = hub.open_built(builder, Asked(), "hf:user/things")
    assert [type(part) is Stream for part in (sets.train, sets.val)] == [large, large]
    assert sets.train is not None
    assert sets.val is not None
    assert (len(sets.train), len(sets.val), sets.train.classes) == (4, 2, ("0", "1", "2"))
    with pytest.raises(Unusable, match="is -1, less than 0") as caught:
        hub.open_built(builder, Asked(val="test"), "hf:user/things")
    assert "without labels" in caught.value.help
    with pytest.raises(Unusable, match="has no split `dev`"):
        hub.open_built(builder, Asked(val="dev"), "hf:user/things")
