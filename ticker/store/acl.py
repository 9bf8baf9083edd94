"""The commands that manage Redis users: create, change, find and delete them.

ACLs belong to one server and aren't replicated. The rules are applied on each node of a Cluster, and on the replicas
behind Sentinel. Otherwise a failover would lock everybody out.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec
import redis.asyncio
from redis.exceptions import ResponseError

from ticker.core.edition import in_order
from ticker.core.errors import StoreError
from ticker.store.connection import Redis, replicas_behind_sentinel
from ticker.store.replies import as_text
from ticker.store.rights import Part, Rights, password_rule

_Command: TypeAlias = Callable[..., Awaitable[object]]
"""Sends a command, given as words, to one server."""


class User(msgspec.Struct, frozen=True):
    """An editor's user on the server. `editions` are those that it may post to."""

    name: str
    editions: tuple[str, ...]
    reads_log: bool


class Applied(msgspec.Struct, frozen=True):
    """On how many servers users were changed, and whether all of them keep the change after a restart."""

    servers: int
    is_kept: bool


async def set_user(client: Redis, user: str, rights: Rights, password: str | None) -> Applied:
    """Create a user, or change its rights. Without a `password` (see `password_rule`), an existing user keeps its own.

    Raises:
        StoreError: If this user may not manage users, or the server is too old for the rules.

    """
    passwords = [] if password is None else ["resetpass", password_rule(password)]
    async with _servers(client) as servers:
        for command in servers:
            await _send(command, "ACL", "SETUSER", user, "on", *passwords, *rights.rules)
            if await _send(command, "ACL", "GETUSER", user) is None:
                raise StoreError(f"the user {user} was deleted at the same time: does somebody else change users?")
        return Applied(len(servers), all([await _keep(command) for command in servers]))


async def delete_user(client: Redis, user: str) -> None:
    """Delete a user, and close all its connections.

    Raises:
        StoreError: As `set_user`.

    """
    async with _servers(client) as servers:
        for command in servers:
            # SETUSER would create a user that doesn't exist.
            if await _send(command, "ACL", "GETUSER", user) is not None:
                await _send(command, "ACL", "SETUSER", user, "off")
                await _send(command, "CLIENT", "KILL", "USER", user)
                await _send(command, "ACL", "DELUSER", user)
        for command in servers:
            await _keep(command)


class Closed(msgspec.Struct, frozen=True):
    """On how many servers the default user was disabled, and how many of its connections were closed."""

    servers: int
    connections: int


async def close_default_user(client: Redis) -> Closed:
    """Disable the default user on every server, save the users, and close the default user's connections.

    The user also loses `nopass`. With it, a server in protected mode rejects all connections from other machines, even
    if the user is off.

    Raises:
        StoreError: If `client` is the default user itself, if a replica or a Sentinel is, or if a server can't save its
            users. Nothing was changed then. Or as `set_user`.

    """
    async with _servers(client) as servers:
        for command in servers:
            await _check_closable(command)
        connections = 0
        for command in servers:
            await _send(command, "ACL", "SETUSER", "default", "off", "resetpass")
            await _send(command, "ACL", "SAVE")
            connections += await _send(command, "CLIENT", "KILL", "USER", "default")
        return Closed(len(servers), connections)


async def _check_closable(command: _Command) -> None:
    """Check that a server works without its default user.

    Raises:
        StoreError: If it doesn't.

    """
    if as_text(await _send(command, "ACL", "WHOAMI")) == "default":
        raise StoreError(
            f"this command would lock you out, because it runs as the default user: run it as {Part.ADMIN.user}, with "
            f"TICKER_REDIS_URL=redis://{Part.ADMIN.user}@… and its password in TICKER_REDIS_PASSWORD"
        )
    if users := _replication_of_default(as_text(await _send(command, "CLIENT", "LIST"))):
        raise StoreError(
            f"the default user is still in use by {', '.join(users)}: give replicas (`masteruser`) and Sentinels "
            "(`sentinel auth-user`) a user of their own first"
        )
    if not await _keep(command):
        raise StoreError(
            "a server can't save its users, so the next restart would enable the default user again: set an `aclfile` "
            "in its configuration, in a folder that it may write, and create the users again (docs/operating.md)"
        )


