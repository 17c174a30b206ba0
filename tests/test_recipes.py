"""Recipes: what a `train` says, which net it serves, what options put in its place; and how it is written."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import click
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc import driver
from netc.cli import run as run_netc
from netc.cli.recipes import recipe_of as recipe_for
from netc.cli.recipes import recipe_options
from netc.cli.terminal import end
from netc.dsl.source import Source
from netc.files import Spec, bundled_files, find_spec, open_bundled
from netc.settings import Misused
from netc.training.entries import ENTRIES
from netc.training.recipes import Reading
from netc.training.rules import KINDS, find_flaws, find_unreached
from netc.training.word import Word
from netc.training.words import (
    SGD,
    Adam,
    AdamW,
    Best,
    BinaryCrossEntropy,
    ClipNorm,
    Constant,
    Cosine,
    CrossEntropy,
    Early,
    He,
    Milestones,
    Plateau,
    Recipe,
    Steps,
    Warmup,
)
from netc.training.words_of_images import (
    CenterCrop,
    Flip,
    Mixup,
    Normalize,
    RandomCrop,
    RandomResizedCrop,
    Resize,
)
from netc.training.writing import write_number, write_recipe

NET = "net a(width=4) { input: 3x8x8; conv(3x3, width) -> gap -> fc(10) }\n"


def read(text: str, net: str | None = None, folder: Path | None = None, **options: Any) -> Reading:
    return driver.recipe(Spec(Source("page.net", text), net, folder), **options)


def recipe_of(text: str, net: str | None = None, folder: Path | None = None, **options: Any) -> Recipe:
    reading = read(text, net, folder, **options)
    assert not reading.diagnostics, reading.diagnostics
    assert reading.recipe is not None
    return reading.recipe


def mistakes(text: str, net: str | None = None, **options: Any) -> list[tuple[str, str]]:
    """The codes of what is wrong, each with the text that is marked."""
    reading = read(text, net, **options)
    assert (reading.recipe is None) == any(d.is_error for d in reading.diagnostics)
    return [(d.code, d.place.source.text[d.place.start : d.place.end]) for d in reading.diagnostics]


def test_every_entry_is_read():
    text = """
        let passes = 90
        train a {
            optimizer sgd(0.1, momentum=9/10, weight_decay=1e-4, decayed="weights")
            schedule warmup(5) -> milestones([30, 60])
            epochs passes
            batch 2^8
            loss cross_entropy(smoothing=0.1)
            augment random_resized_crop(scale=[0.25, 1], ratio=[3/4, 4/3]) -> (flip -> mixup(0.8))
            test resize(256) -> center_crop(224) -> normalize([0.5, 0.5, 0.5], [0.25, 0.25, 0.25])
            init he(fan="out")
            ema 0.9999
            clip norm(1)
            stop early(patience=10, restore_best=true)
            keep best(monitor="val_top1")
        }
    """
    grey = (0.5, 0.5, 0.5)
    assert recipe_of(NET + text) == Recipe(
        optimizer=SGD(0.1, 0.9, 1e-4, decayed="weights"),
        schedule=(Warmup(5), Milestones((30, 60))),
        epochs=90,
        batch=256,
        loss=CrossEntropy(0.1),
        augment=(RandomResizedCrop(scale=(0.25, 1), ratio=(3 / 4, 4 / 3)), Flip(), Mixup(0.8)),
        test=(Resize(256), CenterCrop(224), Normalize(grey, (0.25, 0.25, 0.25))),
        init=He("out"),
        ema=0.9999,
        clip=ClipNorm(1),
        stop=Early(patience=10, restore_best=True),
        keep=Best("val_top1"),
    )


def test_a_net_without_a_recipe_has_the_default_one_and_none_takes_away():
    assert recipe_of(NET) == Recipe()
    assert read(NET).place is None
    text = "train a { augment none; clip none; ema none; stop none; init none; test none }"
    assert recipe_of(NET + text) == Recipe()
    for entry in ("optimizer", "schedule", "epochs", "batch", "loss", "keep"):
        assert mistakes(f"{NET}train a {{ {entry} none }}") == [("wrong-type", "none")], entry


def test_the_place_of_a_recipe_is_told():
    place = read(NET + "train a { epochs 3 }").place
    assert place is not None
    assert place.source.text[place.start : place.end] == "train a { epochs 3 }"


# --- which net a recipe serves ---------------------------------------------------------------------

FAMILY = """
    net a(width, depth=1) { input: 3x8x8; conv(3x3, width) * depth -> gap -> fc(10) }
    net small = a(8)
    net smaller = small(depth=2)
    net large = a(64)
    net b { input: 3x8x8; gap -> fc(10) }
