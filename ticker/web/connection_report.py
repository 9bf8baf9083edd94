"""Tell a client how the gateway sees its connection: `ticker doctor` examines a proxy with it."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ticker.gateway.admission import client_address, is_trusted
from ticker.gateway.hub import Hub


class ConnectionReport(msgspec.Struct, frozen=True):
    """How the gateway sees the connection of this request.

    Attributes:
        via: `proxy` if a proxy of `trusted_proxies` has forwarded it, or else `direct`.
        address: The client's address as that proxy reports it. It is null for `direct`, and if the proxy reports none.
            The address of the proxy itself isn't in an answer.
        scheme: The scheme of absolute links.
        host: The host of absolute links.

    """

    via: Literal["proxy", "direct"]
    address: str | None
    scheme: str
    host: str


class Connections:
    """The handler."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def report(self, request: Request) -> Response:
        """Answer with the report. No cache may keep it."""
        peer = request.client.host if request.client else ""
        forwarded = request.headers.getlist("x-forwarded-for")
        is_proxy = is_trusted(peer, self._hub.trusted)
        address = client_address(peer, forwarded, self._hub.trusted)
        # The proxy's own address is returned only to a client that has it, too.
        is_reported = is_proxy and (address != peer or any(peer in value for value in forwarded))
        report = ConnectionReport(
            via="proxy" if is_proxy else "direct",
            address=address if is_reported else None,
            scheme=request.url.scheme,
            host=request.url.netloc,
        )
        return Response(
            msgspec.json.encode(report), headers={"Cache-Control": "no-store"}, media_type="application/json"
        )
