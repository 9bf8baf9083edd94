"""`ticker relay`: send an edition to other systems, list failed deliveries, and send them again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from ticker.client.access_token import token_from
from ticker.commands.options import data_folder, data_option, parse_address, settings_for, settings_option, url_of_redis
from ticker.console import Console, examples, shared_options
from ticker.core.edition import check_name
from ticker.core.errors import SettingsError
from ticker.relay.receivers import service_of
from ticker.store.data_folder import gateway_url
from ticker.store.url import password_from

SECRET: Final = "TICKER_RELAY_SECRET"  # noqa: S105 -- the name of a variable


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "ticker relay --to cms=https://cms.example/hook --edition en --state relay",
        "ticker relay --to m=mastodon:https://m.example --edition en --state relay",
        "ticker relay status relay",
        "ticker relay replay relay",
    ),
    short_help="Send each change to other systems: webhooks, Telegram, Slack, Mastodon.",
)
@click.option(
    "--to",
    "to",
    metavar="NAME=ADDRESS",
    multiple=True,
    help="A receiver: a name of your choice, and a URL, telegram:CHAT, slack:CHANNEL or mastodon:URL.",
)
@click.option("--edition", "-e", "editions", multiple=True, help="Send this edition; repeatable.")
@click.option(
    "--gateway",
    metavar="URL",
    envvar="TICKER_GATEWAY_URL",
    help="Read from this gateway.  [env: TICKER_GATEWAY_URL; default: that of `ticker up` on this machine]",
)
@click.option(
    "--state", "folder", type=click.Path(path_type=Path, file_okay=False), help="The folder that keeps the position."
)
@click.option("--allow-private", is_flag=True, help="Allow receivers with an internal address.")
@click.option("--no-board", is_flag=True, help="Send a new receiver only what changes from now on, not the board.")
@click.option(
    "--metrics", metavar="HOST:PORT", help="Serve /metrics, /healthz and /readyz on this address.  [default: no server]"
)
@click.option("--reach", is_flag=True, help="Report each verdict to Redis (TICKER_REDIS_URL), for `tick reach`.")
@data_option
@settings_option
@shared_options
@click.pass_context
def relay(
    context: click.Context,
    /,
    *,
    to: tuple[str, ...],
    editions: tuple[str, ...],
    gateway: str | None,
    folder: Path | None,
    allow_private: bool,
    no_board: bool,
    metrics: str | None,
    reach: bool,
    data: Path | None,
    settings: Path | None,
) -> None:
    """Send each change of an edition to other systems: as signed webhooks, or as posts (docs/relay.md).

    TICKER_RELAY_SECRET, or the file that TICKER_RELAY_SECRET_FILE names, has the secret that signs webhooks, or the
    token of the service. With several receivers, each has its own: TICKER_RELAY_SECRET_CMS for the receiver `cms`.

    TICKER_ACCESS_TOKEN, or the file that TICKER_ACCESS_TOKEN_FILE names, has the token for private editions.

    Prints `ready` when it runs. After a restart it continues at its last position.
    """
    if context.invoked_subcommand is not None:
        return
    console = context.find_object(Console)
    assert console is not None
    address = None if metrics is None else parse_address(metrics)
    read_from = gateway or gateway_url(data_folder(console, data))
    if not to or not editions or folder is None:
        raise SettingsError("a relay needs --to NAME=ADDRESS, --edition and --state FOLDER: see `ticker relay --help`")
    if read_from is None:
        raise SettingsError("no gateway is named, and none of `ticker up` runs here: give one with --gateway")
    chosen = settings_for(console, settings, None)
    with _needs_extra():
        from ticker.relay_process import Receiver, RelayOptions, run  # noqa: PLC0415 -- slow to import

    options = RelayOptions(
        receivers=[Receiver(*each) for each in _receivers(console.environ, to)],
        editions=[check_name(each) for each in editions],
        gateway=read_from,
        folder=folder,
        allow_private=allow_private,
        sends_board=not no_board,
        metrics=address,
        redis_url=url_of_redis(console, data) if reach else None,
        token=token_from(console.environ),
    )
    run(options, chosen, environ=console.environ, ready=partial(_print_ready, console))


@contextmanager
def _needs_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} isn't installed: the relay needs the extra `relay` of the package (docs/relay.md)"
        ) from error


def _receivers(environ: Mapping[str, str], words: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Return the name, the address and the secrets of each receiver, and the variable that the secrets come from."""
    named = [_parse(word) for word in words]
    names = [name for name, _ in named]
    return [(name, address, *_secrets(environ, name, names)) for name, address in named]


