"""Follow an edition through a gateway: connect, resume after the last position, and reconnect after every failure."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ticker.backoff import Backoff
from ticker.client.reading import (
    LOOPBACK,
    OPEN_S,
    PERMANENT,
    RETRY_FIRST_S,
    RETRY_MOST_S,
    RefusedError,
    TokenSource,
    check_gateway,
    detail_of,
    parse_edition_url,
    value_of,
)
from ticker.core.errors import UNREADABLE, StoreError
from ticker.core.messages import (
    SUBPROTOCOL,
    BoardMessage,
    ByeMessage,
    CloseCode,
    ForgetMessage,
    LineMessage,
    LiveMessage,
    Message,
    MessageError,
    decode_message,
)

STABLE_S: Final = 10.0
"""After a connection that lasted this long, the delays start again with the first."""

RETRY_CLOSE_CODES: Final = range(1000, 4000)
_quiet: Final = logging.getLogger("ticker.client.websocket")
"""websockets logs every header at the level `debug`, and one of them has the token."""
_quiet.setLevel(logging.WARNING)


class Connecting(msgspec.Struct, frozen=True):
    """A connection to `gateway` is being opened."""

    gateway: str


class Received(msgspec.Struct, frozen=True):
    """A message: its JSON, and its decoded form, or None for a type that this version doesn't know."""

    data: str
    message: Message | None


class Lost(msgspec.Struct, frozen=True):
    """The connection failed or was lost, because of `reason`. The next attempt is in `retry_s` seconds."""

    reason: str
    retry_s: float


Event: TypeAlias = Connecting | Received | Lost


class _Edition(msgspec.Struct, frozen=True):
    name: str


class _Editions(msgspec.Struct, frozen=True):
    """The part of a gateway's `/v1/editions` that is read."""

    editions: list[_Edition]


async def follow(
    url: str,
    *,
    after: str | None = None,
    sections: Iterable[str] = (),
    regions: Iterable[str] = (),
    urgency: int | None = None,
    lines: int | None = None,
    token: TokenSource = None,
) -> AsyncGenerator[BoardMessage | LineMessage | ForgetMessage | LiveMessage]:
    """Yield the messages of an edition, for ever.

    Without `after`, the first message is a `BoardMessage`: the lines that show now. After that each change is a
    `LineMessage`. A `ForgetMessage` has the ids of old lines that the reader must drop. A `LiveMessage` follows the
    messages that were missed: everything after it is news.

    After a lost connection, the follower resumes after the last position: no entry is missed or repeated. It waits
    before each attempt, up to `RETRY_MOST_S` seconds, with jitter. If the gateway can't resume there, for example
    because the entries were trimmed, it sends a `BoardMessage` whose `reset` says why. That board replaces everything
    before it.

    Cancelling the task or closing the generator closes the connection.

    Args:
        url: The edition's address: that of the gateway and the edition's name, like `https://news.example/en`.
        after: The `position` of the last message that you have. None to start with the board.
        sections: Only lines of these sections.
        regions: Only lines of these regions.
        urgency: Only lines of this urgency or more urgent; 1 is the most urgent.
        lines: How many lines the board has.
        token: The token of a private edition. A function, which may be asynchronous, is called before each connection:
            it returns a new token when the old one is about to expire.

    Raises:
        SettingsError: If `url` isn't the address of an edition.
        RefusedError: If the gateway refuses the request for good, because the edition or a section doesn't exist, or
            because a token that can't be renewed isn't valid or has expired.

    """
    gateway, edition = parse_edition_url(url)
    query = {
        "section": tuple(sections),
        "region": tuple(regions),
        "urgency": () if urgency is None else (str(urgency),),
        "lines": () if lines is None else (str(lines),),
    }
    async with aclosing(follow_events(lambda: gateway, edition, query, after=after, token=token)) as events:
        async for event in events:
            if isinstance(event, Received) and isinstance(
                event.message, BoardMessage | LineMessage | ForgetMessage | LiveMessage
            ):
                yield event.message


