"""Connections to Redis or Valkey: alone, behind Sentinel, as a Cluster; over TCP, TLS or a Unix socket.

| URL | |
| --- | --- |
| `redis://[user:password@]host[:port][/db]` | TCP |
| `rediss://…` | the same with TLS |
| `unix://[user:password@]/path/to/socket[?db=0]` | Unix socket |
| `redis+sentinel://[user:password@]host[:port],…/service[?db=0&sentinel_username=…&sentinel_password=…]` | Sentinel |
| `redis+cluster://[user:password@]host[:port],…` | Cluster |
| `rediss+sentinel://…`, `rediss+cluster://…` | the same with TLS, to the Sentinels as well |

With TLS, in the query, as redis-py calls them: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (files), `ssl_cert_reqs`
(`required`, `none`), `ssl_check_hostname` (`yes`, `no`). Nothing else is taken from the query: redis-py would let it
switch retries on again.

In a user or password, each of `@ : / ? # [ ] %` and space is percent-encoded. A URL that could be read in two ways (a
second `@`, a `/` in the password) is refused, because no message could then be sure to leave the password out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, unquote

import msgspec
import redis.asyncio
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from ticker.core.errors import SettingsError

Redis: TypeAlias = redis.asyncio.Redis | redis.asyncio.RedisCluster
Role = Literal["desk", "gateway", "tick", "ticker"]

BLOCK_MS: Final = 3_000
"""How long one XREAD may block. From 5 s on, redis-py 8.1 reconnects in a loop, silently (redis-py#2807, #4143)."""

BLOCKING_TIMEOUT_S: Final = 6.0
"""Twice the block: an answer this late isn't coming."""

COMMAND_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 2.0

CLIENT_ERRORS: Final = (RedisError, RedisClusterException)
"""All that a command on one of our clients may raise. A Cluster without a reachable node raises the
second, which redis-py 8.1 doesn't derive from the first."""

REDIS_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
PORT_MAX: Final = 65_535


class Kind(Enum):
    SINGLE = "single"
    UNIX = "unix"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_SCHEMES: Final[Mapping[str, tuple[Kind, bool]]] = {
    "redis": (Kind.SINGLE, False),
    "rediss": (Kind.SINGLE, True),
    "unix": (Kind.UNIX, False),
    "redis+sentinel": (Kind.SENTINEL, False),
    "rediss+sentinel": (Kind.SENTINEL, True),
    "redis+cluster": (Kind.CLUSTER, False),
    "rediss+cluster": (Kind.CLUSTER, True),
}
_FORMS: Final[Mapping[Kind, str]] = {
    Kind.SINGLE: "{}://[user:password@]host[:port][/db]",
    Kind.UNIX: "{}://[user:password@]/path/to/socket[?db=0]",
    Kind.SENTINEL: "{}://[user:password@]host[:port],host[:port]/service",
    Kind.CLUSTER: "{}://[user:password@]host[:port],host[:port]",
}
_TLS_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_CHOICES: Final[Mapping[str, Mapping[str, object]]] = {
    "ssl_cert_reqs": {"required": "required", "none": "none"},
    "ssl_check_hostname": {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False},
}

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?"
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z+]{0,19})://"
    r"(?P<credentials>(?P<user>[^@:/?#\[\]\s]*)(?::(?P<password>[^@/?#\[\]\s]*))?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)?"
    r"(?P<path>/[^@?#\s]*)?"
    r"(?:\?(?P<query>[^@?#\s]*))?"
)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A URL, read and checked. Never shows a password: its `repr` is the redacted URL."""

    kind: Kind
    shown: str
    nodes: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    db: int = 0
    credentials: Mapping[str, str] = {}
    sentinel_credentials: Mapping[str, str] = {}
    tls: Mapping[str, object] | None = None
    """Arguments of redis-py's TLS connections; None for a connection without TLS."""

    def __repr__(self) -> str:
        return f"Target({self.shown})"


def redact(url: str) -> str:
    """The URL for logs and messages: without user, password and query.

    Shows only what can be told apart from a password for certain: of a URL that can't be read, the scheme at most.
    """
    match = _URL.fullmatch(url)
    scheme = url.partition("://")[0].lower()
    if match is None or scheme not in _SCHEMES:
        return f"{scheme}://…" if scheme in _SCHEMES else "…"
    credentials = "***@" if match["credentials"] else ""
    query = "?…" if match["query"] else ""
    return f"{scheme}://{credentials}{match['hosts'] or ''}{match['path'] or ''}{query}"