"""


@pytest.mark.parametrize(
    ("net", "epochs"), [("small", 2), ("smaller", 2), ("large", 1), ("b", Recipe().epochs)]
)
def test_a_recipe_serves_calls_of_its_net_that_have_none(net, epochs):
    assert recipe_of(FAMILY + "train a { epochs 1 }\ntrain small { epochs 2 }", net).epochs == epochs


def test_several_nets_have_one_recipe():
    text = FAMILY + "train b, large { epochs 5 }"
    assert [recipe_of(text, net).epochs for net in ("b", "large", "small")] == [5, 5, Recipe().epochs]


def test_a_call_is_served_with_its_arguments():
    text = FAMILY + "train a { epochs 1 }\ntrain a(64) { epochs 2 }\ntrain a(depth=3, width=8) { epochs 3 }"
    assert recipe_of(text, "large").epochs == 2
    assert recipe_of(text, "small").epochs == 1
    assert recipe_of(text, "small", settings={"depth": 3}).epochs == 3
    assert recipe_of(text, "a", settings={"width": 64, "depth": 2}).epochs == 2
    assert recipe_of(text, "a", settings={"width": 64.5}).epochs == 1


def test_layers_are_compared_as_arguments():
    text = """
        block unit(width, act=relu) { conv(3x3, width) -> act }
        net a(body) { input: 3x8x8; body -> gap -> fc(10) }
        net one = a(unit(8)); net other = a(unit(8, act=gelu))
        train a { epochs 1 }
        train a(unit(8, gelu)) { epochs 2 }
    """
    assert recipe_of(text, "one").epochs == 1
    assert recipe_of(text, "other").epochs == 2


def test_recipes_serve_over_files(tmp_path):
    (tmp_path / "family.net").write_text(FAMILY + "train a { epochs 1 }\ntrain small { epochs 2 }")
    head = "use family (a, small, large)\nnet mine = small(depth=3)\nnet own = a(16)\n"
    assert recipe_of(head, "mine", tmp_path).epochs == 2
    assert recipe_of(head, "own", tmp_path).epochs == 1
    assert recipe_of(head + "train own { epochs 7 }", "own", tmp_path).epochs == 7
    nearer = head + "train small { epochs 8 }\ntrain a { epochs 9 }"
    assert [recipe_of(nearer, net, tmp_path).epochs for net in ("mine", "own")] == [8, 9]


def test_a_bundled_recipe_serves_a_net_of_ones_own():
    text = "use resnet (resnet50)\nnet mine = resnet50(classes=10)"
    bundled = driver.recipe(find_spec("resnet50")).recipe
    assert bundled is not None
    assert bundled != Recipe()
    assert recipe_of(text, "mine") == bundled


@pytest.mark.parametrize(
    ("targets", "marked"),
    [
        (("small", "small"), "small"),
        (("a", "b, a"), "a"),
        (("a, a", "b"), "a"),
        (("a(8)", "a(width=8)"), "a(width=8)"),
    ],
)
def test_two_recipes_for_one_net_are_an_error_at_the_second(targets, marked):
    text = FAMILY + "\n".join(f"train {target} {{ epochs 1 }}" for target in targets)
    (wrong,) = driver.check(Spec(Source("page.net", text), None, None))[-1].diagnostics
    assert (wrong.code, wrong.place.source.text[wrong.place.start : wrong.place.end]) == (
        "duplicate-definition",
        marked,
    )
    assert wrong.causes[0].place.start < wrong.place.start


def test_a_recipe_whose_net_is_unknown_is_told_to_those_who_train():
    assert mistakes(NET + "train aa { epochs 3 }") == [("unknown-net", "aa")]
    assert mistakes(NET + "train a { epochs 3 }\ntrain a { epochs 4 }") == [("duplicate-definition", "a")]


# --- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "code", "marked"),
    [
        ("optimiser sgd(0.1)", "unknown-parameter", "optimiser"),
        ("epochs 1; epochs 2", "repeated-argument", "epochs"),
        ("optimizer sgdd(lr=0.1)", "unknown-name", "sgdd"),
        ("optimizer flip", "unknown-name", "flip"),
        ("optimizer sgd", "missing-argument", "sgd"),
        ("optimizer sgd(momentum=0.9)", "missing-argument", "sgd(momentum=0.9)"),
        ("optimizer sgd(lr=0)", "out-of-range", "0"),
        ("optimizer sgd(lr=-1)", "out-of-range", "-1"),
        ("optimizer sgd(lr=true)", "wrong-type", "true"),
        ("optimizer sgd(lr=[0.1])", "wrong-type", "[0.1]"),
        ("optimizer sgd(lr=conv)", "wrong-type", "conv"),
        ("optimizer sgd(lr=nothing)", "unknown-name", "nothing"),
        ("optimizer sgd(0.1, lr=0.1)", "repeated-argument", "lr=0.1"),
        ('optimizer sgd(0.1, 0, 0, false, "all", 1)', "surplus-argument", "1"),
        ("optimizer sgd(0.1, nesterov=1)", "wrong-type", "1"),
        ("optimizer sgd(0.1) -> adam", "wrong-type", "adam"),
        ("optimizer adam(betas=[0.9, 1])", "out-of-range", "[0.9, 1]"),
        ("optimizer adam(betas=0.9)", "wrong-type", "0.9"),
        ("optimizer adam(betas=[0.9, 0.99, 0.999])", "wrong-type", "[0.9, 0.99, 0.999]"),
        ('optimizer adamw(decayed="biases")', "unknown-choice", '"biases"'),
        ("optimizer 3", "wrong-type", "3"),
        ("optimizer { relu }", "wrong-type", "{ relu }"),
        ("schedule warmup(5)", "missing-argument", "warmup(5)"),
        ("schedule cosine -> step(3)", "misplaced", "step(3)"),
        ("schedule cosine -> warmup(3)", "misplaced", "warmup(3)"),
        ("schedule milestones([6, 3])", "out-of-range", "[6, 3]"),
        ("schedule milestones([3, 3])", "out-of-range", "[3, 3]"),
        ("schedule milestones([3.5])", "not-whole", "[3.5]"),
        ("schedule milestones([])", "wrong-type", "[]"),
        ("schedule milestones(3)", "wrong-type", "3"),
        ("schedule milestones(3x6)", "wrong-type", "3x6"),
        ('schedule plateau(monitor="accuracy")', "unknown-choice", '"accuracy"'),
        ("epochs 0", "out-of-range", "0"),
        ("epochs 2.5", "not-whole", "2.5"),
        ("epochs 1e40", "number-limit", "1e40"),
        ("epochs sgd", "unknown-name", "sgd"),
        ("epochs 3 -> 4", "wrong-type", "3 -> 4"),
        ("batch [64]", "wrong-type", "[64]"),
        ("loss cross_entropy(1)", "out-of-range", "1"),
        ("augment flip -> random_crop(32)", "misplaced", "random_crop(32)"),
        ("augment normalize([0], [1]) -> flip", "misplaced", "flip"),
        ("augment mixup -> normalize([0], [1])", "misplaced", "normalize([0], [1])"),
        ("augment normalize([0], [1]) -> normalize([0], [1])", "repeated-argument", "normalize([0], [1])"),
        ("augment normalize([0], [1]); test normalize([0], [2])", "misplaced", "normalize([0], [2])"),
        ("augment normalize([0, 1], [1])", "wrong-type", "[1]"),
        ("augment normalize([0], [0])", "out-of-range", "[0]"),
        ("augment random_resized_crop(scale=[1, 0.08])", "out-of-range", "[1, 0.08]"),
        ("augment random_resized_crop(ratio=[4/3, 3/4])", "out-of-range", "[4/3, 3/4]"),
        ("augment random_resized_crop(0)", "out-of-range", "0"),
        ("augment scale(2, 1)", "out-of-range", "2"),
        ("augment flip * 2", "wrong-type", "flip * 2"),
        ("augment (flip, erase)", "wrong-type", "(flip, erase)"),
        ("augment flip(p=1.5)", "out-of-range", "1.5"),
        ('augment "flip"', "wrong-type", '"flip"'),
        ("test flip", "unknown-name", "flip"),
        ("test center_crop -> resize -> normalize([0], [1]) -> resize", "misplaced", "resize"),
        ("ema 1", "out-of-range", "1"),
        ("clip 2.0", "wrong-type", "2.0"),
        ("stop early(patience=-1)", "out-of-range", "-1"),
        ('keep best(monitor="val_top2")', "unknown-choice", '"val_top2"'),
    ],
)
def test_a_mistake_is_told_at_its_place(entries, code, marked):
    assert mistakes(f"{NET}train a {{ {entries} }}") == [(code, marked)]


def test_all_mistakes_are_told_in_one_run():
    entries = (
        "optimizer sgd(momentum=1, nesterv=true, decayed=3); epoch 3; batch 0; loss mse; "
        "augment flip(2) -> blur -> random_crop(pad=-1); schedule cosine -> linear"
    )
    assert sorted(mistakes(f"{NET}train a {{ {entries} }}")) == [
        ("out-of-range", "-1"),
        ("out-of-range", "0"),
        ("out-of-range", "1"),
        ("out-of-range", "2"),
        ("unknown-name", "blur"),
        ("unknown-name", "linear"),
        ("unknown-name", "mse"),
        ("unknown-parameter", "epoch"),
        ("unknown-parameter", "nesterv=true"),
        ("wrong-type", "3"),
    ]


@pytest.mark.parametrize(
    ("entry", "help"),
    [
        ("optimizer SGD(0.1)", "did you mean `sgd`?"),
        ("optimizer sgd(learning_rate=0.1)", "did you mean `lr`?"),
        ("schedule linear", "did you mean `polynomial`?"),
        ("schedule steps([3])", "did you mean `milestones`?"),
        ("schedule sgd", "`sgd` is a word of `optimizer`"),
        ("init kaiming", "did you mean `he`?"),
        (
            "epochs 5 / 2",
            "`floor(5 / 2)` gives 2, `round(5 / 2)` 2, `divisible(5 / 2, 8)` 8, a multiple of 8",
        ),
        ("clip 2.0", "write `norm(2.0)`, or `value(2.0)` for each number of the gradient"),
        ("augment random_resized_crop(scale=[1, 0.08])", "write `scale=[0.08, 1]`"),
        ("optimizer adam(betas=1)", "left out, it is `betas=[0.9, 0.999]`"),
    ],
)
def test_help_says_what_to_write(entry, help):
    (wrong,) = read(f"{NET}train a {{ {entry} }}").diagnostics
    assert wrong.help == help


@pytest.mark.parametrize(
    ("entries", "marked"),
    [
        ("epochs 5; schedule warmup(5) -> cosine", "warmup(5)"),
        ("epochs 60; schedule milestones([30, 60])", "milestones([30, 60])"),
        ("schedule step(30)", "step(30)"),
    ],
)
def test_what_training_ends_before_is_a_warning(entries, marked):
    reading = read(f"{NET}train a {{ {entries} }}")
    (warning,) = reading.diagnostics
    assert reading.recipe is not None
    assert (warning.code, warning.severity) == ("unreached", "warning")
    assert warning.place.source.text[warning.place.start : warning.place.end] == marked


# --- options ---------------------------------------------------------------------------------------

WRITTEN = NET + "let most = 9\ntrain a { optimizer sgd(0.1, momentum=0.9); epochs 4; augment flip; ema 0.9 }"


@pytest.mark.parametrize(
    ("overrides", "changed"),
    [
        ({"epochs": "7"}, {"epochs": 7}),
        ({"epochs": "most"}, {"epochs": 9}),
        ({"lr": "0.05", "weight_decay": "1e-4"}, {"optimizer": SGD(0.05, 0.9, 1e-4)}),
        ({"momentum": "0"}, {"optimizer": SGD(0.1)}),
        ({"optimizer": "adamw"}, {"optimizer": AdamW()}),
        ({"optimizer": "sgd", "lr": "0.5"}, {"optimizer": SGD(0.5)}),
        ({"optimizer": "adam(lr=1)", "lr": "0.5"}, {"optimizer": Adam(0.5)}),
        ({"augment": "none", "ema": "none"}, {"augment": (), "ema": None}),
        ({"schedule": "warmup(1) -> constant"}, {"schedule": (Warmup(1), Constant())}),
        ({"loss": "binary_cross_entropy"}, {"loss": BinaryCrossEntropy()}),
    ],
)
def test_an_option_stands_in_place_of_an_entry(overrides, changed):
    before = recipe_of(WRITTEN)
    assert recipe_of(WRITTEN, overrides=overrides) == msgspec.structs.replace(before, **changed)


def test_options_change_the_default_optimizer():
    assert recipe_of(NET, overrides={"lr": "0.5"}).optimizer == AdamW(lr=0.5)


def test_an_option_takes_the_place_of_a_broken_entry():
    text = NET + "train a { optimizer sdg; epochs 3 }"
    assert mistakes(text) == [("unknown-name", "sdg")]
    assert recipe_of(text, overrides={"optimizer": "adam"}).optimizer == Adam()


@pytest.mark.parametrize(
    ("overrides", "option", "code", "marked"),
    [
        ({"epochs": "0"}, "--epochs", "out-of-range", "0"),
        ({"epochs": "many"}, "--epochs", "unknown-name", "many"),
        ({"optimizer": "sgd(lr=0.1, momentm=0.9)"}, "--optimizer", "unknown-parameter", "momentm=0.9"),
        ({"lr": "-1"}, "--lr", "out-of-range", "-1"),
        ({"weight_decay": "none"}, "--weight-decay", "wrong-type", "none"),
        ({"optimizer": "adam", "momentum": "0.9"}, "--momentum", "unknown-parameter", "0.9"),
        ({"augment": "mixup -> flip"}, "--augment", "misplaced", "flip"),
    ],
)
def test_a_mistake_of_an_option_is_told_in_its_text(overrides, option, code, marked):
    (wrong,) = read(WRITTEN, overrides=overrides).diagnostics
    assert (wrong.place.source.name, wrong.code) == (option, code)
    assert wrong.place.source.text[wrong.place.start : wrong.place.end] == marked


@pytest.mark.parametrize("text", ["3; batch 4", "3 }", "3 } net b { relu", "(", "sgd(", '"', "# 3", "3 4"])
def test_an_option_that_is_no_entry_cannot_be_read(text):
    with pytest.raises(Misused, match="cannot be read"):
        read(WRITTEN, overrides={"epochs": text})


def test_an_empty_option_is_told_as_what_it_is():
    with pytest.raises(Misused, match="`--epochs` needs a value, which is empty here"):
        read(WRITTEN, overrides={"epochs": ""})


@pytest.fixture
def told(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command that takes the options of recipes and prints the recipe."""

    @click.command()
    @click.argument("spec")
    @recipe_options()
    def show(spec: str, overrides: dict[str, str]) -> None:
        click.echo(write_recipe(recipe_for(find_spec(spec), {}, overrides, ())))

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = show.main(list(arguments), standalone_mode=False) or 0
        except Exception as error:
            code = end(error)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_command_takes_an_option_for_every_entry(told):
    code, out, _ = told("lenet5", "--epochs", "3", "--lr", "0.05", "--augment", "none", "--batch", "2^6")
    assert code == 0
    assert "epochs 3\nbatch 64\n" in out
    assert "lr=0.05" in out
    assert "augment" not in out
    code, out, _ = told("--help")
    for name in (*ENTRIES, "lr", "momentum", "weight-decay"):
        assert f"--{name}" in out