async def follow_events(
    gateway: Callable[[], str],
    edition: str,
    query: Mapping[str, Sequence[str]],
    *,
    after: str | None = None,
    token: TokenSource = None,
) -> AsyncGenerator[Event]:
    """Yield everything that happens to a follower of `edition`, for ever: `follow` with the state of the connection.

    `gateway` returns the gateway's address. It is called before each attempt, because a gateway may have another
    address after a restart. `query` has the stream options of `docs/protocol.md`.

    Raises:
        SettingsError: If `gateway` returns something else than an address.
        RefusedError: If the gateway refuses the request for good.

    """
    position, renewable = after, callable(token)
    is_known = False  # a gateway has already served this follower
    # Full jitter: after an outage, every follower returns at another moment.
    backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S, jitter=1)
    while True:
        address = gateway()
        check_gateway(address, address, "http://127.0.0.1:8080")
        yield Connecting(address)
        started, retry_s, reason = _now(), None, "the gateway closed the connection"
        try:
            async with _connect(address, edition, query, position, await value_of(token)) as connection:
                async for data in connection:
                    text = data if isinstance(data, str) else data.decode(errors="replace")
                    message = decode_message(text)
                    if isinstance(message, ByeMessage):
                        retry_s = message.retry_ms / 1000
                    elif message is not None and not isinstance(message, ForgetMessage):
                        position, is_known = message.position, True
                    yield Received(text, message)
        except InvalidStatus as error:
            reason, retry_s = _reason_refused(error, is_known=is_known, renewable=renewable)
        except (OSError, WebSocketException, MessageError, StoreError) as error:
            reason = _reason_failed(error, address, renewable=renewable)
        if _now() - started >= STABLE_S:
            backoff.reset()
        own_s = backoff.next_s()  # always: a gateway's delay counts as an attempt
        delay_s = own_s if retry_s is None else retry_s
        yield Lost(reason, delay_s)
        await asyncio.sleep(delay_s)


def _connect(
    address: str, edition: str, query: Mapping[str, Sequence[str]], position: str | None, token: str | None
) -> connect:
    fields = {name: values for name, values in query.items() if values}
    if position is not None:
        fields["after"] = [position]
    url = f"ws{address.removeprefix('http').rstrip('/')}/v1/{edition}/live"
    return connect(
        f"{url}?{urlencode(fields, doseq=True)}" if fields else url,
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
        open_timeout=OPEN_S,
        close_timeout=1,
        user_agent_header=None,
        # The library drops it if a redirect leads to another origin.
        additional_headers=None if token is None else {"Authorization": f"Bearer {token}"},
        logger=_quiet,
        proxy=None if urlsplit(address).hostname in LOOPBACK else True,
        process_exception=lambda error: error,  # the library's own retries are not used
    )


def _reason_closed(error: ConnectionClosed, *, renewable: bool) -> str:
    if error.rcvd is None:
        return "the connection was lost"
    reason = error.rcvd.reason or "without a reason"
    if error.rcvd.code == CloseCode.TOKEN and renewable:
        return "the token has expired"
    if error.rcvd.code not in RETRY_CLOSE_CODES:
        raise RefusedError(f"the gateway closed the connection for good ({error.rcvd.code}): {reason}") from error
    return f"the gateway closed the connection: {reason}"


def _reason_refused(error: InvalidStatus, *, is_known: bool, renewable: bool) -> tuple[str, float | None]:
    """Return the gateway's reason, and the delay that it requests, with jitter."""
    response = error.response
    detail = detail_of(response.body) or f"HTTP {response.status_code}"
    # A gateway that has just started may not know its editions yet. One that has served us before will do so again.
    if response.status_code in PERMANENT and not is_known:
        raise RefusedError(detail) from error
    if response.status_code == HTTPStatus.UNAUTHORIZED and not renewable:
        raise RefusedError(detail) from error
    retry = response.headers.get("Retry-After", "")
    # The gateway sends the same delay to every follower.
    spread = random.uniform(1, 1.5)  # noqa: S311 -- no secret
    return detail, int(retry) * spread if retry.isdecimal() and len(retry) < 5 else None


def _reason_failed(error: BaseException, address: str, *, renewable: bool) -> str:
    if isinstance(error, ConnectionClosed):
        return _reason_closed(error, renewable=renewable)
    if isinstance(error, StoreError):
        return str(error)
    if isinstance(error, ConnectionRefusedError):
        return f"no gateway answers at {address}"
    if isinstance(error, TimeoutError):
        return f"the gateway at {address} doesn't answer"
    detail = " ".join(str(error).split())[:120] or type(error).__name__
    return f"the gateway at {address} can't be used ({detail})"


def _now() -> float:
    return asyncio.get_running_loop().time()


def editions_at(gateway: str, token: str | None = None) -> list[str]:
    """Return the names of the editions that a gateway serves. Blocks for up to `OPEN_S` seconds.

    A private edition is among them only with a token for it.

    Raises:
        SettingsError: If `gateway` isn't the address of a gateway.
        StoreError: If no gateway answers there.

    """
    check_gateway(gateway, gateway, "http://127.0.0.1:8080")
    is_local = urlsplit(gateway).hostname in LOOPBACK
    opener = build_opener(ProxyHandler({})) if is_local else build_opener()
    request = Request(f"{gateway.rstrip('/')}/v1/editions")  # noqa: S310 -- http or https, as checked
    if token is not None:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with opener.open(request, timeout=OPEN_S) as response:
            document = msgspec.json.decode(response.read(), type=_Editions)
        return [edition.name for edition in document.editions]
    except (OSError, ValueError, *UNREADABLE) as error:
        raise StoreError(
            f"no gateway answers at {gateway}: start it with `ticker up`, or name another one with --gateway"
        ) from error
