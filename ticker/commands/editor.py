"""`ticker editor`: add, remove and list editors, and their Redis users."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticker.commands.options import (
    data_option,
    editions_to_post_option,
    new_password_option,
    read_password,
    run_with_redis,
    warn_not_kept,
)
from ticker.console import Console, examples, shared_options
from ticker.core.edition import Role, check_name

if TYPE_CHECKING:
    from ticker.store.accounts import AddedEditor

VARIABLE = "TICKER_EDITOR_PASSWORD"

_editions_option = click.option(
    "-e", "--edition", "editions", metavar="NAME", multiple=True, help="An edition.  [default: all there are]"
)


@click.group(
    short_help="Manage who may post.",
    epilog=examples("ticker editor add maha -e en", "ticker editor list", "ticker editor remove maha"),
)
def editor() -> None:
    """Manage who may post.

    With the embedded server, everybody with access to its folder may post, and the first `tick post` registers the
    editor. In a Redis of your own (TICKER_REDIS_URL), each editor has a user that may append to the editor's own inbox
    and read the receipts.
    """


@editor.command(
    short_help="Add an editor, or change its role.",
    epilog=examples(
        "ticker editor add maha -e en --role chief",
        "ticker editor add wire -e en -e ar --role reporter --post-only",
    ),
)
@click.argument("name")
@editions_to_post_option
@click.option(
    "--role",
    type=click.Choice([str(role) for role in Role]),
    help="The editor's role there. It can be changed later.  [default: the present role, or the edition's]",
)
@click.option(
    "--post-only",
    is_flag=True,
    help="For a program that posts new lines: it gets no access to logs, until it is removed.",
)
@click.option("--no-user", is_flag=True, help="Create no Redis user. `ticker acl` shows the rules for one.")
@click.option(
    "--ask",
    is_flag=True,
    help=f"Prompt for the password.  [default: {VARIABLE}, {VARIABLE}_FILE, or a generated one]",
)
@new_password_option
@data_option
@shared_options
@click.pass_obj
def add(
    console: Console,
    /,
    *,
    name: str,
    editions: tuple[str, ...],
    role: str | None,
    post_only: bool,
    no_user: bool,
    ask: bool,
    new_password: bool,
    data: Path | None,
) -> int:
    """Add an editor to editions, or change its role. It keeps the editions that it has already.

    A reporter's posts need an editor's approval. A chief may publish without a second person. The edition's
    settings list the changes that need one. An editor of a test edition can't be an editor of a public one.

    In a Redis of your own, this command creates the editor's user. It generates a password and shows it once, unless
    TICKER_EDITOR_PASSWORD, the file that TICKER_EDITOR_PASSWORD_FILE names, or a prompt (--ask) gives one. An existing
    user keeps its password, unless one is given or --new-password is set.
    """
    from ticker.store import accounts  # noqa: PLC0415 -- slow to import

    is_guarded = bool(console.environ.get("TICKER_REDIS_URL"))
    has_user = is_guarded and not no_user
    new = accounts.NewEditor(
        name=check_name(name),
        editions=editions,
        role=None if role is None else Role(role),
        is_guarded=is_guarded,
        has_user=has_user,
        reads_log=not post_only,
        password=read_password(console, VARIABLE, ask=ask) if has_user else None,
        is_new_password=new_password,
    )
    added = run_with_redis(console, data, lambda redis: accounts.add_editor(redis, new))
    _show_added(console, name, added)
    return 0


def _show_added(console: Console, name: str, added: AddedEditor) -> None:
    has_user = added.applied is not None
    document = {"editor": name, "editions": added.editions, "roles": added.roles, "user": has_user}
    lines = [f"{name}  may post to {', '.join(f'{each} ({added.roles[each]})' for each in added.editions)}"]
    if added.password is not None:
        document["password"] = added.password
        lines.append(f"  password  {added.password}  (shown this once)")
    console.show(document, *lines)
    if added.applied is not None and not added.applied.is_kept:
        warn_not_kept(console)


@editor.command(
    short_help="Remove an editor.", epilog=examples("ticker editor remove maha", "ticker editor remove maha -e ar")
)
@click.argument("name")
@_editions_option
@data_option
@shared_options
@click.pass_obj
def remove(console: Console, /, *, name: str, editions: tuple[str, ...], data: Path | None) -> int:
    """Remove an editor from some editions, or from all.

    Its connections are closed immediately, and its unread submissions are deleted. Its published lines stay. Its held
    items wait for a second person.
    """
    from ticker.store.accounts import remove_editor  # noqa: PLC0415 -- slow to import

    check_name(name)
    removed = run_with_redis(console, data, lambda redis: remove_editor(redis, name, editions))
    console.show(
        {"editor": name, "removed": removed.editions, "held": removed.held, "tokens": removed.tokens},
        f"{name}  may no longer post to {', '.join(removed.editions)}",
    )
    if removed.tokens:
        console.tell(f"  tokens revoked: {', '.join(removed.tokens)}")
    for edition, held in removed.held.items():
        if held:
            what = "1 held item waits" if held == 1 else f"{held:,} held items wait"
            console.tell(
                f"  {edition}: {what} for a second person; to cancel all: tick cancel --all-of {name} -e {edition}"
            )
    return 0


@editor.command("list", short_help="Show editors and their roles.", epilog=examples("ticker editor list -e en"))
@_editions_option
@data_option
@shared_options
@click.pass_obj
def list_editors(console: Console, /, *, editions: tuple[str, ...], data: Path | None) -> int:
    """Show the editors of each edition with their roles, and which of them have a user in Redis."""
    from ticker.store import accounts  # noqa: PLC0415 -- slow to import

    with_users = bool(console.environ.get("TICKER_REDIS_URL"))
    found = run_with_redis(console, data, lambda redis: accounts.list_editors(redis, editions, with_users=with_users))
    if console.json:
        console.give(found)
        return 0
    for name, editors in found.editions.items():
        shown = [f"{editor} ({role})" for editor, role in editors.items()]
        console.say(f"{name}  {', '.join(shown) or 'nobody yet'}")
    for user in found.users or ():
        console.tell(f"user {user.name}: {', '.join(user.editions)}{'' if user.reads_log else ' (posts only)'}")
    if found.users is None:
        console.tell("this Redis user may not list the editors' users")
    return 0
