"""Reach a site as a reader does: through its proxies and caches. Its content isn't changed."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import SplitResult

import msgspec

from ticker.doctor.http import BODY_BYTES, TIMEOUT_S, Answer, Server, get, reason_of, server_at, streamed
from ticker.doctor.site_findings import FORGED, End, LinkFacts, SiteFacts
from ticker.doctor.tls_findings import TlsFacts
from ticker.doctor.tls_probe import tls_facts

OPERATOR_PATHS: Final = ("/metrics", "/readyz", "/healthz")
LATE_S: Final = 10.0
"""How late the heartbeat may be."""

_UPGRADE: Final = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
"""The opening handshake of RFC 6455, 1.3. Compression isn't offered, so that messages can be found in the bytes."""
_BOARD: Final = re.compile(rb'"type": ?"board"')
_HEARTBEAT: Final = re.compile(rb'"type": ?"heartbeat"')
_WHOLE: Final = 0.9
"""The share of `heartbeat_s` from which a silence counts as whole: heartbeats are sent once per second."""
_MARGIN: Final = 32
"""Bytes of the end that are kept, in which a message may begin."""


async def site_facts(
    parts: SplitResult, heartbeat_s: float, tell: Callable[[str], None] = lambda _: None, *, late_s: float = LATE_S
) -> tuple[SiteFacts, TlsFacts | None]:
    """Examine the site at an `http` or `https` URL. It takes up to twice `heartbeat_s` and a few seconds.

    Args:
        parts: The site's URL.
        heartbeat_s: The setting of its gateways.
        tell: Called with what happens now.
        late_s: How late the heartbeat may be.

    """
    url = f"{parts.scheme}://{parts.netloc}"
    tls = None
    try:
        if parts.scheme == "https":
            tell(f"{url}: TLS …")
            assert parts.hostname is not None
            tls = await tls_facts(parts.hostname, parts.port or 443)
        server = server_at(parts, is_verified=tls is None or tls.trouble is None)
        edition = await _first_edition(server)
        facts = await _answers(server, url, heartbeat_s)
    except (OSError, ValueError) as error:
        return SiteFacts(url=url, heartbeat_s=heartbeat_s, trouble=reason_of(error)), tls
    tell(f"{url}: waiting for the heartbeat, up to {2 * heartbeat_s:g} s …")
    live, events = await asyncio.gather(
        _link(server, f"/v1/{edition}/live", _UPGRADE, heartbeat_s, late_s),
        _link(server, f"/v1/{edition}/events", {"Accept": "text/event-stream"}, heartbeat_s, late_s),
    )
    return msgspec.structs.replace(facts, live=live, events=events), tls


async def _first_edition(server: Server) -> str:
    """Return the name of an edition that needs no token.

    Raises:
        OSError: If the server doesn't answer.
        ValueError: If the answer isn't a gateway's.

    """
    answer = await get(server, "/v1/editions")
    if answer.status != 200:
        raise ValueError(f"/v1/editions has the status {answer.status}")
    names = [str(each["name"]) for each in _document(answer)["editions"]]
    if not names:
        raise ValueError("it has no edition that needs no token")
    return names[0]


async def _answers(server: Server, url: str, heartbeat_s: float) -> SiteFacts:
    """Return the facts that plain requests show.

    Raises:
        OSError: If the server doesn't answer.
        ValueError: If the answer isn't a gateway's.

    """
    report = _document(await get(server, "/v1/connection"))
    forged = _document(await get(server, "/v1/connection", {"X-Forwarded-For": FORGED}))
    statuses = {path: (await get(server, path)).status for path in OPERATOR_PATHS}
    return SiteFacts(
        url=url,
        heartbeat_s=heartbeat_s,
        has_http2=await _has_http2(server) if server.tls is not None else None,
        operator_paths=tuple(path for path, status in statuses.items() if status in (200, 503)),
        via=report.get("via"),
        address=report.get("address"),
        believes_forged=forged.get("address") == FORGED,
        scheme=report.get("scheme"),
        host=report.get("host"),
    )


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except ValueError as error:
        raise ValueError("the answer isn't JSON: no gateway sent it") from error
    if not isinstance(document, dict):
        raise ValueError("the answer isn't a gateway's")  # noqa: TRY004 -- it isn't our mistake
    return document


async def _has_http2(server: Server) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with asyncio.timeout(TIMEOUT_S):
        _, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
    chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.transport.abort()
    return bool(chosen == "h2")


async def _link(server: Server, path: str, headers: dict[str, str], heartbeat_s: float, late_s: float) -> LinkFacts:
    """Connect as a reader, and wait until a heartbeat ends a whole silence, the connection ends, or it is too late.

    The first heartbeat may come earlier than `heartbeat_s` after the board: each second has its own followers.
    """
    clock = asyncio.get_running_loop().time
    started = last = clock()
    status, board_s, seen, silence_s = 0, None, 0, 0.0
    end = End.REFUSED
    try:
        async with asyncio.timeout(2 * heartbeat_s + late_s), streamed(server, path, headers) as parts:
            async for answer in parts:
                status = answer.status
                if status not in (101, 200):
                    break
                end = End.CLOSED  # unless something better comes
                fresh = answer.body[max(seen - _MARGIN, 0) :]
                seen = len(answer.body)
                if board_s is None and _BOARD.search(fresh):
                    board_s = clock() - started
                silence_s, last = max(silence_s, clock() - last), clock()
                if silence_s >= _WHOLE * heartbeat_s and _HEARTBEAT.search(fresh):
                    end = End.HEARTBEAT
                    break
                if seen > BODY_BYTES:
                    break
    except TimeoutError:
        # On a busy site, lines come instead of heartbeats.
        end = End.SILENT if clock() - last > heartbeat_s + late_s / 2 else End.HEARTBEAT
    except OSError:
        end = End.CLOSED if status in (101, 200) else End.REFUSED
    return LinkFacts(status=status, board_s=board_s, end=end, silence_s=round(silence_s, 3))
