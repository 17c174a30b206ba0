"""A picture as data: boxes in clusters, edges, a title and a legend. DOT and Mermaid are written from it.

All texts here come from a spec or from the counts; they are visible one-line texts (`plain_text.show`), and
whoever writes them into a format quotes them for that format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

MOST_BOXES = 600
"""More boxes than this are no picture: the layout takes minutes, and no page shows them."""


class Box(Struct, frozen=True):
    """Some layers that are drawn as one, or a whole block that is shown in full elsewhere (`block`), or a way
    in or out of the net. `lines` are its text; `hint` is what a pointer over it shows."""

    id: str
    kind: Literal["layer", "block", "input", "output"]
    family: str
    lines: tuple[str, ...]
    count: int = 1
    hint: str = ""


class Cluster(Struct, frozen=True):
    """A block or a container with its title, drawn once for `count` equal ones."""

    id: str
    title: str
    count: int
    children: tuple[Box | Cluster, ...]
    hint: str = ""


class Edge(Struct, frozen=True):
    """From box to box. `skip`: a longer way leads there too; `like`: only the tensor's size is read.
    `main` edges are on the longest way through the net. `label` is the shape, once for each tensor."""

    source: str
    target: str
    kind: Literal["flow", "skip", "like"]
    label: str = ""
    main: bool = False


class Picture(Struct, frozen=True):
    """`name` is the net's; `facts` the line under it; `legend` the families in the order of the colours."""

    name: str
    facts: str
    children: tuple[Box | Cluster, ...]
    edges: tuple[Edge, ...]
    legend: tuple[str, ...]

    def hints(self) -> dict[str, str]:
        """What a pointer over the picture, a box or a cluster shows, by its id (`net` for the picture)."""
        found = {"net": f"{self.name}: {self.facts}"}
        stack = list(self.children)
        while stack:
            child = stack.pop()
            if child.hint:
                found[child.id] = child.hint
            if isinstance(child, Cluster):
                stack.extend(child.children)
        return found

    def boxes(self) -> Iterator[Box]:
        """All boxes in the order of the text."""
        stack: list[Box | Cluster] = list(reversed(self.children))
        while stack:
            child = stack.pop()
            if isinstance(child, Box):
                yield child
            else:
                stack.extend(reversed(child.children))


class TooLarge(Exception):
    """No picture can show the net, however it is folded: `message` says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message, self.help = message, help


def too_many(boxes: int, expand: bool) -> TooLarge:
    return TooLarge(
        f"a picture of {boxes:,} boxes cannot be read; at most {MOST_BOXES:,} are drawn",
        "leave `--expand` away, so that repeats are drawn once"
        if expand
        else "write repeated parts as a block, or with `*` or `for`, so that they are drawn once",
    )


def too_deep() -> TooLarge:
    return TooLarge(
        "blocks that stand in each other this deep cannot be drawn",
        "a part that repeats is drawn once: `unit * 100`",
    )
