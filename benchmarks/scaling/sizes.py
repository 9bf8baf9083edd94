"""Compute sizes for a number of readers, from what one process costs. Pure; docs/scaling.md has the tables."""

from __future__ import annotations

from math import ceil
from typing import Final

import msgspec

from benchmarks.scaling.model import followers_within, last_of
from benchmarks.scaling.results import LogReaders, ProxyCosts, Unit
from ticker.capacity.model import MARGIN

OVERHEAD_BYTES: Final = 66 + 22
"""Bytes that Ethernet, IP, TCP with time stamps, and TLS 1.3 add to a line that is sent alone."""
PORTS: Final = 28_232
"""How many connections one address can have to one port: Linux's default `net.ipv4.ip_local_port_range`."""
POLL_S: Final = 3.0
"""How often the element requests the tail."""
NOT_MODIFIED_BYTES: Final = 300
"""About the size of an answer without a new tail: its head."""
FILES: Final = 65_536
"""`LimitNOFILE` in deploy/systemd."""
FILES_SHARE: Final = 0.92
LINES_PER_MINUTE: Final = 1
"""How often a new tail is sent to all readers that poll."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """All unit costs."""

    unit: Unit
    proxy: ProxyCosts
    log_readers: LogReaders


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine, with cores like that of the measurement."""

    cores: int = 8
    memory_bytes: int = 16 * 2**30
    bits_per_s: int = 10_000_000_000


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """The load of a system, and the latency that it has to keep.

    Attributes:
        sockets: Readers with a connection.
        polling: Readers that poll the tail through a CDN.
        last_s: The last reader with a connection has a line after this time.
        interval_s: Seconds between two lines in breaking news.

    """

    sockets: int
    polling: int = 0
    last_s: float = 0.5
    interval_s: float = 1.0


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that a goal needs. Each kind of part has one machine more than the load needs, because one may fail.

    Attributes:
        followers: Readers per gateway process, at most.
        gateways: Gateway processes, one per core.
        last_s: When the last reader has a line from the gateway, if one machine failed.
        return_s: How long it takes until all are back after all connections were lost, by the cores' time.
        line_bytes: Bytes per line on the wire, to readers with a connection.
        line_bits_per_s: The same per second, while a line is sent.
        redis_bytes: Bytes that Redis sends per line.
        redis_s: CPU time of Redis per line.
        polls_per_s: Requests per second at the CDN.
        poll_bits_per_s: Bandwidth of the CDN.

    """

    followers: int
    gateways: int
    gateway_hosts: int
    gateway_bytes: float
    proxy_cores: int
    proxy_hosts: int
    proxy_bytes: float
    last_s: float
    return_s: float
    line_bytes: float
    line_bits_per_s: float
    redis_bytes: float
    redis_s: float
    polls_per_s: float
    poll_bits_per_s: float


def size_of(costs: Costs, goal: Goal, host: Host) -> Size:
    """Return what a goal needs on machines of one kind."""
    unit, proxy = costs.unit, costs.proxy
    followers = followers_per_gateway(unit, goal)
    needed = max(ceil(goal.sockets / followers), 1)
    carrying = ceil(needed / host.cores)
    window_s = MARGIN * min(goal.last_s, goal.interval_s)
    proxy_cores = max(ceil(goal.sockets * proxy.proxy_delivery_s / window_s), 1)
    by_ports = ceil(goal.sockets / (PORTS * carrying))
    gateways = (carrying + 1) * min(needed, host.cores)
    line_bytes = goal.sockets * (unit.frame_bytes + OVERHEAD_BYTES)
    poll_bytes = NOT_MODIFIED_BYTES + LINES_PER_MINUTE * POLL_S / 60 * unit.tail_bytes
    back_s = goal.sockets * max(unit.costs.return_s / needed, proxy.proxy_open_s / proxy_cores)
    return Size(
        followers=followers,
        gateways=gateways,
        gateway_hosts=carrying + 1,
        gateway_bytes=gateways * unit.base_bytes + goal.sockets * (unit.costs.process_bytes + unit.costs.kernel_bytes),
        proxy_cores=proxy_cores,
        proxy_hosts=max(ceil(proxy_cores / host.cores), by_ports) + 1,
        proxy_bytes=goal.sockets * (proxy.proxy_bytes + 2 * unit.costs.kernel_bytes),
        last_s=last_of(unit, ceil(goal.sockets / needed), 1, 1),
        return_s=back_s,
        line_bytes=line_bytes,
        line_bits_per_s=8 * line_bytes / goal.last_s,
        redis_bytes=gateways * costs.log_readers.entry_bytes,
        redis_s=costs.log_readers.line_s + gateways * costs.log_readers.reader_s,
        polls_per_s=goal.polling / POLL_S,
        poll_bits_per_s=8 * goal.polling / POLL_S * poll_bytes,
    )


def followers_per_gateway(unit: Unit, goal: Goal) -> int:
    """Return how many followers a process gets: limited by the last one's latency, by its core, and by its files."""
    by_latency = followers_within(unit, MARGIN * goal.last_s, 1, 1)
    by_core = int((MARGIN * goal.interval_s - unit.costs.idle_s) / unit.costs.delivery_s)
    return max(min(by_latency, by_core, int(FILES * FILES_SHARE)), 1)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A number of followers per process: the latency of the last one, and the cost of the gateways."""

    followers: int
    last_s: float
    gateways: int
    base_bytes: int
    redis_s: float


def choices(costs: Costs, readers: int, followers: tuple[int, ...]) -> list[Choice]:
    """Return the choice between few gateways and low latency, for some numbers of followers per process."""
    found = []
    for each in followers:
        gateways = ceil(readers / each)
        redis_s = costs.log_readers.line_s + gateways * costs.log_readers.reader_s
        last_s = last_of(costs.unit, each, 1, 1)
        found.append(
            Choice(
                followers=each,
                last_s=last_s,
                gateways=gateways,
                base_bytes=gateways * costs.unit.base_bytes,
                redis_s=redis_s,
            )
        )
    return found
