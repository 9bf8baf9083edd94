"""Resolve a receiver's host, and refuse addresses that are not public: no URL may reach systems behind the firewall.

The caller connects to the address that was checked. A second look-up could return another one (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from ticker.core.errors import TickerError

_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


class BlockedError(TickerError):
    """Each address of the host is internal."""


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet. IPv4 inside IPv6 counts as IPv4."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if any(found in network for network in _NAT64):
            found = IPv4Address(int(found) & 0xFFFF_FFFF)
        else:
            found = found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not found.is_multicast


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of `host` that may be used, at least one.

    Raises:
        OSError: If the host can't be resolved.
        BlockedError: If the host has only internal addresses, and `allow_private` is False.

    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    allowed = [address for address in addresses if allow_private or is_public(address)]
    if not allowed:
        raise BlockedError(f"{host} has only internal addresses: allow them with --allow-private")
    return allowed
