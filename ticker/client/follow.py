"""Following an edition through a gateway: connects, resumes where it was, and connects again whatever happens."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ticker.backoff import Backoff
from ticker.core.errors import SettingsError, StoreError
from ticker.core.messages import SUBPROTOCOL, ByeMessage, Message, MessageError, decode_message

RETRY_FIRST_S: Final = 0.5
RETRY_MOST_S: Final = 5.0
"""Of this few are open at a time, and each has an editor before it who waits."""
STABLE_S: Final = 10.0
"""After a connection that lived this long, the delays begin anew."""

OPEN_S: Final = 10.0
RETRY_CLOSE_CODES: Final = range(1000, 4000)
LASTING: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""A gateway that answers so will answer so again."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Connecting(msgspec.Struct, frozen=True):
    """A connection to `gateway` is being made."""

    gateway: str


class Heard(msgspec.Struct, frozen=True):
    """A message, as it came and as it is understood (None: a kind that this version doesn't know)."""

    data: str
    message: Message | None


class Lost(msgspec.Struct, frozen=True):
    """There is no connection; the next is made in `retry_s`."""

    why: str
    retry_s: float


Event: TypeAlias = Connecting | Heard | Lost


class RefusedError(SettingsError):
    """The gateway won't have us, and asking again won't help."""

    code = "refused"


async def follow(gateway: Callable[[], str], edition: str, query: Mapping[str, Sequence[str]]) -> AsyncGenerator[Event]:
    """What happens to a follower of `edition`, for ever: no entry is missed, and none comes twice.

    `gateway` is asked for the address before each connection: after a restart it may be another.

    Raises:
        RefusedError: If the gateway refuses what is asked for.

    """
    at: str | None = None
    # Full jitter: after an outage, every follower returns at another moment.
    backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S, jitter=1)
    while True:
        address = gateway()
        yield Connecting(address)
        begun, retry_s, why = _now(), None, ""
        try:
            async with _open(address, edition, query, at) as connection:
                async for data in connection:
                    text = data if isinstance(data, str) else data.decode(errors="replace")
                    message = decode_message(text)
                    if isinstance(message, ByeMessage):
                        retry_s = message.retry_ms / 1000
                    elif message is not None:
                        at = message.position
                    yield Heard(text, message)
            why = "the gateway closed the connection"
        except ConnectionClosed as error:
            why = _why_closed(error)
        except InvalidStatus as error:
            why, retry_s = _why_refused(error, has_been_served=at is not None)
        except (OSError, TimeoutError, WebSocketException, MessageError) as error:
            why = _sentence(error, address)
        if _now() - begun >= STABLE_S:
            backoff.reset()
        own_s = backoff.next_s()
        delay_s = own_s if retry_s is None else retry_s
        yield Lost(why, delay_s)
        await asyncio.sleep(delay_s)


def _open(address: str, edition: str, query: Mapping[str, Sequence[str]], at: str | None) -> connect:
    fields = {**query, **({} if at is None else {"after": [at]})}
    url = f"ws{address.removeprefix('http').rstrip('/')}/v1/{edition}/live"
    return connect(
        f"{url}?{urlencode(fields, doseq=True)}" if fields else url,
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
        open_timeout=OPEN_S,
        close_timeout=1,
        user_agent_header=None,
        proxy=None if urlsplit(address).hostname in LOOPBACK else True,
        process_exception=lambda error: error,  # its own way to try again isn't used
    )


def _why_closed(error: ConnectionClosed) -> str:
    if error.rcvd is None:
        return "the connection was lost"
    reason = error.rcvd.reason or "without a reason"
    if error.rcvd.code not in RETRY_CLOSE_CODES:
        raise RefusedError(f"the gateway closed the connection for good ({error.rcvd.code}): {reason}") from error
    return f"the gateway closed the connection: {reason}"


def _why_refused(error: InvalidStatus, *, has_been_served: bool) -> tuple[str, float | None]:
    """Why, and after how long the gateway asks to be tried again."""
    response = error.response
    detail = _detail(response.body) or f"HTTP {response.status_code}"
    # A gateway that has just started doesn't know its editions yet: one that has served us before will again.
    if response.status_code in LASTING and not has_been_served:
        raise RefusedError(detail) from error
    retry = response.headers.get("Retry-After", "")
    # Everybody who was refused was told the same.
    spread = random.uniform(1, 1.5)  # noqa: S311 -- no secret
    return detail, int(retry) * spread if retry.isdecimal() and len(retry) < 5 else None


def _detail(body: bytes | bytearray | None) -> str:
    try:
        return str(json.loads(bytes(body or b""))["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        return ""


def _sentence(error: BaseException, address: str) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"no gateway answers at {address}"
    if isinstance(error, TimeoutError):
        return f"the gateway at {address} doesn't answer"
    return f"the gateway at {address} can't be used ({' '.join(str(error).split())[:120] or type(error).__name__})"


def _now() -> float:
    return asyncio.get_running_loop().time()


def editions_at(gateway: str) -> list[str]:
    """The names of the editions that a gateway serves. Blocks for as long as that takes.

    Raises:
        SettingsError: If the address is none.
        StoreError: If there is no gateway there.

    """
    parts = urlsplit(gateway)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{gateway[:60]!a} is no address of a gateway: write it like http://127.0.0.1:8080")
    opener = build_opener(ProxyHandler({})) if parts.hostname in LOOPBACK else build_opener()
    try:
        with opener.open(f"{gateway.rstrip('/')}/v1/editions", timeout=OPEN_S) as response:
            document: Any = json.load(response)
        return [str(edition["name"]) for edition in document["editions"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"no gateway answers at {gateway}: start it with `ticker up`, or name another with --gateway"
        ) from error
