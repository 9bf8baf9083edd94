"""Write the tables of docs/scaling.md from the results. Pure, except for `update`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.machine import Machine
from benchmarks.report import number
from benchmarks.scaling.limits import limits
from benchmarks.scaling.model import TARGET_S
from benchmarks.scaling.results import Fleet, ProxyCosts, Results, Sockets
from benchmarks.scaling.sizes import Costs, Goal, Host, Size, choices, size_of
from benchmarks.scaling.tls import NONE

PAGE: Final = Path(__file__).parents[2] / "docs" / "scaling.md"
COMMAND: Final = "python -m benchmarks.scaling"
GOALS: Final = {
    "10,000 readers": Goal(sockets=10_000),
    "a million": Goal(sockets=1_000_000),
    "50 million, a million of them with a connection": Goal(sockets=1_000_000, polling=49_000_000),
    "50 million, all with a connection": Goal(sockets=50_000_000),
}
FOLLOWERS: Final = (1_000, 5_000, 10_000, 20_000, 50_000, 100_000)
READERS: Final = 1_000_000

_TABLE: Final = re.compile(r"<!-- table: (\w+) -->\n.*?<!-- end of the table -->\n", re.DOTALL)


def update(text: str, results: Results) -> str:
    """Return the page with all its tables written again.

    Raises:
        KeyError: If the page has a table that doesn't exist.

    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- table: {name} -->\n\n{TABLES[name](results)}\n<!-- end of the table -->\n"

    return _TABLE.sub(replaced, text)


def costs_of(results: Results) -> Costs:
    """Return the unit costs, with the proxy that needs the least CPU time per delivery.

    Raises:
        ValueError: If a part wasn't measured.

    """
    measured = [each for each in results.proxies if each.name != NONE]
    if results.unit is None or results.log_readers is None or not measured:
        raise ValueError(f"the results lack a part: run `{COMMAND}`")
    proxy = min(measured, key=lambda each: each.proxy_delivery_s)
    return Costs(unit=results.unit, proxy=proxy, log_readers=results.log_readers)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _measured(results: Results, part: str) -> str:
    """Return the sentence about the run of a part."""
    machine = results.machines[part]
    return f"\n`{COMMAND} --only {part}`, {_machine(machine)}.\n"


def _machine(machine: Machine) -> str:
    return (
        f"{machine.date[:16].replace('T', ' ')} UTC: {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib:.0f} GiB, {machine.system}, {machine.python}, load average before "
        f"{machine.load_average:g}"
    )


def _time(seconds: float) -> str:
    return f"{number(seconds * 1e3)} ms" if seconds >= 2e-3 else f"{number(seconds * 1e6)} µs"


def _size(count: float) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if abs(count) >= scale:
            return f"{number(count / scale)} {unit}"
    return f"{count:.0f} bytes"


def costs(results: Results) -> str:
    """Return the table of unit costs."""
    found = costs_of(results)
    unit, each, redis = found.unit, found.unit.costs, found.log_readers
    rows = [
        ("delivery: one line at one follower", f"{_time(each.delivery_s)} of CPU", "unit"),
        ("second with a line, per process, with any number of followers", f"{_time(each.idle_s)} of CPU", "unit"),
        ("new follower, with a board of ten lines", f"{_time(unit.open_s)} of CPU", "unit"),
        (f"return: handshake and replay of {unit.behind} lines", f"{_time(each.return_s)} of CPU", "unit"),
        ("delivery in a burst, in which lines are sent together", f"{_time(unit.burst_s)} of CPU", "unit"),
        ("byte in that burst", f"{number(unit.byte_s * 1e9)} ns of CPU", "unit"),
        ("follower: memory of the process", _size(each.process_bytes), "unit"),
        ("follower: memory of the kernel", _size(each.kernel_bytes), "unit"),
        ("process without followers", f"{_size(unit.base_bytes)} of memory", "unit"),
        ("line on the wire, without the network's own bytes", _size(unit.frame_bytes), "unit"),
        ("process: connections to Redis, with one edition", str(unit.connections), "unit"),
        ("line, in Redis, with `appendfsync always`", f"{_time(redis.line_s)} of CPU", "log_readers"),
        ("line, in Redis, per gateway process", f"{_time(redis.reader_s)} of CPU", "log_readers"),
        ("line, from Redis to each gateway process", _size(redis.entry_bytes), "log_readers"),
    ]
    table = _table(("for each", "cost", "part"), rows)
    return f"{table}{_measured(results, 'unit')}"


def sockets(results: Results) -> str:
    """Return the table of the kernel's memory."""
    found = results.sockets
    assert found is not None
    caches = ", ".join(f"`{name}` {size:,.0f}" for name, size in found.caches.items())
    rows = [
        ("idle", _size(found.idle_bytes), f"of these: {caches}" if caches else ""),
        ("the peer reads nothing: more, at both ends", _size(found.unread_bytes), _unread(found)),
    ]
    return f"{_table(('connection', 'memory of the kernel', 'what it is'), rows)}{_measured(results, 'sockets')}"


def _unread(found: Sockets) -> str:
    return (
        f"{_size(found.sent_bytes)} of lines in the gateway's send buffer, {_size(found.received_bytes)} in the peer's "
        "receive buffer, and what the kernel needs around them"
    )


