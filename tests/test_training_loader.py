"""The order of an epoch, and the batches that a split is read in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from netc.dsl.diagnostics import Unusable
from netc.training.data import Split, open_test
from netc.training.data.loader import Batch, KeyedOrder, images_loader


def draw_folder(root: Path, count: int = 12) -> Path:
    """Two classes; the red of each image is its number in its class, the green its class."""
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (4, 3), (number, label, 9)).save(root / name / f"{number:03}.png")
    return root


def split_of(source: Path | str) -> Split:
    split = open_test(str(source)).val
    assert split is not None
    return split


def prepare(image: Image.Image, random: np.random.Generator) -> Tensor:
    """The image, with a number drawn for it in place of its blue."""
    pixels = np.asarray(image.convert("RGB")).copy()
    pixels[..., 2] = random.integers(256)
    return torch.from_numpy(pixels).permute(2, 0, 1)


def same(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a.images, b.images)
        and torch.equal(a.labels, b.labels)
        and torch.equal(a.numbers, b.numbers)
        and a.bad == b.bad
        for a, b in zip(one, other, strict=True)
    )


# --- the order

ORDERS = {
    "n": st.integers(1, 200),
    "share": st.integers(1, 40),
    "world": st.integers(1, 5),
    "seed": st.integers(0, 2**40),
    "epoch": st.integers(0, 300),
}


@settings(deadline=None)
@given(**ORDERS)
def test_shares_of_a_training_batch_are_equal_and_together_the_single_process_batch(
    n: int, share: int, world: int, seed: int, epoch: int
) -> None:
    n = max(n, world)
    batch = share * world
    alone = list(KeyedOrder(n, batch, seed, epoch))
    shares = [list(KeyedOrder(n, batch, seed, epoch, 0, rank, world)) for rank in range(world)]
    assert {len(s) for s in shares} == {len(alone)} == {max(n // batch, 1)}
    for whole, *pieces in zip(alone, *shares, strict=True):
        assert len({len(piece) for piece in pieces}) == 1
        count = len(whole) - len(whole) % world
        assert [pieces[i % world][i // world] for i in range(count)] == whole[:count]
        assert sum(map(len, pieces)) == count
    flat = [number for numbers in alone for number in numbers]
    assert len(flat) == (n if n < batch else n - n % batch)
    assert len(set(flat)) == len(flat)
    assert set(flat) <= set(range(n))


@settings(deadline=None)
@given(**ORDERS)
def test_every_image_is_tested_once_by_one_process_in_equally_many_batches(
    n: int, share: int, world: int, seed: int, epoch: int
) -> None:
    n, batch = max(n, world), share * world
    orders = [KeyedOrder(n, batch, seed, epoch, 0, r, world, training=False) for r in range(world)]
    shares = [list(order) for order in orders]
    assert {len(s) for s in shares} == {len(order) for order in orders}
    assert len({len(s) for s in shares}) == 1
    assert sorted(number for s in shares for numbers in s for number in numbers) == list(range(n))
    assert all(numbers for s in shares for numbers in s)
    assert all(len(numbers) <= share + 1 for s in shares for numbers in s)
    alone = KeyedOrder(n, batch, seed, training=False)
    assert [number for numbers in alone for number in numbers] == list(range(n))


@settings(deadline=None)
@given(start=st.integers(0, 50), **ORDERS)
def test_an_order_goes_on_where_it_stopped(
    n: int, share: int, world: int, seed: int, epoch: int, start: int
) -> None:
    n = max(n, world)
    for training in (True, False):
        order = KeyedOrder(n, share * world, seed, epoch, 0, world - 1, world, training=training)
        rest = KeyedOrder(n, share * world, seed, epoch, start, world - 1, world, training=training)
        assert list(rest) == list(order)[start:]
        assert len(rest) == len(list(rest))
        assert list(rest) == list(rest)


@settings(deadline=None)
@given(parts=st.integers(1, 4), **ORDERS)
def test_parts_of_a_batch_are_equal_and_together_the_batch(
    n: int, share: int, world: int, seed: int, epoch: int, parts: int
) -> None:
    n, batch = max(n, world * parts), share * world * parts
    whole = KeyedOrder(n, batch, seed, epoch)
    shares = [list(KeyedOrder(n, batch, seed, epoch, 0, rank, world, parts=parts)) for rank in range(world)]
    assert {len(pieces) for pieces in shares} == {len(whole) * parts}
    assert len({len(piece) for pieces in shares for piece in pieces}) == 1
    for step, numbers in enumerate(whole):
        together = [
            n for pieces in shares for piece in pieces[step * parts : (step + 1) * parts] for n in piece
        ]
        assert sorted(together) == sorted(numbers[: len(numbers) - len(numbers) % (world * parts)])


def test_another_epoch_or_seed_is_another_order() -> None:
    orders = {tuple(map(tuple, KeyedOrder(100, 10, seed, epoch))) for seed in range(9) for epoch in range(9)}
    assert len(orders) == 81
    firsts = [next(iter(KeyedOrder(10, 1, 4, epoch)))[0] for epoch in range(2000)]
    counts = np.bincount(firsts, minlength=10)
    assert ((counts - 200) ** 2 / 200).sum() < 27.9  # chi-squared, 9 degrees of freedom, 0.1 %


def test_a_later_epoch_starts_at_its_first_batch() -> None:
    order = KeyedOrder(100, 10, 0, epoch=3, start=6)
    order.set_epoch(3)
    assert len(list(order)) == 4
    order.set_epoch(4)
    assert list(order) == list(KeyedOrder(100, 10, 0, epoch=4))


def test_shares_that_cannot_be_equal_are_refused() -> None:
    with pytest.raises(Unusable, match="a batch of 10 cannot be shared evenly by 4 processes"):
        KeyedOrder(100, 10, 0, world=4)
    with pytest.raises(Unusable, match="3 images cannot be shared by 4 processes"):
        KeyedOrder(3, 8, 0, world=4)
    with pytest.raises(Unusable, match="a batch of 10 cannot be computed in 4 equal parts"):
        KeyedOrder(100, 10, 0, parts=4)
    with pytest.raises(Unusable, match="3 images are fewer than the 4 parts of a batch"):
        KeyedOrder(3, 8, 0, parts=4)


# --- batches


def test_batches_hold_the_images_of_their_numbers(tmp_path: Path) -> None:
    split = split_of(draw_folder(tmp_path))
    batches = list(images_loader(split, KeyedOrder(24, 10, 5, training=False), prepare, 0))
    assert [tuple(batch.images.shape) for batch in batches] == [(10, 3, 3, 4), (10, 3, 3, 4), (4, 3, 3, 4)]
    images, labels, numbers = (torch.cat(parts) for parts in list(zip(*batches, strict=True))[:3])
    assert (images.dtype, labels.dtype, numbers.dtype) == (torch.uint8, torch.int64, torch.int64)
    assert numbers.tolist() == list(range(24))
    assert labels.tolist() == [0] * 12 + [1] * 12
    assert images[:, 0, 0, 0].tolist() == [*range(12), *range(12)]
    assert images[:, 1, 2, 3].tolist() == labels.tolist()


def test_batches_do_not_depend_on_the_processes_that_read(tmp_path: Path) -> None:
    split = split_of(draw_folder(tmp_path))
    order = KeyedOrder(24, 5, 1)
    loaders = [images_loader(split, order, prepare, workers) for workers in (0, 2)]
    torch.manual_seed(0)
    state = torch.get_rng_state()
    seen = []
    for epoch in (0, 1):  # the same processes read both
        order.set_epoch(epoch)
        alone, several = (list(loader) for loader in loaders)
        assert same(alone, several)
        seen.append(alone)
    assert torch.equal(torch.get_rng_state(), state)
    assert not same(*seen)
    one, other = (
        {
            int(n): int(b)
            for batch in batches
            for n, b in zip(batch.numbers, batch.images[:, 2, 0, 0], strict=True)
        }
        for batches in seen
    )
    assert sum(one[n] != other.get(n, one[n]) for n in one) > 10  # what is drawn for an image, too


def test_shares_of_processes_hold_the_images_of_one_alone(tmp_path: Path) -> None:
    split = split_of(draw_folder(tmp_path))
    alone = list(images_loader(split, KeyedOrder(24, 8, 2, 3), prepare, 0))
    shares = [list(images_loader(split, KeyedOrder(24, 8, 2, 3, 0, rank, 2), prepare, 0)) for rank in (0, 1)]
    for whole, even, odd in zip(alone, *shares, strict=True):
        assert torch.equal(whole.images[0::2], even.images)
        assert torch.equal(whole.images[1::2], odd.images)
        assert torch.equal(whole.numbers[1::2], odd.numbers)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_next_good_image_stands_in_for_a_bad_one(tmp_path: Path, workers: int) -> None:
    draw_folder(tmp_path)
    for number in (3, 4, 11):
        (tmp_path / "cat" / f"{number:03}.png").write_bytes(
            b"\x89PNG\r\n\x1a\nnothing" if number > 3 else b""
        )
    (tmp_path / "dog" / "011.png").write_bytes(b"")
    split = split_of(tmp_path)
    batches = list(images_loader(split, KeyedOrder(24, 6, 0, training=False), prepare, workers))
    numbers = torch.cat([batch.numbers for batch in batches]).tolist()
    assert numbers == [0, 1, 2, 5, 5, 5, *range(6, 11), 12, *range(12, 23), 0]
    labels = torch.cat([batch.labels for batch in batches]).tolist()
    assert labels == [split.label(number) for number in numbers]
    assert [batch.bad for batch in batches] == [
        ("cat/003.png", "cat/004.png"),
        ("cat/011.png",),
        (),
        ("dog/011.png",),
    ]


@pytest.mark.parametrize("workers", [0, 2])
def test_images_that_are_all_bad_are_told(tmp_path: Path, workers: int) -> None:
    draw_folder(tmp_path, 2)
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"")
    loader = images_loader(split_of(tmp_path), KeyedOrder(4, 2, 0), prepare, workers)
    with pytest.raises(Unusable, match=r"4 images one after another cannot be read; `.*\.png` is empty"):
        list(loader)


def die(image: Image.Image, random: np.random.Generator) -> Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    loader = images_loader(split_of(draw_folder(tmp_path)), KeyedOrder(24, 4, 0), die, 1)
    with pytest.raises(Unusable, match="a process that reads images was ended from outside") as caught:
        list(loader)
    assert "--workers" in caught.value.help


@pytest.mark.parametrize("workers", [0, 1])
def test_a_mistake_of_ours_is_not_taken_for_bad_data(tmp_path: Path, workers: int) -> None:
    def fail(image: Image.Image, random: np.random.Generator) -> Tensor:
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        list(images_loader(split_of(draw_folder(tmp_path)), KeyedOrder(24, 4, 0), fail, workers))


PROGRAM = """
import numpy, sys, torch
from netc.training.data import open_test
from netc.training.data.loader import KeyedOrder, images_loader

split = open_test(sys.argv[1]).val
prepare = lambda image, random: torch.from_numpy(numpy.array(image))
loader = images_loader(split, KeyedOrder(len(split), 4, 0), prepare, 2)
print(len(list(loader)), *[worker.pid for worker in loader.running._workers], flush=True)
"""


def test_a_program_ends_with_its_processes(tmp_path: Path) -> None:
    """They bear a SIGTERM for a minute; nobody waits for that."""
    command = [sys.executable, "-c", PROGRAM, str(draw_folder(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    count, *pids = map(int, done.stdout.split())
    assert (count, len(pids)) == (6, 2)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_images_in_memory_are_read_by_no_other_process(tmp_path: Path) -> None:
    digits = images_loader(split_of("digits"), KeyedOrder(300, 64, 0), prepare)
    assert digits.num_workers == 0
    batch = next(iter(digits))
    assert batch.images.shape == (64, 3, 8, 8)
    files = images_loader(split_of(draw_folder(tmp_path)), KeyedOrder(24, 4, 0), prepare)
    assert 1 <= files.num_workers <= 8
