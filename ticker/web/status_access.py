"""Decide which clients may see the status page: clients with the token, or without a token local clients. Pure.

Behind a proxy on the same machine, every client is on the loopback interface. So without a token, a request counts as
local only if nothing suggests a proxy: see `StatusAccess.is_local`. A proxy that hides itself completely can't be told
from a local client. That is why every client needs the token once it is set.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

import msgspec

from ticker.core.errors import SettingsError
from ticker.gateway.admission import RETRY_S, Refusal, client_address, counted_as, parse_networks, without_port
from ticker.settings import Settings

TOKEN_VARIABLE: Final = "TICKER_STATUS_TOKEN"  # noqa: S105 -- a name
TOKEN_LEAST: Final = 16
"""The fewest characters of a token."""
GUESSES: Final = 10
"""How many wrong tokens an address may send per `GUESSES_S`."""
GUESSES_S: Final = 60.0
GUESSERS_MAX: Final = 10_000
"""How many addresses are counted. If there are more, nobody else may guess until the next period."""
VIEWER_S: Final = 5.0
"""How long a viewer counts after its last request."""

_VIEWER: Final = re.compile(r"[A-Za-z0-9-]{1,40}")
_OF_PROXIES: Final = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-host", "x-host"),
        *("true-client-ip", "cf-connecting-ip", "cf-ray", "fastly-client-ip", "x-proxyuser-ip", "x-request-id"),
        *("x-envoy-external-address", "x-amzn-trace-id", "cdn-loop", "max-forwards"),
    }
)
"""Headers that proxies add, beside all that begin with `x-forwarded`."""


class Client(msgspec.Struct, frozen=True):
    """The facts of a request that decide on its access.

    Attributes:
        peer: The address at the other end of the connection.
        port: The gateway's own port, to which the connection was made.
        http_version: Such as `1.1`. Some proxies use 1.0.
        headers: The values by the name in lower case, several joined with commas.

    """

    peer: str
    port: int
    http_version: str
    headers: Mapping[str, str]

    def __repr__(self) -> str:  # the headers have the token
        return f"Client({self.peer!r})"


class StatusAccess:
    """Decides on requests for the status.

    Args:
        token: The token, or None.
        settings: For the proxies and the limit of viewers.
        refused: Counts refusals by code, for the metrics.

    Raises:
        SettingsError: If the token is too short.

    """

    def __init__(self, token: str | None, settings: Settings, refused: Counter[str]) -> None:
        if token is not None and (len(token) < TOKEN_LEAST or not token.isascii() or not token.isprintable()):
            raise SettingsError(
                f"{TOKEN_VARIABLE} has {len(token)} characters: use at least {TOKEN_LEAST} printable ASCII characters, "
                "such as the output of `openssl rand -hex 32`"
            )
        self._token_hash = None if token is None else sha256(token.encode()).digest()
        self._trusted = parse_networks(settings.trusted_proxies)
        self._has_proxy = bool(settings.trusted_proxies) or settings.public_url is not None
        self._viewers_max = settings.status_viewers
        self._refused = refused
        self._guesses: Counter[str] = Counter()  # by address, since `_guesses_since`
        self._guesses_since = 0.0
        self._viewers: dict[str, float] = {}  # → the last request

    @property
    def has_token(self) -> bool:
        return self._token_hash is not None

    def note(self, client: Client) -> None:
        """Check any request. The first one through a proxy on this machine closes the status to local clients."""
        if not self._has_proxy and _is_loopback(client.peer) and not _is_direct(client):
            self._has_proxy = True

    def is_local(self, client: Client) -> bool:
        """Return whether a request without a token may see the status.

        It may if all of this is true. None of the token, `trusted_proxies` and `public_url` is set. The connection is
        from a loopback address. The request is of HTTP/1.1, names the gateway by a loopback address or `localhost` with
        the gateway's own port, and lacks every header that proxies add. No earlier request from this machine differed.
        """
        return self._token_hash is None and not self._has_proxy and _is_loopback(client.peer) and _is_direct(client)

    def check(self, client: Client, now: float) -> None:
        """Check a request. `now` is of a clock that never goes back.

        Raises:
            Refusal: 401 without the right token, 403 if no token is set, 429 after too many wrong tokens.

        """
        try:
            self._check(client, now)
        except Refusal as refusal:
            self._refused[refusal.code] += 1
            raise

    def _check(self, client: Client, now: float) -> None:
        if self._token_hash is None:
            if not self.is_local(client):
                raise Refusal(
                    403,
                    "status-closed",
                    "the status is open only to clients on the gateway's own machine, without a proxy: for others, "
                    f"set {TOKEN_VARIABLE}",
                )
            return
        scheme, _, token = client.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal(401, "status-token", "the status needs a token: send it in `Authorization: Bearer`")
        self._count_guess(client, now)
        if not hmac.compare_digest(sha256(token.strip().encode()).digest(), self._token_hash):
            raise Refusal(401, "status-token-invalid", "this is not the token of the status page")
        address = self._address(client)
        self._guesses[address] -= 1
        if not self._guesses[address]:
            del self._guesses[address]

    def _count_guess(self, client: Client, now: float) -> None:
        """Count a token before it is compared. The right one is subtracted again."""
        if now - self._guesses_since > GUESSES_S:
            self._guesses.clear()
            self._guesses_since = now
        address = self._address(client)
        is_full = len(self._guesses) >= GUESSERS_MAX and address not in self._guesses
        if is_full or self._guesses[address] >= GUESSES:
            left_s = max(1, round(self._guesses_since + GUESSES_S - now))
            raise Refusal(
                429, "status-guesses", f"{GUESSES} wrong tokens came from this address: wait {left_s} s", left_s
            )
        self._guesses[address] += 1

    def _address(self, client: Client) -> str:
        forwarded = client.headers.get("x-forwarded-for")
        return counted_as(client_address(client.peer, [] if forwarded is None else [forwarded], self._trusted))

    def enter(self, client: Client, now: float) -> None:
        """Count a viewer: a page, by its header `Ticker-Viewer`, or an address without one.

        Raises:
            Refusal: 429 if there are `status_viewers` others.

        """
        given = client.headers.get("ticker-viewer", "")
        viewer = given if _VIEWER.fullmatch(given) else self._address(client)
        for gone in [each for each, seen in self._viewers.items() if now - seen > VIEWER_S]:
            del self._viewers[gone]
        if viewer not in self._viewers and len(self._viewers) >= self._viewers_max:
            self._refused["status-viewers"] += 1
            most = self._viewers_max
            raise Refusal(429, "status-viewers", f"{most} people look at the status here, the maximum", RETRY_S)
        self._viewers[viewer] = now


def _is_direct(client: Client) -> bool:
    """Return whether a request looks as if no proxy had forwarded it."""
    names = client.headers.keys()
    host = client.headers.get("host", "").lower()
    return (
        client.http_version == "1.1"
        and _is_loopback(without_port(host))
        and host.endswith(f":{client.port}")
        and not any(name in _OF_PROXIES or name.startswith("x-forwarded") for name in names)
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
