"""Compute what breaks first when readers are added, from what one process costs. Pure: no I/O."""

from __future__ import annotations

from typing import Final

import msgspec

from benchmarks.scaling.model import followers_within
from benchmarks.scaling.sizes import FILES, FILES_SHARE, OVERHEAD_BYTES, PORTS, Costs, Goal, followers_per_gateway
from ticker.capacity.model import MARGIN
from ticker.settings import Settings

LAST_S: Final = 0.5
"""When the last reader is to have a line."""
RETURN_S: Final = 10.0
"""When all readers are to be back after their connections were lost."""
BREAKING_S: Final = 0.2
"""Seconds between two lines in a burst of breaking news."""
REDIS_S: Final = 0.1
"""CPU time of Redis per line that is too much."""
CLIENTS: Final = 10_000
"""The default `maxclients` of Redis."""
BYTES_PER_S: Final = 10**9 // 8
"""A network of 1 Gbit/s."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A number of readers that a part can't exceed, with the remedy. `of`: the part that the readers share."""

    readers: int
    name: str
    of: str
    remedy: str


def limits(costs: Costs) -> list[Limit]:
    """Return what breaks, in the order of the readers at which it does."""
    found = (*_gateway(costs), *_proxy(costs), *_machine(costs), *_redis(costs))
    return sorted(found, key=lambda limit: limit.readers)


def _gateway(costs: Costs) -> tuple[Limit, ...]:
    unit, settings = costs.unit, Settings()
    return (
        Limit(
            readers=settings.followers,
            name="the setting `followers`",
            of="gateway process",
            remedy="raise it, or add a process",
        ),
        Limit(
            readers=round(RETURN_S * settings.handshakes_per_s),
            name=f"`handshakes_per_s`, if all are to be back within {RETURN_S:g} s of a loss",
            of="gateway process",
            remedy="add processes. Until then, readers wait and retry",
        ),
        Limit(
            readers=followers_within(unit, LAST_S, 1, 1),
            name=f"CPU, if the last reader is to have a line within {LAST_S:g} s",
            of="gateway process",
            remedy="add processes, and cores for them",
        ),
        Limit(
            readers=int(BREAKING_S * (1 - unit.costs.idle_s) / unit.costs.delivery_s),
            name=f"CPU in breaking news, {1 / BREAKING_S:g} lines per second: lines are sent together, and later",
            of="gateway process",
            remedy="add processes, and cores for them. Nothing is lost",
        ),
        Limit(
            readers=int(FILES * FILES_SHARE),
            name=f"open files, with `LimitNOFILE={FILES}`",
            of="gateway process",
            remedy="raise the limit, or add a process",
        ),
    )


def _proxy(costs: Costs) -> tuple[Limit, ...]:
    proxy = costs.proxy
    return (
        Limit(
            readers=Settings().followers_per_address,
            name="`followers_per_address`, if `trusted_proxies` lacks the proxy: all readers seem to have its address",
            of="proxy",
            remedy="set `trusted_proxies`",
        ),
        Limit(
            readers=PORTS,
            name="ports, from the proxy's address to the gateways' address and port",
            of="proxy and gateway address",
            remedy="more ports or addresses for the gateways, or more proxies; a wider `ip_local_port_range`",
        ),
        Limit(
            readers=round(LAST_S / proxy.proxy_delivery_s),
            name=f"CPU, if the last reader is to have a line within {LAST_S:g} s",
            of="proxy core",
            remedy="add cores for the proxy, or proxies",
        ),
        Limit(
            readers=round(RETURN_S / proxy.proxy_open_s),
            name=f"TLS handshakes, if all are to be back within {RETURN_S:g} s of a loss",
            of="proxy core",
            remedy="add cores for the proxy, or proxies; let readers resume TLS sessions",
        ),
    )


def _machine(costs: Costs) -> tuple[Limit, ...]:
    unit = costs.unit
    each_bytes = unit.costs.process_bytes + unit.costs.kernel_bytes
    return (
        Limit(
            readers=round(BYTES_PER_S / (unit.frame_bytes + OVERHEAD_BYTES)),
            name="network of 1 Gbit/s, with a line per second",
            of="machine",
            remedy="a faster network, or more machines",
        ),
        Limit(
            readers=int(MARGIN * 2**30 / each_bytes),
            name=f"memory, of which {1 - MARGIN:.0%} stay free",
            of="GiB of a gateway's machine",
            remedy="more memory, or more machines",
        ),
    )


def _redis(costs: Costs) -> tuple[Limit, ...]:
    redis = costs.log_readers
    each = followers_per_gateway(costs.unit, Goal(sockets=0, last_s=LAST_S))
    processes = int((REDIS_S - redis.line_s) / redis.reader_s)
    return (
        Limit(
            readers=CLIENTS // costs.unit.connections * each,
            name=f"connections to Redis, with `maxclients {CLIENTS}` and one edition",
            of="system",
            remedy="raise it, and Redis's limit of open files",
        ),
        Limit(
            readers=processes * each,
            name=f"CPU of Redis: {REDIS_S:g} s per line, for {processes:,} processes",
            of="system",
            remedy="more readers per process, or readers that poll",
        ),
        Limit(
            readers=round(BYTES_PER_S / redis.entry_bytes) * each,
            name="network of Redis, 1 Gbit/s with a line per second",
            of="system",
            remedy="more readers per process, or readers that poll",
        ),
    )
