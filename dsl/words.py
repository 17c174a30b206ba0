"""A word that begins no item or statement in, the word of the language that was meant out."""

from __future__ import annotations

from functools import lru_cache

ITEM_WORDS = ("use", "let", "block", "net", "expect", "train")
STATEMENT_WORDS = ("input", "output", "aux", "let", "if", "for", "else", "reported")
MEANT = {
    **dict.fromkeys(("def", "class", "fn", "func", "function"), "block"),
    **dict.fromkeys(("model", "network"), "net"),
    **dict.fromkeys(("import", "from", "include"), "use"),
    **dict.fromkeys(("const", "var"), "let"),
}
"""Words of other languages, and the item that they would be here."""
ITEMS = "`use`, `let`, `block`, `net`, `expect`, `train` and a docstring"
MEANINGS = {
    "block": "a composite layer is a `block`, a model is a `net`",
    "net": "a model is a `net`",
    "use": "`use file (name, name)` takes names from another file",
    "let": "a value is named by `let`",
}
FOREIGN = {
    **{word: MEANINGS[item] for word, item in MEANT.items()},
    "return": "the value of the last statement is the body's: leave `return` out",
    "pass": "an empty body is `{ }`; `id` passes its input on",
    "while": "the only loop is `for x in list { }`",
    "lambda": "a layer with parameters is a `block`",
    "repeat": "`layer * 3` repeats a layer; `for i in range(3) { }` repeats statements",
    "then": "an `if` has its body in braces: `if condition { }`",
    "elif": "write `else if`",
    "is": "write `==`",
}

INSTEAD = {"is": "==", "elif": "else if"}
UNSURE = frozenset({"class", "from", "include"})
"""Words that may have meant several items, or begin another order of words."""
TYPES = frozenset({"int", "float", "str", "bool", "list", "tuple", "Tensor", "Module"})
"""Of Python, which stand behind a parameter there."""
FUNCTIONS = frozenset(
    {"min", "max", "floor", "ceil", "round", "abs", "len", "range", "reversed"}
    | {"enumerate", "zip", "sum", "divisible", "in", "not"}
)
"""What has a number or a list for its value; `max` and `min` may be layers too."""


@lru_cache(maxsize=4096)
def guess_item(word: str) -> str:
    """The word that begins an item, or that was meant to; empty where that is anyone's guess."""
    if word.lower() in ITEM_WORDS:
        return word.lower()
    near = [item for item in ITEM_WORDS if is_near(word, item)]
    return MEANT.get(word) or (near[0] if len(near) == 1 else "")


def is_near(word: str, other: str) -> bool:
    """Whether one letter is changed, left out, put in, or exchanged with the next."""
    if word == other or abs(len(word) - len(other)) > 1:
        return False
    at = 0
    while at < min(len(word), len(other)) and word[at] == other[at]:
        at += 1
    rest, goal = word[at:], other[at:]
    exchanged = rest[:2] == goal[:2][::-1] and rest[2:] == goal[2:]
    return rest[1:] == goal[1:] or rest[1:] == goal or rest == goal[1:] or (exchanged and len(rest) > 1)
