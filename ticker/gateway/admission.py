"""Limits on followers: in total, per address, and handshakes per second. Pure: the clock is passed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from ticker.settings import Settings

RECENT_S: Final = 10.0
"""Period in which an address may connect as often as it may have followers, even if the gateway is busy."""
RETRY_S: Final = 5
"""Minimum time in seconds after which a refused client should retry. Clients add jitter."""


class Refusal(Exception):  # noqa: N818 -- a term of the protocol
    """The gateway refuses a request with an HTTP error.

    Attributes:
        status: The HTTP status.
        code: A stable word for programs.
        detail: A sentence for people.
        retry_s: Seconds after which the client should retry, or None.

    """

    def __init__(self, status: int, code: str, detail: str, retry_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_s = retry_s


class Admission:
    """Counts followers and handshakes, and refuses those above a limit. A setting of 0 means unlimited.

    Attributes:
        followers_max: Maximum number of followers.
        followers: Current number of followers.
        admitted: Followers admitted since the start.
        refused: Refusals since the start, by code.
        draining: Whether the gateway is about to stop and admits nobody.

    """

    def __init__(self, settings: Settings, file_limit: int) -> None:
        """Use the limits of `settings`. `file_limit` is the number of files that the process may open."""
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
        self._recent: Counter[str] = Counter()  # handshakes by address, after `_recent_since`
        self._recent_since = 0.0

    def admit(self, address: str, now: float) -> None:
        """Admit a follower from `address`.

        Raises:
            Refusal: 503 if the gateway is draining, full or above the rate; 429 if the address is full or takes more
                than half of the rate.

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
        """Stop counting one follower of `address`."""
        self.followers -= 1
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def _check(self, address: str, now: float) -> None:
        if self.draining:
            raise Refusal(503, "draining", "this gateway is about to stop: try again", RETRY_S)
        if self.followers >= self.followers_max:
            raise Refusal(
                503, "full", f"this gateway has {self.followers_max} followers, the maximum: try again", RETRY_S
            )
        if self._per_address_max and self._per_address[address] >= self._per_address_max:
            most = self._per_address_max
            raise Refusal(429, "address-full", f"this address has {most} followers, the maximum", RETRY_S)
        if self._rate:
            self._take_token(address, now)

    def _take_token(self, address: str, now: float) -> None:
        """Take one token of the rate limit.

        One address gets at most half of the rate. Otherwise a client that connects and leaves all the time would keep
        everybody else out.
        """
        self._tokens = min(float(self._rate), self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if now - self._recent_since > RECENT_S:
            self._recent.clear()
            self._recent_since = now
        if self._tokens < 1:
            raise Refusal(503, "busy", f"more than {self._rate} readers per second are connecting: try again", RETRY_S)
        most = self._per_address_max
        if most and self._tokens < self._rate / 2 and self._recent[address] >= most:
            raise Refusal(429, "address-busy", f"this address has connected {most} times in {RECENT_S:g} s", RETRY_S)
        self._tokens -= 1
        self._recent[address] += 1


def _followers_max(wanted: int, file_limit: int) -> int:
    """Return `wanted` (0: unlimited), but leave file descriptors for Redis, logs and plain requests."""
    room = max(file_limit - max(64, file_limit // 20), 1)
    return min(wanted, room) if wanted else room


Network = IPv4Network | IPv6Network
SITE_BITS: Final = 64
"""Prefix length of the IPv6 network that a provider gives to one household, which can use all of its addresses."""


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Parse the networks of `trusted_proxies`, which the settings have validated."""
    return tuple(ip_network(text) for text in texts)


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the client's address: the nearest one that isn't a trusted proxy.

    `forwarded` are the values of `X-Forwarded-For`. The nearest proxy has written the last address. The header counts
    only if the peer is a trusted proxy, and only up to the first untrusted address from the right.
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
    """Return the address or network that an address is counted as: for IPv6, its /64 network.

    An IPv4-mapped IPv6 address is counted as the IPv4 address. Otherwise all of IPv4 would be one network.
    """
    parsed = _parse(address) if ":" in address else None
    if not isinstance(parsed, IPv6Address):
        return address if parsed is None else str(parsed)
    return str(IPv6Network((int(parsed), SITE_BITS), strict=False))


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address, with or without a port: some proxies add one.

    Return an IPv4 address for an IPv4-mapped one (`::ffff:192.0.2.1`), None if it is invalid.
    """
    for candidate in (text, without_port(text)):
        with suppress(ValueError):
            address = ip_address(candidate)
            return getattr(address, "ipv4_mapped", None) or address
    return None


def without_port(node: str) -> str:
    """Return the address of a node (RFC 7239, 6): `192.0.2.1:80` or `[2001:db8::1]:80`."""
    return node[1:].partition("]")[0] if node.startswith("[") else node.partition(":")[0]


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Return whether an address is in one of the networks."""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)
