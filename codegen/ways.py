"""The edges between boxes in, for each edge its kind and whether it is on the longest way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Key = tuple[str, str]
LAYER = 1000
"""What a convolution or a fully connected layer adds to the length of a way; every box adds 1."""


def kinds_of_edges(
    edges: Mapping[Key, str], layers: Mapping[str, int], adds: set[str]
) -> dict[Key, tuple[str, bool]]:
    """Of each edge its kind ("flow", "skip" or "like") and whether it is on the longest way.

    `edges` are "flow" or "like"; `layers` counts convolutions and fully connected layers. An edge is a skip
    where a longer way leads to the same box; so are those of a projection, a way into one of the `adds` that
    has at most one layer and goes beside a longer one.
    """
    after: dict[str, list[str]] = {}
    before: dict[str, list[str]] = {}
    for source, target in edges:
        for box in (source, target):
            after.setdefault(box, [])
            before.setdefault(box, [])
        after[source].append(target)
        before[target].append(source)
    order = sort(after, before)
    reach = reaches(order, after)
    lengths, main = longest(order, before, edges, layers)
    skips = {
        (source, target)
        for (source, target), kind in edges.items()
        if kind == "flow"
        and any(
            target in reach[other]
            for other in after[source]
            if other != target and edges[source, other] == "flow"
        )
    }
    for join in adds:
        for way in ways_into(join, before, after):
            boxes = [source for source, _ in way[:-1]]
            beside = sum(1 + LAYER * layers.get(box, 0) for box in boxes)
            room = lengths[join] - 1 - LAYER * layers.get(join, 0) - lengths[way[-1][0]]
            if beside < 2 * LAYER and beside < room:
                skips.update(way)
    return {
        key: ("skip" if key in skips else kind, key[1] in main and main[key[1]] == key[0])
        for key, kind in edges.items()
    }


def ways_into(
    join: str, before: Mapping[str, list[str]], after: Mapping[str, list[str]]
) -> Iterator[list[Key]]:
    """For each value that enters a box, its way from where it forked, as edges, the last one first."""
    for source in before[join]:
        way = [(source, join)]
        while len(before[way[-1][0]]) == 1 and len(after[way[-1][0]]) == 1:
            box = way[-1][0]
            way.append((before[box][0], box))
        yield way


def sort(after: Mapping[str, list[str]], before: Mapping[str, list[str]]) -> list[str]:
    """The boxes in an order in which values flow."""
    missing = {box: len(sources) for box, sources in before.items()}
    ready = [box for box, count in missing.items() if not count]
    order: list[str] = []
    while ready:
        box = ready.pop()
        order.append(box)
        for target in after[box]:
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return order


def reaches(order: list[str], after: Mapping[str, list[str]]) -> dict[str, set[str]]:
    """All boxes that a value of each box flows into."""
    reach: dict[str, set[str]] = {box: set() for box in after}
    for box in reversed(order):
        for target in after[box]:
            reach[box] |= {target} | reach[target]
    return reach


def longest(
    order: list[str], before: Mapping[str, list[str]], edges: Mapping[Key, str], layers: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, str]]:
    """The length of the longest way to each box, and the longest way of all: for each box on it the one
    before (none before the first). Of equally long ways the middle one, so that a row of branches stays in
    balance."""
    lengths: dict[str, int] = {}
    chosen: dict[str, str] = {}
    for box in order:
        sources = [source for source in before[box] if edges[source, box] == "flow"]
        most = max((lengths.get(source, 0) for source in sources), default=0)
        candidates = [source for source in sources if lengths.get(source, 0) == most]
        lengths[box] = most + 1 + LAYER * layers.get(box, 0)
        chosen[box] = candidates[len(candidates) // 2] if sources else ""
    way: dict[str, str] = {}
    box = max(order, key=lengths.__getitem__, default="")
    while box:
        way[box] = chosen[box]
        box = chosen[box]
    return lengths, way
