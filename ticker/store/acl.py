"""Who may do what in Redis: the rights of each role as data, as ACL rules, and put in force.

| user | may |
| --- | --- |
| an editor's, called as the editor | append to its own inbox; read its own receipts, its editions, logs and `held` |
| a chief's | the same, and read everybody's receipts in the editions where it is a chief |
| `ticker-desk` | what the desk and its scripts do: read inboxes, write logs, cursors, receipts, what is held |
| `ticker-gateway` | read editions and logs; append to `reach` |
| `ticker-admin` | everything with Ticker's keys, and making users |

Key patterns are told apart by reading and writing (`%R~`, `%W~`: Redis 7.0, Valkey 7.2). Rights are lists of single
commands, never categories, so that a newer server's commands aren't allowed by themselves; the admin's are the
exception. Nothing here holds or sends a password: Redis is handed its SHA-256.

ACLs belong to a server and aren't replicated: rules are put in force on each node of a Cluster, and on the replicas
behind Sentinel, or a failover would lock everybody out.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec
import redis.asyncio
from redis.exceptions import ResponseError

from ticker.core.edition import check_name
from ticker.core.errors import SettingsError, StoreError
from ticker.store.connection import Redis, replicas_behind_sentinel
from ticker.store.keys import EDITIONS, Keys

PREFIX: Final = "ticker-"
PASSWORD_LEAST: Final = 16
"""Redis checks thousands of passwords a second for whoever asks, and keeps their unsalted hashes."""

_CONNECTING: Final = ("client|setname", "ping", "command", "cluster|slots")
"""What redis-py sends by itself: the last two in a Cluster. Not `client|setinfo`, which Redis 7.0 doesn't know."""

_ANY: Final = "ticker:{*}:"
"""The keys of whichever edition."""


