"""`netc weights`: a checkpoint with other names in, one that the generated module loads out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

import click

from ..files import Unusable
from ..settings import Misused, read_settings
from .options import compile_or_stop, open_spec, variant
from .terminal import SPEC_WRONG, give, say, several, stop

T = TypeVar("T")
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
    from ..compiler.checkpoint import match
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
    tensors = rewrite(read_checkpoint(source, key), rules)
    ours, theirs = (
        {name: tuple(tensor.shape) for name, tensor in held.items()}
        for held in (module.state_dict(), tensors)
    )
    found = match(ours, theirs)
    if not found.fits:
        say(f"error: `{source}` does not fit {compiled.name}")
        for open_ in found.open:
            say(f"  it is open which of these is which ({format_shape(open_.shape)}):")
            say(f"    ours: {', '.join(open_.ours)}", f"    theirs: {', '.join(open_.theirs)}")
        tell_names("the net has, and the checkpoint has not", found.ours, ours)
        tell_names("the checkpoint has, and the net has not", found.theirs, theirs)
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
    values = sum(tensor.numel() for tensor in renamed.values())
    kept = sum(ours == theirs for ours, theirs in found.pairs.items())
    say(
        f"wrote {output}: {several(len(renamed), 'tensor')}, {several(values, 'number')};"
        f" {several(len(found.pairs) - kept, 'name')} changed, {kept:,} kept"
    )
    if found.absent:
        say(f"  the checkpoint lacks {several(len(found.absent), 'counter')} of batches: 0, as torch has it")


def read_rule(text: str) -> tuple[re.Pattern[str], str]:
    pattern, equals, replacement = text.partition("=")
    if not equals:
        raise Misused(f"`--rename {text}` is not of the form `--rename PATTERN=NAME`")
    try:
        return re.compile(pattern), replacement
    except re.error as error:
        raise Misused(f"`{pattern}` is no regular expression: {error}") from None


def rewrite(tensors: Mapping[str, T], rules: Iterable[tuple[re.Pattern[str], str]]) -> dict[str, T]:
    """The tensors under rewritten names."""
    names = {name: name for name in tensors}
    for pattern, replacement in rules:
        try:
            changed = {name: pattern.sub(replacement, new) for name, new in names.items()}
        except (re.error, IndexError) as error:
            raise Misused(f"`{replacement}` cannot stand for `{pattern.pattern}`: {error}") from None
        if changed == names:
            raise Misused(f"no name of the checkpoint has `{pattern.pattern}`")
        names = changed
    renamed = {names[name]: tensor for name, tensor in tensors.items()}
    if len(renamed) != len(tensors):
        raise Misused("after `--rename` two tensors have one name")
    return renamed


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
