"""The rights of each Redis user, as data and as ACL rules, and the rules for names and passwords. Pure: no Redis.

| user | may |
| --- | --- |
| an editor's, with the editor's name | append to its own inbox; read its own receipts, its editions, logs and `held` |
| a chief's | the same, and read everybody's receipts in the editions of which it is a chief |
| `ticker-desk` | what the desk and its scripts do: read inboxes; write logs, cursors, receipts and held items |
| `ticker-gateway` | read editions, logs, bells and the reports of parts; append to `reach` |
| `ticker-relay` | append to `relays`, so that `tick reach` lists the verdict on each version of a line per receiver |
| `ticker-api` | read tokens; append to the inboxes of the tokens' editors, and read their receipts |
| `ticker-admin` | use all of Ticker's keys; manage users |

Each part may also append to the reports of its own kind.

Key patterns are separate for reading and writing (`%R~`, `%W~`: Redis 7.0, Valkey 7.2). Rights are lists of single
commands and not categories, so that new commands of a newer server aren't allowed automatically; the admin's rights are
the exception. Passwords are never stored or sent: Redis gets their SHA-256.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from enum import Enum
from hashlib import sha256
from typing import Final

import msgspec

from ticker.core.edition import check_name
from ticker.core.errors import SettingsError
from ticker.core.parts import Kind
from ticker.store.keys import EDITIONS, REPLICATED, TOKENS, Keys, parts_key
from ticker.store.tokens import Scope, Token

PREFIX: Final = "ticker-"
PASSWORD_LEAST: Final = 16
"""Redis checks thousands of passwords per second for any client, and stores unsalted hashes."""

_CONNECTING: Final = ("client|setname", "ping", "command", "cluster|slots")
"""Commands that redis-py sends when it connects; the last two in a Cluster. Redis 7.0 doesn't know `client|setinfo`."""

_ANY: Final = "ticker:{*}:"
"""The keys of any edition."""


class Part(Enum):
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
    """Allowed commands (with @, categories; with -, exceptions), patterns of the keys to use them on, and channels."""

    commands: tuple[str, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    both: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    @property
    def rules(self) -> list[str]:
        """Words for ACL SETUSER. They replace all rights that the user had before."""
        signed = [word if word.startswith("-") else f"+{word}" for word in (*_CONNECTING, *self.commands)]
        reads = [f"%R~{pattern}" for pattern in self.reads]
        writes = [f"%W~{pattern}" for pattern in self.writes]
        channels = [f"&{pattern}" for pattern in self.channels]
        return [*_NOTHING, *signed, *reads, *writes, *(f"~{pattern}" for pattern in self.both), *channels]


_NOTHING: Final = ("clearselectors", "resetkeys", "resetchannels", "-@all")

_WAITING: Final = ("publish", "wait")
"""Commands with which a client waits until a replica has a receipt (see `ticker.store.replicated`)."""

_API: Final = (*_WAITING, "hexists", "hgetall", "hmget", "time", "xadd", "xrange", "xread", "xrevrange")

RIGHTS: Final = {
    Part.DESK: Rights(
        commands=(
            *("eval", "evalsha", "time"),
            *("xadd", "xdel", "xlen", "xrange", "xread", "xrevrange", "xtrim", "del"),
            *("hdel", "hget", "hgetall", "hlen", "hmget", "hset", "hsetnx"),
            *("sadd", "smembers"),
        ),
        reads=(f"{_ANY}editors", f"{_ANY}bell"),
        writes=(parts_key(Kind.DESK),),
        both=(
            EDITIONS,
            *(f"{_ANY}{what}" for what in ("edition", "log", "cursors", "held", "inbox:*", "receipts:*")),
        ),
    ),
    Part.GATEWAY: Rights(
        commands=("hmget", "smembers", "xadd", "xrange", "xread", "xrevrange"),
        # All parts may be read: their reports have only figures, and this user may read the logs anyway.
        reads=(EDITIONS, f"{_ANY}edition", f"{_ANY}log", f"{_ANY}bell", *map(parts_key, Kind)),
        writes=(f"{_ANY}reach", parts_key(Kind.GATEWAY)),
    ),
    Part.RELAY: Rights(commands=("xadd",), writes=(f"{_ANY}relays", parts_key(Kind.RELAY))),
    # and those of `api_rights`
    Part.API: Rights(commands=_API, reads=(TOKENS,), writes=(parts_key(Kind.API),), channels=(REPLICATED,)),
    # A user that may manage users may do anything. The other limits prevent accidents with FLUSHALL, KEYS or SHUTDOWN.
    Part.ADMIN: Rights(
        commands=(
            *("@read", "@write", "-@dangerous", "-@scripting", "eval", "evalsha", "time"),
            *("info", "config|get", "client|list", "client|kill", *_WAITING),
            *("acl|getuser", "acl|setuser", "acl|deluser", "acl|list", "acl|log", "acl|save", "acl|whoami"),
        ),
        both=("ticker:*",),
        channels=(REPLICATED,),
    ),
}

_POSTING: Final = (*_WAITING, "hexists", "hmget", "smembers", "time", "xadd", "xrange", "xread", "xrevrange")
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
    return Rights(
        commands=commands,
        reads=tuple(reads),
        writes=tuple(each.inbox(name) for each in keys),
        channels=(REPLICATED,),
    )


def api_rights(tokens: Iterable[Token]) -> Rights:
    """Return the rights of the posting part: those that it needs for these tokens, and no others.

    It may append to the inboxes of their editors and read their receipts. It may read the held items of an edition if a
    token has the scope `decide` there.
    """
    reads, writes = {TOKENS}, {parts_key(Kind.API)}
    for token in tokens:
        for keys in map(Keys, token.editions):
            reads |= {keys.edition, keys.editors, keys.receipts(token.editor)}
            writes.add(keys.inbox(token.editor))
            if Scope.DECIDE in token.scopes:
                reads.add(keys.held)
    return Rights(commands=_API, reads=tuple(sorted(reads)), writes=tuple(sorted(writes)), channels=(REPLICATED,))


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
