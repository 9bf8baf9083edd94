"""Redis users: the rights of each role, as data and as ACL rules, and the commands that apply them.

| user | may |
| --- | --- |
| an editor's, with the editor's name | append to its own inbox; read its own receipts, its editions, logs and `held` |
| a chief's | the same, and read everybody's receipts in the editions of which it is a chief |
| `ticker-desk` | what the desk and its scripts do: read inboxes; write logs, cursors, receipts and held items |
| `ticker-gateway` | read editions, logs and bells; append to `reach` |
| `ticker-relay` | append to `relays`, so that `tick reach` lists the verdict on each version of a line per receiver |
| `ticker-api` | read tokens; append to the inboxes of the tokens' editors, and read their receipts |
| `ticker-admin` | use all of Ticker's keys; manage users |

Key patterns are separate for reading and writing (`%R~`, `%W~`: Redis 7.0, Valkey 7.2). Rights are lists of single
commands and not categories, so that new commands of a newer server aren't allowed automatically; the admin's rights are
the exception. Passwords are never stored or sent: Redis gets their SHA-256.

ACLs belong to one server and aren't replicated. The rules are applied on each node of a Cluster, and on the replicas
behind Sentinel. Otherwise a failover would lock everybody out.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from enum import Enum
from functools import partial
from hashlib import sha256
from typing import Any, Final, TypeAlias

import msgspec
import redis.asyncio
from redis.exceptions import ResponseError

from ticker.core.edition import check_name, in_order
from ticker.core.errors import SettingsError, StoreError
from ticker.store.connection import Redis, as_text, replicas_behind_sentinel
from ticker.store.keys import EDITIONS, TOKENS, Keys
from ticker.store.tokens import Scope, Token

PREFIX: Final = "ticker-"
PASSWORD_LEAST: Final = 16
"""Redis checks thousands of passwords per second for any client, and stores unsalted hashes."""

_CONNECTING: Final = ("client|setname", "ping", "command", "cluster|slots")
"""Commands that redis-py sends when it connects; the last two in a Cluster. Redis 7.0 doesn't know `client|setinfo`."""

_ANY: Final = "ticker:{*}:"
"""The keys of any edition."""

_Command: TypeAlias = Callable[..., Awaitable[object]]
"""Sends a command, given as words, to one server."""


