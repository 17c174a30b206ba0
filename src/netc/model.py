"""The Python API: a spec in; a net with its counts, its source, its picture and its live module out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from . import driver
from .codegen.plain_text import shorten_count
from .compiler.graph import Graph
from .compiler.limits import Limits
from .drawing import TableFormat, draw_as, tabulate
from .dsl.diagnostics import Diagnostic, Unusable
from .dsl.report import render_all
from .dsl.source import Source
from .files import Spec, bundled_files, find_spec, open_bundled
from .ops.base import Shape
from .settings import Misused

if TYPE_CHECKING:
    from torch import nn


class SpecError(Exception):
    """A spec that is wrong, or cannot be found: `diagnostics` are data, the message is their text."""

    def __init__(self, text: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(text)
        self.diagnostics = diagnostics


class Cost(Struct, frozen=True):
    """What a net costs for one image, exactly: without its auxiliary heads, but for `params_train`,
    `macs_train` and `memory_train`, which include them.

    `macs` are multiply-adds of convolutions and fully connected layers, `activations` elements, `memory` and
    `memory_train` bytes in float32, `depth` convolutions and fully connected layers on the longest path.
    """

    params: int
    macs: int
    params_train: int
    macs_train: int
    activations: int
    memory: int
    memory_train: int
    depth: int

    @property
    def flops(self) -> int:
        """Two for each multiply-add."""
        return 2 * self.macs


class Model:
    """One net of a spec, compiled."""

    def __init__(self, compiled: driver.Compiled, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        self.name = compiled.name
        self.diagnostics = diagnostics
        """Warnings; a net with errors is no `Model`."""
        self._compiled = compiled
        self._training, self._inference = compiled.training, compiled.inference

    @property
    def graph(self) -> Graph:
        """The layers with the auxiliary heads."""
        return self._training.graph

    @property
    def inference_graph(self) -> Graph:
        """The layers without the auxiliary heads, as the papers count."""
        return self._inference.graph

    @cached_property
    def cost(self) -> Cost:
        """What the net costs for one image."""
        inference, training = self._inference, self._training
        return Cost(
            params=inference.total.params,
            macs=inference.total.macs,
            params_train=training.total.params,
            macs_train=training.total.macs,
            activations=inference.total.activations,
            memory=inference.forward_memory.total,
            memory_train=training.training_memory.total,
            depth=inference.depths.total,
        )

    @property
    def inputs(self) -> dict[str, Shape]:
        """The shapes of the inputs without the batch, by their names, in the order of `forward`."""
        return self._training.inputs

    @property
    def outputs(self) -> dict[str, Shape]:
        """The shapes of the outputs without the batch, by their names."""
        return {port.name: self._training.shapes[port.node] for port in self.graph.results}

    def summary(self, depth: int | None = None, format: TableFormat = "table") -> str:
        """The table that `netc compile` prints, to `depth` levels of blocks; without one, as many as fit."""
        return tabulate(self._training, format, depth)

    def source(self, *, aux: bool = True) -> str:
        """A stand-alone Python file that imports only torch; `aux=False` leaves the auxiliary heads out."""
        return self._compiled.source(aux)

    def module(self, *, aux: bool = True) -> nn.Module:
        """A live `torch.nn.Module` with fresh weights, of the class that `source` defines; it takes tensors
        of N x C x H x W. Raises `ModuleNotFoundError` where torch is missing."""
        from .live import instantiate

        return instantiate(self.source(aux=aux), self.name)

    def svg(self, *, expand: bool = False) -> str:
        """The picture; `expand` draws each of several equal parts, which else are drawn once."""
        return draw_as(self._training, "svg", expand).decode()

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        params, macs = shorten_count(self.cost.params), shorten_count(self.cost.macs)
        return f"<netc.Model {self.name}: {params} parameters, {macs} multiply-adds>"


def load(
    spec: str | os.PathLike[str],
    *,
    input: tuple[int, ...] | Mapping[str, tuple[int, ...]] | None = None,
    limits: Limits | None = None,
    **settings: Any,
) -> Model:
    """The net that `spec` names: `"specs/resnet.net:resnet50"`, or the name of a bundled net.

    `input` is another size for the first input, without the batch, or sizes by the inputs' names; `settings`
    are other values for parameters of the net (`classes=10`). Raises `SpecError`.

    >>> netc.load("resnet50").cost.params
    25557032
    """
    try:
        return compile_spec(find_spec(os.fspath(spec)), input, limits, settings)
    except Unusable as error:
        raise SpecError("\n".join(filter(None, (error.message, error.help)))) from None


def loads(
    text: str,
    net: str | None = None,
    *,
    input: tuple[int, ...] | Mapping[str, tuple[int, ...]] | None = None,
    limits: Limits | None = None,
    **settings: Any,
) -> Model:
    """As `load`, of a spec that is given as text; `net` names one of several. `use` finds bundled files."""
    return compile_spec(Spec(Source("<text>", text), net, None), input, limits, settings)


def compile_spec(
    spec: Spec,
    input: tuple[int, ...] | Mapping[str, tuple[int, ...]] | None,
    limits: Limits | None,
    settings: Mapping[str, Any],
) -> Model:
    inputs = input if isinstance(input, Mapping) else {"": tuple(input)} if input is not None else {}
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    try:
        result = driver.compile(spec, settings=values, inputs=inputs, limits=limits)
    except Misused as error:
        raise SpecError(error.message) from None
    if result.compiled is None or result.failed:
        raise SpecError(render_all(result.diagnostics), result.diagnostics)
    return Model(result.compiled, result.diagnostics)


def nets() -> list[str]:
    """The names of the bundled nets, sorted by file."""
    return [net for file in bundled_files() for net in driver.nets_of(open_bundled(file))]
