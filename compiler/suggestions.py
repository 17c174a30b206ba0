"""A name that means nothing here in, what was perhaps meant out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice

ELSEWHERE = {
    "adaptiveavgpool": "adaptive",
    "averagepool": "avgpool",
    "averagepooling": "avgpool",
    "batchnorm": "bn",
    "batchnormalization": "bn",
    "cat": "concat",
    "concatenate": "concat",
    "convolution": "conv",
    "convtranspose": "upconv",
    "deconv": "upconv",
    "dense": "fc",
    "depthwise": "dwconv",
    "depthwiseconv": "dwconv",
    "drop": "dropout",
    "embedding": "embed",
    "globalavgpool": "gap",
    "globalaveragepool": "gap",
    "globalaveragepooling": "gap",
    "globalmaxpool": "gmp",
    "groupnorm": "gn",
    "hardsigmoid": "hsigmoid",
    "hardswish": "hswish",
    "ceiling": "ceil",
    "identity": "id",
    "layernorm": "ln",
    "leakyrelu": "leaky",
    "localresponsenorm": "lrn",
    "multiheadattention": "mha",
    "permute": "channels_last",
    "maxpooling": "maxpool",
    "multiply": "mul",
    "pixelshuffle": "shuffle",
    "silu": "swish",
    "upsample": "resize",
    "upsampling": "resize",
}
"""What other libraries call a layer or function, in small letters, without `1d` and `2d`."""

PREFIXES = frozenset({"nn", "F", "torch", "functional", "layers", "keras", "tf", "tensorflow", "std"})
"""What stands before the names of layers in other libraries."""

PARAMETERS_ELSEWHERE = {
    "ceil_mode": "ceil",
    "count_include_pad": "count_pad",
    "depth_multiplier": "mult",
    "dilation_rate": "dilation",
    "embedding_dim": "dim",
    "epsilon": "eps",
    "filters": "out",
    "input_dim": "vocab",
    "interpolation": "mode",
    "gamma": "factor",
    "kernel": "window",
    "kernel_size": "window",
    "label_smoothing": "smoothing",
    "learning_rate": "lr",
    "max_norm": "most",
    "milestones": "at",
    "num_embeddings": "vocab",
    "num_groups": "groups",
    "out_channels": "out",
    "out_features": "out",
    "output_dim": "dim",
    "output_padding": "output_pad",
    "output_size": "window",
    "padding": "pad",
    "pool_size": "window",
    "prob": "p",
    "rate": "p",
    "scale_factor": "scale",
    "step_size": "every",
    "strides": "stride",
    "target_shape": "shape",
    "units": "out",
    "use_bias": "bias",
}
"""What other libraries call a parameter."""

NEEDLESS = {
    **dict.fromkeys(
        ("in_channels", "in_features", "num_features", "num_channels"),
        "the channels that enter are never written: leave it out",
    ),
    "activation": "an activation is a layer of its own: `-> relu`",
    "inplace": "leave it out: what can be computed in place, is",
    "input_shape": "a net has its size in a statement of its own: `input name: 3x224x224`",
    "name": "a label names a layer: `name: ...`",
}
"""Parameters of other libraries that have no counterpart, and what to do instead."""

PRELUDE = frozenset(["cb", "cba", "cbr", "brc", "cr", "se", "sepconv"])
"""The blocks of the bundled `std.net`; a test holds them together."""


LONGEST = 60
"""Characters of a name for which another is looked for."""


MANY = 500
"""Names, of which only the likeliest are looked at."""
MOST_LISTED = 20
"""Parameters that a message names."""
MOST = 2_000
"""Names that are looked at, so that thousands of wrong names among thousands take no longer than others."""


def join(words: Sequence[str], most: int = 8) -> str:
    """The first words, and how many there are beside."""
    return ", ".join(words[:most]) + (f" and {len(words) - most:,} more" if len(words) > most else "")


def suggest(name: str, known: Iterable[str]) -> str:
    """`did you mean `x`?` for the nearest of the known names, or nothing where none is near."""
    if len(name) > LONGEST:
        return ""
    names = set(islice(known, MOST))
    if len(names) > MANY:
        names = {other for other in names if other[:1] == name[:1] and abs(len(other) - len(name)) < 2}
        names = names if len(names) < MANY else set()
    near = min((found for other in names if (found := measure(name, other)) is not None), default=None)
    return f"did you mean `{near[-1]}`?" if near else ""


@lru_cache(maxsize=10_000)
def measure(name: str, other: str) -> tuple[int, bool, str] | None:
    """How near another name is, as what sorts first; None where it is not near. A third of the letters may
    differ, and of two letters their order."""
    if other.lower() == name.lower():
        return 0, False, other
    longer = max(len(name), len(other))
    most = longer // 3 if longer > 2 else int(sorted(name) == sorted(other))
    if longer > LONGEST or abs(len(name) - len(other)) > most:
        return None
    slips = count_slips(name, other)
    return (slips, name[:1] != other[:1], other) if slips <= most else None


def count_slips(one: str, other: str) -> int:
    """Letters left out, put in, changed, or swapped with their neighbour, that make one name of another."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]


def interpret(name: str, known: Iterable[str]) -> str:
    """What to write instead of a name that is not known: a name that is, or what brings it."""
    known = set(known)
    plain = name.lower().replace("_", "").removesuffix("d").rstrip("123")
    common = ELSEWHERE.get(plain, plain)
    if common in known and (common != plain or name.lower() != plain):
        return f"did you mean `{common}{_needed_by(common)}`?"
    if name in ("input", "output", "aux"):
        return f"`{name} name: ...` is a statement of its own"
    if name in PRELUDE:
        return f"`use std ({name})` at the top of the file brings it"
    sides = name.split("x")
    if len(sides) == 2 and all(side in known for side in sides):
        return f"a computed window is `[{', '.join(sides)}]`"
    return suggest(name, known) or _as_word(name)


def interpret_parameter(name: str, known: Sequence[str]) -> str:
    """What to write instead of a parameter that is not among those known."""
    common = PARAMETERS_ELSEWHERE.get(name)
    if common in known:
        return f"did you mean `{common}`?"
    has = f"it has {join(known, MOST_LISTED)}" if known else "it has none"
    return suggest(name, known) or NEEDLESS.get(name, has)


def _needed_by(name: str) -> str:
    """`(window, out)`: what a layer must be given, since other libraries order it otherwise."""
    from ..ops.arguments import parameters
    from ..ops.registry import LAYERS

    if name not in LAYERS:
        return ""
    needed = [parameter.name for parameter in parameters(LAYERS[name]) if parameter.required]
    return f"({', '.join(needed)})" if needed else ""


def _as_word(name: str) -> str:
    """A word that some layer takes as a string."""
    from ..ops.arguments import parameters
    from ..ops.registry import LAYERS

    known = any(name in parameter.choices for layer in LAYERS.values() for parameter in parameters(layer))
    return f'a word is written in quotes: `"{name}"`' if known else ""
