"""Manage editors: their registration in editions, their roles, and their Redis users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from redis.exceptions import NoPermissionError

from ticker.core.edition import Role, check_name, in_order
from ticker.core.errors import SettingsError, StoreError
from ticker.store import acl
from ticker.store.connection import Redis
from ticker.store.editions import edition_names, load_edition
from ticker.store.editors import register, roles, set_role, unregister
from ticker.store.held import read_held
from ticker.store.rights import RIGHTS, Part, api_rights, check_editor_name, editor_rights, new_password
from ticker.store.tokens import NewToken, Token, create_token, list_tokens, revoke_tokens, revoke_tokens_of


class NewEditor(msgspec.Struct, frozen=True, kw_only=True):
    """An editor to add.

    Attributes:
        name: The editor's name.
        editions: The editions to add to those that the editor has already.
        role: The role there. None keeps the present role, or gives the edition's default.
        is_guarded: Whether this Redis has users. The embedded server doesn't.
        has_user: Whether to create or change the editor's Redis user.
        reads_log: Whether the user may read logs.
        password: The user's password. Never shown.
        is_new_password: Whether to generate a new password for an existing user.

    """

    name: str
    editions: Sequence[str]
    role: Role | None
    is_guarded: bool
    has_user: bool
    reads_log: bool
    password: str | None
    is_new_password: bool

    def __repr__(self) -> str:
        return f"NewEditor({self.name})"


class AddedEditor(msgspec.Struct, frozen=True):
    """An editor that was added. `password` is set if it was generated: it exists nowhere else."""

    editions: list[str]
    roles: dict[str, Role]
    applied: acl.Applied | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"AddedEditor({self.editions})"


class RemovedEditor(msgspec.Struct, frozen=True):
    """An editor that was removed from `editions`.

    `held` counts the held items that they left in each, and `tokens` are the ids of the tokens that were revoked.
    """

    editions: list[str]
    held: dict[str, int]
    tokens: list[str]


class AppliedRole(msgspec.Struct, frozen=True):
    """A role's user that was created or changed. `password` is set if it was generated: it exists nowhere else."""

    user: str
    applied: acl.Applied
    password: str | None = None

    def __repr__(self) -> str:
        return f"AppliedRole({self.user})"


class Editors(msgspec.Struct, frozen=True):
    """The editors of each edition with their roles, and the Redis users, or None if they can't be read."""

    editions: dict[str, dict[str, Role]]
    users: list[acl.User] | None


async def add_editor(redis: Redis, new: NewEditor) -> AddedEditor:
    """Register an editor, and create or change the Redis user if there is one.

    Raises:
        SettingsError: If the editor can't have this name, or would post to test editions and to public ones.
        StoreError: If an edition doesn't exist, or the server refuses to change users.

    """
    if new.has_user:
        check_editor_name(new.name)
    names = await _existing(redis, new.editions)
    user = await acl.find_editor(redis, new.name) if new.has_user else None
    editions = in_order({*names, *(user.editions if user else ())})
    if new.is_guarded:
        await _check_kind(redis, new.name, editions)
    given = {} if new.role is None else dict.fromkeys(names, new.role)
    all_roles = {**await _roles_of(redis, new.name, editions), **given}
    added = AddedEditor(editions, all_roles)
    if new.has_user:
        is_generated = new.password is None and (user is None or new.is_new_password)
        password = new_password() if is_generated else new.password
        # Without log access once, without it for ever: adding an edition must not widen a program's rights.
        reads_log = new.reads_log and (user is None or user.reads_log)
        rights = editor_rights(new.name, editions, reads_log=reads_log, chief_of=_chief_of(all_roles))
        applied = await acl.set_user(redis, new.name, rights, password)
        added = AddedEditor(editions, all_roles, applied, password if is_generated else None)
    for each in names:
        if new.role is None:
            await register(redis, each, new.name)
        else:
            await set_role(redis, each, new.name, new.role)
    return added


async def remove_editor(redis: Redis, name: str, given: Sequence[str]) -> RemovedEditor:
    """Remove an editor from the `given` editions, or from all if none is given.

    Raises:
        StoreError: If an edition doesn't exist, or the editor may not post to any of them.

    """
    names = await _existing(redis, given)
    user = await acl.find_editor(redis, name)
    left = [each for each in (user.editions if user else ()) if each not in names]
    # The user changes first, or it could fill the inbox again. Editions that no longer exist don't keep a user.
    if user is not None and left and given:
        chief_of = _chief_of(await _roles_of(redis, name, left))
        rights = editor_rights(name, left, reads_log=user.reads_log, chief_of=chief_of)
        await acl.set_user(redis, name, rights, None)
    elif user is not None:
        await acl.delete_user(redis, name)
    removed = [each for each in names if await unregister(redis, each, name)]
    if user is None and not removed:
        raise StoreError(f"{name} is no editor of {', '.join(names)}: `ticker editor list` shows the editors")
    # Otherwise the tokens would work again for another person who gets the name.
    tokens = [] if await _is_editor(redis, name) else await revoke_tokens_of(redis, name)
    if tokens:
        await update_api_user(redis)
    editions = in_order({*removed, *(each for each in (user.editions if user else ()) if each in names)})
    return RemovedEditor(editions, {each: await _count_held(redis, each, name) for each in editions}, tokens)