@pytest.mark.parametrize(
    ("options", "code", "shown"),
    [
        (["--epochs", "0"], 2, "--> --epochs:1:1"),
        (["--optimizer", "sgd(lr=0.1, momentm=0.9)"], 2, "did you mean `momentum`?"),
        (["--clip", "2 2"], 2, "the value of `--clip 2 2` cannot be read"),
        (["--epochs", "1"], 0, "warning[unreached]"),
    ],
)
def test_a_wrong_option_is_a_misuse(told, tmp_path, options, code, shown):
    path = tmp_path / "page.net"
    path.write_text(NET + "train a { epochs 9; schedule step(5) }")
    assert told(str(path), *options)[0] == code
    assert shown in told(str(path), *options)[2]


def test_a_wrong_recipe_is_a_wrong_spec(told, tmp_path):
    path = tmp_path / "page.net"
    path.write_text(NET + "train a { epochs 0 }")
    code, out, err = told(str(path), "--batch", "3")
    assert (code, out) == (1, "")
    assert "page.net:2:18" in err
    path.write_text(NET + "train a { epochs 0")
    assert told(str(path))[0] == 1


def test_a_mistake_of_a_recipe_is_fixed(tmp_path, capsys):
    path = tmp_path / "page.net"
    path.write_text(NET + "\ntrain a { augment random_resized_crop(scale=[1, 0.08]) }\n")
    assert run_netc(["check", "--fix", str(path)]) == 0
    assert "scale=[0.08, 1]" in path.read_text()


