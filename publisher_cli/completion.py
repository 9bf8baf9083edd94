"""`tick completion`: the script that makes a shell offer what can be typed next. What is offered is in `completing`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from publisher_cli.exit_codes import Status
from ticker.console import Console, examples, shared_options

VARIABLE = "_TICK_COMPLETE"


@click.command(
    short_help="Print a script for Tab in your shell.",
    epilog=examples(
        "tick completion bash >> ~/.bashrc",
        "tick completion zsh >> ~/.zshrc",
        "tick completion fish > ~/.config/fish/completions/tick.fish",
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@shared_options
@click.pass_obj
def completion(console: Console, /, *, shell: str) -> Status:
    """Print a script that lets Tab offer commands, editions, sections, regions, recent lines and what is held."""
    from publisher_cli.cli import tick  # noqa: PLC0415 -- which imports this module

    complete_class = get_completion_class(shell)
    assert complete_class is not None, "click knows these shells"
    script = complete_class(tick, {}, "tick", VARIABLE).source()
    if console.json:
        console.give({"shell": shell, "script": script})
    else:
        console.say(script)
    return Status.DONE
