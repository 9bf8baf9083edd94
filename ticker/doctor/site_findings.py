"""Judge a site as a reader reaches it, through its proxies and caches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal

import msgspec

from ticker.doctor.finding import Check, Finding, Severity, codes_of, judge_all

FORGED: Final = "192.0.2.77"
"""The address that the probe claims to have. No host has it (RFC 5737)."""
BOARD_S: Final = 5.0
"""The time limit for the board. A gateway sends it immediately."""


class End(Enum):
    """How a silent connection ended."""

    HEARTBEAT = "heartbeat"
    """It lived until the heartbeat arrived."""
    CLOSED = "closed"
    """Something closed it before."""
    SILENT = "silent"
    """It stayed open, but the heartbeat didn't arrive."""
    REFUSED = "refused"
    """It was never established."""


class LinkFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A connection of a reader that waits for news."""

    status: int = 0
    """The HTTP status: 101 for a WebSocket, 200 for events. 0 if no answer came."""
    board_s: float | None = None
    """Seconds until the board arrived, or None if it didn't."""
    end: End = End.REFUSED
    silence_s: float = 0.0
    """The longest time in which nothing arrived, and after which something did."""


class SiteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A site. None means that it wasn't examined, because something before it failed."""

    url: str
    """Its scheme and host."""
    heartbeat_s: float
    """The setting: a gateway sends something at least this often."""
    trouble: str | None = None
    """Why no gateway answers, or None."""
    has_http2: bool | None = None
    operator_paths: tuple[str, ...] = ()
    """The paths for operators that readers can request."""
    via: Literal["proxy", "direct"] | None = None
    """Whether the gateway trusts the proxy that it got the request from."""
    address: str | None = None
    """The reader's address as the proxy reports it."""
    believes_forged: bool | None = None
    """Whether a reader can choose the address that it is counted under."""
    scheme: str | None = None
    host: str | None = None
    """The scheme and the host of absolute links on the pages."""
    live: LinkFacts | None = None
    events: LinkFacts | None = None

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def own_host(self) -> str:
        """The host and the port of its URL."""
        return self.url.partition("://")[2]

    @property
    def paths(self) -> str:
        """`operator_paths` for a sentence."""
        return ", ".join(self.operator_paths)


def site_findings(facts: SiteFacts) -> list[Finding]:
    """Return what keeps readers from getting news through this site."""
    return judge_all(_CHECKS, facts)


def _is_refused(link: LinkFacts | None, status: int) -> bool:
    return link is not None and link.status != status and link.end is not End.SILENT


def _is_buffered(link: LinkFacts | None, status: int) -> bool:
    """Whether messages are held back. Then the head of the answer may be held back, too."""
    if link is None or link.status not in (0, status) or link.end in (End.CLOSED, End.REFUSED):
        return False
    return link.end is End.SILENT or link.board_s is None or link.board_s > BOARD_S


def _is_cut(link: LinkFacts | None) -> bool:
    return link is not None and link.end is End.CLOSED