# --- writing ---------------------------------------------------------------------------------------


def draw_kind(kind: Any, meta: msgspec.Meta | None = None) -> st.SearchStrategy[Any]:
    """Values of a field's annotation."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return draw_kind(parts[0], parts[1])
    if kind is NoneType:
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is int:
        low = int(meta.ge) if meta is not None and meta.ge is not None else 0
        return st.integers(low, 10**6)
    if kind is float:
        low = high = None
        if meta is not None:
            low, high = (meta.ge if meta.gt is None else meta.gt), (meta.le if meta.lt is None else meta.lt)
        numbers = st.floats(
            -1e9 if low is None else low,
            1e9 if high is None else high,
            exclude_min=meta is not None and meta.gt is not None,
            exclude_max=meta is not None and meta.lt is not None,
        )
        return numbers.map(lambda number: number + 0.0)  # no -0
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple and parts[-1] is ...:
        return st.lists(draw_kind(parts[0]), min_size=1, max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(draw_kind, parts))
    if isinstance(kind, type) and issubclass(kind, Word):
        return draw_word(kind)
    return st.one_of(*map(draw_kind, parts))


def draw_word(cls: type[Word]) -> st.SearchStrategy[Word]:
    fields = msgspec.structs.fields(cls)
    drawn = {field.name: draw_kind(field.type) for field in fields if field.required}
    further = {field.name: draw_kind(field.type) for field in fields if not field.required}

    def make(values: dict[str, Any]) -> Word | None:
        try:
            return cls(**values)
        except ValueError:
            return None

    made = st.fixed_dictionaries(drawn, optional=further).map(make)
    return made.filter(lambda word: word is not None)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Recipes that the rules allow: chains are put in order."""
    values = {}
    for field in msgspec.structs.fields(Recipe):
        kind, meta = get_args(field.type)
        if get_origin(kind) is not tuple:
            values[field.name] = draw(draw_kind(kind, meta))
    others = [cls for cls in words_of("schedule") if cls is not Warmup]
    after = draw(st.sampled_from(others).flatmap(draw_word))
    warm = draw(st.one_of(st.just(()), draw_word(Warmup).map(lambda word: (word,))))
    values["schedule"] = (*warm, after)
    normal: list[Word] = []
    for name in ("augment", "test"):
        drawn = draw(st.lists(st.sampled_from(words_of(name)).flatmap(draw_word), max_size=4))
        normal = normal or [word for word in drawn if isinstance(word, Normalize)][:1]
        values[name] = tuple(
            word for word in in_order(drawn) if not isinstance(word, Normalize) or word is normal[0]
        )
    return Recipe(**values)


