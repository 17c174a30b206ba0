"""A graph or the name of a bundled net in, its picture out: what the tests of pictures share."""

from __future__ import annotations

from functools import cache

from netc import driver
from netc.codegen.compose import draw
from netc.codegen.picture import Box, Cluster, Picture
from netc.compiler.facts import Facts
from netc.compiler.graph import Graph
from netc.files import find_spec

PAGES = ["resnet50", "googlenet", "densenet121", "unet", "se_resnet50", "fractalnet20", "textcnn", "vgg16"]
FULL_PAGES = ["inception_v4", "nasnet_a_mobile", "dpn92", "polynet", "attention56", "hrnet_w18"]
"""Nets of which a page cannot show everything: one of each block is opened."""


def picture_of(graph: Graph, expand: bool = False) -> Picture:
    facts = Facts(graph)
    return draw(graph, facts.shapes, facts.costs, expand)


@cache
def bundled(name: str) -> Graph:
    compiled = driver.compile(find_spec(name)).compiled
    assert compiled is not None
    return compiled.training.graph


@cache
def page(name: str) -> Picture:
    return picture_of(bundled(name))


def texts(picture: Picture) -> list[str]:
    return [" / ".join(box.lines) for box in picture.boxes()]


def clusters(children: tuple[Box | Cluster, ...]) -> list[Cluster]:
    found = [child for child in children if isinstance(child, Cluster)]
    return [*found, *(inner for cluster in found for inner in clusters(cluster.children))]


def titles(picture: Picture) -> list[str]:
    return [cluster.title for cluster in clusters(picture.children)]


def descend(cluster: Cluster) -> list[Box]:
    boxes: list[Box] = []
    for child in cluster.children:
        boxes += [child] if isinstance(child, Box) else descend(child)
    return boxes
