"""`tick login` and `tick logout`: store and delete the Redis URL and the password of this user's commands."""

from __future__ import annotations

import click

from publisher_cli.options import command
from ticker.console import Console, shared_options


@command(
    "Store your Redis URL and password.",
    "tick login redis://maha@news.example",
    "tick login rediss://maha@news.example:6380",
)
@click.argument("url", metavar="URL")
@click.option("--file", "wants_file", is_flag=True, help="Store the password in a file, even if there is a keyring.")
@shared_options
@click.pass_obj
def login(console: Console, /, *, url: str, wants_file: bool) -> None:
    """Store the Redis URL and the password that your commands use from now on.

    `tick login` takes the password from TICKER_REDIS_PASSWORD or from the file in TICKER_REDIS_PASSWORD_FILE, or else
    asks for it. It checks that Redis accepts the password, and puts it into the system's keyring, or else into a file
    that only you can read.

    TICKER_REDIS_URL, TICKER_DATA and --data still replace the login.
    """
    from publisher_cli.submit.login import log_in  # noqa: PLC0415 -- it imports the Redis client

    log_in(console, url, wants_file=wants_file)


@command("Forget your Redis URL and password.", "tick logout")
@shared_options
@click.pass_obj
def logout(console: Console, /) -> None:
    """Delete the Redis URL and the password that `tick login` stored, also from the system's keyring."""
    from ticker.store.login import delete_login  # noqa: PLC0415 -- only needed here

    existed = delete_login(console.environ)
    console.show({"logged_out": existed}, "logged out" if existed else "you were not logged in")