def words_of(entry: str) -> list[type[Word]]:
    return list(ENTRIES[entry].words.values())


def in_order(words: list[Word]) -> list[Word]:
    """As `augment` wants them."""
    return sorted(words, key=lambda word: [isinstance(word, kinds) for _, kinds in KINDS].index(True))


@given(recipes())
def test_what_is_written_reads_back_as_the_same_recipe(recipe):
    assert not list(find_flaws(recipe))
    text = write_recipe(recipe)
    reading = read(f"{NET}train a {{\n{text}}}\n")
    assert reading.recipe == recipe
    assert {diagnostic.code for diagnostic in reading.diagnostics} <= {"unreached"}
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe


def test_a_recipe_is_written_as_a_person_would():
    recipe = Recipe(
        optimizer=SGD(0.1, 0.9, 1e-4, nesterov=True),
        schedule=(Warmup(5), Milestones((30, 60))),
        epochs=90,
        augment=(
            RandomResizedCrop(224, ratio=(2 / 3, 3 / 2)),
            RandomCrop(32, pad=4),
            Flip(),
            Normalize((0.5,), (1 / 3,)),
            Mixup(0.8),
        ),
        clip=ClipNorm(1),
        stop=Early(patience=3),
    )
    assert write_recipe(recipe) == (
        "optimizer sgd(lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=true)\n"
        "schedule warmup(5) -> milestones([30, 60])\n"
        "epochs 90\n"
        "batch 64\n"
        "loss cross_entropy\n"
        "augment random_resized_crop(224, ratio=[2/3, 1.5])\n"
        "    -> random_crop(32, pad=4)\n"
        "    -> flip\n"
        "    -> normalize([0.5], [1/3])\n"
        "    -> mixup(0.8)\n"
        "clip norm(1)\n"
        "stop early(patience=3)\n"
        "keep best\n"
    )


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0))
def test_a_number_is_written_with_its_value(number):
    numerator, _, denominator = write_number(number).partition("/")
    assert float(numerator) / float(denominator or 1) == number
    assert "." not in denominator
    assert math.isfinite(number)


