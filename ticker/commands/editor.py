"""`ticker editor`: whose inboxes the desk reads, and their users in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from ticker.commands.options import data_option, run_with_redis
from ticker.commands.passwords import new_password_option, password_options, read_password
from ticker.console import Console, examples, shared_options
from ticker.core.edition import Role, check_name
from ticker.core.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from ticker.store.acl import Applied, User
    from ticker.store.connection import Redis

VARIABLE = "TICKER_EDITOR_PASSWORD"

_editions_option = click.option(
    "-e", "--edition", "editions", metavar="NAME", multiple=True, help="An edition.  [default: all there are]"
)


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `add` was asked for: `is_guarded` where Redis has users at all. `password` is never shown."""

    name: str
    editions: Sequence[str]
    role: Role | None
    is_guarded: bool
    has_user: bool
    reads_log: bool
    password: str | None
    is_new_password: bool

    def __repr__(self) -> str:
        return f"_Asked({self.name})"


class _Added(msgspec.Struct, frozen=True):
    """What `add` has done. `password` is set where it was made here: nobody else has it."""

    editions: list[str]
    roles: dict[str, Role]
    applied: Applied | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"_Added({self.editions})"


@click.group(epilog=examples("ticker editor add maha -e en", "ticker editor list", "ticker editor remove maha"))
def editor() -> None:
    """Say who may post.

    With the embedded server, that is everybody who may use its folder, and an editor's first `tick post` has the desk
    read the inbox. In a Redis of your own (TICKER_REDIS_URL) each editor gets a user, who may append to the editor's
    own inbox and read what became of it.
    """


@editor.command(
    epilog=examples(
        "ticker editor add maha -e en --role chief",
        "ticker editor add wire -e en -e ar --role reporter --post-only",
    )
)
@click.argument("name")
@click.option(
    "-e", "--edition", "editions", metavar="NAME", multiple=True, required=True, help="An edition to post to."
)
@click.option(
    "--role",
    type=click.Choice([str(role) for role in Role]),
    help="What the editor may do there; may be changed later.  [default: the one it has, or the edition's]",
)
@click.option(
    "--post-only",
    is_flag=True,
    help="For a program: it posts new lines and reads no log, until it is removed.",
)
@click.option("--no-user", is_flag=True, help="Make no user: somebody else does (`ticker acl` shows the rules).")
@password_options(VARIABLE)
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
    """Let an editor post to editions, besides those it may post to already, or give it another role.

    A reporter asks, an editor approves what others ask for, a chief may go without a second person: what waits for one
    is in the edition's settings. An editor of a test edition has no other kind of edition under the same name.

    In a Redis of your own it makes the editor's user. The password is made here, and shown once; or it comes from
    TICKER_EDITOR_PASSWORD, from the file that TICKER_EDITOR_PASSWORD_FILE names, or from a prompt (--ask). A user who
    is there already keeps its password, unless one is given or --new-password is.
    """
    from ticker.store.acl import check_editor_name  # noqa: PLC0415 -- slow to import

    is_guarded = bool(console.environ.get("TICKER_REDIS_URL"))
    has_user = is_guarded and not no_user
    asked = _Asked(
        name=check_editor_name(name) if has_user else check_name(name),
        editions=editions,
        role=None if role is None else Role(role),
        is_guarded=is_guarded,
        has_user=has_user,
        reads_log=not post_only,
        password=read_password(console, VARIABLE, ask=ask) if has_user else None,
        is_new_password=new_password,
    )
    added = run_with_redis(console, data, lambda redis: _add(redis, asked))
    if console.json:
        password = {} if added.password is None else {"password": added.password}
        shown = {"editor": name, "editions": added.editions, "roles": added.roles, "user": asked.has_user}
        console.give({**shown, **password})
    else:
        console.say(f"{name}  may post to {', '.join(f'{each} ({added.roles[each]})' for each in added.editions)}")
        if added.password is not None:
            console.say(f"  password  {added.password}  (shown this once)")
    if added.applied is not None and not added.applied.is_kept:
        tell_not_kept(console)
    return 0


@editor.command(epilog=examples("ticker editor remove maha", "ticker editor remove maha -e ar"))
@click.argument("name")
@_editions_option
@data_option
@shared_options
@click.pass_obj
def remove(console: Console, /, *, name: str, editions: tuple[str, ...], data: Path | None) -> int:
    """Let an editor post no more, to some editions or at all.

    Its connections end at once, and what waits in its inbox is thrown away. Lines that are on air stay there.
    """
    check_name(name)
    removed = run_with_redis(console, data, lambda redis: _remove(redis, name, editions))
    if console.json:
        console.give({"editor": name, "removed": removed})
    else:
        console.say(f"{name}  may no longer post to {', '.join(removed)}")
    return 0


@editor.command("list", epilog=examples("ticker editor list -e en"))
@_editions_option
@data_option
@shared_options
@click.pass_obj
def list_editors(console: Console, /, *, editions: tuple[str, ...], data: Path | None) -> int:
    """Show whose inboxes the desk reads, each with its role, and which editors have users in Redis."""
    wants_users = bool(console.environ.get("TICKER_REDIS_URL"))
    found, users = run_with_redis(console, data, lambda redis: _list(redis, editions, wants_users=wants_users))
    if console.json:
        console.give({"editions": found, "users": users})
        return 0
    for name, editors in found.items():
        shown = [f"{editor} ({role})" for editor, role in editors.items()]
        console.say(f"{name}  {', '.join(shown) or 'nobody yet'}")
    for user in users or ():
        console.tell(f"user {user.name}: {', '.join(user.editions)}{'' if user.reads_log else ' (posts only)'}")
    if wants_users and users is None:
        console.tell("which editors have users, this user of Redis may not ask")
    return 0


