"""`netc weights`: a checkpoint with other names in, one that the generated module loads out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from ..dsl.diagnostics import Unusable
from ..settings import Misused, read_settings
from .options import compile_or_stop, open_spec, variant
from .terminal import SPEC_WRONG, give, say, several, stop

if TYPE_CHECKING:
    from torch import Tensor

    from ..compiler.matching import Match

Shapes = Mapping[str, tuple[int, ...]]

MOST = 12
"""How many names of each kind are told."""


@click.command(
    "weights",
    short_help="Give a checkpoint the names of a net.",
    epilog="Example: netc weights resnet50 --from checkpoint.pth -o resnet50.safetensors",
)
@click.argument("spec")
@click.option("--from", "source", metavar="FILE", required=True, help="A `.pth` or `.safetensors` file.")
@click.option("-o", "--output", metavar="FILE", help="Where to write; without it the names are shown.")
@click.option("--key", metavar="NAME", help="Which tensors of FILE, where it holds several: `--key model`.")
@click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="PATTERN=NAME",
    help="Rewrite names of FILE first, by a regular expression: `--rename 'shortcut=downsample'`.",
)
@click.option("--no-aux", is_flag=True, help="For the module without its auxiliary classifiers.")
@variant
def weights_command(
    spec: str,
    source: str,
    output: str | None,
    key: str | None,
    renames: tuple[str, ...],
    no_aux: bool,
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
) -> None:
    """Find which tensor of a checkpoint is which of the net's, by shapes, names and order, and write them
    under the net's names. Every tensor finds its place, or nothing is written and what does not fit is told;
    values and types stay as they are. FILE is read as tensors and plain data: no code of it runs."""
    from ..checkpoints import read_checkpoint, rename_tensors, write_checkpoint
    from ..compiler.matching import match
    from ..live import instantiate_empty

    rows = read_settings(settings)
    if len(rows) > 1:
        raise Misused("a checkpoint is of one net, and `--set` gives several values")
    rules = [read_rule(text) for text in renames]
    compiled = compile_or_stop(open_spec(spec), rows[0], inputs, limits)
    try:
        module = instantiate_empty(compiled.source(aux=not no_aux), compiled.name)
    except ModuleNotFoundError:
        raise Unusable("weights need torch", "`pip install 'netc[train]'`") from None
    tensors = rename(read_checkpoint(source, key), rules)
    ours, theirs = shapes_of(module.state_dict()), shapes_of(tensors)
    found = match(ours, theirs)
    if not found.fits:
        say(f"error: `{source}` does not fit {compiled.name}")
        tell_misfit(found, ours, theirs)
        if found.ours and not no_aux and len(compiled.training.graph) > len(compiled.inference.graph):
            say("  = help: `--no-aux` is for checkpoints without the auxiliary classifiers")
        if found.open:
            say("  = help: `--rename PATTERN=NAME` gives names of the checkpoint names of the net")
        stop(SPEC_WRONG)
    renamed = rename_tensors(module, tensors, found)
    if output is None:
        width = max(len(name) for name in found.pairs.values())
        give("\n".join(f"{theirs:{width}}  {ours}" for ours, theirs in found.pairs.items()))
        return
    write_checkpoint(output, renamed)
    tell_written(output, renamed, found)


def read_rule(text: str) -> tuple[re.Pattern[str], str]:
    pattern, equals, replacement = text.partition("=")
    if not equals:
        raise Misused(f"`--rename {text}` is not of the form `--rename PATTERN=NAME`")
    try:
        return re.compile(pattern), replacement
    except re.error as error:
        raise Misused(f"`{pattern}` is no regular expression: {error}") from None


def rename(tensors: Mapping[str, Tensor], rules: list[tuple[re.Pattern[str], str]]) -> dict[str, Tensor]:
    """The tensors under the names that `--rename` gives them."""
    from ..compiler.matching import rewrite

    try:
        names = rewrite(tensors, rules)
    except ValueError as error:
        raise Misused(f"`--rename`: {error}") from None
    return {names[name]: tensor for name, tensor in tensors.items()}


def shapes_of(tensors: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def tell_written(output: str, written: Mapping[str, Tensor], found: Match) -> None:
    values = sum(tensor.numel() for tensor in written.values())
    kept = sum(ours == theirs for ours, theirs in found.pairs.items())
    say(
        f"wrote {output}: {several(len(written), 'tensor')}, {several(values, 'number')};"
        f" {several(len(found.pairs) - kept, 'name')} changed, {kept:,} kept"
    )
    if found.absent:
        say(f"  the checkpoint lacks {several(len(found.absent), 'counter')} of batches: 0, as torch has it")


def tell_misfit(found: Match, ours: Shapes, theirs: Shapes) -> None:
    """What is open, and what one side has and the other has not."""
    for open_ in found.open:
        say(f"  it is open which of these is which ({format_shape(open_.shape)}):")
        say(f"    ours: {', '.join(open_.ours)}", f"    theirs: {', '.join(open_.theirs)}")
    tell_names("the net has, and the checkpoint has not", found.ours, ours)
    tell_names("the checkpoint has, and the net has not", found.theirs, theirs)


def tell_names(what: str, names: tuple[str, ...], shapes: Shapes) -> None:
    if not names:
        return
    say(
        f"  {what} ({len(names):,}):", *(f"    {name}  {format_shape(shapes[name])}" for name in names[:MOST])
    )
    if len(names) > MOST:
        say(f"    and {len(names) - MOST:,} more")


def format_shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"