def proxies(results: Results) -> str:
    """Return the table of proxies."""
    rows = [_proxy(each) for each in results.proxies]
    head = (
        "proxy",
        "CPU per delivery: gateway",
        "proxy",
        "both",
        "CPU per new follower: gateway",
        "proxy",
        "new followers per second and core of the proxy",
        "proxy's memory per follower",
        "proxy's CPU per byte in a burst",
    )
    return f"{_table(head, rows)}{_measured(results, 'proxies')}"


def _proxy(each: ProxyCosts) -> tuple[str, ...]:
    if each.name == NONE:
        gateway = _time(each.gateway_delivery_s)
        return ("none, without TLS", gateway, "–", gateway, _time(each.gateway_open_s), *["–"] * 4)
    return (
        f"{NAMES[each.name]} {each.version}",
        _time(each.gateway_delivery_s),
        _time(each.proxy_delivery_s),
        _time(each.gateway_delivery_s + each.proxy_delivery_s),
        _time(each.gateway_open_s),
        _time(each.proxy_open_s),
        number(1 / each.proxy_open_s),
        _size(each.proxy_bytes),
        f"{number(each.proxy_byte_s * 1e9)} ns",
    )


NAMES: Final = {"nginx": "nginx", "caddy": "Caddy", "haproxy": "HAProxy"}


def fleets(results: Results) -> str:
    """Return the table of predictions beside measurements."""
    head = (
        "workers",
        "cores",
        "CPU per delivery",
        "last follower after",
        "memory of the processes",
        "memory of the kernel",
        f"followers within {TARGET_S * 1e3:g} ms",
    )
    return f"{_table(head, [_fleet(each) for each in results.fleets])}{_measured(results, 'fleets')}"


def _fleet(each: Fleet) -> tuple[str, ...]:
    predicted, measured = each.predicted, each.measured
    return (
        str(each.workers),
        str(each.cores),
        _pair(predicted.delivery_s, measured.delivery_s, _time),
        _pair(predicted.last_s, measured.last_s, _time),
        _pair(predicted.process_bytes, measured.process_bytes, _size),
        _pair(predicted.kernel_bytes, measured.kernel_bytes, _size),
        _pair(predicted.within, measured.within, lambda count: f"{count:,.0f}"),
    )


def _pair(predicted: float, measured: float, shown: Callable[[float], str]) -> str:
    """Return both, and by how much the measurement is above the prediction."""
    return f"{shown(predicted)} / {shown(measured)} ({measured / predicted - 1:+.0%})"


def what_breaks(results: Results) -> str:
    """Return the table of limits, in order."""
    rows = [(_readers(each.readers), each.of, each.name, each.remedy) for each in limits(costs_of(results))]
    return _table(("readers", "per", "what breaks", "remedy"), rows)


def _readers(count: int) -> str:
    """Return a number in words from 100,000 on."""
    if count < 100_000:
        return f"{count:,}"
    return f"{number(count / 1e6)} million" if count < 1e9 else f"{number(count / 1e9)} billion"


def sizes(results: Results) -> str:
    """Return the table of sizes."""
    found = costs_of(results)
    made = [(goal, size_of(found, goal, Host())) for goal in GOALS.values()]
    rows = [(title, *(shown(goal, size) for goal, size in made)) for title, shown in SIZES.items()]
    return _table(("", *GOALS), rows)


SIZES: Final[dict[str, Callable[[Goal, Size], str]]] = {
    "readers per gateway process": lambda goal, size: f"{min(size.followers, goal.sockets):,}",
    "gateway processes, one core each": lambda _, size: f"{size.gateways:,} on {size.gateway_hosts:,} machines",
    "memory of the gateways, with the kernel's": lambda _, size: _size(size.gateway_bytes),
    "proxies": lambda _, size: f"{_cores(size.proxy_cores)} busy, on {size.proxy_hosts:,} machines",
    "memory of the proxies, with the kernel's": lambda _, size: _size(size.proxy_bytes),
    "last reader has a line after": lambda _, size: f"{size.last_s:.2f} s",
    "all are back after a loss of all, by CPU": lambda _, size: f"{size.return_s:.0f} s",
    "bytes per line to connections": lambda _, size: _size(size.line_bytes),
    "bandwidth while a line is sent": lambda _, size: _bits(size.line_bits_per_s),
    "Redis: bytes per line": lambda _, size: _size(size.redis_bytes),
    "Redis: CPU per line": lambda _, size: _time(size.redis_s),
    "CDN: requests per second": lambda _, size: f"{size.polls_per_s / 1e6:.1f} million" if size.polls_per_s else "–",
    "CDN: bandwidth": lambda _, size: _bits(size.poll_bits_per_s) if size.poll_bits_per_s else "–",
}


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count:,} cores"


def _bits(per_s: float) -> str:
    return f"{number(per_s / 1e9)} Gbit/s"


def spread(results: Results) -> str:
    """Return the table of the choice between spread and latency."""
    rows = [
        (
            f"{each.followers:,}",
            f"{each.last_s:.2f} s",
            f"{each.gateways:,}",
            _size(each.base_bytes),
            _time(each.redis_s),
        )
        for each in choices(costs_of(results), READERS, FOLLOWERS)
    ]
    head = (
        "readers per process",
        "last reader after",
        "processes for a million",
        "memory of the processes alone",
        "Redis: CPU per line",
    )
    return _table(head, rows)


TABLES: Final[dict[str, Callable[[Results], str]]] = {
    "costs": costs,
    "sockets": sockets,
    "proxies": proxies,
    "fleets": fleets,
    "limits": what_breaks,
    "sizes": sizes,
    "spread": spread,
}
