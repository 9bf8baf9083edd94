"""The errors of every client of Redis, for modules that don't import redis-py.

redis-py defines the errors, and importing it takes a tenth of a second. An error of redis-py can only be raised after
something has imported it, so `except client_errors()` imports nothing.
"""

from __future__ import annotations

import sys
from typing import TypeAlias

ErrorTypes: TypeAlias = tuple[type[BaseException], ...]


def client_errors() -> ErrorTypes:
    """Return everything that a command may raise: see `ticker.store.connection.CLIENT_ERRORS`."""
    return (OSError, *_imported("RedisError", "RedisClusterException"))


def response_errors() -> ErrorTypes:
    """Return what a command raises if the server answers with an error."""
    return _imported("ResponseError")


def permission_errors() -> ErrorTypes:
    """Return what a command raises if the ACL doesn't allow it."""
    return _imported("NoPermissionError")


def replication_errors() -> ErrorTypes:
    """Return what `ticker.store.receipts.await_receipt` raises if the receipt may be lost."""
    replicated = sys.modules.get("ticker.store.replicated")
    return () if replicated is None else (replicated.NotReplicatedError,)


def explain(error: BaseException, url: str, *, is_login: bool = False) -> str:
    """Return one sentence about an error: see `ticker.store.connection.explain`."""
    from ticker.store import connection  # noqa: PLC0415 -- it imports redis-py

    return connection.explain(error, url, is_login=is_login)


def error_of_reply(text: str) -> Exception:
    """Return the exception that redis-py raises for an error reply."""
    from redis._parsers.base import BaseParser  # noqa: PLC0415 -- it imports redis-py

    error: Exception = BaseParser.parse_error(text)  # type: ignore[no-untyped-call]
    return error


def command_timeout(text: str) -> Exception:
    """Return the exception that redis-py raises if a server doesn't answer in time."""
    from redis.exceptions import TimeoutError as CommandTimeoutError  # noqa: PLC0415 -- it imports redis-py

    return CommandTimeoutError(text)


def _imported(*names: str) -> ErrorTypes:
    exceptions = sys.modules.get("redis.exceptions")
    return () if exceptions is None else tuple(getattr(exceptions, name) for name in names)
