"""What a recipe says and means nothing in it, in; the fault that says so out, with what was perhaps meant."""

from __future__ import annotations

from ..compiler.faults import Fault, text_of
from ..compiler.suggestions import suggest
from ..dsl import ast
from ..dsl.source import Place
from .entries import ENTRIES, Entry

ELSEWHERE = {
    "autocontrast": "color_jitter",
    "bce": "binary_cross_entropy",
    "centercrop": "center_crop",
    "clip_grad_norm": "norm",
    "crossentropy": "cross_entropy",
    "cosine_annealing": "cosine",
    "exp": "exponential",
    "glorot": "xavier",
    "hflip": "flip",
    "horizontal_flip": "flip",
    "kaiming": "he",
    "label_smoothing": "cross_entropy",
    "linear": "polynomial",
    "mirror": "flip",
    "multistep": "milestones",
    "photometric": "color_jitter",
    "poly": "polynomial",
    "random_erasing": "erase",
    "random_flip": "flip",
    "random_horizontal_flip": "flip",
    "reduce_on_plateau": "plateau",
    "rotation": "rotate",
    "softmax": "cross_entropy",
    "steplr": "step",
    "steps": "milestones",
    "translate": "shift",
    "cutout": "erase",
}
"""What other libraries and papers call a word."""
ENTRIES_ELSEWHERE = {
    "augmentation": "augment",
    "batch_size": "batch",
    "criterion": "loss",
    "early_stopping": "stop",
    "gradient_clipping": "clip",
    "initialization": "init",
    "lr": "optimizer",
    "max_epochs": "epochs",
    "scheduler": "schedule",
    "transform": "augment",
}


def refuse_entry(name: str, place: Place) -> Fault:
    meant = ENTRIES_ELSEWHERE.get(name.lower())
    help = f"did you mean `{meant}`?" if meant else suggest(name, ENTRIES)
    help = help or f"a recipe has {', '.join(ENTRIES)}"
    return Fault("unknown-parameter", f"a recipe has no entry `{name}`", place, "unknown", help=help)


def refuse_word(entry: Entry, name: str, place: Place) -> Fault:
    """The fault for a word that the entry does not have."""
    known = list(entry.words)
    meant = ELSEWHERE.get(name.lower().removesuffix("_lr"))
    help = f"did you mean `{meant}`?" if meant in known else suggest(name, known)
    if not help:
        others = [other.name for other in ENTRIES.values() if name in other.words]
        help = f"`{name}` is a word of `{others[0]}`" if others else list_words(entry)
    return Fault("unknown-name", f"`{entry.name}` has no word `{name}`", place, "unknown", help=help)


def refuse_expression(entry: Entry, item: ast.Item, step: ast.Expr) -> Fault:
    """The fault for what is no word."""
    text = text_of(item, step)
    message = f"`{entry.name}` takes {'words' if entry.chain else 'a word'} such as `{example(entry)}`"
    help = list_words(entry)
    if isinstance(step, ast.Number) and entry.name == "clip":
        help = f"write `norm({text})`, or `value({text})` for each number of the gradient"
    elif isinstance(step, ast.String) and step.value in entry.words:
        help = f"write `{step.value}`, without quotes"
    return Fault("wrong-type", message, item.place(step), "not a word", help=help)


def refuse_several(entry: Entry, place: Place) -> Fault:
    message = f"`{entry.name}` is one word, and no chain"
    return Fault("wrong-type", message, place, "one too many", help="leave one of them out")


def refuse_nothing(entry: Entry, place: Place) -> Fault:
    help = list_words(entry) if entry.words else "write a number"
    if entry.name == "schedule":
        help = "`constant` keeps the learning rate as it is"
    return Fault("wrong-type", f"`{entry.name}` cannot be none", place, help=help)


def example(entry: Entry) -> str:
    return next(iter(entry.words))


def list_words(entry: Entry) -> str:
    words = ", ".join(entry.words)
    return f"its words are {words}" if len(entry.words) > 1 else f"its word is {words}"
