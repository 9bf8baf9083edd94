"""Who is let in: bounds on followers, on followers an address, and on handshakes a second. Decisions only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from ticker.settings import Settings

RECENT_S: Final = 10.0
"""In which an address may connect as often as it may have followers, however busy the gateway is."""
RETRY_S: Final = 5
"""What a reader who finds no room is told to wait, at least; clients add jitter."""


class Refusal(Exception):  # noqa: N818 -- a word of the domain
    """A request that is answered with an error instead of being followed. `code` is a stable word for programs."""

    def __init__(self, status: int, code: str, detail: str, retry_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_s = retry_s


class Admission:
    """Counts followers and handshakes, and refuses above the bounds. A bound of 0 is lifted."""

    def __init__(self, settings: Settings, file_limit: int) -> None:
        """Take the bounds of `settings`; `file_limit` is how many files the process may open."""
        self.followers_max = _followers_max(settings.followers, file_limit)
        self.followers = 0
        self.admitted = 0
        self.refused: Counter[str] = Counter()
        self.draining = False
        self._per_address_max = settings.followers_per_address
        self._per_address: Counter[str] = Counter()
        self._rate = settings.handshakes_per_s
        self._tokens = float(self._rate)
        self._filled_at = 0.0
        self._recent: Counter[str] = Counter()  # handshakes of each address since …
        self._recent_since = 0.0

    def admit(self, address: str, now: float) -> None:
        """Let one more follower in from `address`.

        Raises:
            Refusal: 503 while draining, where the process is full, or above the rate; 429 where the address is full, or
                takes more than half of the rate.

        """
        try:
            self._check(address, now)
        except Refusal as refusal:
            self.refused[refusal.code] += 1
            raise
        self.followers += 1
        self.admitted += 1
        self._per_address[address] += 1

    def release(self, address: str) -> None:
        """A follower from `address` has gone."""
        self.followers -= 1
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def _check(self, address: str, now: float) -> None:
        if self.draining:
            raise Refusal(503, "draining", "this gateway is about to stop: connect again", RETRY_S)
        if self.followers >= self.followers_max:
            raise Refusal(503, "full", f"this gateway has its {self.followers_max} followers: try again", RETRY_S)
        if self._per_address_max and self._per_address[address] >= self._per_address_max:
            most = self._per_address_max
            raise Refusal(429, "address-full", f"this address has {most} followers: {most} at most", RETRY_S)
        if self._rate:
            self._take_token(address, now)

    def _take_token(self, address: str, now: float) -> None:
        """Keep to the rate, and leave half of it to others: one address could connect and go all the time."""
        self._tokens = min(float(self._rate), self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if now - self._recent_since > RECENT_S:
            self._recent.clear()
            self._recent_since = now
        if self._tokens < 1:
            raise Refusal(503, "busy", f"more than {self._rate} readers a second are connecting: try again", RETRY_S)
        most = self._per_address_max
        if most and self._tokens < self._rate / 2 and self._recent[address] >= most:
            raise Refusal(429, "address-busy", f"this address has connected {most} times in {RECENT_S:g} s", RETRY_S)
        self._tokens -= 1
        self._recent[address] += 1


def _followers_max(wanted: int, file_limit: int) -> int:
    """As many as wanted (0: no bound), but never so many that no file is left for Redis, logs and plain requests."""
    room = max(file_limit - max(64, file_limit // 20), 1)
    return min(wanted, room) if wanted else room


Network = IPv4Network | IPv6Network
SITE_BITS: Final = 64
"""Of an IPv6 address: what a provider gives a single household. In it, a reader has as many addresses as it likes."""


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of `trusted_proxies`, which the settings have checked."""
    return tuple(ip_network(text) for text in texts)


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address that a request came from: the nearest one that is no trusted proxy.

    `forwarded` are the values of `X-Forwarded-For`, whose last address the nearest proxy has set. What an untrusted
    peer writes there is not looked at, and neither is anything to the left of the first address that isn't trusted.
    """
    if not trusted or not is_trusted(peer, trusted):
        return peer
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops):
        address = _parse(hop)
        if address is None:
            return peer
        peer = str(address)
        if not is_trusted(peer, trusted):
            return peer
    return peer


def counted_as(address: str) -> str:
    """Who an address is counted for: itself; for IPv6, everybody in its network of 64 bits.

    An IPv4 address that came in on a socket for both is itself, or all of IPv4 would be one such network.
    """
    parsed = _parse(address) if ":" in address else None
    if not isinstance(parsed, IPv6Address):
        return address if parsed is None else str(parsed)
    return str(IPv6Network((int(parsed), SITE_BITS), strict=False))


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address; one of IPv4 that came in on a socket for both (`::ffff:192.0.2.1`) as what it is."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)
