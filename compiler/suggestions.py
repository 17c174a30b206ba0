"""A name that means nothing here in, what was perhaps meant out."""

from __future__ import annotations

from collections.abc import Iterable

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
    "depthwise": "dwconv",
    "embedding": "embed",
    "globalavgpool": "gap",
    "globalaveragepool": "gap",
    "globalaveragepooling": "gap",
    "globalmaxpool": "gmp",
    "groupnorm": "gn",
    "hardsigmoid": "hsigmoid",
    "hardswish": "hswish",
    "identity": "id",
    "layernorm": "ln",
    "leakyrelu": "leaky",
    "linear": "fc",
    "localresponsenorm": "lrn",
    "maxpooling": "maxpool",
    "multiply": "mul",
    "pixelshuffle": "shuffle",
    "silu": "swish",
    "upsample": "resize",
    "upsampling": "resize",
}
"""What other libraries call a layer, in small letters, without `1d` and `2d`."""

PRELUDE = frozenset(["cb", "cba", "cbr", "brc", "cr", "se", "sepconv"])
"""The blocks of the bundled `std.net`; a test holds them together."""


def suggest(name: str, known: Iterable[str]) -> str:
    """`did you mean `x`?` for the nearest of the known names, or nothing."""
    from difflib import get_close_matches  # only where something is refused: it loads much

    names = sorted(set(known))
    near = [other for other in names if other.lower() == name.lower()]
    near = near or get_close_matches(name, names, n=1, cutoff=0.7)
    return f"did you mean `{near[0]}`?" if near else ""


def interpret(name: str, known: Iterable[str]) -> str:
    """What to write instead of a name that is not known: a name that is, or what brings it."""
    known = set(known)
    plain = name.lower().replace("_", "").removesuffix("d").rstrip("123")
    common = ELSEWHERE.get(plain, plain)
    if common in known and (common != plain or name.lower() != plain):
        return f"did you mean `{common}`?"
    if name in PRELUDE:
        return f"`use std ({name})` at the top of the file brings it"
    return suggest(name, known) or _as_word(name)


def _as_word(name: str) -> str:
    """A word that some layer takes as a string."""
    from ..ops.arguments import parameters
    from ..ops.registry import LAYERS

    known = any(name in parameter.choices for layer in LAYERS.values() for parameter in parameters(layer))
    return f'a word is written in quotes: `"{name}"`' if known else ""