_CHECKS: Final[Sequence[Check[SiteFacts]]] = (
    Check(
        code="site",
        severity=Severity.DANGER,
        applies=lambda facts: facts.trouble is not None,
        sentence="{facts.url} has no gateway that answers: {facts.trouble}",
        meaning="readers get nothing",
        fix="curl -sv {facts.url}/v1/editions",
    ),
    Check(
        code="upgrade",
        severity=Severity.DANGER,
        applies=lambda facts: _is_refused(facts.live, 101),
        sentence="{facts.url} doesn't let WebSockets pass: the answer has the status {facts.live.status}",
        meaning="readers fall back to events. Apps that know only WebSockets get nothing",
        fix=(
            "proxy_http_version 1.1;                        # nginx\n"
            "proxy_set_header Upgrade $http_upgrade;\n"
            "proxy_set_header Connection $connection_upgrade;   # as in deploy/proxy/nginx.conf"
        ),
    ),
    Check(
        code="events",
        severity=Severity.DANGER,
        applies=lambda facts: _is_refused(facts.events, 200),
        sentence="{facts.url} doesn't let events pass: the answer has the status {facts.events.status}",
        meaning="pages try events first: each reader connects twice, or gets nothing",
        fix="curl -sNv {facts.url}/v1/EDITION/events",
    ),
    Check(
        code="buffering",
        severity=Severity.DANGER,
        applies=lambda facts: _is_buffered(facts.events, 200) or _is_buffered(facts.live, 101),
        sentence="something between {facts.url} and the gateway holds messages back",
        meaning="readers get breaking news late, or never",
        fix="proxy_buffering off;   # nginx, and no `gzip_types text/event-stream`",
    ),
    Check(
        code="proxy-timeout",
        severity=Severity.DANGER,
        applies=lambda facts: _is_cut(facts.events) or _is_cut(facts.live),
        sentence="a silent connection to {facts.url} is closed before the heartbeat ({facts.heartbeat_s:g} s)",
        meaning="every reader reconnects again and again, and gets lines late",
        fix=(
            "proxy_read_timeout 75s;   # nginx; `timeout server 75s` and `timeout tunnel 75s` in HAProxy\n"
            "export TICKER_HEARTBEAT_S=10   # if the proxy isn't yours"
        ),
    ),
    Check(
        code="forged-address",
        severity=Severity.DANGER,
        applies=lambda facts: facts.believes_forged,
        sentence="the proxy of {facts.url} passes on the `X-Forwarded-For` that a reader sent",
        meaning="one reader can take all places, under many addresses, and keep the others out",
        fix="proxy_set_header X-Forwarded-For $remote_addr;   # nginx",
    ),
    Check(
        code="operator-paths",
        severity=Severity.WARNING,
        applies=lambda facts: bool(facts.operator_paths),
        sentence="readers of {facts.url} can request {facts.paths}",
        meaning="strangers see how many readers there are, and what fails",
        fix="location = /metrics {{ return 404; }}   # nginx, and the same for /readyz and /healthz",
    ),
    Check(
        code="trusted-proxies",
        severity=Severity.WARNING,
        applies=lambda facts: facts.via == "direct" and facts.is_https,
        sentence="the gateway doesn't trust the proxy of {facts.url}",
        meaning="all readers count as one address: above `followers_per_address`, they are refused",
        fix="export TICKER_TRUSTED_PROXIES=PROXY-ADDRESS   # of the gateways",
    ),
    Check(
        code="forwarded-for",
        severity=Severity.WARNING,
        applies=lambda facts: facts.via == "proxy" and facts.address is None,
        sentence="the proxy of {facts.url} doesn't report the addresses of readers",
        meaning="all readers count as one address: above `followers_per_address`, they are refused",
        fix="proxy_set_header X-Forwarded-For $remote_addr;   # nginx",
    ),
    Check(
        code="scheme",
        severity=Severity.WARNING,
        applies=lambda facts: facts.is_https and facts.scheme is not None and facts.scheme != "https",
        sentence="the pages of {facts.url} link to `{facts.scheme}://`",
        meaning="browsers block the element on pages with TLS, and links lose readers on the way",
        fix="export TICKER_PUBLIC_URL={facts.url}   # of the gateways",
    ),
    Check(
        code="host",
        severity=Severity.WARNING,
        applies=lambda facts: facts.host is not None and facts.host != facts.own_host,
        sentence="the pages of {facts.url} link to the host {facts.host}",
        meaning="links and embedded frames lead to an address that readers may not reach",
        fix="export TICKER_PUBLIC_URL={facts.url}   # of the gateways",
    ),
    Check(
        code="http2",
        severity=Severity.HINT,
        applies=lambda facts: facts.has_http2 is False,
        sentence="{facts.url} doesn't offer HTTP/2",
        meaning="a browser opens only six connections to it, for all its tabs",
        fix="listen 443 ssl http2;   # nginx 1.22; from 1.25.1 on `http2 on;`",
    ),
)

CODES: Final = tuple(codes_of(_CHECKS))
"""The codes of all findings."""