def password_from(environ: Mapping[str, str], variable: str = "TICKER_REDIS_PASSWORD") -> str | None:
    """The password in `TICKER_REDIS_PASSWORD`, or in the file that `TICKER_REDIS_PASSWORD_FILE` names; None without.

    A newline at the file's end doesn't count: editors and `echo` put it there. `variable` is another one's name.

    Raises:
        SettingsError: If both are set, or the file can't be read or is empty.

    """
    password, path = environ.get(variable), environ.get(f"{variable}_FILE")
    if password and path:
        raise SettingsError(f"{variable} and {variable}_FILE are both set: unset one of them")
    if not path:
        return password or None
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        # Not the error's own words: those of a decoding error hold the file's bytes.
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{variable}_FILE: {path} can't be read: {reason}") from None
    if not text:
        raise SettingsError(f"{variable}_FILE: {path} is empty: put the password in it")
    return text


def with_password(url: str, password: str | None) -> str:
    """The URL with `password` in it, if it has none of its own: for parts that are handed one address.

    A URL that can't be read stays as it is: `parse_url` refuses it.
    """
    match = _URL.fullmatch(url)
    if password is None or match is None or match["password"]:
        return url
    hosts = match.start("hosts") if match["hosts"] else match.end("credentials")
    start = hosts if hosts > 0 else url.index("://") + 3
    return f"{match['scheme']}://{match['user'] or ''}:{quote(password, safe='')}@{url[start:]}"


def parse_url(url: str, *, password: str | None = None) -> Target:
    """Read a URL of one of the forms above. `password` counts where the URL itself has none.

    Raises:
        SettingsError: If the URL can't be used. Its message never holds a user, a password or a value of the query,
            and it has no cause: the standard library's errors quote what they couldn't read.

    """
    scheme = url.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise SettingsError(f"the Redis URL has no scheme that is known: begin it with one of {_listed(_SCHEMES)}://")
    kind, tls = _SCHEMES[scheme]
    match = _URL.fullmatch(url)
    if match is None or bool(match["hosts"]) == (kind is Kind.UNIX):
        raise _unreadable(scheme, kind)
    query = _query(match["query"] or "", _known(kind, tls=tls), redact(url))
    return Target(
        kind=kind,
        shown=redact(url),
        nodes=_nodes(match["hosts"] or "", kind, redact(url)),
        db=_db(match["path"] or "", query, kind, redact(url)),
        credentials=_credentials(unquote(match["user"] or ""), unquote(match["password"] or "") or password),
        sentinel_credentials=_credentials(query.get("sentinel_username"), query.get("sentinel_password")),
        tls=_tls_options(query, redact(url)) if tls else None,
        **_place(match["path"] or "", scheme, kind),
    )


