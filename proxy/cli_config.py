"""The commands about the settings themselves: `toolmend config check`, `toolmend config show`, and shell completion."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from proxy.cli_shared import LOOK

if TYPE_CHECKING:
    from proxy.settings import Settings

CHECK = """Say whether `toolmend serve` with the same options, variables and file would start; nothing is served.

Every mistake in the file is named with its line. Warnings (unknown variables, values set but empty) go to stderr.

Exit codes: 0 it would start; 2 a wrong option, variable or configuration file.
"""

SHOW = """Show the settings that `toolmend serve` with the same options, variables and file would have, and where each comes from.

Of secrets only is shown whether they are set.

Exit codes: 0 there they are; 2 a wrong option, variable or configuration file.
"""

COMPLETION = """Print a script that completes toolmend's commands and options.

\b
  bash  source <(toolmend completion bash)                                   in ~/.bashrc
  zsh   source <(toolmend completion zsh)                                    in ~/.zshrc
  fish  toolmend completion fish > ~/.config/fish/completions/toolmend.fish
"""

Read = Callable[[click.Context, dict[str, Any]], "Settings"]


def config_of(options: Callable[[Any], Any], read: Read, warnings_of: Callable[[Settings], list[str]]) -> click.Group:
    """Return the commands about the settings. They are told and read as those of `serve` are, by the same functions."""

    @click.group(context_settings=LOOK)
    def config() -> None:
        """Check the settings, and show where each comes from."""

    @config.command(help=CHECK, context_settings=LOOK)
    @options
    @click.pass_context
    def check(context: click.Context, /, **given: Any) -> None:
        from proxy.config_show import empty_values

        settings = read(context, dict(given))
        for warning in (*warnings_of(settings), *empty_values(given["config"])):
            click.echo(f"toolmend: {warning}", err=True)
        click.echo("the settings are right")

    @config.command(help=SHOW, context_settings=LOOK)
    @options
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.pass_context
    def show(context: click.Context, /, *, as_json: bool, **given: Any) -> None:
        from proxy.config_show import lines, rows

        found = rows(read(context, dict(given)), context)
        if as_json:
            click.echo(json.dumps([row.as_json() for row in found], ensure_ascii=False, indent=2))
            return
        for line in lines(found):
            click.echo(line)

    return config


@click.command(help=COMPLETION, context_settings=LOOK)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "toolmend", "_TOOLMEND_COMPLETE").source())
