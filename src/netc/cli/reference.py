"""`netc list` and `netc layers`: what there is, out."""

from __future__ import annotations

import click

from .terminal import give


@click.command(
    "list",
    short_help="List the bundled nets with their counts.",
    epilog="Example: netc list --format json",
)
@click.option("--format", type=click.Choice(["table", "json"]), default="table", help="How to write it.")
def list_command(format: str) -> None:
    """List the bundled nets: parameters, multiply-adds, input, and the file."""
    import json

    from .. import driver
    from ..codegen.plain_text import shorten_count, show
    from ..files import bundled_files, open_bundled
    from ..processes import spread

    def count_nets(file: str) -> list[tuple[str, str, int, int, list[str]]]:
        counted = []
        for result in driver.check(open_bundled(file)):
            if result.compiled is not None:
                facts = result.compiled.inference
                net, inputs = result.compiled.name, [*map(str, facts.inputs.values())]
                counted.append((net, f"{file}.net", facts.total.params, facts.total.macs, inputs))
        return counted

    rows = [row for counted in spread(count_nets, bundled_files()) for row in counted]
    if format == "json":
        keys = ("net", "file", "params", "macs", "inputs")
        give(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
        return
    width = max(len(net) for net, *_ in rows)
    lines = [f"{'net':{width}}  {'params':>8}  {'macs':>8}  input         file"]
    lines += [
        f"{show(net):{width}}  {shorten_count(params):>8}  {shorten_count(macs):>8}"
        f"  {', '.join(inputs):12}  {file}"
        for net, file, params, macs, inputs in rows
    ]
    give("\n".join(lines))


@click.command(
    "layers",
    short_help="Show the layers of the language, or one of them.",
    epilog="Example: netc layers conv",
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def layers_command(name: str | None, as_json: bool) -> None:
    """Show every layer with its parameters; of one, also what they mean."""
    from ..codegen.reference import as_data, describe, overview
    from ..ops.registry import LAYERS

    if name is not None and name not in LAYERS:
        from ..compiler.suggestions import suggest

        hint = suggest(name, list(LAYERS)) or "`netc layers` shows them all"
        raise click.UsageError(f"there is no layer `{name}`; {hint}")
    if as_json:
        import json

        chosen = [LAYERS[name]] if name is not None else list(LAYERS.values())
        give(json.dumps(as_data(chosen), indent=2))
    else:
        give(describe(LAYERS[name]) if name is not None else overview(LAYERS))