async def _is_editor(redis: Redis, name: str) -> bool:
    """Return whether the desk still reads an inbox of the editor."""
    return any([name in await roles(redis, each) for each in await edition_names(redis)])


async def _count_held(redis: Redis, edition: str, editor: str) -> int:
    """Return how many items of the editor are held, or 0 if this Redis user may not read them."""
    try:
        return sum(held.editor == editor for _, held in (await read_held(redis, edition)).values())
    except NoPermissionError:
        return 0


async def add_token(redis: Redis, new: NewToken, now: datetime) -> tuple[Token, str]:
    """Make a token, and let the posting part use the inboxes of its editor.

    Raises:
        StoreError: As `create_token`, or if the server refuses to change users.

    """
    made = await create_token(redis, new, now)
    await update_api_user(redis)
    return made


async def remove_tokens(redis: Redis, ids: Sequence[str]) -> list[str]:
    """Revoke tokens. The posting part loses its rights on the inboxes of editors without another token.

    Raises:
        StoreError: If the server refuses to change users.

    """
    revoked = await revoke_tokens(redis, ids)
    await update_api_user(redis)
    return revoked


async def update_api_user(redis: Redis) -> None:
    """Give the posting part's Redis user, if there is one, the rights that it needs for the present tokens."""
    user = Part.API.user
    if await acl.has_user(redis, user):
        await acl.set_user(redis, user, api_rights(await list_tokens(redis)), None)


async def list_editors(redis: Redis, given: Sequence[str], *, with_users: bool) -> Editors:
    """Return the editors of the `given` editions, or of all if none is given.

    Raises:
        StoreError: If an edition doesn't exist.

    """
    found: dict[str, dict[str, Role]] = {}
    for each in await _existing(redis, given):
        default = await _default_role(redis, each)
        found[each] = {name: role or default for name, role in (await roles(redis, each)).items()}
    try:
        return Editors(found, await acl.list_editors(redis) if with_users else [])
    except StoreError:
        return Editors(found, None)


async def apply_roles(redis: Redis, passwords: Mapping[str, str | None], *, is_new_password: bool) -> list[AppliedRole]:
    """Create or change the Redis user of each role: `desk`, `gateway` or `admin`.

    A password of None keeps that of an existing user, unless `is_new_password`.

    Raises:
        StoreError: If the server refuses to change users.

    """
    results = []
    for role, password in ((Part(name), password) for name, password in passwords.items()):
        is_generated = password is None and (is_new_password or not await acl.has_user(redis, role.user))
        generated = new_password() if is_generated else None
        rights = api_rights(await list_tokens(redis)) if role is Part.API else RIGHTS[role]
        applied = await acl.set_user(redis, role.user, rights, generated or password)
        results.append(AppliedRole(role.user, applied, generated))
    return results


async def _check_kind(redis: Redis, name: str, editions: Sequence[str]) -> None:
    """Check that an editor's editions are all tests, or all public.

    An editor of both could publish a test line by naming another edition.

    Raises:
        SettingsError: If some of `editions`, or of those that the editor posts to already, are tests and some aren't.

    """
    tests, public = list[str](), list[str]()
    for each in await edition_names(redis):
        if each in editions or name in await roles(redis, each):
            stored = await load_edition(redis, each)
            if stored is not None:
                (tests if stored.edition.test else public).append(each)
    if tests and public:
        raise SettingsError(
            f"{name} can't be an editor of test editions ({', '.join(tests)}) and of public ones "
            f"({', '.join(public)}): add an editor with another name, like {name[:27]}-test"
        )


async def _roles_of(redis: Redis, name: str, editions: Sequence[str]) -> dict[str, Role]:
    """Return the editor's role in each of `editions`: its own, or the edition's default."""
    return {each: (await roles(redis, each)).get(name) or await _default_role(redis, each) for each in editions}


async def _default_role(redis: Redis, edition: str) -> Role:
    stored = await load_edition(redis, edition)
    return Role.EDITOR if stored is None else stored.edition.role


def _chief_of(editor_roles: Mapping[str, Role]) -> list[str]:
    return [edition for edition, role in editor_roles.items() if role is Role.CHIEF]


async def _existing(redis: Redis, given: Sequence[str]) -> list[str]:
    """Return the `given` editions in their order, or all of them if `given` is empty.

    Raises:
        StoreError: If an edition doesn't exist, or no edition exists yet.

    """
    names = await edition_names(redis)
    if not names:
        raise StoreError("there is no edition yet: start the desk (`ticker up` or `ticker desk`), which creates them")
    for each in given:
        if check_name(each) not in names:
            raise StoreError(f"there is no edition {each}: the editions are {', '.join(names)}")
    return in_order(set(given)) or names
