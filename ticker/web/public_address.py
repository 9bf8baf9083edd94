"""The public address of this server. Behind a proxy, a request has another scheme and often another host.

All absolute URLs (oEmbed, canonical links, structured data, snippets, redirects) are made from the request's URL, so it
is corrected once, before any handler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from ticker.gateway.admission import Network, is_trusted, without_port

_SCHEMES: Final = frozenset({"http", "https"})


class PublicAddress:
    """Middleware that gives each request its public scheme and host.

    With `public_url`, both are those of that URL. Otherwise a trusted proxy may set the scheme, with `Forwarded` or
    `X-Forwarded-Proto`, and the host is that of the header `Host`.
    """

    def __init__(self, app: ASGIApp, public_url: str | None, trusted: Sequence[Network]) -> None:
        self._app = app
        self._public = None if public_url is None else urlsplit(public_url)
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._public is not None:
            scope = {**scope, "scheme": self._public.scheme, "headers": list(scope["headers"])}
            MutableHeaders(scope=scope)["Host"] = self._public.netloc
        elif self._trusted:
            headers = Headers(scope=scope)
            scheme = forwarded_scheme(
                (scope.get("client") or ("", 0))[0],
                headers.getlist("forwarded"),
                headers.getlist("x-forwarded-proto"),
                self._trusted,
            )
            scope = {**scope, "scheme": scheme or scope["scheme"]}
        await self._app(scope, receive, send)


def forwarded_scheme(
    peer: str, forwarded: Sequence[str], proto: Sequence[str], trusted: Sequence[Network]
) -> str | None:
    """Return the scheme of the client's request, or None if no trusted proxy gives one.

    Args:
        peer: The address of the proxy that is connected.
        forwarded: The values of `Forwarded` (RFC 7239). Each proxy adds an element with the address of its own client
            (`for`) and the scheme of that client's request (`proto`). The one of the outermost trusted proxy counts.
        proto: The values of `X-Forwarded-Proto`, used if `Forwarded` lacks the scheme. The nearest proxy wrote the last
            one.
        trusted: The networks of trusted proxies.

    """
    if not is_trusted(peer, trusted):
        return None
    scheme = ([part.strip().lower() for value in proto for part in value.split(",")] or [""])[-1]
    # Read from the right. The client wrote the elements left of the first untrusted address, and they may be malformed.
    for element in reversed([element for value in forwarded for element in value.split(",")]):
        if not is_trusted(peer, trusted):
            break
        pairs = (pair.strip().lower().partition("=") for pair in element.split(";"))
        fields = {name: value.strip('"') for name, _, value in pairs}
        scheme = fields.get("proto", scheme)
        peer = without_port(fields.get("for", ""))
    return scheme if scheme in _SCHEMES else None