class Role(Enum):
    """A part of the system with a Redis user of its own."""

    DESK = "desk"
    GATEWAY = "gateway"
    ADMIN = "admin"

    @property
    def user(self) -> str:
        return PREFIX + self.value


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """Commands (or, with @, categories; with -, what they don't include), and patterns of the keys to use them on."""

    commands: tuple[str, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    both: tuple[str, ...] = ()

    @property
    def rules(self) -> list[str]:
        """As words for ACL SETUSER: these rights and no other, whatever the user had before."""
        signed = [word if word.startswith("-") else f"+{word}" for word in (*_CONNECTING, *self.commands)]
        reads = [f"%R~{pattern}" for pattern in self.reads]
        writes = [f"%W~{pattern}" for pattern in self.writes]
        return [*_NOTHING, *signed, *reads, *writes, *(f"~{pattern}" for pattern in self.both)]


_NOTHING: Final = ("clearselectors", "resetkeys", "resetchannels", "-@all")

_RIGHTS: Final = {
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
        reads=(EDITIONS, f"{_ANY}edition", f"{_ANY}log"),
        writes=(f"{_ANY}reach",),
    ),
    # Whoever may make users may do anything. The rest keeps a slip of the hand from FLUSHALL, KEYS or SHUTDOWN.
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


def rights_of(role: Role) -> Rights:
    return _RIGHTS[role]


def editor_rights(
    name: str, editions: Iterable[str], *, reads_log: bool = True, chief_of: Collection[str] = ()
) -> Rights:
    """What the editor `name` may do. Who posts only, as a program does, needs no log, and nothing that is held.

    Both have more than readers get: who wrote what, notes for staff, texts that were taken back or wait for their time.
    In the editions `chief_of`, of `editions`, it may read everybody's receipts, and whose there are: for the audit.

    Raises:
        SettingsError: If a name can't stand in a key, or is kept for something else.

    """
    check_editor_name(name)
    keys = [Keys(edition) for edition in sorted(set(editions))]
    reads = [EDITIONS]
    for each in keys:
        reads += [each.edition, each.editors, each.receipts(name), each.reach]
        if reads_log:
            reads += [each.log, each.held]
        if reads_log and each.name in chief_of:
            reads += [each.all_receipts, each.cursors]
    commands = _EDITING if reads_log else _POSTING
    return Rights(commands=commands, reads=tuple(reads), writes=tuple(each.inbox(name) for each in keys))


def check_editor_name(name: str) -> str:
    """Give back a name that a Redis user may have for an editor.

    Raises:
        SettingsError: For any other.

    """
    if name == "default" or name.startswith(PREFIX):
        raise SettingsError(f"{name!a} is a user of another kind in Redis: an editor needs another name")
    return check_name(name)


def acl_line(user: str, rights: Rights) -> str:
    """A line for an `aclfile`. It has no password: until a `#<SHA-256>` is put after `on`, nobody can log in."""
    return " ".join(["user", user, "on", *rights.rules])


def new_password() -> str:
    return secrets.token_urlsafe(24)


def password_rule(password: str) -> str:
    """The rule that gives a user this password: its hash, so that no log of Redis can have the password itself.

    Raises:
        SettingsError: If it is too short, without showing it.

    """
    if len(password) < PASSWORD_LEAST:
        raise SettingsError(
            f"the password has {len(password)} characters: {PASSWORD_LEAST} at least, or leave it out to have one made"
        )
    return f"#{sha256(password.encode()).hexdigest()}"


# Putting rules in force


class User(msgspec.Struct, frozen=True):
    """A user of the server, as far as it is Ticker's: an editor's has `editions`, which are those it may post to."""

    name: str
    editions: tuple[str, ...]
    reads_log: bool


class Applied(msgspec.Struct, frozen=True):
    """On how many servers something was done, and whether each of them keeps it when it is started again."""

    servers: int
    is_kept: bool


class _Command(Protocol):
    def __call__(self, *words: str) -> Awaitable[Any]: ...


async def set_user(client: Redis, user: str, rights: Rights, password: str | None) -> Applied:
    """Make a user, or change its rights. Without a `password` (see `password_rule`), one that is there keeps its own.

    Raises:
        StoreError: If the server can't be asked by this user, or doesn't know such rules.

    """
    passwords = [] if password is None else ["resetpass", password_rule(password)]
    return await _everywhere(client, ("ACL", "SETUSER", user, "on", *passwords, *rights.rules), user)


async def delete_user(client: Redis, user: str) -> Applied:
    """Let nobody in as this user any more, and end all its connections.

    Raises:
        StoreError: As `set_user`.

    """
    off = ("ACL", "SETUSER", user, "off")
    async with _servers(client) as servers:
        for command in servers:
            # A user that isn't there would be made by SETUSER.
            if await _ask(command, "ACL", "GETUSER", user) is not None:
                await _ask(command, *off)
                await _ask(command, "CLIENT", "KILL", "USER", user)
                await _ask(command, "ACL", "DELUSER", user)
        return Applied(len(servers), all([await _keep(command) for command in servers]))


async def has_user(client: Redis, user: str) -> bool:
    """Whether there is a user of this name on every server.

    Raises:
        StoreError: If the server can't be asked by this user.

    """
    async with _servers(client) as servers:
        return all([await _ask(command, "ACL", "GETUSER", user) is not None for command in servers])


async def find_editor(client: Redis, name: str) -> User | None:
    """The Redis user of an editor; None where there is none.

    Raises:
        StoreError: If the server can't be asked by this user, or has a user of this name who is no editor's.

    """
    found: User | None = None
    async with _servers(client) as servers:
        for command in servers:
            asked = await _ask(command, "ACL", "GETUSER", name)
            if asked is not None:
                found = _as_editor(name, _patterns_of(asked))
                if found is None:
                    raise StoreError(f"Redis has a user {name} who is no editor's: choose another name")
    return found


async def list_editors(client: Redis) -> list[User]:
    """The Redis users who are editors', of the first server.

    Raises:
        StoreError: If the server can't be asked by this user.

    """
    async with _servers(client) as servers:
        lines = [_text(line).split() for line in await _ask(servers[0], "ACL", "LIST")]
    found = [_as_editor(words[1], words[2:]) for words in lines]
    return sorted((user for user in found if user is not None), key=lambda user: user.name)


async def _everywhere(client: Redis, words: Sequence[str], user: str) -> Applied:
    async with _servers(client) as servers:
        for command in servers:
            await _ask(command, *words)
            if await _ask(command, "ACL", "GETUSER", user) is None:
                raise StoreError(f"the user {user} went away as it was made: is somebody else changing users?")
        return Applied(len(servers), all([await _keep(command) for command in servers]))


async def _keep(command: _Command) -> bool:
    """Write the users to the server's `aclfile`; False where it has none, and forgets them when it ends."""
    try:
        await command("ACL", "SAVE")
    except ResponseError:
        return False
    return True


async def _ask(command: _Command, *words: str) -> Any:
    try:
        return await command(*words)
    except ResponseError as error:
        # Its own words may quote an argument; none of ours is a secret, but this keeps it so.
        refused = " ".join(words[:2])
        raise StoreError(
            f"Redis refuses {refused} ({str(error).split(' ')[0]}): do this as a user who may, like {Role.ADMIN.user}, "
            "on Redis 7.0, Valkey 7.2 or newer"
        ) from error


@asynccontextmanager
async def _servers(client: Redis) -> AsyncIterator[list[_Command]]:
    """Ways to ask each server that has users of its own: alone it is one; replicas count."""
    if isinstance(client, redis.asyncio.RedisCluster):
        client = await client.initialize()
        yield [_on_node(client, node) for node in client.get_nodes()]
        return
    async with replicas_behind_sentinel(client) as replicas:
        yield [each.execute_command for each in (client, *replicas)]


def _on_node(client: redis.asyncio.RedisCluster, node: Any) -> _Command:
    return lambda *words: client.execute_command(*words, target_nodes=node)


def _as_editor(name: str, words: Iterable[str]) -> User | None:
    """An editor's user has the key of its inbox to write to, and no other; all that it reads is Ticker's."""
    inbox = re.compile(rf"%W~ticker:\{{([a-z0-9-]+)\}}:inbox:{re.escape(name)}")
    patterns = [word for word in words if "~" in word]
    written = [pattern for pattern in patterns if not pattern.startswith("%R~")]
    editions = [match[1] for pattern in written if (match := inbox.fullmatch(pattern))]
    if not editions or len(editions) < len(written):
        return None
    return User(name, tuple(sorted(editions)), any(pattern.endswith(":log") for pattern in patterns))


def _patterns_of(asked: Any) -> list[str]:
    """The key patterns in a reply to ACL GETUSER."""
    keys = next((value for name, value in asked.items() if _text(name) == "keys"), "")
    return _text(keys).split()


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
