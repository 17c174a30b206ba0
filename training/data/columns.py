"""The columns of a table in; which holds images, which labels, and what the labels mean, out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from ...dsl.diagnostics import Unusable
from .images import suffixes
from .split import Numbers

IMAGE = ("image", "img", "picture", "photo")
LABEL = ("label", "labels", "cls", "class", "fine_label", "target")
ASKED = re.compile(r"(.+?)\?((?:image|label|train|val)=[^&]+(?:&(?:image|label|train|val)=[^&]+)*)")


class Asked(Struct, frozen=True):
    """What a person says of a table behind its name: `?image=photo&label=species`; of a hub data set also
    `train=` and `val=`, its splits."""

    image: str | None = None
    label: str | None = None
    train: str | None = None
    val: str | None = None


def read_asked(source: str) -> tuple[str, Asked]:
    """A source without what is asked of it, and that."""
    found = ASKED.fullmatch(source)
    if found is None:
        return source, Asked()
    pairs = (pair.partition("=") for pair in found[2].split("&"))
    return found[1], Asked(**{name: value for name, _, value in pairs})


class Columns(Struct, frozen=True):
    image: str
    label: str


def find_columns(features: Mapping[str, Any], asked: Asked, source: str) -> Columns:
    """The columns that are asked for, or else those that are called as such columns are, or else the only one
    of images and the only one of classes. Raises `Unusable`."""
    from datasets import ClassLabel

    pictures = [name for name, feature in features.items() if holds_images(feature)]
    image = pick(
        "image", asked.image, features, pictures, (*IMAGE, *(end[1:] for end in sorted(suffixes()))), source
    )
    if image not in pictures:
        raise Unusable(
            f"the column `{image}` of `{source}` holds no image files", "name another: `?image=NAME`"
        )
    classes = [name for name, feature in features.items() if isinstance(feature, ClassLabel)]
    label = pick("label", asked.label, features, classes, LABEL, source)
    return Columns(image, label)


def pick(
    what: str, asked: str | None, names: Iterable[str], suited: list[str], known: Iterable[str], source: str
) -> str:
    columns = list(names)
    listed = ", ".join(f"`{name}`" for name in columns if not name.startswith("__"))
    if asked is not None:
        if asked in columns:
            return asked
        raise Unusable(f"`{source}` has no column `{asked}`", f"its columns are {listed}")
    lower = {name.lower(): name for name in reversed(columns)}
    found = next((lower[name] for name in known if name in lower), None)
    if found is None and len(suited) == 1:
        found = suited[0]
    if found is None:
        raise Unusable(
            f"which column of `{source}` holds the {what}s is not clear: they are {listed}",
            f"say it behind the name: `{source}?{what}=NAME`",
        )
    return found


def holds_images(feature: Any) -> bool:
    """Whether the values of a column are image files: bytes, or bytes beside a path."""
    from datasets import Image, Value

    if isinstance(feature, dict):
        return set(feature) == {"bytes", "path"}
    return isinstance(feature, Image) or (isinstance(feature, Value) and feature.dtype.endswith("binary"))


def read_labels(column: Any, feature: Any, source: str) -> tuple[Numbers, tuple[str, ...]]:
    """The place of each row's label among the classes, and these: the names that the table itself gives, or
    its distinct labels, sorted. `column` is an Arrow array in chunks. Raises `Unusable`."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from datasets import ClassLabel

    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise Unusable(f"row {row:,} of `{source}` has no label")
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.float64())
        broken = pc.index(pc.equal(column, pc.round(column)), False).as_py()
        if broken >= 0:
            raise Unusable(f"the label of row {broken:,} of `{source}` is {column[broken]}, no whole number")
        column = pc.cast(column, pa.int64())
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.string())
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_integer(column.type):
        labels: Numbers = column.to_numpy().astype(np.int64)
        names = tuple(feature.names) if isinstance(feature, ClassLabel) and feature.names else None
        return read_numbers(labels, names, source)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = column.to_numpy()
        distinct, labels = np.unique(texts.astype(str), return_inverse=True)
        return labels.astype(np.int64), tuple(map(str, distinct))
    raise Unusable(
        f"the labels of `{source}` are neither numbers nor names, but {column.type}",
        "name their column: `?label=NAME`",
    )


def read_numbers(
    labels: Numbers, names: tuple[str, ...] | None, source: str
) -> tuple[Numbers, tuple[str, ...]]:
    wrong = labels < 0 if names is None else (labels < 0) | (labels >= len(names))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise Unusable(
            f"the label of row {row:,} of `{source}` is {labels[row]}"
            + (", less than 0" if labels[row] < 0 else f", and it has {len(names or ()):,} classes"),
            "a split without labels is often marked by -1" if labels[row] < 0 else "",
        )
    if names is not None:
        return labels, names
    distinct, places = np.unique(labels, return_inverse=True)
    return places.astype(np.int64), tuple(map(str, distinct))
