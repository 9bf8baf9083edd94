"""`ticker acl`: the rights of each Redis user."""

from __future__ import annotations

from pathlib import Path

import click

from ticker.commands.options import (
    data_option,
    new_password_option,
    read_password,
    run_with_redis,
    settings_for,
    settings_option,
    warn_not_kept,
)
from ticker.console import Console, examples, shared_options
from ticker.core.errors import SettingsError

_ROLES = ("desk", "gateway", "relay", "api", "admin")


@click.group(
    invoke_without_command=True,
    short_help="Show or create the Redis users.",
    epilog=examples("ticker acl", "ticker acl --editor maha -e en -e ar --chief"),
)
@click.option("--editor", metavar="NAME", default="editor", show_default=True, help="The editor of the editor's line.")
@click.option(
    *("-e", "--edition", "editions"),
    metavar="NAME",
    multiple=True,
    default=("en",),
    show_default=True,
    help="An edition of the editor's line; may be given repeatedly.",
)
@click.option("--post-only", is_flag=True, help="Make the editor's line for a program that doesn't read the log.")
@click.option("--chief", is_flag=True, help="Make the editor's line for a chief, who may read everybody's receipts.")
@settings_option
@shared_options
@click.pass_context
def acl(
    context: click.Context,
    /,
    *,
    editor: str,
    editions: tuple[str, ...],
    post_only: bool,
    chief: bool,
    settings: Path | None,
) -> int:
    """Show the rules of each role's Redis user, as lines for an `aclfile`.

    Nobody can log in with these lines until you add a password: `#` and its SHA-256, after `on`.
    `ticker acl apply` and `ticker editor add` create these users with a password.
    """
    if context.invoked_subcommand is not None:
        return 0
    from ticker.store.rights import RIGHTS, Part, acl_line, editor_rights  # noqa: PLC0415 -- slow to import

    console = context.find_object(Console)
    assert console is not None
    _check_kind(console, settings, editions)
    lines = {part.user: acl_line(part.user, RIGHTS[part]) for part in Part}
    chief_of = editions if chief else ()
    lines[editor] = acl_line(editor, editor_rights(editor, editions, reads_log=not post_only, chief_of=chief_of))
    console.show({"users": lines}, *lines.values())
    return 0


def _check_kind(console: Console, settings: Path | None, editions: tuple[str, ...]) -> None:
    """Check that one user isn't for test editions and public ones, as far as the settings have the editions.

    Raises:
        SettingsError: If it is for both.

    """
    known = settings_for(console, settings, None).editions
    kinds = {each: known[each].test for each in editions if each in known}
    if len(set(kinds.values())) > 1:
        tests = ", ".join(each for each, is_test in kinds.items() if is_test)
        raise SettingsError(
            f"{tests} and the others can't share an editor, because only some are tests: use one name for each kind"
        )


@acl.command(
    short_help="Create users, or update their rights.",
    epilog=examples("ticker acl apply", "TICKER_DESK_PASSWORD_FILE=desk.txt ticker acl apply desk"),
)
@click.argument("roles", metavar="[ROLE]...", nargs=-1, type=click.Choice(_ROLES))
@new_password_option
@data_option
@shared_options
@click.pass_obj
def apply(console: Console, /, *, roles: tuple[str, ...], new_password: bool, data: Path | None) -> int:
    """Create the users of desk and gateway, or update their rights. A ROLE is a part, or admin.

    The password comes from TICKER_DESK_PASSWORD, or from the file that TICKER_DESK_PASSWORD_FILE names (likewise
    TICKER_GATEWAY_…, TICKER_RELAY_…, TICKER_API_… and TICKER_ADMIN_…). Without one, a password is generated and shown
    once. An existing user keeps its password, unless one is given or --new-password is set.
    """
    from ticker.store.accounts import apply_roles  # noqa: PLC0415 -- slow to import

    chosen = dict.fromkeys(roles or ("desk", "gateway"))
    passwords = {role: read_password(console, f"TICKER_{role.upper()}_PASSWORD") for role in chosen}
    results = run_with_redis(console, data, lambda redis: apply_roles(redis, passwords, is_new_password=new_password))
    are_kept = all(each.applied.is_kept for each in results)
    users, lines = [], []
    for each in results:
        users.append({"user": each.user, **({"password": each.password} if each.password else {})})
        password = f"password  {each.password}  (shown this once)" if each.password else "ready"
        lines.append(f"{each.user}  {password}")
    console.show({"users": users, "servers": results[0].applied.servers, "kept": are_kept}, *lines)
    if not are_kept:
        warn_not_kept(console)
    return 0


@acl.command(
    short_help="Disable the server's default user.",
    epilog=examples("TICKER_REDIS_URL=redis://ticker-admin@127.0.0.1 ticker acl close"),
)
@data_option
@shared_options
@click.pass_obj
def close(console: Console, /, *, data: Path | None) -> int:
    """Disable the server's default user, which needs no password, and save the users.

    Run it as ticker-admin when every part works with a user of its own. It closes all connections of the default user,
    on every server. It changes nothing if you, a replica or a Sentinel are connected as the default user, or if a
    server runs without an `aclfile`.
    """
    from ticker.store.acl import close_default_user  # noqa: PLC0415 -- slow to import

    closed = run_with_redis(console, data, close_default_user)
    servers = f"{closed.servers} server{'' if closed.servers == 1 else 's'}"
    console.show(
        {"servers": closed.servers, "connections": closed.connections},
        f"default  off on {servers}  (connections closed: {closed.connections})",
    )
    return 0
