"""Turn a request for a live edition into a follower, or refuse it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from ticker.core.edition import Edition
from ticker.core.log_window import Reset
from ticker.core.position import Position
from ticker.gateway import handshake
from ticker.gateway.admission import client_address, counted_as
from ticker.gateway.channel import Channel
from ticker.gateway.follower import Follower
from ticker.gateway.framing import Framing, deflate_extension
from ticker.gateway.handshake import Request, Target
from ticker.gateway.hub import Hub
from ticker.gateway.request_head import Headers


class Prepared(NamedTuple):
    """The answer to a request that passed all checks but the limits.

    Attributes:
        channel: The edition's channel.
        edition: The edition's settings.
        request: The parsed query.
        expires_at: Until when the request's token counts, in Unix time, or None for ever.
        head: The response, up to the answer to the key if the request has one.
        tail: The rest of the response.
        has_key: Whether the request has a key.

    """

    channel: Channel
    edition: Edition
    request: Request
    expires_at: int | None
    head: bytes
    tail: bytes
    has_key: bool


def prepare(hub: Hub, target: Target, headers: Headers) -> tuple[Prepared, bytes]:
    """Check a handshake. Return how to answer it, with its key (empty for an event stream).

    Raises:
        Refusal: If the request is invalid.

    """
    channel, expires_at = hub.channel_until(target.edition, headers)
    origin = handshake.check_origin(channel.edition, headers, hub.settings.public_url)
    last_event_id = headers.one(b"last-event-id") if target.framing is Framing.EVENTS else None
    framing, extension = target.framing, None
    if framing is Framing.WEBSOCKET and hub.settings.compression:
        extension = deflate_extension(", ".join(headers.all(b"sec-websocket-extensions")))
        framing = Framing.WEBSOCKET if extension is None else Framing.DEFLATED
    request = channel.requests.parse(framing, target.query, last_event_id)
    if framing is Framing.EVENTS:
        key, head, tail = b"", handshake.events_response(origin), b""
    else:
        key, head, tail = handshake.websocket_response(headers, extension)
    return Prepared(channel, channel.edition, request, expires_at, head, tail, key != b""), key


def admit(
    hub: Hub, prepared: Prepared, key: bytes, peer: str, forwarded: Sequence[str], transport: asyncio.Transport
) -> tuple[Follower, bytes]:
    """Check the limits. Return the new follower, and the response to its request.

    The caller makes the follower the transport's protocol, and calls `join` with the request's position.

    Args:
        hub: The channels and the limits.
        prepared: The checked request.
        key: The request's key.
        peer: The address at the other end of the connection.
        forwarded: The values of `X-Forwarded-For`.
        transport: The connection.

    Raises:
        Refusal: If a limit is reached.

    """
    address = counted_as(client_address(peer, forwarded, hub.trusted))
    follower = hub.admit(prepared.channel, transport, prepared.request.options, address)
    if prepared.expires_at is not None:
        prepared.channel.members.expiries.add(follower, prepared.expires_at)
    answer = handshake.answer_key(key) if prepared.has_key else b""
    return follower, prepared.head + answer + prepared.tail


def accept(
    hub: Hub, target: Target, headers: Headers, peer: str, transport: asyncio.Transport
) -> tuple[Channel, Follower, bytes, Position | Reset | None]:
    """Check a handshake and the limits. Return the new follower, its response and its position.

    Raises:
        Refusal: As `prepare` and `admit`.

    """
    prepared, key = prepare(hub, target, headers)
    follower, response = admit(hub, prepared, key, peer, headers.all(b"x-forwarded-for"), transport)
    return prepared.channel, follower, response, prepared.request.after
