"""`ticker token`: create, list and revoke the tokens of the posting part."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ticker.commands.options import data_option, editions_to_post_option, run_with_redis
from ticker.console import Console, examples, shared_options
from ticker.core.edition import check_name, in_order
from ticker.core.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from ticker.store.tokens import Token

_SCOPES: Final = ("post", "change", "decide", "break-glass")
_LABEL_MAX: Final = 60
_DAYS_MAX: Final = 366


@click.group(
    short_help="Manage the tokens of `ticker api`.",
    epilog=examples("ticker token create cms -e en", "ticker token list", "ticker token revoke 3f9a0c51d2e7"),
)
def token() -> None:
    """Manage the tokens with which a CMS posts through `ticker api`.

    A token belongs to an editor: it may do what the editor may do in the token's editions, as far as its scopes allow.
    """


@token.command(
    short_help="Create a token.",
    epilog=examples(
        "ticker token create cms -e en -e ar --label WordPress",
        "ticker token create lena -e en --scope decide --days 30",
    ),
)
@click.argument("editor")
@editions_to_post_option
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(_SCOPES),
    multiple=True,
    help="What the token is for; may be given repeatedly.  [default: post, change]",
)
@click.option(
    "--days",
    type=click.IntRange(1, _DAYS_MAX),
    default=90,
    show_default=True,
    help="When it expires: so many days from now.",
)
@click.option("--label", metavar="TEXT", default="", help="A description for `ticker token list`.")
@data_option
@shared_options
@click.pass_obj
def create(
    console: Console,
    /,
    *,
    editor: str,
    editions: tuple[str, ...],
    scopes: tuple[str, ...],
    days: int,
    label: str,
    data: Path | None,
) -> int:
    """Create a token for EDITOR. It is shown once: Redis has only a hash of it.

    post: new lines. change: all changes of lines, including withdrawals. decide: read held items, approve, reject and
    cancel them. break-glass: with one of the others, publish without a second person, if the editor may.
    """
    from ticker.store import accounts, tokens  # noqa: PLC0415 -- slow to import

    if len(label) > _LABEL_MAX or not (label.isprintable()):
        raise SettingsError(f"--label has at most {_LABEL_MAX} printable characters")
    new = tokens.NewToken(
        editor=check_name(editor),
        editions=tuple(in_order({check_name(each) for each in editions})),
        scopes=tuple(tokens.Scope(each) for each in dict.fromkeys(scopes or ("post", "change"))),
        label=label,
        days=days,
    )
    made, text = run_with_redis(console, data, lambda redis: accounts.add_token(redis, new, datetime.now(UTC)))
    console.show({**_shown(made), "token": text}, _row(made), f"  token  {text}  (shown this once)")
    return 0


@token.command("list", short_help="Show the tokens.", epilog=examples("ticker token list", "ticker token list --json"))
@data_option
@shared_options
@click.pass_obj
def list_all(console: Console, /, *, data: Path | None) -> int:
    """Show all tokens with their editors, editions, scopes and ends, the oldest first."""
    from ticker.store.tokens import list_tokens  # noqa: PLC0415 -- slow to import

    found = run_with_redis(console, data, list_tokens)
    console.show({"tokens": [_shown(each) for each in found]}, *(_row(each) for each in found))
    if not found:
        console.tell("there are no tokens: `ticker token create EDITOR -e EDITION` makes one")
    return 0


@token.command(short_help="Revoke tokens.", epilog=examples("ticker token revoke 3f9a0c51d2e7"))
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@data_option
@shared_options
@click.pass_obj
def revoke(console: Console, /, *, ids: tuple[str, ...], data: Path | None) -> int:
    """Revoke tokens by the IDs of `ticker token list`. Requests with them are refused from now on."""
    from ticker.store.accounts import remove_tokens  # noqa: PLC0415 -- slow to import

    revoked = run_with_redis(console, data, lambda redis: remove_tokens(redis, ids))
    unknown = [each for each in ids if each not in revoked]
    if revoked:
        console.show({"revoked": revoked}, *(f"{each}  revoked" for each in revoked))
    if unknown:
        raise StoreError(f"there is no token {unknown[0][:20]!a}: `ticker token list` shows the ids")
    return 0


def _shown(made: Token) -> dict[str, object]:
    """Return a token for `--json`, without its hash."""
    return {
        "id": made.id,
        "editor": made.editor,
        "editions": list(made.editions),
        "scopes": [str(scope) for scope in made.scopes],
        "label": made.label,
        "created_at": made.created_at.isoformat(timespec="seconds"),
        "expires_at": made.expires_at.isoformat(timespec="seconds"),
    }


def _row(made: Token) -> str:
    end = (
        f"expired {made.expires_at:%Y-%m-%d}"
        if datetime.now(UTC) >= made.expires_at
        else f"until {made.expires_at:%Y-%m-%d}"
    )
    words = [made.id, made.editor, ", ".join(made.editions), ", ".join(made.scopes), end, made.label]
    return "  ".join(filter(None, words))
