"""`tick completion`: print the script that makes a shell complete `tick` commands."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from publisher_cli.options import command
from ticker.console import Console, shared_options

VARIABLE: Final = "_TICK_COMPLETE"
"""The environment variable with which the shell's script asks `tick` for completions."""


@command(
    "Print a script for Tab in your shell.",
    "tick completion bash >> ~/.bashrc",
    "tick completion zsh >> ~/.zshrc",
    "tick completion fish > ~/.config/fish/completions/tick.fish",
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@shared_options
@click.pass_obj
def completion(console: Console, /, *, shell: str) -> None:
    """Print a script that makes Tab complete commands, editions, sections, regions, recent lines and held items."""
    complete_class = get_completion_class(shell)
    assert complete_class is not None, "click supports these shells"
    tick = click.get_current_context().find_root().command
    script = complete_class(tick, {}, "tick", VARIABLE).source()
    if console.json:
        console.give({"shell": shell, "script": script})
    else:
        for line in script.splitlines():
            console.say(line)