def tell_not_kept(console: Console) -> None:
    """Say that users are gone when the server is started again."""
    console.tell(
        f"{click.style('warning', fg='yellow', bold=True)}: a server has no `aclfile`, and forgets its users when it "
        "is started again: set one in its configuration, then do this again (docs/operating.md)"
    )


async def _add(redis: Redis, asked: _Asked) -> _Added:
    from ticker.store import acl  # noqa: PLC0415
    from ticker.store.editors import register, set_role  # noqa: PLC0415

    names = await _known(redis, asked.editions)
    user = await acl.find_editor(redis, asked.name) if asked.has_user else None
    editions = sorted({*names, *(user.editions if user else ())})
    if asked.is_guarded:
        await _check_kind(redis, asked.name, editions)
    given = {} if asked.role is None else dict.fromkeys(names, asked.role)
    roles = {**await _roles(redis, asked.name, editions), **given}
    added = _Added(editions, roles)
    if asked.has_user:
        is_made = asked.password is None and (user is None or asked.is_new_password)
        password = acl.new_password() if is_made else asked.password
        # Once for posting only, always: that nobody widens a program's rights by naming one more edition.
        reads_log = asked.reads_log and (user is None or user.reads_log)
        rights = acl.editor_rights(asked.name, editions, reads_log=reads_log, chief_of=_chief_of(roles))
        applied = await acl.set_user(redis, asked.name, rights, password)
        added = _Added(editions, roles, applied, password if is_made else None)
    for each in names:
        if asked.role is None:
            await register(redis, each, asked.name)
        else:
            await set_role(redis, each, asked.name, asked.role)
    return added


async def _check_kind(redis: Redis, name: str, editions: Sequence[str]) -> None:
    """Refuse an editor of both kinds: what is typed for a test would need only another name of edition to be public.

    Raises:
        SettingsError: If some of `editions`, or of those that the editor posts to already, are tests and some aren't.

    """
    from ticker.store.editions import edition_names, load_edition  # noqa: PLC0415
    from ticker.store.editors import roles  # noqa: PLC0415

    tests, public = list[str](), list[str]()
    for each in await edition_names(redis):
        if each in editions or name in await roles(redis, each):
            stored = await load_edition(redis, each)
            if stored is not None:
                (tests if stored.edition.test else public).append(each)
    if tests and public:
        raise SettingsError(
            f"{name} can't be an editor of {', '.join(tests)} (for tests) and of {', '.join(public)} (public): give "
            f"one of them another name, like {name[:27]}-test"
        )


async def _roles(redis: Redis, name: str, editions: Sequence[str]) -> dict[str, Role]:
    """The role that an editor has in each of `editions`, or will have by default."""
    from ticker.store.editors import roles  # noqa: PLC0415

    return {each: (await roles(redis, each)).get(name) or await _default_role(redis, each) for each in editions}


async def _default_role(redis: Redis, edition: str) -> Role:
    from ticker.store.editions import load_edition  # noqa: PLC0415

    stored = await load_edition(redis, edition)
    return Role.EDITOR if stored is None else stored.edition.role


def _chief_of(roles: dict[str, Role]) -> list[str]:
    return [edition for edition, role in roles.items() if role is Role.CHIEF]


async def _remove(redis: Redis, name: str, given: Sequence[str]) -> list[str]:
    from ticker.store import acl  # noqa: PLC0415
    from ticker.store.editors import unregister  # noqa: PLC0415

    names = await _known(redis, given)
    user = await acl.find_editor(redis, name)
    left = [each for each in (user.editions if user else ()) if each not in names]
    # The user first, or it could fill the inbox anew. What is no edition any more is no reason to keep one.
    if user is not None and left and given:
        chief_of = _chief_of(await _roles(redis, name, left))
        rights = acl.editor_rights(name, left, reads_log=user.reads_log, chief_of=chief_of)
        await acl.set_user(redis, name, rights, None)
    elif user is not None:
        await acl.delete_user(redis, name)
    removed = [each for each in names if await unregister(redis, each, name)]
    if user is None and not removed:
        raise StoreError(f"{name} may not post to {', '.join(names)} anyway: `ticker editor list` shows who may")
    return sorted({*removed, *(each for each in (user.editions if user else ()) if each in names)})


async def _list(
    redis: Redis, given: Sequence[str], *, wants_users: bool
) -> tuple[dict[str, dict[str, Role]], list[User] | None]:
    from ticker.store import acl  # noqa: PLC0415
    from ticker.store.editors import roles  # noqa: PLC0415

    found: dict[str, dict[str, Role]] = {}
    for each in await _known(redis, given):
        default = await _default_role(redis, each)
        found[each] = {name: role or default for name, role in (await roles(redis, each)).items()}
    try:
        return found, await acl.list_editors(redis) if wants_users else []
    except StoreError:
        return found, None


async def _known(redis: Redis, given: Sequence[str]) -> list[str]:
    """The editions that were named, or all.

    Raises:
        StoreError: If there are none, or none of a name.

    """
    from ticker.store.editions import edition_names  # noqa: PLC0415

    names = await edition_names(redis)
    if not names:
        raise StoreError("there is no edition yet: start the desk (`ticker up` or `ticker desk`), which makes them")
    for each in given:
        if check_name(each) not in names:
            raise StoreError(f"there is no edition {each}: there are {', '.join(names)}")
    return sorted(set(given)) or names