def is_cancelled() -> bool:
    """Whether this task was cancelled and a client lost it, as one of a Cluster still does: loops have to ask."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def connect(
    url: str,
    *,
    role: Role,
    blocking: bool = False,
    password: str | None = None,
    timeout_s: float = COMMAND_TIMEOUT_S,
) -> Redis:
    """Make a client. It connects with its first command; the caller ends it with `aclose()`.

    No command is ever sent a second time by the client: a lost reply is the caller's to judge. After an error the same
    client may be used again; behind Sentinel it then asks for the master anew, in a Cluster for the slots.

    Args:
        url: See this module's docstring.
        role: Its clients are called `ticker-<role>` in CLIENT LIST.
        blocking: One connection, for one reader that blocks at most `BLOCK_MS`; a second command at the same time is
            refused with `MaxConnectionsError`. Otherwise a pool, for commands that answer within `timeout_s`.
        password: Counts where the URL itself has none (see `password_from`).
        timeout_s: How long a command may take; not for `blocking`.

    Raises:
        SettingsError: If the URL can't be used, or a file that it names can't be read.

    """
    target = parse_url(url, password=password)
    _check_files(target)
    options: dict[str, Any] = {
        "client_name": f"ticker-{role}",
        "decode_responses": False,
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": BLOCKING_TIMEOUT_S if blocking else timeout_s,
        # CLIENT SETINFO costs a round trip, and Redis 7.0 can't allow it by ACL.
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    options |= target.credentials
    if blocking:
        options["max_connections"] = 1
    match target.kind:
        case Kind.SINGLE | Kind.UNIX:
            return _single(target, options)
        case Kind.SENTINEL:
            return _sentinel(target, options)
        case Kind.CLUSTER:
            return _cluster(target, options)


def _single(target: Target, options: dict[str, Any]) -> redis.asyncio.Redis:
    if target.kind is Kind.UNIX:
        where: dict[str, Any] = {"connection_class": _UnixConnection, "path": target.path}
    else:
        ((host, port),) = target.nodes
        connection_class = _PlainConnection if target.tls is None else _TlsConnection
        where = {"connection_class": connection_class, "host": host, "port": port, **(target.tls or {})}
    return redis.asyncio.Redis.from_pool(ConnectionPool(db=target.db, **where, **options))


def _sentinel(target: Target, options: dict[str, Any]) -> redis.asyncio.Redis:
    tls = {} if target.tls is None else {"ssl": True, **target.tls}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        target.nodes,
        sentinel_kwargs={
            # Its own retries would stay with a dead Sentinel for a minute before they ask the next one.
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": CONNECT_TIMEOUT_S,
            "driver_info": None,
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
            **target.sentinel_credentials,
            **tls,
        },
    )
    pool = _MasterPool(  # type: ignore[no-untyped-call]
        target.service,
        sentinel,
        connection_class=_MasterConnection if target.tls is None else _MasterSSLConnection,
        db=target.db,
        **(target.tls or {}),
        **options,
    )
    return redis.asyncio.Redis.from_pool(pool)


def _cluster(target: Target, options: dict[str, Any]) -> redis.asyncio.RedisCluster:
    tls: dict[str, Any] = {} if target.tls is None else {"ssl": True, **target.tls}
    nodes = [ClusterNode(host, port) for host, port in target.nodes]
    return _Cluster(startup_nodes=nodes, **tls, **options)


@asynccontextmanager
async def replicas_behind_sentinel(client: redis.asyncio.Redis) -> AsyncIterator[list[redis.asyncio.Redis]]:
    """Clients of the replicas that the Sentinels know to be up, with what `client` logs in with; closed at the end.

    None where `client` isn't behind Sentinel. Errors of the connection are redis-py's.
    """
    pool = client.connection_pool
    async with AsyncExitStack() as stack:
        replicas = []
        if isinstance(pool, SentinelConnectionPool):
            options = {name: value for name, value in pool.connection_kwargs.items() if name != "connection_pool"}
            is_tls = issubclass(pool.connection_class, SSLConnection)
            options["connection_class"] = _TlsConnection if is_tls else _PlainConnection
            for host, port in await pool.sentinel_manager.discover_slaves(pool.service_name):
                replica = redis.asyncio.Redis.from_pool(ConnectionPool(host=host, port=port, **options))
                stack.push_async_callback(replica.aclose)
                replicas.append(replica)
        yield replicas


class _MasterPool(SentinelConnectionPool):
    """Ends the connections to the Sentinels together with those to the master: redis-py leaves them open."""

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            await self.sentinel_manager.aclose()


class _Cluster(redis.asyncio.RedisCluster):
    """Ends all its connections, also where the last command has failed.

    redis-py 8.1 takes a client that has to ask for the slots anew for one that is closed, and leaves what is open.
    """

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            for nodes in ("nodes_cache", "startup_nodes"):
                await self.nodes_manager.aclose(nodes)


class _HeedsCancellation(AbstractConnection):
    """Passes every cancellation on.

    One that comes just as a command is sent is lost in `asyncio.wait_for` before Python 3.12 (python/cpython#86296),
    and the task would go on for ever. The nodes of a Cluster choose their own class.
    """

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        task = asyncio.current_task()
        before = 0 if task is None else task.cancelling()
        await super().send_packed_command(*args, **kwargs)
        if task is not None and task.cancelling() > before:
            await self.disconnect(nowait=True)  # a reply that nobody waits for is under way
            raise asyncio.CancelledError


class _PlainConnection(_HeedsCancellation, Connection):
    pass


class _TlsConnection(_HeedsCancellation, SSLConnection):
    pass


class _UnixConnection(_HeedsCancellation, UnixDomainSocketConnection):
    pass


class _LeavesDemoted(_HeedsCancellation, SentinelManagedConnection):
    """Leaves a server that stops being the master, so that the next command asks the Sentinels.

    A blocked command ends with the reply UNBLOCKED when its server is demoted (redis#6371). redis-py takes it for any
    reply and would go on reading from what is a replica now. Sentinel itself cuts such connections; `REPLICAOF` typed
    by hand doesn't.
    """

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().read_response(*args, **kwargs)
        except ResponseError as error:
            if not str(error).startswith("UNBLOCKED"):
                raise
            await self.disconnect(nowait=True)
            raise redis.ConnectionError("the server is no longer the master") from error


class _MasterConnection(_LeavesDemoted):
    pass


class _MasterSSLConnection(_LeavesDemoted, SentinelManagedSSLConnection):
    pass


def _unreadable(scheme: str, kind: Kind) -> SettingsError:
    form = _FORMS[kind].format(scheme)
    return SettingsError(
        f"the Redis URL {scheme}://… can't be read: it has the form {form}, "
        "and in its user and password each of @ : / ? # [ ] % and space is percent-encoded (@ is %40)"
    )


def _nodes(hosts: str, kind: Kind, shown: str) -> tuple[tuple[str, int], ...]:
    default = SENTINEL_PORT if kind is Kind.SENTINEL else REDIS_PORT
    nodes = tuple(_node(host, default, shown) for host in hosts.split(",") if host)
    if kind is Kind.SINGLE and len(nodes) > 1:
        raise SettingsError(
            f"the Redis URL {shown} names {len(nodes)} hosts: name one, or say what they are with redis+sentinel:// "
            "or redis+cluster://"
        )
    return nodes


def _node(text: str, default: int, shown: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or text.endswith("]"):
        host, port = text, str(default)
    if not 1 <= int(port) <= PORT_MAX:
        raise SettingsError(f"the Redis URL {shown} has port {port}: a port is a number from 1 to {PORT_MAX}")
    return host.strip("[]"), int(port)


def _place(path: str, scheme: str, kind: Kind) -> dict[str, str]:
    place = unquote(path)
    if kind is Kind.UNIX:
        if not place.strip("/"):
            raise _unreadable(scheme, kind)
        return {"path": place}
    if kind is Kind.SENTINEL:
        if not place.strip("/"):
            raise SettingsError(
                f"the Redis URL {scheme}://… names no service: put the name that the Sentinels know it by after the "
                f"hosts, as in {scheme}://host:26379/mymaster"
            )
        return {"service": place.strip("/")}
    return {}


def _db(path: str, query: Mapping[str, str], kind: Kind, shown: str) -> int:
    text = query.get("db") or (path.strip("/") if kind in {Kind.SINGLE, Kind.CLUSTER} else "") or "0"
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        raise SettingsError(f"the Redis URL {shown} has a database that is no number: it is 0 if you leave it out")
    if kind is Kind.CLUSTER and int(text):
        raise SettingsError(
            f"the Redis URL {shown} has database {int(text)}: a Cluster has only database 0, leave it out"
        )
    return int(text)


def _known(kind: Kind, *, tls: bool) -> tuple[str, ...]:
    db = () if kind is Kind.CLUSTER else ("db",)
    sentinel = ("sentinel_username", "sentinel_password") if kind is Kind.SENTINEL else ()
    return (*db, *sentinel, *((*_TLS_FILES, *_TLS_CHOICES) if tls else ()))


def _query(text: str, known: tuple[str, ...], shown: str) -> Mapping[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    if len({name for name, _ in pairs if name in known}) == len(pairs):
        return dict(pairs)
    # Not by its name: it may be the end of a password with a `?` in it.
    allowed = f"it may have {_listed(known)}, each once" if known else "it may have none"
    raise SettingsError(f"the Redis URL {shown} has a parameter after the ? that isn't known here: {allowed}")


def _tls_options(query: Mapping[str, str], shown: str) -> Mapping[str, object]:
    options: dict[str, object] = {name: query[name] for name in _TLS_FILES if name in query}
    for name, choices in _TLS_CHOICES.items():
        if name not in query:
            continue
        if query[name].lower() not in choices:
            raise SettingsError(f"the Redis URL {shown} has a {name} that isn't known: it is one of {_listed(choices)}")
        options[name] = choices[query[name].lower()]
    return options


def _credentials(user: str | None, password: str | None) -> Mapping[str, str]:
    return {name: value for name, value in (("username", user), ("password", password)) if value}


def _check_files(target: Target) -> None:
    for name in _TLS_FILES:
        path = str((target.tls or {}).get(name, ""))
        if path and not Path(path).is_file():
            raise SettingsError(f"the Redis URL {target.shown} names a file in {name} that doesn't exist: {path}")


def _listed(names: Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(names)
