"""`tick completion`: print the script that makes a shell complete `tick` commands."""

from __future__ import annotations

import click

from publisher_cli.options import command
from publisher_cli.shells import SCRIPTS
from ticker.console import Console, shared_options


@command(
    "Print a script for Tab in your shell.",
    "tick completion bash >> ~/.bashrc",
    "tick completion zsh >> ~/.zshrc",
    "tick completion fish > ~/.config/fish/completions/tick.fish",
)
@click.argument("shell", type=click.Choice(tuple(SCRIPTS)))
@shared_options
@click.pass_obj
def completion(console: Console, /, *, shell: str) -> None:
    """Print a script that makes Tab complete commands, editions, sections, regions, recent lines and held items.

    The shell shows the text of a line beside its id. Open a new shell after one of the commands below.
    """
    script = SCRIPTS[shell]
    console.show({"shell": shell, "script": script}, *script.splitlines())