class Role(Enum):
    """A part of the system with a Redis user of its own."""

    DESK = "desk"
    GATEWAY = "gateway"
    RELAY = "relay"
    API = "api"
    ADMIN = "admin"

    @property
    def user(self) -> str:
        return PREFIX + self.value


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """Allowed commands (with @, categories; with -, exceptions), and patterns of the keys to use them on."""

    commands: tuple[str, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    both: tuple[str, ...] = ()

    @property
    def rules(self) -> list[str]:
        """Words for ACL SETUSER. They replace all rights that the user had before."""
        signed = [word if word.startswith("-") else f"+{word}" for word in (*_CONNECTING, *self.commands)]
        reads = [f"%R~{pattern}" for pattern in self.reads]
        writes = [f"%W~{pattern}" for pattern in self.writes]
        return [*_NOTHING, *signed, *reads, *writes, *(f"~{pattern}" for pattern in self.both)]


_NOTHING: Final = ("clearselectors", "resetkeys", "resetchannels", "-@all")

_API: Final = ("hexists", "hgetall", "hmget", "time", "xadd", "xrange", "xread", "xrevrange")

RIGHTS: Final = {
    Role.DESK: Rights(
        commands=(
            *("eval", "evalsha", "time"),
            *("xadd", "xdel", "xlen", "xrange", "xread", "xrevrange", "xtrim", "del"),
            *("hdel", "hget", "hgetall", "hlen", "hmget", "hset", "hsetnx"),
            *("sadd", "smembers"),
        ),
        reads=(f"{_ANY}editors", f"{_ANY}bell"),
        both=(
            EDITIONS,
            *(f"{_ANY}{what}" for what in ("edition", "log", "cursors", "held", "inbox:*", "receipts:*")),
        ),
    ),
    Role.GATEWAY: Rights(
        commands=("hmget", "smembers", "xadd", "xrange", "xread", "xrevrange"),
        reads=(EDITIONS, f"{_ANY}edition", f"{_ANY}log", f"{_ANY}bell"),
        writes=(f"{_ANY}reach",),
    ),
    Role.RELAY: Rights(commands=("xadd",), writes=(f"{_ANY}relays",)),
    Role.API: Rights(commands=_API, reads=(TOKENS,)),  # and those of `api_rights`
    # A user that may manage users may do anything. The other limits prevent accidents with FLUSHALL, KEYS or SHUTDOWN.
    Role.ADMIN: Rights(
        commands=(
            *("@read", "@write", "-@dangerous", "-@scripting", "eval", "evalsha", "time"),
            *("info", "config|get", "client|list", "client|kill"),
            *("acl|getuser", "acl|setuser", "acl|deluser", "acl|list", "acl|log", "acl|save", "acl|whoami"),
        ),
        both=("ticker:*",),
    ),
}

_POSTING: Final = ("hexists", "hmget", "smembers", "time", "xadd", "xrange", "xread", "xrevrange")
_EDITING: Final = (*_POSTING, "hget", "hgetall")


def editor_rights(
    name: str, editions: Iterable[str], *, reads_log: bool = True, chief_of: Collection[str] = ()
) -> Rights:
    """Return the rights of the editor `name`.

    `reads_log` allows it to read logs and held items. A program that only posts doesn't need them, and they contain
    more than readers get: authors, notes for staff, and texts that were withdrawn or aren't published yet. `chief_of`
    are those of `editions` in which the editor may read everybody's receipts, for the audit.

    Raises:
        SettingsError: If a name can't be part of a key, or is reserved.

    """
    check_editor_name(name)
    keys = [Keys(edition) for edition in sorted(set(editions))]
    reads = [EDITIONS]
    for each in keys:
        reads += [each.edition, each.editors, each.receipts(name), each.reach, each.relays]
        if reads_log:
            reads += [each.log, each.held]
        if reads_log and each.name in chief_of:
            reads += [each.all_receipts, each.cursors]
    commands = _EDITING if reads_log else _POSTING
    return Rights(commands=commands, reads=tuple(reads), writes=tuple(each.inbox(name) for each in keys))


def api_rights(tokens: Iterable[Token]) -> Rights:
    """Return the rights of the posting part: those that it needs for these tokens, and no others.

    It may append to the inboxes of their editors and read their receipts. It may read the held items of an edition if a
    token has the scope `decide` there.
    """
    reads, writes = {TOKENS}, set[str]()
    for token in tokens:
        for keys in map(Keys, token.editions):
            reads |= {keys.edition, keys.editors, keys.receipts(token.editor)}
            writes.add(keys.inbox(token.editor))
            if Scope.DECIDE in token.scopes:
                reads.add(keys.held)
    return Rights(commands=_API, reads=tuple(sorted(reads)), writes=tuple(sorted(writes)))


def check_editor_name(name: str) -> str:
    """Return `name` if an editor's Redis user may have it.

    Raises:
        SettingsError: If it may not.

    """
    if name == "default" or name.startswith(PREFIX):
        raise SettingsError(f"{name!a} is reserved for another kind of Redis user: choose another name for the editor")
    return check_name(name)


def acl_line(user: str, rights: Rights) -> str:
    """Return a line for an `aclfile`. Nobody can log in until a password, `#<SHA-256>`, is added after `on`."""
    return " ".join(["user", user, "on", *rights.rules])


def new_password() -> str:
    return secrets.token_urlsafe(24)


def password_rule(password: str) -> str:
    """Return the ACL rule for a password. It has the password's hash, so that Redis can never log the password.

    Raises:
        SettingsError: If the password is too short. The message doesn't contain it.

    """
    if len(password) < PASSWORD_LEAST:
        raise SettingsError(
            f"the password has {len(password)} characters: use at least {PASSWORD_LEAST}, or none for a generated one"
        )
    return f"#{sha256(password.encode()).hexdigest()}"


# Applying rules


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
            f"this command would lock you out, because it runs as the default user: run it as {Role.ADMIN.user}, with "
            f"TICKER_REDIS_URL=redis://{Role.ADMIN.user}@… and its password in TICKER_REDIS_PASSWORD"
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
        # Only the error's first word, because its text may quote arguments.
        command_name = " ".join(words[:2])
        raise StoreError(
            f"Redis rejects {command_name} ({str(error).split(' ')[0]}): use a Redis user with that right, like "
            f"{Role.ADMIN.user}, and Redis 7.0, Valkey 7.2 or newer"
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
