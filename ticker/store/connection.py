"""Redis clients: connect to a server, through Sentinel or to a Cluster, and explain what failed.

`ticker.store.url` describes the URLs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final, Literal, TypeAlias

import redis.asyncio
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import (
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
from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.maint_notifications import MaintNotificationsConfig

from ticker.core.errors import StoreError
from ticker.redis_fault import RedisFault
from ticker.store.quick_client import QuickConnection, QuickRedis
from ticker.store.timeouts import BLOCKING_TIMEOUT_S, COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S
from ticker.store.url import Kind, Target, check_files, parse_url, redact

Redis: TypeAlias = redis.asyncio.Redis | redis.asyncio.RedisCluster
Role = Literal["desk", "gateway", "relay", "api", "tick", "ticker"]

CLIENT_ERRORS: Final = (RedisError, RedisClusterException)
"""Everything except OSError that a command on one of our clients may raise. A Cluster client without a reachable node
raises the second, which redis-py 8.1 doesn't derive from the first."""


def is_cancelled() -> bool:
    """Whether this task was cancelled, even if a client has swallowed the CancelledError.

    A Cluster client still does that. Loops around its commands must check this.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def connect(
    url: str,
    *,
    role: Role,
    blocking: bool = False,
    timeout_s: float = COMMAND_TIMEOUT_S,
) -> Redis:
    """Create a client. It connects with its first command. The caller must close it with `aclose()`.

    The client sends each command at most once. If the reply is lost, the caller decides what to do. The client can be
    used again after an error: it then looks up the master (Sentinel) or the slots (Cluster) again.

    Args:
        url: See `ticker.store.url`.
        role: The client is called `ticker-<role>` in CLIENT LIST.
        blocking: True for a single connection. Its commands may block for up to `BLOCK_MS`, and a second command at the
            same time raises `MaxConnectionsError`. False for a pool. Its commands must finish within `timeout_s`.
        timeout_s: Timeout of each command. Ignored if `blocking`.

    Raises:
        SettingsError: If the URL can't be used, or a file that it names can't be read.

    """
    target = parse_url(url)
    check_files(target)
    options = _options(BLOCKING_TIMEOUT_S if blocking else timeout_s, target.credentials)
    options |= {"client_name": f"ticker-{role}", "decode_responses": False}
    if blocking:
        options["max_connections"] = 1
    match target.kind:
        case Kind.SINGLE | Kind.UNIX:
            return _single(target, options)
        case Kind.SENTINEL:
            return _sentinel(target, options)
        case Kind.CLUSTER:
            return _cluster(target, options)


@asynccontextmanager
async def open_redis(url: str, *, role: Role, blocking: bool = False, is_login: bool = False) -> AsyncIterator[Redis]:
    """Connect for the length of the context. `is_login` is for `explain`.

    Raises:
        SettingsError: As `connect`.
        StoreError: If the body of the context fails with an error of the connection (see `explain`).

    """
    client = connect(url, role=role, blocking=blocking)
    try:
        yield client
    except (OSError, *CLIENT_ERRORS) as error:
        raise StoreError(explain(error, url, is_login=is_login)) from error
    finally:
        await close(client)


async def close(client: Redis) -> None:
    """Close the client. Errors don't matter any more, and are ignored."""
    with suppress(OSError, *CLIENT_ERRORS):
        await client.aclose()


def explain(error: BaseException, url: str, *, is_login: bool = False) -> str:
    """Return one sentence about an error of a command on the Redis at `url`: what happened, and what to do.

    `is_login`: the URL and its password come from `tick login`, and from no variable.
    """
    shown = redact(url)
    detail = " ".join(str(error).split())[:200] or type(error).__name__
    if isinstance(error, AuthenticationError):
        return f"the Redis at {shown} {_rejection(url, is_login=is_login)}"
    if isinstance(error, ResponseError):
        return f"the Redis at {shown} rejects the command: {detail}"
    if isinstance(error, redis.ConnectionError | RedisClusterException | OSError) and not isinstance(
        error, TimeoutError
    ):
        remedy = "start it with `ticker up`" if shown.startswith("unix://") else "start it"
        check = "check the URL of your `tick login`" if is_login else "check TICKER_REDIS_URL"
        return f"the Redis at {shown} can't be reached: {remedy}, or {check}"
    return f"the Redis at {shown} doesn't answer in time: try again, or check whether it is overloaded"


def _rejection(url: str, *, is_login: bool) -> str:
    """Return what a Redis rejects that didn't let us log in with the credentials of `url`, and the remedy."""
    credentials = parse_url(url).credentials
    if not credentials:
        return "needs a user and a password: name the user in TICKER_REDIS_URL, and set TICKER_REDIS_PASSWORD"
    user = credentials.get("username", "default")
    if "password" not in credentials:
        return f"needs the password of the user {user}: set TICKER_REDIS_PASSWORD"
    check = "run `tick login` again" if is_login else "check TICKER_REDIS_PASSWORD and TICKER_REDIS_URL"
    return f"rejects the password of the user {user}, or has no such user: {check}"


def is_unreachable(error: BaseException) -> bool:
    """Return whether an error means that Redis is away or still loads: not that it refuses a command."""
    away = (OSError, redis.ConnectionError, redis.TimeoutError, RedisClusterException, ClusterDownError)
    return isinstance(error, away) and not isinstance(error, AuthenticationError)


