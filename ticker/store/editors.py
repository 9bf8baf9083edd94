"""The editors of an edition and their roles. The desk reads the inboxes of these editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ticker.core.edition import Role, is_name
from ticker.store.bell import ring
from ticker.store.keys import Keys
from ticker.store.replies import as_text

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.direct import AnyRedis


async def register(redis: AnyRedis, edition: str, editor: str) -> bool:
    """Make the desk read an editor's inbox. Return True if the editor is new. An existing role is kept.

    The bell wakes the desk. The desk also checks every few seconds, in case the caller dies before it rings the bell.
    """
    keys = Keys(edition)
    # An editor's own user may read this key but not write it. Writing only if needed keeps denied commands out of
    # Redis's ACL LOG, where they would hide the important ones.
    if await redis.hexists(keys.editors, editor):
        return False
    is_new = bool(await redis.hsetnx(keys.editors, editor, ""))
    if is_new:
        await ring(redis, edition, editor)
    return is_new


async def unregister(redis: Redis, edition: str, editor: str) -> bool:
    """Make the desk stop reading an editor's inbox, and delete the inbox. Return False if the editor was unknown.

    A submission that the desk is already processing may still be published. Receipts are kept.
    """
    keys = Keys(edition)
    was_known = bool(await redis.hdel(keys.editors, editor))
    await redis.delete(keys.inbox(editor))
    if was_known:
        await ring(redis, edition, editor)
    return was_known


async def set_role(redis: Redis, edition: str, editor: str, role: Role | None) -> None:
    """Register an editor with a role, or change the role. None is the edition's default role."""
    keys = Keys(edition)
    await redis.hset(keys.editors, editor, "" if role is None else str(role))
    await ring(redis, edition, editor)


async def roles(redis: Redis, edition: str) -> dict[str, Role | None]:
    """Return the editors whose inboxes the desk reads, by name, each with its role. None is the default role.

    A role that this version doesn't know becomes the one with the fewest rights. Invalid names are left out.
    """
    found = await redis.hgetall(Keys(edition).editors)
    named = sorted((as_text(name), as_text(role)) for name, role in found.items())
    return {name: _role(role) for name, role in named if is_name(name)}


async def role_of(redis: Redis, edition: str, editor: str) -> Role | None:
    """Return an editor's role, or None for the default role. An editor's own user is allowed to read this."""
    (role,) = await redis.hmget(Keys(edition).editors, [editor])
    return None if role is None else _role(as_text(role))


def _role(text: str) -> Role | None:
    if not text:
        return None
    try:
        return Role(text)
    except ValueError:
        return Role.REPORTER