# --- words -----------------------------------------------------------------------------------------


def test_every_word_has_a_name_a_line_and_described_arguments():
    words = {cls for entry in ENTRIES.values() for cls in entry.words.values()}
    assert set(Word.__subclasses__()) == words
    for cls in words:
        assert cls.__doc__, cls
    for entry in ENTRIES.values():
        assert entry.description


def test_the_default_recipe_is_whole():
    assert not list(find_flaws(Recipe()))
    assert not list(find_unreached(Recipe()))
    assert Recipe().schedule == (Cosine(),)


def test_a_word_whose_arguments_do_not_fit_cannot_be_read_from_data_either():
    with pytest.raises(msgspec.ValidationError, match=r"`at` falls, from 3 to 2 - at `\$\.schedule\[0\]`"):
        msgspec.json.decode(b'{"schedule": [{"is": "milestones", "at": [3, 2]}]}', type=Recipe)
    with pytest.raises(msgspec.ValidationError, match="lr"):
        msgspec.json.decode(b'{"optimizer": {"is": "sgd", "lr": 0}}', type=Recipe)
    assert Plateau() == msgspec.json.decode(b'{"is": "plateau"}', type=Plateau)
    assert Steps(3) == msgspec.json.decode(b'{"is": "step", "every": 3}', type=Steps)


