"""The edges between boxes in, for each edge its kind and whether it is on the longest way out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

Key = tuple[str, str]


def kinds_of_edges(edges: Mapping[Key, str], joins: Collection[str]) -> dict[Key, tuple[str, bool]]:
    """Of each edge ("flow", "skip" or "like", and whether it is on the longest way).

    An edge is a skip where a longer way joins the same boxes; so are the two of a projection, a box that
    alone goes beside a longer way into one of the `joins`.
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
    main = longest(order, before, edges)
    skips = {
        (source, target)
        for (source, target), kind in edges.items()
        if kind != "like"
        and any(
            target in reach[other]
            for other in after[source]
            if other != target and edges[source, other] != "like"
        )
    }
    for box in order:
        if len(before[box]) != 1 or len(after[box]) != 1 or after[box][0] not in joins or box in main:
            continue
        source, target = before[box][0], after[box][0]
        if any(
            target in reach[further]
            for other in after[source]
            if other not in (box, target)
            for further in after[other]
        ):
            skips |= {(source, box), (box, target)}
    return {
        key: (
            "like" if kind == "like" else "skip" if key in skips else "flow",
            key[1] in main and main.get(key[1]) == key[0],
        )
        for key, kind in edges.items()
    }


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


def longest(order: list[str], before: Mapping[str, list[str]], edges: Mapping[Key, str]) -> dict[str, str]:
    """The longest way through: for each box on it the one before (none before the first).

    Of equally long ways the middle one, so that a row of branches stays in balance.
    """
    length: dict[str, int] = {}
    chosen: dict[str, str] = {}
    for box in order:
        sources = [source for source in before[box] if edges[source, box] != "like"]
        most = max((length.get(source, 0) for source in sources), default=0)
        longest_sources = [source for source in sources if length.get(source, 0) == most]
        length[box] = most + 1
        chosen[box] = longest_sources[len(longest_sources) // 2] if sources else ""
    way: dict[str, str] = {}
    box = max(order, key=length.__getitem__, default="")
    while box:
        way[box] = chosen[box]
        box = chosen[box]
    return way
