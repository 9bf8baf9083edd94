"""`ticker acl`: the Redis users of the system's parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticker.commands.editor import tell_not_kept
from ticker.commands.options import data_option, run_with_redis, settings_for, settings_option
from ticker.commands.passwords import new_password_option, read_password
from ticker.console import Console, examples, shared_options
from ticker.core.errors import SettingsError

if TYPE_CHECKING:
    from ticker.store.acl import Applied, Role
    from ticker.store.connection import Redis

_ROLES = ("desk", "gateway", "admin")


@click.group(invoke_without_command=True, epilog=examples("ticker acl", "ticker acl --editor maha -e en -e ar --chief"))
@click.option("--editor", metavar="NAME", default="editor", show_default=True, help="For whom the editor's line is.")
@click.option(
    *("-e", "--edition", "editions"),
    metavar="NAME",
    multiple=True,
    default=("en",),
    show_default=True,
    help="An edition that the editor's line is for; may be given repeatedly.",
)
@click.option("--post-only", is_flag=True, help="The editor's line is for a program that doesn't read the log.")
@click.option("--chief", is_flag=True, help="The editor's line is for a chief, who may read everybody's receipts.")
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

    Nobody can log in with a line as it stands: put `#` and the SHA-256 of a password after `on`. `ticker acl apply` and
    `ticker editor add` make such users themselves.
    """
    if context.invoked_subcommand is not None:
        return 0
    from ticker.store.acl import Role, acl_line, editor_rights, rights_of  # noqa: PLC0415 -- slow to import

    console = context.find_object(Console)
    assert console is not None
    _check_kind(console, settings, editions)
    lines = {role.user: acl_line(role.user, rights_of(role)) for role in Role}
    chief_of = editions if chief else ()
    lines[editor] = acl_line(editor, editor_rights(editor, editions, reads_log=not post_only, chief_of=chief_of))
    if console.json:
        console.give({"users": lines})
        return 0
    for line in lines.values():
        console.say(line)
    return 0


def _check_kind(console: Console, settings: Path | None, editions: tuple[str, ...]) -> None:
    """Refuse one user for tests and for the public, as far as the settings know the editions.

    Raises:
        SettingsError: If it would be one.

    """
    known = settings_for(console, settings, None).editions
    kinds = {each: known[each].test for each in editions if each in known}
    if len(set(kinds.values())) > 1:
        tests = ", ".join(each for each, is_test in kinds.items() if is_test)
        raise SettingsError(f"{tests} is for tests, and the others are public: give it an editor with another name")


@acl.command(epilog=examples("ticker acl apply", "TICKER_DESK_PASSWORD_FILE=desk.txt ticker acl apply desk"))
@click.argument("roles", metavar="[ROLE]...", nargs=-1, type=click.Choice(_ROLES))
@new_password_option
@data_option
@shared_options
@click.pass_obj
def apply(console: Console, /, *, roles: tuple[str, ...], new_password: bool, data: Path | None) -> int:
    """Make the users of desk and gateway, or bring their rights up to this version. A ROLE is desk, gateway or admin.

    A password comes from TICKER_DESK_PASSWORD, or from the file that TICKER_DESK_PASSWORD_FILE names (likewise
    TICKER_GATEWAY_… and TICKER_ADMIN_…); else one is made, and shown once. A user who is there already keeps its
    password, unless one is given or --new-password is.
    """
    from ticker.store.acl import Role  # noqa: PLC0415

    chosen = [Role(name) for name in dict.fromkeys(roles or ("desk", "gateway"))]
    given = {role: read_password(console, f"TICKER_{role.name}_PASSWORD", ask=False) for role in chosen}
    applied, made = run_with_redis(console, data, lambda redis: _apply(redis, given, is_new_password=new_password))
    if console.json:
        users = [{"user": role.user, **({"password": made[role]} if role in made else {})} for role in chosen]
        console.give({"users": users, "servers": applied[0].servers, "kept": all(each.is_kept for each in applied)})
    else:
        for role in chosen:
            password = f"password  {made[role]}  (shown this once)" if role in made else "ready"
            console.say(f"{role.user}  {password}")
    if not all(each.is_kept for each in applied):
        tell_not_kept(console)
    return 0


async def _apply(
    redis: Redis, given: dict[Role, str | None], *, is_new_password: bool
) -> tuple[list[Applied], dict[Role, str]]:
    """Make or change each role's user; also, which passwords were made here."""
    from ticker.store import acl  # noqa: PLC0415

    applied, made = [], {}
    for role, password in given.items():
        if password is None and (is_new_password or not await acl.has_user(redis, role.user)):
            made[role] = acl.new_password()
        applied.append(await acl.set_user(redis, role.user, acl.rights_of(role), made.get(role, password)))
    return applied, made