def _replication_of_default(clients: str) -> list[str]:
    """Return the replicas and Sentinels that are connected as the default user, from a reply to CLIENT LIST."""
    found = []
    for line in clients.splitlines():
        fields = dict(word.partition("=")[::2] for word in line.split())
        kind = "a replica" if "S" in fields["flags"] else "a Sentinel" if fields["name"].startswith(_SENTINEL) else None
        if kind is not None and fields["user"] == "default":
            found.append(f"{kind} ({fields['addr']})")
    return found


_SENTINEL: Final = "sentinel-"
"""Sentinels name their connections `sentinel-<id>-cmd` and `sentinel-<id>-pubsub`."""


async def has_user(client: Redis, user: str) -> bool:
    """Return whether every server has a user of this name.

    Raises:
        StoreError: If this user may not manage users.

    """
    async with _servers(client) as servers:
        return all([await _send(command, "ACL", "GETUSER", user) is not None for command in servers])


async def find_editor(client: Redis, name: str) -> User | None:
    """Return the Redis user of an editor, or None.

    Raises:
        StoreError: If this user may not manage users, or the name belongs to another kind of user.

    """
    found: User | None = None
    async with _servers(client) as servers:
        for command in servers:
            reply = await _send(command, "ACL", "GETUSER", name)
            if reply is not None:
                found = _as_editor(name, _patterns_of(reply))
                if found is None:
                    raise StoreError(f"the Redis user {name} isn't an editor's: choose another name")
    return found


async def list_editors(client: Redis) -> list[User]:
    """Return the editors' Redis users of the first server, sorted by name.

    Raises:
        StoreError: If this user may not manage users.

    """
    async with _servers(client) as servers:
        lines = [as_text(line).split() for line in await _send(servers[0], "ACL", "LIST")]
    found = [_as_editor(words[1], words[2:]) for words in lines]
    return sorted((user for user in found if user is not None), key=lambda user: user.name)


async def _keep(command: _Command) -> bool:
    """Save the users in the server's `aclfile`. Return False if it doesn't have one: it loses them when it restarts."""
    try:
        await command("ACL", "SAVE")
    except ResponseError:
        return False
    return True


async def _send(command: _Command, *words: str) -> Any:
    try:
        return await command(*words)
    except ResponseError as error:
        # Quote only the first word of the error: its text may contain arguments.
        command_name = " ".join(words[:2])
        raise StoreError(
            f"Redis rejects {command_name} ({str(error).split(' ')[0]}): use a Redis user with that right, like "
            f"{Part.ADMIN.user}, and Redis 7.0, Valkey 7.2 or newer"
        ) from error


@asynccontextmanager
async def _servers(client: Redis) -> AsyncIterator[list[_Command]]:
    """Yield a function for each server with users of its own, including replicas. It sends a command to that server."""
    if isinstance(client, redis.asyncio.RedisCluster):
        client = await client.initialize()
        yield [partial(client.execute_command, target_nodes=node) for node in client.get_nodes()]
        return
    async with replicas_behind_sentinel(client) as replicas:
        yield [each.execute_command for each in (client, *replicas)]


def _as_editor(name: str, words: Iterable[str]) -> User | None:
    """Return the user if it is an editor's, or None. An editor's user may write to its inboxes and to no other key."""
    inbox = re.compile(rf"%W~ticker:\{{([a-z0-9-]+)\}}:inbox:{re.escape(name)}")
    patterns = [word for word in words if "~" in word]
    written = [pattern for pattern in patterns if not pattern.startswith("%R~")]
    editions = [match[1] for pattern in written if (match := inbox.fullmatch(pattern))]
    if not editions or len(editions) < len(written):
        return None
    return User(name, tuple(in_order(editions)), any(pattern.endswith(":log") for pattern in patterns))


def _patterns_of(reply: Any) -> list[str]:
    """Return the key patterns in a reply to ACL GETUSER."""
    keys = next((value for name, value in reply.items() if as_text(name) == "keys"), "")
    return as_text(keys).split()
