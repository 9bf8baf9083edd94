"""`ticker access`: the keys and tokens of private editions."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path
from typing import Final

import click
import msgspec

from ticker.console import Console, examples, shared_options
from ticker.core.edition import check_name
from ticker.core.errors import SettingsError

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_LIFETIME_MAX_S: Final = 400 * 86_400

_file: Final = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group(
    short_help="Make keys and tokens for private editions.",
    epilog=examples(
        "ticker access key keys.json",
        "ticker access public keys.json",
        "ticker access token en --key keys.json --for 1h",
    ),
)
def access() -> None:
    """Make keys and tokens for private editions (docs/private-editions.md).

    Your site makes the tokens of its readers with a library for JSON Web Tokens. `ticker access token` makes one for a
    test or for a program.
    """


@access.command(
    short_help="Add a new key to a file.",
    epilog=examples("ticker access key keys.json", "ticker access key keys.json --algorithm HS256"),
)
@_file
@click.option(
    "--algorithm",
    type=click.Choice(["EdDSA", "HS256"]),
    default="EdDSA",
    show_default=True,
    help="EdDSA: gateways get only the public key. HS256: one secret signs and checks.",
)
@click.option("--kid", metavar="NAME", help="The name of the key.  [default: a random one]")
@shared_options
@click.pass_obj
def key(console: Console, /, *, file: Path, algorithm: str, kid: str | None) -> None:
    """Add a new key to FILE, before the present ones. Only you can read the file.

    The setting access_keys_file of a gateway names such a file. Remove an old key once all its tokens have expired.
    """
    from ticker.gateway.tokens import Algorithm, new_key, read_keys, write_keys  # noqa: PLC0415 -- slow, optional

    present = read_keys(file) if file.exists() else ()
    made = new_key(kid or secrets.token_hex(4), Algorithm(algorithm))
    if made.kid in {each.kid for each in present}:
        raise SettingsError(f"{file} has a key {made.kid[:40]!a} already: choose another name with --kid")
    write_keys(file, (made, *present))
    console.show(
        {"file": str(file), "kid": made.kid, "algorithm": made.alg, "keys": len(present) + 1},
        f"{file}  has the new key {made.kid} ({made.alg}){f', and {len(present)} older' if present else ''}",
    )


@access.command(
    short_help="Print the public keys of a file.", epilog=examples("ticker access public keys.json > public.json")
)
@_file
@shared_options
@click.pass_obj
def public(console: Console, /, *, file: Path) -> None:
    """Print the keys of FILE without their private parts: the file for the gateways. It has only keys of EdDSA."""
    from ticker.gateway.tokens import KeyFile, read_keys  # noqa: PLC0415 -- slow to import, and optional

    keys = [each.public() for each in read_keys(file)]
    if any(each.is_secret for each in keys):
        raise SettingsError(
            f"{file} has a secret of HS256, which has no public part: give the gateways the file itself"
        )
    content = msgspec.json.format(msgspec.json.encode(KeyFile(tuple(keys))), indent=2).decode()
    console.show(msgspec.to_builtins(KeyFile(tuple(keys))), *content.splitlines())


@access.command(
    short_help="Make a token for a test or for a program.",
    epilog=examples(
        "ticker access token en --key keys.json --for 1h", "ticker access token en es --key keys.json --for 30d"
    ),
)
@click.argument("editions", nargs=-1, required=True, metavar="EDITION...")
@click.option(
    *("--key", "file"),
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file of the keys. The first one signs.",
)
@click.option(
    "--for", "lifetime", metavar="TIME", default="1h", show_default=True, help="How long it counts: 30m, 12h, 7d."
)
@click.option("--kid", metavar="NAME", help="Sign with this key.  [default: the first one]")
@shared_options
@click.pass_obj
def token(console: Console, /, *, editions: tuple[str, ...], file: Path, lifetime: str, kid: str | None) -> None:
    """Make a token with which a reader gets the private editions EDITION for some time."""
    from ticker.gateway.tokens import make_token, read_keys  # noqa: PLC0415 -- slow to import, and optional

    keys = [each for each in read_keys(file) if kid in (None, each.kid)]
    if not keys:
        raise SettingsError(f"{file} has no key {(kid or '')[:40]!a}")
    names = [check_name(each) for each in editions]
    now, lifetime_s = int(time.time()), _seconds(lifetime)
    made = make_token(keys[0], names, now, lifetime_s)
    console.show({"token": made, "editions": names, "expires_at": now + lifetime_s}, made)


def _seconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    seconds = 0 if found is None else int(found[1]) * _UNITS[found[2]]
    if not 0 < seconds <= _LIFETIME_MAX_S:
        raise SettingsError(f"--for is {text[:40]!a}: write a time up to 400 days, like 30m, 12h or 7d")
    return seconds