def _print_ready(console: Console, url: str) -> None:
    console.show({"ready": True, "metrics": url or None}, f"ready {url}".rstrip())


def _parse(word: str) -> tuple[str, str]:
    """Split NAME=ADDRESS. The default of NAME is the service, or the URL's host with hyphens for dots."""
    name, mark, address = word.partition("=")
    if mark and "/" not in name and ":" not in name:
        return check_name(name), address
    if kind := service_of(word):
        return kind, word
    host = urlsplit(word).hostname or ""
    return check_name(host.replace(".", "-")[:32].strip("-")), word


def _secrets(environ: Mapping[str, str], name: str, names: Sequence[str]) -> tuple[str, str]:
    """Return the secrets of a receiver, and the variable that they come from.

    Raises:
        SettingsError: If no variable has a secret, or other users of the machine can read the file.

    """
    variables = [f"{SECRET}_{name.upper().replace('-', '_')}"] + ([SECRET] if len(names) == 1 else [])
    if len(set(names)) < len(names):
        raise SettingsError("two receivers have the same name: give each --to a name of its own, as in cms=https://…")
    for variable in variables:
        path = environ.get(f"{variable}_FILE")
        if path and os.path.exists(path) and os.stat(path).st_mode & 0o007:  # noqa: PTH110, PTH116
            raise SettingsError(f"{variable}_FILE: others may read {path}: run `chmod 600` on it")
        if secrets := password_from(environ, variable):
            return secrets, variable
    raise SettingsError(f"{name} has no secret: put one in {variables[0]}, or in a file for {variables[0]}_FILE")


@relay.command(
    short_help="List the deliveries that wait or failed.",
    epilog=examples("ticker relay status relay", "ticker relay status relay --json"),
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@shared_options
@click.pass_obj
def status(console: Console, /, *, folder: Path) -> None:
    """List the deliveries that wait or failed, for each receiver and edition in a relay's FOLDER. The relay may run."""
    from ticker.relay.state import known_routes, read_state, state_file  # noqa: PLC0415 -- slow to import

    found, lines = [], []
    for receiver, edition in known_routes(folder):
        state, records = read_state(state_file(folder, receiver, edition))
        waiting = [record for record in records if record.pending is not None]
        found.append(
            {
                "receiver": receiver,
                "edition": edition,
                "position": state.position,
                "disabled": state.disabled,
                "pending": [
                    {
                        "id": record.line,
                        "version": record.pending.version,
                        "kind": record.pending.kind,
                        "failures": record.failures,
                        "given_up": record.is_parked,
                        "verdict": record.verdict if record.verdict == "cant-undo" or record.is_parked else None,
                        "reason": record.reason,
                    }
                    for record in waiting
                    if record.pending is not None
                ],
            }
        )
        parked = sum(record.is_parked for record in waiting)
        text = f"{receiver}  {edition}  at {state.position or 'the start'}  {len(waiting)} pending, {parked} given up"
        lines.append(text + (f"  disabled: {state.disabled}" if state.disabled else ""))
        for record in waiting:
            if record.pending is not None and (record.failures or record.is_parked):
                detail = f"{record.failures} failures: {record.reason}"
                lines.append(f"  {record.line}  v{record.pending.version}  {record.pending.kind}  {detail}")
    console.show(found, *lines)


@relay.command(
    short_help="Send all failed deliveries again.",
    epilog=examples("ticker relay replay relay", "ticker relay replay relay --to cms"),
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--to", "receiver", metavar="NAME", help="Only this receiver.  [default: all]")
@shared_options
@click.pass_obj
def replay(console: Console, /, *, folder: Path, receiver: str | None) -> None:
    """Mark all failed deliveries, so that the relay sends them again when it starts. Stop the relay first.

    Receivers that were disabled are enabled again.
    """
    from ticker.relay.replay import mark_failed  # noqa: PLC0415 -- slow to import

    for name, edition, count in mark_failed(folder, receiver):
        console.show(
            {"receiver": name, "edition": edition, "again": count},
            f"{name}  {edition}  {count} to send again when the relay starts",
        )
