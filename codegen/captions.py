"""Groups, names and shapes in, the lines of text at boxes, clusters and edges of a picture out."""

from __future__ import annotations

from ..ops.base import Shape
from .outline import Group
from .plain_text import join_sizes, show

WIDE = 38
"""Characters of a line, beyond which a box puts its name on a line of its own."""

MANY = 3
"""More shapes than these are counted at an edge."""


def label(name: str, contents: str, times: str) -> str:
    """`conv1: 7x7/2, 64 · bn · relu`, as a spec labels a layer; what is empty is left out."""
    named = f"{name}: {contents}" if name and contents else name or contents
    return f"{named}  {times}" if named and times else named or times


def stack(name: str, contents: str, count: int) -> list[str]:
    """A name and what follows it on one line, or on two where one would be too wide."""
    times = f"x{count}" if count > 1 else ""
    line = label(name, contents, times)
    if len(line) <= WIDE or not name or not contents:
        return wrap(line)
    return [*wrap(label(name, "", times)), *wrap(contents)]


def wrap(line: str) -> list[str]:
    """Breaks a line that is much too long at its dots."""
    if len(line) <= WIDE + 14:
        return [line]
    lines = [""]
    for part in line.split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and len(longer) > WIDE:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def name_of(group: Group, prefix: str) -> str:
    """A group's name; of several groups, the first's and the last's: `unit7–11`."""
    first = name_within(group.path, prefix)
    return span_names(first, name_within(group.last, prefix)) if group.count > 1 else first


def span_names(first: str, last: str) -> str:
    """`conv1–4` for `conv1` and `conv4`."""
    if not first or not last or last == first:
        return first
    stem = first.rstrip("0123456789")
    number = last[len(stem) :]
    return f"{first}–{number}" if last.startswith(stem) and number.isdigit() else f"{first} … {last}"


def name_within(path: str, prefix: str) -> str:
    """`conv1` for `layer1.0.conv1` in `layer1.0`; nothing for a number that only counts."""
    if prefix and path.startswith(prefix + "."):
        path = path[len(prefix) + 1 :]
    return "" if path.replace(".", "").isdigit() else show(path, 48)


def describe_shapes(shapes: list[Shape]) -> str:
    """One shape; of maps that differ in their channels, from the least to the largest; else each."""
    kind = " int64" if shapes[0].dtype == "int64" else ""
    if len({len(shape.dims) for shape in shapes}) > 1:
        return ""
    if len({shape.dims[1:] for shape in shapes}) > 1:
        each = list(dict.fromkeys(map(str, shapes)))
        return ", ".join(each) if len(each) <= MANY else f"{len(each)} shapes"
    channels = [shape.dims[0] for shape in shapes]
    span = f"{min(channels)}–{max(channels)}" if min(channels) < max(channels) else str(channels[0])
    return join_sizes((span, *shapes[0].dims[1:])) + kind
