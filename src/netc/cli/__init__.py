"""A command line in, an exit code out. Commands are imported when they are called: the start stays short."""

from __future__ import annotations

from importlib import import_module

import click

from .terminal import FINE, end

COMMANDS = {
    "compile": "compile",
    "build": "build",
    "fmt": "fmt",
    "check": "check",
    "verify": "verify",
    "weights": "weights",
    "train": "train",
    "finetune": "finetune",
    "overfit": "overfit",
    "lr-find": "lr_find",
    "curves": "curves",
    "eval": "eval",
    "predict": "predict",
    "features": "features",
    "explain": "explain",
    "list": "reference",
    "layers": "reference",
}
"""Each command, in the order of the help, and the module of this package that holds it."""


class Commands(click.Group):
    """The commands by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(
            import_module(f".{COMMANDS[cmd_name]}", __name__), f"{cmd_name.replace('-', '_')}_command"
        )
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from ..compiler.suggestions import suggest

            hint = suggest(args[0], COMMANDS)
            if not hint:
                raise
            raise click.UsageError(f"{error.message} {hint[0].upper()}{hint[1:]}", ctx) from None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="SPEC is a file (`my.net`), one net of a file (`my.net:name`), or a bundled net (`resnet50`).",
)
@click.version_option(package_name="netc")
def commands() -> None:
    """A language for convolutional architectures, and its compiler.

    \b
    netc compile googlenet --render svg
    netc build resnext50 -o model.py
    """


def run(arguments: list[str] | None = None) -> int:
    """Run one command line (without `netc`; None: that of this process) and give its exit code."""
    try:
        code = commands.main(arguments, prog_name="netc", standalone_mode=False)
    except BaseException as error:
        return end(error)
    return code if isinstance(code, int) else FINE