def test_reading_recipes_loads_no_torch():
    program = (
        "import sys, netc.driver as d, netc.files as f\n"
        "assert d.recipe(f.find_spec('resnet50')).recipe\n"
        "assert not {'torch', 'lightning', 'kornia', 'datasets', 'matplotlib', 'PIL'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- mutants ---------------------------------------------------------------------------------------

BLOCKS = [
    block
    for file in bundled_files()
    for block in re.findall(
        r"^train [^{]*(\{.*?^\})", open_bundled(file).source.text, re.MULTILINE | re.DOTALL
    )
]
TOKEN = re.compile(r"[A-Za-z_]\w*|[\d.]+(?:e-?\d+)?|->|\S|\s+")
WORDS = [
    "none",
    "true",
    "-1",
    "1e40",
    "a",
    "conv",
    "[]",
    "()",
    "{}",
    "*",
    "if",
    "0",
    "...",
    '"x"',
    "3x3",
    "^",
]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_stands_in_a_recipe_is_read_or_told(seed):
    """Pieces of the zoo's recipes are left out, doubled, exchanged or replaced."""
    random = Random(seed)
    blocks = [TOKEN.findall(block) for block in BLOCKS]
    pool = [token for block in blocks for token in block if not token.isspace()] + WORDS
    for _ in range(60):
        tokens = list(random.choice(blocks))
        for _ in range(random.choice([1, 1, 2, 4])):
            one, other = random.randrange(1, len(tokens)), random.randrange(1, len(tokens))
            match random.randrange(4):
                case 0:
                    del tokens[one]
                case 1:
                    tokens.insert(one, f"{random.choice(pool)} ")
                case 2:
                    tokens[one] = random.choice(pool)
                case 3:
                    tokens[one], tokens[other] = tokens[other], tokens[one]
        spec = Spec(Source("page.net", f"{NET}train a {''.join(tokens)}\n"), None, None)
        found = driver.distinct(driver.check(spec))
        reading = driver.recipe(spec)
        assert any(diagnostic.is_error for diagnostic in found) == (reading.recipe is None), spec.source.text
        assert all(diagnostic.place.source is spec.source for diagnostic in found)
        if reading.recipe is not None:
            assert recipe_of_text(write_recipe(reading.recipe)) == reading.recipe


def recipe_of_text(entries: str) -> Recipe | None:
    return read(f"{NET}train a {{\n{entries}}}\n").recipe