_FAULTS: Final = (
    ((AuthenticationError, NoPermissionError), "NOPERM", RedisFault.DENIED),
    ((OutOfMemoryError,), "OOM", RedisFault.OUT_OF_MEMORY),
    ((ReadOnlyError,), "READONLY", RedisFault.READ_ONLY),
    ((), "MISCONF", RedisFault.NOT_SAVED),
    ((), "NOREPLICAS", RedisFault.TOO_FEW_REPLICAS),
)
"""The exceptions of redis-py, the word at the beginning of the server's reply, and what both mean. redis-py removes
the word from the replies that have an exception of their own, but not if they come from a script."""


def redis_fault(error: BaseException) -> RedisFault | None:
    """Return why a command failed, or None if Redis isn't the reason."""
    if is_unreachable(error):
        return RedisFault.UNREACHABLE
    for kinds, word, fault in _FAULTS:
        if isinstance(error, kinds) or (isinstance(error, ResponseError) and str(error).startswith(word)):
            return fault
    return RedisFault.OTHER if isinstance(error, RedisError) else None


def _options(timeout_s: float, credentials: Mapping[str, str]) -> dict[str, Any]:
    """Return redis-py's options for a connection to a server or to a Sentinel.

    redis-py's own retries would send a command twice, and try a dead Sentinel for a minute before the next one.
    """
    return {
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": timeout_s,
        # CLIENT SETINFO costs a round trip, and ACLs of Redis 7.0 can't allow it.
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **credentials,
    }


def _single(target: Target, options: dict[str, Any]) -> redis.asyncio.Redis:
    if target.kind is Kind.UNIX:
        where: dict[str, Any] = {"connection_class": _UnixConnection, "path": target.path}
    else:
        ((host, port),) = target.nodes
        connection_class = _PlainConnection if target.tls is None else _TlsConnection
        where = {"connection_class": connection_class, "host": host, "port": port, **(target.tls or {})}
    return QuickRedis.from_pool(ConnectionPool(db=target.db, **where, **options))


def _sentinel(target: Target, options: dict[str, Any]) -> redis.asyncio.Redis:
    tls = {} if target.tls is None else {"ssl": True, **target.tls}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        target.nodes, sentinel_kwargs={**_options(CONNECT_TIMEOUT_S, target.sentinel_credentials), **tls}
    )
    for each in sentinel.sentinels:
        each.connection_pool.connection_class = _PlainConnection if target.tls is None else _TlsConnection
    pool = _MasterPool(  # type: ignore[no-untyped-call]
        target.service,
        sentinel,
        connection_class=_MasterConnection if target.tls is None else _MasterTlsConnection,
        db=target.db,
        **(target.tls or {}),
        **options,
    )
    return QuickRedis.from_pool(pool)


def _cluster(target: Target, options: dict[str, Any]) -> redis.asyncio.RedisCluster:
    tls: dict[str, Any] = {} if target.tls is None else {"ssl": True, **target.tls}
    nodes = [ClusterNode(host, port) for host, port in target.nodes]
    client = _Cluster(startup_nodes=nodes, **tls, **options)
    connection_class = _PlainConnection if target.tls is None else _TlsConnection
    client.connection_kwargs["connection_class"] = connection_class  # of the nodes that it will find
    for node in client.startup_nodes:
        node.connection_class = connection_class
    return client


@asynccontextmanager
async def replicas_behind_sentinel(client: redis.asyncio.Redis) -> AsyncIterator[list[redis.asyncio.Redis]]:
    """Yield clients of the replicas that the Sentinels report as up, with the credentials of `client`.

    The list is empty if `client` doesn't use Sentinel. The clients are closed at the end. Connection errors are
    redis-py's.
    """
    pool = client.connection_pool
    async with AsyncExitStack() as stack:
        replicas = []
        if isinstance(pool, SentinelConnectionPool):
            options = {name: value for name, value in pool.connection_kwargs.items() if name != "connection_pool"}
            is_tls = issubclass(pool.connection_class, SSLConnection)
            options["connection_class"] = _TlsConnection if is_tls else _PlainConnection
            for host, port in await pool.sentinel_manager.discover_slaves(pool.service_name):
                replica = QuickRedis.from_pool(ConnectionPool(host=host, port=port, **options))
                stack.push_async_callback(replica.aclose)
                replicas.append(replica)
        yield replicas


class _MasterPool(SentinelConnectionPool):
    """Closes the connections to the Sentinels too. redis-py leaves them open."""

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            await self.sentinel_manager.aclose()


class _Cluster(redis.asyncio.RedisCluster):
    """Closes all its connections, even if the last command failed.

    redis-py 8.1 treats a client that must look up the slots again as closed, and leaves its connections open.
    """

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            for nodes in ("nodes_cache", "startup_nodes"):
                await self.nodes_manager.aclose(nodes)


class _PlainConnection(QuickConnection, Connection):
    pass


class _TlsConnection(QuickConnection, SSLConnection):
    pass


class _UnixConnection(QuickConnection, UnixDomainSocketConnection):
    pass


class _MasterConnection(QuickConnection, SentinelManagedConnection):
    """A connection that is closed when its server is demoted, so that the next command asks the Sentinels.

    A blocked command ends with the reply UNBLOCKED when its server is demoted (redis#6371). redis-py treats that as an
    ordinary error and would keep reading from the replica. Sentinel closes such connections; a manual `REPLICAOF`
    doesn't.
    """

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().read_response(*args, **kwargs)
        except ResponseError as error:
            if not str(error).startswith("UNBLOCKED"):
                raise
            await self.disconnect(nowait=True)
            raise redis.ConnectionError("the server is no longer the master") from error


class _MasterTlsConnection(_MasterConnection, SentinelManagedSSLConnection):
    pass
